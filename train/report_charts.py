"""Charts as inline SVG whose colours come from the page's style sheet, so that they follow its light or dark theme."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from train.figures import ColourScale, position_on_scale, round_ticks, tick_text, ticks


@dataclass(frozen=True)
class Series:
    """One line of a chart: x and y by point, in the order in which they are joined."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]


@dataclass(frozen=True)
class _Frame:
    """The plotting area of a chart inside its picture (SVG units), and the ranges it shows."""

    left: float
    top: float
    width: float
    height: float
    x_bounds: tuple[float, float]
    y_bounds: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.x_bounds
        return self.left + (value - low) / (high - low) * self.width

    def y(self, value: float) -> float:
        low, high = self.y_bounds
        return self.top + self.height - (value - low) / (high - low) * self.height


def line_chart(series: Sequence[Series], *, title: str, x_title: str, logarithmic: bool = False) -> str:
    """Lines over a common x axis; with `logarithmic`, y is drawn by its logarithm, without points at or below 0.

    A series keeps its style class `series-0`, `series-1` … by its place in the list.
    """
    width, height = 420, 250
    drawn = [Series(one.name, *_plottable(one.xs, one.ys, logarithmic=logarithmic)) for one in series]
    xs = [x for one in drawn for x in one.xs]
    ys = [y for one in drawn for y in one.ys]
    if not xs:
        return _svg(width, height, title, _text(width / 2, height / 2, "no finite value", anchor="middle"))
    frame = _Frame(54, 14, width - 70, height - 56, _widened(xs, 0.0), _widened(ys, 0.06))
    parts = [_y_axis(frame, logarithmic=logarithmic), _x_axis(frame, x_title, whole=True)]
    for number, one in enumerate(drawn):
        points = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in zip(one.xs, one.ys, strict=True))
        parts.append(f'<polyline class="line series-{number}" points="{points}"/>')
        marks = zip(one.xs, one.ys, strict=True) if len(one.xs) <= 40 else []
        parts += [
            f'<circle class="dot series-{number}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="2.2"/>'
            for x, y in marks
        ]
    return _svg(width, height, title, *parts)


def histogram(values: Sequence[float], *, title: str, unit: str) -> str:
    """Counts of frames in at most 24 equal bins between the smallest and the greatest value."""
    width, height = 300, 150
    data = np.asarray(values, dtype=np.float64)
    low, high = _widened(data.tolist(), 0.0)
    counts, edges = np.histogram(data, bins=int(min(24, max(6, math.sqrt(len(data)) * 2))), range=(low, high))
    frame = _Frame(34, 8, width - 46, height - 46, (low, high), (0, float(counts.max()) * 1.05))
    parts = [_y_axis(frame, most=4, whole=True), _x_axis(frame, unit, whole=False)]
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            x, y = frame.x(left) + 0.5, frame.y(float(count))
            bar = f'x="{x:.1f}" y="{y:.1f}" width="{frame.x(right) - x - 0.5:.1f}" height="{frame.y(0) - y:.1f}"'
            parts.append(f'<rect class="bar" {bar}><title>{left:.4g} to {right:.4g}: {count}</title></rect>')
    return _svg(width, height, title, *parts)


def bars(values: Mapping[str, float], *, title: str, texts: Mapping[str, str], width: int = 300) -> str:
    """One horizontal bar a name, from 0, with the text of its value beside it."""
    row, name_width, text_width = 20, 96 if width <= 300 else 190, 74
    height = row * max(1, len(values)) + 6
    longest = max([*values.values(), 0.0]) or 1.0
    parts = []
    for number, (name, value) in enumerate(values.items()):
        middle = number * row + row / 2 + 2
        length = max(0.8, value / longest * (width - name_width - text_width))
        parts += [
            _text(name_width - 8, middle + 4, name, anchor="end"),
            f'<rect class="bar" x="{name_width}" y="{middle - 6}" width="{length:.1f}" height="12"/>',
            _text(name_width + length + 6, middle + 4, texts[name], kind="value"),
        ]
    return _svg(width, height, title, *parts)


def colour_legend(scale: ColourScale, colours_uri: str) -> str:
    """A colour bar with round numbers below; `colours_uri` is the bar itself, a data URI."""
    width, height, bar_left, bar_width = 260, 34, 8, 244
    parts = [
        f'<image href="{colours_uri}" x="{bar_left}" y="2" width="{bar_width}" height="10" preserveAspectRatio="none"/>'
    ]
    for value in ticks(scale):
        x = bar_left + position_on_scale(value, scale) * bar_width
        parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="12" y2="16"/>')
        parts.append(_text(x, 28, tick_text(value), anchor="middle"))
    return _svg(width, height, f"colour scale: {scale.title}", *parts)


def _plottable(xs: Sequence[float], ys: Sequence[float], *, logarithmic: bool) -> tuple[list[float], list[float]]:
    kept = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(y) and (y > 0 or not logarithmic)]
    return [float(x) for x, _ in kept], [math.log10(y) if logarithmic else float(y) for _, y in kept]


def _widened(values: Sequence[float], share: float) -> tuple[float, float]:
    """The range of some numbers, a share wider on both sides, and never empty."""
    low, high = min(values), max(values)
    if high - low < 1e-12 * max(1.0, abs(high)):
        reach = abs(high) * 0.05 or 1.0
        return low - reach, high + reach
    return low - share * (high - low), high + share * (high - low)


def _y_axis(frame: _Frame, *, logarithmic: bool = False, most: int = 5, whole: bool = False) -> str:
    low, high = frame.y_bounds
    if logarithmic:
        scale = ColourScale("", "", 10.0**low, 10.0**high, "viridis", logarithmic=True)
        marks = {math.log10(value): tick_text(value) for value in ticks(scale, most=8)}
        if len(marks) < 2:
            marks = {math.log10(value): tick_text(value) for value in round_ticks(10.0**low, 10.0**high, most=most)}
    else:
        marks = {value: tick_text(value) for value in round_ticks(low, high, most=most)}
    if whole:
        marks = {value: text for value, text in marks.items() if value == round(value)}
    right = frame.left + frame.width
    parts = []
    for value, text in marks.items():
        y = frame.y(value)
        parts.append(f'<line class="grid" x1="{frame.left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(frame.left - 6, y + 4, text, anchor="end"))
    return "".join(parts)


def _x_axis(frame: _Frame, title: str, *, whole: bool) -> str:
    bottom = frame.top + frame.height
    right = frame.left + frame.width
    parts = [f'<line class="axis" x1="{frame.left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>']
    for value in round_ticks(*frame.x_bounds, most=6):
        if whole and value != round(value):
            continue
        parts.append(
            f'<line class="axis" x1="{frame.x(value):.1f}" x2="{frame.x(value):.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
        )
        parts.append(_text(frame.x(value), bottom + 16, tick_text(value), anchor="middle"))
    parts.append(_text(frame.left + frame.width / 2, bottom + 32, title, anchor="middle", kind="axis-title"))
    return "".join(parts)


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: float, height: float, title: str, *parts: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )
