"""What stands and hangs on the walls of a room: pictures, bookcases, windows with curtains, doors, boards.

Every maker adds its thing to a wall's frame (x along the wall, y into the room, z up, metres) between two x.
"""

import colorsys
import itertools
from dataclasses import dataclass

import numpy as np

from render.room.quads import Colour, Quads


@dataclass(frozen=True)
class RoomColours:
    """Scene-linear colours of a room's parts."""

    wall: Colour
    trim: Colour
    wood: Colour
    cloth: Colour


def grey(value: float) -> Colour:
    """A neutral colour."""
    return float(value), float(value), float(value)


def scaled(colour: Colour, factor: float) -> Colour:
    """The colour brighter or darker, at most 0.9."""
    red, green, blue = (min(0.9, float(channel * factor)) for channel in colour)
    return red, green, blue


def wood(stream: np.random.Generator) -> Colour:
    """A wood from dark walnut to pale birch (ours, by eye)."""
    light = stream.random()
    dark, pale = np.array([0.045, 0.022, 0.011]), np.array([0.50, 0.34, 0.19])
    red, green, blue = (float(channel) for channel in dark + light**1.3 * (pale - dark))
    return red, green, blue


def _any_colour(stream: np.random.Generator, *, saturation: float, brightness: tuple[float, float]) -> Colour:
    hue, colourful, light = stream.random(3)
    low, high = brightness
    return colorsys.hsv_to_rgb(float(hue), saturation * float(colourful), low + (high - low) * float(light) ** 1.5)


def add_pictures(
    quads: Quads, frame: np.ndarray, left: float, right: float, colours: RoomColours, stream: np.random.Generator
) -> None:
    """One to three framed pictures, each a landscape of bands or a field of shapes."""
    count = int(stream.integers(1, 4))
    width_of_each = (right - left) / count
    for number in range(count):
        width = width_of_each * stream.uniform(0.55, 0.9)
        height = min(0.95, width * stream.uniform(0.7, 1.5))
        middle_x = left + (number + 0.5) * width_of_each
        middle_z = stream.uniform(1.35, 1.75)
        low = np.array([middle_x - width / 2, middle_z - height / 2])
        high = np.array([middle_x + width / 2, middle_z + height / 2])
        border = stream.uniform(0.012, 0.035)
        rail = (colours.wood, colours.trim, grey(0.02))[int(stream.integers(3))]
        quads.box(frame, (low[0], 0.0, low[1]), (high[0], 0.025, high[1]), rail)
        low, high = low + border, high - border
        quads.panel(frame, (low[0], low[1]), (high[0], high[1]), 0.0255, grey(0.7))
        mat = stream.uniform(0.0, 0.2) * min(high - low)
        _paint(quads, frame, low + mat, high - mat, stream)


def _paint(quads: Quads, frame: np.ndarray, low: np.ndarray, high: np.ndarray, stream: np.random.Generator) -> None:
    size = high - low
    if stream.random() < 0.5:
        edges = np.concatenate([[0.0], np.sort(stream.uniform(0.15, 0.9, 3)), [1.0]])
        for bottom, top in itertools.pairwise(edges):
            colour = _any_colour(stream, saturation=0.6, brightness=(0.03, 0.75))
            quads.panel(frame, (low[0], low[1] + bottom * size[1]), (high[0], low[1] + top * size[1]), 0.026, colour)
        return
    quads.panel(
        frame, (low[0], low[1]), (high[0], high[1]), 0.026, _any_colour(stream, saturation=0.5, brightness=(0.1, 0.7))
    )
    for shape in range(int(stream.integers(4, 9))):
        one, other = low + size * stream.random(2), low + size * stream.random(2)
        start, end = np.minimum(one, other), np.maximum(one, other)
        colour = _any_colour(stream, saturation=0.85, brightness=(0.02, 0.7))
        quads.panel(frame, (start[0], start[1]), (end[0], end[1]), 0.0262 + 0.0002 * shape, colour)


