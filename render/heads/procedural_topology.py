"""Quads of the procedural skin: a grid around the head with rectangles cut out, and rings that lead into each hole."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

# Azimuth of the grid's columns on the person's left, in degrees; the right side mirrors them. Dense on the face.
HALF_COLUMNS_DEG = np.array(
    [0, 1.5, 3, 4.5, 6, 7.5, 9, 10.7, 12.5, 14.5, 16.7, 19, 21.4, 23.8, 26.3, 28.9, 31.6, 34.4, 37.3, 40.3, 43.4, 46.6,
     50, 54, 58.5, 63.5, 69, 75, 81.5, 88.5, 96, 104, 112, 120.5, 129, 137.5, 146, 154.5, 163, 171.5, 180]
)  # fmt: skip
# Elevation of the grid's rows in front of the face, in degrees, from the edge of the crown down to under the chin.
ROWS_DEG = np.array(
    [66, 60, 54.5, 49, 44, 39.5, 35.5, 31.5, 27.7, 24.2, 21, 18.4, 15.9, 13.4, 10.9, 8.4, 5.9, 3.4, 0.9, -1.7, -4.4,
     -6.6, -8.6, -10.4, -12, -13.4, -14.7, -15.9, -17.1, -18.3, -19.5, -20.8, -22.3, -24.3, -26.4, -28.5, -30.6, -32.7,
     -34.8, -36.9, -39, -41.2, -43.4, -45.6, -47.8, -50, -52.3, -54.6, -57, -60]
)  # fmt: skip
COLUMNS = 2 * (len(HALF_COLUMNS_DEG) - 1)


@dataclass(frozen=True)
class Hole:
    """A rectangle of the grid, by first and last row and column, that rings replace; columns count from the front."""

    top: int
    bottom: int
    right: int
    left: int


EYE_HOLE = Hole(top=10, bottom=20, right=6, left=22)
MOUTH_HOLE = Hole(top=32, bottom=42, right=-15, left=15)
NOSTRIL_HOLE = Hole(top=28, bottom=31, right=2, left=5)


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
