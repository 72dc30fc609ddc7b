"""Coverage: how evenly what a recipe draws fills its ranges, as numbers and as one picture of plots."""

import dataclasses
from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import qmc, rankdata

from render.config import Recipe
from render.draws import Range
from render.parameters import PERSON_FACTORS, FrameParameters
from render.picture import srgb_picture
from render.sampling.frame import draw_frames
from render.sampling.place import Place, frame_place

BINS = 16
# The section of a recipe whose fields bound the fields of a drawn factor, by name.
SECTIONS = {
    "camera": "cameras",
    "head_pose": "head_poses",
    "skin": "skins",
    "hair": "hairs",
    "hair_colour": "hairs",
    "occluder": "accessories",
    "lighting": "lightings",
}
# What should fill a plane, not only each axis for itself.
PAIRS = (
    ("head_pose.yaw_deg", "head_pose.pitch_deg"),
    ("head_pose.yaw_deg", "head_pose.roll_deg"),
    ("head_pose.gaze_yaw_deg", "head_pose.gaze_pitch_deg"),
    ("camera.azimuth_deg", "camera.elevation_deg"),
    ("camera.distance_mm", "camera.sensor_width_mm"),
    ("camera.offset_x", "camera.offset_y"),
    ("skin.melanin", "skin.haemoglobin"),
    ("lighting.key_azimuth_deg", "lighting.key_elevation_deg"),
    ("lighting.environment_rotation_deg", "lighting.environment_strength"),
)
# Longer lists of names (pictures of a folder) are not shown.
MOST_NAMES = 24
_COLUMNS = 8
_BLUE, _GREY = "#2b6ca3", "#9aa3ab"


@dataclass(frozen=True)
class Coverage:
    """What some frames of a recipe draw, by `factor.field`: one value for each person, scene, instant or camera that it
    belongs to, however many frames show it. `numbers` and `names` hold only what varies; `bounds` the recipe's ranges.
    A number without bounds has no range to fill: it follows from others, as the place of a fill light does from the
    key's, or is spread as the code says."""

    frames: int
    numbers: dict[str, Float[np.ndarray, " n"]]
    bounds: dict[str, Range]
    names: dict[str, Counter[str]]
    colours: dict[str, Float[np.ndarray, "n 3"]]


def measure_coverage(recipe: Recipe, split: str, frames: int) -> Coverage:
    """The draws of the first frames of a split."""
    seen: set[tuple] = set()
    values: dict[str, list] = {}
    for index, parameters in enumerate(draw_frames(recipe, split, range(frames))):
        place = frame_place(recipe.structure, index)
        for field in dataclasses.fields(FrameParameters):
            owner = (field.name, *_owner(field.name, place))
            if owner not in seen:
                seen.add(owner)
                _collect(values, field.name, getattr(parameters, field.name))
    numbers = {
        name: np.array(drawn, dtype=float)
        for name, drawn in values.items()
        if isinstance(drawn[0], int | float) and len(set(drawn)) > 1 and not name.endswith("seed")
    }
    return Coverage(
        frames=frames,
        numbers=numbers,
        bounds={name: bounds for name, drawn in numbers.items() if (bounds := recipe_range(recipe, name, drawn))},
        names={
            name: Counter(drawn)
            for name, drawn in values.items()
            if isinstance(drawn[0], str) and 1 < len(set(drawn)) <= MOST_NAMES
        },
        colours={name: np.array(drawn, dtype=float) for name, drawn in values.items() if isinstance(drawn[0], tuple)},
    )


def filled_bins(values: Float[np.ndarray, " n"], bounds: Range, *, bins: int = BINS) -> int:
    """How many of `bins` equal parts of a range hold a value."""
    return int((np.histogram(values, bins=bins, range=bounds)[0] > 0).sum())


def star_discrepancy(values: Float[np.ndarray, " n"], bounds: Range) -> float:
    """The largest difference between the share of values below a threshold and the threshold's place in the range.

    0 is perfectly even; n random values have about 0.87 / sqrt(n), n evenly drawn ones at most about 1 / n.
    """
    low, high = bounds
    places = np.sort((values - low) / (high - low))
    steps = np.arange(len(places) + 1) / len(places)
    return float(max(np.abs(places - steps[1:]).max(), np.abs(places - steps[:-1]).max()))