def add_bookcase(
    quads: Quads, frame: np.ndarray, left: float, right: float, colours: RoomColours, stream: np.random.Generator
) -> None:
    """A case of shelves with rows of books, gaps and a few boxes."""
    depth, board, height = 0.28, 0.02, float(stream.uniform(1.5, 2.15))
    timber = colours.wood if stream.random() < 0.6 else colours.trim
    quads.panel(frame, (left, 0.0), (right, height), 0.01, scaled(timber, 0.6))
    for x in (left, right - board):
        quads.box(frame, (x, 0.0, 0.0), (x + board, depth, height), timber)
    for z in np.linspace(0.06, height - board, 2 + round(height / 0.36)).tolist():
        quads.box(frame, (left, 0.0, z), (right, depth, z + board), timber)
        if z > height - 0.2:
            break
        x = left + board + 0.01
        while x < right - 0.08:
            if stream.random() < 0.05:
                x += float(stream.uniform(0.05, 0.25))
                continue
            tall = float(stream.uniform(0.16, 0.27))
            thick = float(stream.uniform(0.015, 0.05) if stream.random() < 0.93 else stream.uniform(0.08, 0.2))
            if x + thick > right - board:
                break
            spine = _any_colour(stream, saturation=0.75, brightness=(0.015, 0.55))
            out = float(stream.uniform(0.15, 0.23))
            quads.box(frame, (x, 0.02, z + board), (x + thick, out, z + board + tall), spine)
            if thick < 0.06 and stream.random() < 0.6:
                label = z + board + tall * float(stream.uniform(0.55, 0.8))
                light = scaled(spine, 3.0) if max(spine) < 0.25 else scaled(spine, 0.3)
                quads.panel(frame, (x + 0.003, label), (x + thick - 0.003, label + 0.03), out + 0.0005, light)
            x += thick + 0.002


def add_window(
    quads: Quads, frame: np.ndarray, left: float, right: float, colours: RoomColours, stream: np.random.Generator
) -> None:
    """A window with a view of sky and distance, its bars and sill, and curtains at both sides."""
    low, high = float(stream.uniform(0.75, 0.95)), float(stream.uniform(2.0, 2.25))
    inner_left, inner_right = left + 0.16, right - 0.16
    horizon = low + (high - low) * float(stream.uniform(0.2, 0.5))
    ground = _any_colour(stream, saturation=0.45, brightness=(0.1, 0.4))
    quads.panel(frame, (inner_left, low), (inner_right, horizon), 0.002, ground, glow=1.0)
    strips = 24
    edges = np.linspace(horizon, high, strips + 1)
    for number, (bottom, top) in enumerate(itertools.pairwise(edges)):
        share = number / strips
        sky = (1.0 - 0.45 * share, 1.0 - 0.25 * share, 1.0)
        quads.panel(frame, (inner_left, float(bottom)), (inner_right, float(top)), 0.002, sky, glow=1.0)
    for x in np.linspace(inner_left, inner_right, int(stream.integers(2, 4))):
        quads.box(frame, (float(x) - 0.025, 0.0, low), (float(x) + 0.025, 0.05, high), colours.trim)
    for z in (low, high) if stream.random() < 0.5 else (low, (low + high) / 2, high):
        quads.box(frame, (inner_left - 0.025, 0.0, z - 0.025), (inner_right + 0.025, 0.05, z + 0.025), colours.trim)
    quads.box(frame, (inner_left - 0.05, 0.0, low - 0.05), (inner_right + 0.05, 0.16, low - 0.02), colours.trim)
    if stream.random() < 0.75:
        reach = float(stream.uniform(0.18, 0.45))
        for start, end in ((left, left + reach), (right - reach, right)):
            _hang(quads, frame, start, end, high + 0.12, colours.cloth, stream)
        quads.box(frame, (left, 0.09, high + 0.12), (right, 0.11, high + 0.14), colours.wood)


