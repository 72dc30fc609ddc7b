"""The plots of a dataset's card: how many frames and people, and how what was drawn is spread."""

from collections import Counter
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from pipeline.dataset_card.drawn_values import DrawnNumber

COLUMNS = 4
BINS = 16
MOST_BARS = 18
MOST_POINTS = 20_000
FEW_POINTS = 200
SPLIT_COLOURS = {"train": "#2b6ca3", "validation": "#e0a03c", "test": "#b5484b"}
_BAR, _GRID, _TEXT = "#5b8db8", "#d9dee3", "#333a40"
PLANES = (
    ("head_pose.yaw_deg", "head_pose.pitch_deg"),
    ("camera.azimuth_deg", "camera.elevation_deg"),
    ("lighting.key_azimuth_deg", "lighting.key_elevation_deg"),
)


def distributions_figure(
    frames: dict[str, int],
    people: dict[str, int],
    numbers: Sequence[DrawnNumber],
    names: Sequence[tuple[str, Counter[str]]],
) -> Figure:
    """Frames and people by split, planes, a histogram for each number (splits stacked), bars for each name."""
    by_name = {number.name: number for number in numbers}
    planes = [(by_name[x], by_name[y]) for x, y in PLANES if x in by_name and y in by_name]
    rows = -(-(1 + len(planes) + len(numbers) + len(names)) // COLUMNS)
    figure = Figure(figsize=(COLUMNS * 3.1, rows * 2.35 + 0.5), dpi=110, layout="constrained")
    panels = iter(figure.subplots(rows, COLUMNS, squeeze=False).ravel())
    _draw_counts(next(panels), frames, people)
    for x, y in planes:
        _draw_plane(next(panels), x, y)
    for number in numbers:
        _draw_histogram(next(panels), number)
    for name, counts in names:
        _draw_names(next(panels), name, counts)
    for panel in panels:
        panel.set_axis_off()
    handles = [Patch(color=SPLIT_COLOURS[split]) for split in frames]
    figure.legend(handles, list(frames), loc="outside upper right", ncols=3, fontsize=9, frameon=False)
    return figure


def _draw_counts(panel: Axes, frames: dict[str, int], people: dict[str, int]) -> None:
    bars = panel.barh(list(frames), list(frames.values()), color=[SPLIT_COLOURS[split] for split in frames])
    words = [f"{people[split]:,} people" if people[split] != 1 else "1 person" for split in frames]
    panel.bar_label(bars, words, fontsize=8, padding=3)
    panel.set_xlim(0, 1.5 * max(frames.values()))
    panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    panel.invert_yaxis()
    _finish(panel, "frames")


def _draw_plane(panel: Axes, x: DrawnNumber, y: DrawnNumber) -> None:
    for split in x.values:
        across, up = x.values[split], y.values[split]
        if len(across) == len(up):
            step = max(1, -(-len(across) // MOST_POINTS))
            size = 12 if len(across) < FEW_POINTS else 4
            panel.scatter(across[::step], up[::step], s=size, color=SPLIT_COLOURS[split], linewidths=0, alpha=0.8)
    if x.range and y.range:
        panel.set_xlim(*x.range)
        panel.set_ylim(*y.range)
    panel.set_xlabel(x.name, fontsize=8, color=_TEXT)
    panel.set_ylabel(y.name, fontsize=8, color=_TEXT)
    _finish(panel, "")


def _draw_histogram(panel: Axes, number: DrawnNumber) -> None:
    low, high = number.range or (float(number.all.min()), float(number.all.max()))
    panel.hist(
        list(number.values.values()),
        bins=BINS,
        range=(low, high),
        stacked=True,
        color=[SPLIT_COLOURS[split] for split in number.values],
        edgecolor="white",
        linewidth=0.4,
    )
    panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _finish(panel, number.name)


def _draw_names(panel: Axes, name: str, counts: Counter[str]) -> None:
    shown = counts.most_common(MOST_BARS)
    rest = counts.total() - sum(count for _, count in shown)
    shown += [(f"{len(counts) - MOST_BARS} others", rest)] if rest else []
    panel.barh([key for key, _ in shown], [count for _, count in shown], color=_BAR)
    panel.invert_yaxis()
    panel.tick_params(axis="y", labelsize=min(8.0, 80 / len(shown)))
    panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    _finish(panel, name, keep_y_size=True)


def _finish(panel: Axes, title: str, *, keep_y_size: bool = False) -> None:
    panel.set_title(title, fontsize=9, color=_TEXT)
    panel.tick_params(axis="x" if keep_y_size else "both", labelsize=8)
    panel.tick_params(colors=_TEXT, length=2)
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color(_GRID)
    panel.set_axisbelow(True)
    panel.grid(color=_GRID, linewidth=0.5)
