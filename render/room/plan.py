"""A furnished room about the head: where its walls stand and what is on them. All sizes are ours, after usual rooms."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from render.room.quads import Colour, Quads
from render.room.things import (
    RoomColours,
    add_board,
    add_bookcase,
    add_door,
    add_pictures,
    add_window,
    grey,
    scaled,
    wood,
)

# No wall is nearer to the eyes than this: hair, shoulders and hand-held things stay free of it.
LEAST_CLEARANCE_M = 1.1
_WIDTH_OF_A_PLACE_M = 1.3
_SKIRTING_M = 0.09
# Weight of what stands at a place along a wall; None leaves it bare.
_Maker = Callable[[Quads, np.ndarray, float, float, RoomColours, np.random.Generator], None]
_THINGS: tuple[tuple[float, _Maker | None], ...] = (
    (0.16, None),
    (0.26, add_pictures),
    (0.22, add_bookcase),
    (0.20, add_window),
    (0.10, add_door),
    (0.06, add_board),
)


@dataclass(frozen=True)
class Room:
    """Quads in room coordinates: z up from the floor, eyes above the origin; `low_m` and `high_m` are its corners."""

    quads: Quads
    low_m: tuple[float, float, float]
    high_m: tuple[float, float, float]
    eye_height_m: float
    turn_deg: float
    wall: Colour


def furnish_room(*, rgb: Colour, second_rgb: Colour, seed: int) -> Room:
    """The room of a seed: walls in a pale tint of `rgb`, cloth and doors in `second_rgb`.

    It surrounds the eyes on all sides, at least LEAST_CLEARANCE_M away, and is turned by `turn_deg` about them.
    """
    stream = np.random.Generator(np.random.Philox(key=seed))
    low = np.array([-stream.uniform(1.3, 2.6), -stream.uniform(1.6, 3.0), 0.0])
    high = np.array([stream.uniform(1.3, 2.6), stream.uniform(LEAST_CLEARANCE_M + 0.1, 2.8), stream.uniform(2.4, 2.9)])
    # People sit or stand; nobody's head is in the ceiling.
    eye_height = float(stream.uniform(1.12, 1.65))
    turn = float(stream.uniform(-12, 12) if stream.random() < 0.6 else stream.uniform(-45, 45))
    colours = RoomColours(
        wall=_pale(rgb, stream),
        trim=grey(stream.uniform(0.55, 0.8)),
        wood=wood(stream),
        cloth=scaled(second_rgb, stream.uniform(0.6, 1.1)),
    )
    quads = Quads()
    _add_floor(quads, low, high, colours, stream)
    ceiling = [[low[0], low[1]], [low[0], high[1]], [high[0], high[1]], [high[0], low[1]]]
    quads.quad(np.array([[x, y, high[2]] for x, y in ceiling]), grey(0.75))
    for frame, length in _walls(low, high):
        _add_wall(quads, frame, length, float(high[2]), colours, stream)
    return Room(
        quads=quads,
        low_m=(float(low[0]), float(low[1]), float(low[2])),
        high_m=(float(high[0]), float(high[1]), float(high[2])),
        eye_height_m=eye_height,
        turn_deg=turn,
        wall=colours.wall,
    )


def _walls(low: np.ndarray, high: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Frame of each wall (x along it to the left as seen from inside, y into the room, z up) and its length."""
    walls = []
    corners = [(high[0], high[1]), (low[0], high[1]), (low[0], low[1]), (high[0], low[1])]
    for number, start in enumerate(corners):
        end = corners[(number + 1) % 4]
        length = math.dist(start, end)
        frame = np.eye(4)
        frame[:3, 0] = np.array([end[0] - start[0], end[1] - start[1], 0.0]) / length
        frame[:3, 1] = np.cross((0.0, 0.0, 1.0), frame[:3, 0])
        frame[:3, 3] = (*start, 0.0)
        walls.append((frame, length))
    return walls


def _add_wall(
    quads: Quads, frame: np.ndarray, length: float, height: float, colours: RoomColours, stream: np.random.Generator
) -> None:
    quads.panel(frame, (0.0, 0.0), (length, height), 0.0, colours.wall)
    quads.box(frame, (0.0, 0.0, 0.0), (length, 0.012, _SKIRTING_M), colours.trim)
    quads.box(frame, (0.0, 0.0, height - 0.05), (length, 0.04, height), colours.trim)
    places = max(1, round(length / _WIDTH_OF_A_PLACE_M))
    weights = np.array([weight for weight, _ in _THINGS])
    for place in range(places):
        maker = _THINGS[int(stream.choice(len(_THINGS), p=weights / weights.sum()))][1]
        if maker is not None:
            margin = 0.06
            left, right = length * place / places + margin, length * (place + 1) / places - margin
            maker(quads, frame, left, right, colours, stream)


def _add_floor(
    quads: Quads, low: np.ndarray, high: np.ndarray, colours: RoomColours, stream: np.random.Generator
) -> None:
    """Planks of wood, or a carpet, and perhaps a rug."""

    def lie(x0: float, y0: float, x1: float, y1: float, z: float, colour: Colour) -> None:
        quads.quad(np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]]), colour)

    if stream.random() < 0.65:
        edges = np.arange(low[0], high[0] + 0.14, 0.14)
        for left, right in itertools.pairwise(edges):
            joint = float(stream.uniform(low[1], high[1]))
            for start, end in ((float(low[1]), joint), (joint, float(high[1]))):
                right_edge = min(float(right) - 0.003, float(high[0]))
                lie(float(left), start, right_edge, end - 0.003, 0.0, scaled(colours.wood, stream.uniform(0.75, 1.2)))
        lie(float(low[0]), float(low[1]), float(high[0]), float(high[1]), -0.002, scaled(colours.wood, 0.3))
    else:
        lie(float(low[0]), float(low[1]), float(high[0]), float(high[1]), 0.0, scaled(colours.cloth, 0.7))
    if stream.random() < 0.5:
        lie(-1.0, -0.9, 0.8, 0.7, 0.006, scaled(colours.cloth, 1.2))


def _pale(rgb: Colour, stream: np.random.Generator) -> Colour:
    """A wall paint: the tint of a colour, most of it white."""
    tint = np.array(rgb) / max(*rgb, 1e-6)
    strength = stream.uniform(0.05, 0.5)
    paint = stream.uniform(0.3, 0.75) * ((1 - strength) + strength * tint)
    return float(paint[0]), float(paint[1]), float(paint[2])