def _hang(
    quads: Quads, frame: np.ndarray, start: float, end: float, top: float, cloth: Colour, stream: np.random.Generator
) -> None:
    """A curtain in folds, from its rail to just above the floor."""
    steps = 48
    x = np.linspace(start, end, steps + 1)
    folds = float(stream.uniform(16, 24)) * (end - start) / 0.45
    phase = float(stream.uniform(0, 2 * np.pi))
    y = 0.10 + 0.028 * np.sin(phase + folds * (x - start) / (end - start) * 2.0)
    for number in range(steps):
        corners = np.array(
            [
                [x[number], y[number], 0.04],
                [x[number], y[number], top],
                [x[number + 1], y[number + 1], top],
                [x[number + 1], y[number + 1], 0.04],
            ]
        )
        # Valleys between folds get less light than ridges.
        shade = 0.55 + 0.45 * float((y[number] - 0.072) / 0.056)
        quads.quad(corners @ frame[:3, :3].T + frame[:3, 3], scaled(cloth, shade))


def add_door(
    quads: Quads, frame: np.ndarray, left: float, right: float, colours: RoomColours, stream: np.random.Generator
) -> None:
    """A closed door of two panels with its frame and handle."""
    middle, half, height = (left + right) / 2, min(0.42, (right - left) / 2 - 0.07), 2.02
    leaf = (colours.trim, colours.wood, colours.cloth)[int(stream.integers(3))]
    for low, high in (
        ((middle - half - 0.07, 0.0, 0.0), (middle - half, 0.035, height)),
        ((middle + half, 0.0, 0.0), (middle + half + 0.07, 0.035, height)),
        ((middle - half - 0.07, 0.0, height), (middle + half + 0.07, 0.035, height + 0.07)),
    ):
        quads.box(frame, low, high, colours.trim)
    quads.panel(frame, (middle - half, 0.0), (middle + half, height), 0.006, leaf)
    for bottom, top in ((0.2, 0.9), (1.08, 1.85)):
        quads.panel(frame, (middle - half + 0.11, bottom), (middle + half - 0.11, top), 0.0065, scaled(leaf, 0.72))
        quads.panel(
            frame, (middle - half + 0.13, bottom + 0.02), (middle + half - 0.13, top - 0.02), 0.007, scaled(leaf, 1.05)
        )
    quads.box(frame, (middle + half - 0.13, 0.02, 1.0), (middle + half - 0.03, 0.07, 1.02), (0.35, 0.33, 0.28))


def add_board(
    quads: Quads, frame: np.ndarray, left: float, right: float, colours: RoomColours, stream: np.random.Generator
) -> None:
    """A board of cork or white enamel with notes on it."""
    low, high = float(stream.uniform(0.95, 1.1)), float(stream.uniform(1.7, 1.95))
    surface = (0.33, 0.19, 0.09) if stream.random() < 0.5 else grey(0.8)
    quads.box(frame, (left, 0.0, low), (right, 0.018, high), colours.trim)
    quads.panel(frame, (left + 0.02, low + 0.02), (right - 0.02, high - 0.02), 0.0185, surface)
    for note in range(int(stream.integers(4, 12))):
        width, height = (float(value) for value in stream.uniform(0.07, 0.22, 2))
        x = float(stream.uniform(left + 0.03, right - 0.03 - width))
        z = float(stream.uniform(low + 0.03, high - 0.03 - height))
        paper = _any_colour(stream, saturation=0.35, brightness=(0.45, 0.85))
        depth = 0.019 + 0.0003 * note
        quads.panel(frame, (x, z), (x + width, z + height), depth, paper)
        for line in np.arange(z + 0.02, z + height - 0.015, 0.018):
            quads.panel(
                frame, (x + 0.012, float(line)), (x + width * 0.85, float(line) + 0.004), depth + 0.0001, grey(0.12)
            )
