"""Quads of the procedural skin: a grid around the head with rectangles cut out, and rings that lead into each hole."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int


def _spread(places_deg: tuple[float, ...], steps_deg: tuple[float, ...], count: int) -> Float[np.ndarray, " n"]:
    """`count` angles from the first place to the last, spaced in proportion to the steps wanted at these places."""
    fine = np.linspace(places_deg[0], places_deg[-1], 4001)
    order = np.argsort(places_deg)
    steps = np.interp(fine, np.array(places_deg)[order], np.array(steps_deg)[order])
    passed = np.concatenate([[0.0], np.cumsum(0.5 / steps[1:] + 0.5 / steps[:-1])])
    return np.interp(np.linspace(0.0, passed[-1], count), passed, fine)


# Azimuth of the grid's columns on the person's left, in degrees; the right side mirrors them. Dense on the face.
HALF_COLUMNS_DEG = _spread(
    (0.0, 10.0, 20.0, 32.0, 50.0, 75.0, 88.0, 106.0, 125.0, 180.0),
    (1.1, 1.15, 1.5, 1.9, 2.6, 4.6, 3.2, 3.2, 6.5, 7.2),
    61,
)
# Elevation of the grid's rows in front of the face, in degrees, from the edge of the crown down to under the chin.
ROWS_DEG = _spread(
    (66.0, 45.0, 27.0, 2.0, -9.0, -14.0, -23.0, -27.0, -40.0, -50.0, -60.0),
    (5.0, 3.2, 2.0, 1.8, 1.4, 0.8, 0.85, 1.2, 1.5, 1.7, 2.3),
    70,
)
COLUMNS = 2 * (len(HALF_COLUMNS_DEG) - 1)


@dataclass(frozen=True)
class Hole:
    """A rectangle of the grid, by first and last row and column, that rings replace; columns count from the front."""

    top: int
    bottom: int
    right: int
    left: int


def _hole(top_deg: float, bottom_deg: float, right_deg: float, left_deg: float) -> Hole:
    """The hole whose edges lie nearest to these elevations and azimuths."""

    def column(azimuth_deg: float) -> int:
        return int(np.sign(azimuth_deg)) * int(np.abs(HALF_COLUMNS_DEG - abs(azimuth_deg)).argmin())

    top, bottom = (int(np.abs(ROWS_DEG - edge).argmin()) for edge in (top_deg, bottom_deg))
    return Hole(top=top, bottom=bottom, right=column(right_deg), left=column(left_deg))


EYE_HOLE = _hole(20.5, -4.5, 8.6, 49.0)
MOUTH_HOLE = _hole(-22.8, -45.0, -25.5, 25.5)
NOSTRIL_HOLE = _hole(-16.6, -20.8, 2.6, 8.2)


def mirrored(hole: Hole) -> Hole:
    """The same hole on the other side of the face."""
    return Hole(top=hole.top, bottom=hole.bottom, right=-hole.left, left=-hole.right)


HOLES = (EYE_HOLE, mirrored(EYE_HOLE), MOUTH_HOLE, NOSTRIL_HOLE, mirrored(NOSTRIL_HOLE))


def column_azimuths_deg() -> Float[np.ndarray, " c"]:
    """Azimuth of every column: 0 in front, rising over the person's left to 180, then from below -180 back to 0."""
    return np.concatenate([HALF_COLUMNS_DEG, -HALF_COLUMNS_DEG[-2:0:-1]])


def grid_quads(ids: Int[np.ndarray, "r c"], *, holes: tuple[Hole, ...] = ()) -> Int[np.ndarray, "f 4"]:
    """Quads between the rows of a grid that closes around the head, counter-clockwise seen from outside."""
    after = np.roll(ids, -1, axis=1)
    quads = np.stack([ids[:-1], ids[1:], after[1:], after[:-1]], axis=2)
    keep = np.ones(quads.shape[:2], dtype=bool)
    for hole in holes:
        keep[hole.top : hole.bottom, np.arange(hole.right, hole.left) % ids.shape[1]] = False
    return quads[keep]


def hole_loop(ids: Int[np.ndarray, "r c"], hole: Hole) -> Int[np.ndarray, " l"]:
    """Vertices around a hole, counter-clockwise seen from outside, from the middle of its left (x larger) side."""
    middle = (hole.top + hole.bottom) // 2
    up = [(row, hole.left) for row in range(middle, hole.top, -1)]
    over = [(hole.top, column) for column in range(hole.left, hole.right, -1)]
    down = [(row, hole.right) for row in range(hole.top, hole.bottom)]
    back = [(hole.bottom, column) for column in range(hole.right, hole.left)]
    close = [(row, hole.left) for row in range(hole.bottom, middle, -1)]
    return np.array([ids[row, column % ids.shape[1]] for row, column in up + over + down + back + close])


def hole_inside(ids: Int[np.ndarray, "r c"], hole: Hole) -> Int[np.ndarray, " v"]:
    """Grid vertices that a hole removes."""
    columns = np.arange(hole.right + 1, hole.left) % ids.shape[1]
    return ids[hole.top + 1 : hole.bottom][:, columns].ravel()


def ring_quads(rings: list[np.ndarray]) -> Int[np.ndarray, "f 4"]:
    """Quads between closed loops of the same length, each further inside than the one before it."""
    return np.concatenate(
        [np.stack([outer, np.roll(outer, -1), np.roll(inner, -1), inner], axis=1) for outer, inner in pairwise(rings)]
    )


def patch_quads(ids: Int[np.ndarray, "r c"]) -> Int[np.ndarray, "f 4"]:
    """Quads of an open grid whose rows run down and columns to the left of the person (x larger)."""
    return np.stack([ids[:-1, :-1], ids[1:, :-1], ids[1:, 1:], ids[:-1, 1:]], axis=2).reshape(-1, 4)


def square_around(loop_length: int) -> Int[np.ndarray, "l 2"]:
    """Row and column on the edge of a square grid for each step of a loop that starts at the middle of the last row.

    The loop then runs along growing columns: from the front over the person's left, when the last row faces front.
    """
    side = loop_length // 4
    half = side // 2
    front = [(side, half + step) for step in range(half)]
    left = [(side - step, side) for step in range(side)]
    back = [(0, side - step) for step in range(side)]
    right = [(step, 0) for step in range(side)]
    rest = [(side, step) for step in range(half)]
    return np.array(front + left + back + right + rest)