def plane_discrepancy(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
    """Centred L2 discrepancy of two fields' ranks: how unevenly they fill their plane, whatever each one's own
    distribution is."""
    ranks = np.stack([(rankdata(values) - 0.5) / len(values) for values in (x, y)], axis=1)
    return float(qmc.discrepancy(ranks))


def coverage_figure(coverage: Coverage, title: str) -> Figure:
    """Planes first, then a histogram for every number, bars for every name, swatches for every colour."""
    planes = [(x, y) for x, y in PAIRS if {x, y} <= coverage.numbers.keys() and _together(coverage, x, y)]
    count = len(planes) + len(coverage.numbers) + len(coverage.names) + len(coverage.colours)
    rows = -(-max(count, 1) // _COLUMNS)
    figure = Figure(figsize=(_COLUMNS * 2.6, rows * 2.0 + 0.5), dpi=100, layout="constrained")
    figure.suptitle(title, fontsize=11)
    panels = iter(figure.subplots(rows, _COLUMNS, squeeze=False).ravel())
    for x, y in planes:
        _draw_plane(next(panels), coverage, x, y)
    for name in coverage.numbers:
        _draw_histogram(next(panels), coverage, name)
    for name, counts in coverage.names.items():
        _draw_names(next(panels), name, counts)
    for name, colours in coverage.colours.items():
        _draw_swatches(next(panels), name, colours)
    for panel in panels:
        panel.set_axis_off()
    return figure


def _owner(factor: str, place: Place) -> tuple[int, ...]:
    """By what a factor is drawn."""
    if factor in PERSON_FACTORS:
        return (place.person,)
    return {
        "camera": (place.scene, place.view),
        "lighting": (place.scene, place.light),
        "backdrop": (place.scene,),
    }.get(factor, (place.instant,))


def _collect(values: dict[str, list], factor: str, drawn: object) -> None:
    """Add numbers, names and colours of one factor; of lamps by role, of weights the greatest, of modes the first."""
    fields = vars(drawn)
    if fields.get("kind") == "none":  # nothing is held: it has a kind, but no place
        fields = {"kind": "none"}
    for name, value in fields.items():
        if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            for lamp in value:
                _collect(values, f"{factor}.{lamp.role}", lamp)
        elif isinstance(value, tuple) and name.endswith("rgb"):
            values.setdefault(f"{factor}.{name}", []).append(value)
        elif isinstance(value, tuple):
            numbers = [item if isinstance(item, float) else item[1] for item in value]
            first = numbers[0] if factor == "identity" else max(numbers, default=0.0)
            values.setdefault(f"{factor}.{name}", []).append(first)
        elif not isinstance(value, bool):
            # A lamp's numbers are named as the recipe's ranges are: lighting.key_power_w.
            values.setdefault(f"{factor}_{name}" if "." in factor else f"{factor}.{name}", []).append(value)


def recipe_range(recipe: Recipe, name: str, values: Float[np.ndarray, " n"]) -> Range | None:
    """The range that a recipe gives a field (`factor.field`), if it gives one and all values lie in it."""
    factor, _, field = name.partition(".")
    section = getattr(recipe, SECTIONS.get(factor, ""), None)
    bounds = getattr(section, field, None)
    if isinstance(bounds, tuple) and len(bounds) == 2 and bounds[0] <= values.min() and values.max() <= bounds[1]:
        return bounds
    return None


def _together(coverage: Coverage, x: str, y: str) -> bool:
    return len(coverage.numbers[x]) == len(coverage.numbers[y])


def _title(panel: Axes, text: str) -> None:
    panel.set_title(text, fontsize=7)
    panel.tick_params(labelsize=6, length=2)


def _draw_plane(panel: Axes, coverage: Coverage, x: str, y: str) -> None:
    drawn = coverage.numbers[x], coverage.numbers[y]
    panel.scatter(*drawn, s=3, color=_BLUE, linewidths=0)
    if x in coverage.bounds:
        panel.set_xlim(*coverage.bounds[x])
    if y in coverage.bounds:
        panel.set_ylim(*coverage.bounds[y])
    rng = np.random.default_rng(0)
    by_chance = np.mean([plane_discrepancy(*rng.random((2, len(drawn[0])))) for _ in range(5)])
    share = plane_discrepancy(*drawn) / max(float(by_chance), 1e-12)
    panel.set_xlabel(x, fontsize=6, labelpad=1)
    panel.set_ylabel(y, fontsize=6, labelpad=1)
    _title(panel, f"discrepancy {share:.2f} of chance, n = {len(drawn[0])}")


def _draw_histogram(panel: Axes, coverage: Coverage, name: str) -> None:
    values, bounds = coverage.numbers[name], coverage.bounds.get(name)
    panel.hist(values, bins=BINS, range=bounds, color=_BLUE if bounds else _GREY, edgecolor="white", linewidth=0.4)
    if not bounds:
        _title(panel, f"{name}\nno range in the recipe, n = {len(values)}")
        return
    panel.axhline(len(values) / BINS, color=_GREY, linewidth=0.8)
    _title(panel, f"{name}\nD* {star_discrepancy(values, bounds):.4f}, n = {len(values)}")


def _draw_names(panel: Axes, name: str, counts: Counter[str]) -> None:
    ordered = sorted(counts)
    panel.barh(ordered, [counts[key] for key in ordered], color=_BLUE)
    _title(panel, f"{name}\nn = {counts.total()}")


def _draw_swatches(panel: Axes, name: str, colours: Float[np.ndarray, "n 3"]) -> None:
    order = np.argsort(colours @ [0.2126, 0.7152, 0.0722])
    width = int(np.ceil(np.sqrt(2 * len(colours))))
    swatches = np.ones((-(-len(colours) // width) * width, 3))
    swatches[: len(colours)] = colours[order]
    panel.imshow(srgb_picture(swatches.reshape(-1, width, 3).astype(np.float32), exposure_ev=0.0), aspect="auto")
    _title(panel, f"{name}\nn = {len(colours)}")
    panel.set_axis_off()
