"""Levels of the compiled solver: where their arrays lie, and the weights of ever coarser grids.

Pixels are coloured like a chessboard, and a colour is stored on its own: column k of row i holds the red pixel
2 k + (i & 1) or the black pixel 2 k + 1 - (i & 1), so that loops are contiguous. Arrays have a border of zeros. A
coarser level joins 2 x 2 pixels of the finer one; its edges are the summed weights times 1/2, which makes the number of
iterations independent of size. Source: ours.

numba keeps what it compiled until the function's own file changes: after a change of `level_of`, delete __pycache__.
"""

from typing import no_type_check

import numpy as np
from numba import njit

LEFT, RIGHT, UP, DOWN = 0, 1, 2, 3
RED, BLACK = 0, 1
# Weight of the edge between two blocks over the sum of their edges: a grid twice as coarse has edges twice as long.
COARSE_WEIGHT = np.float32(0.5)
ONE, NOTHING = np.float32(1), np.float32(0)


@njit(cache=True)
@no_type_check
def level_table(height_px, width_px):
    """First cell, padded rows and padded columns of every level, finest first, and the cells of all; one colour each.

    The last level is a single pixel.
    """
    table = np.zeros((64, 3), np.int64)
    levels, cells = 0, 0
    while True:
        rows, columns = height_px + 2, (width_px + 1) // 2 + 2
        table[levels, 0], table[levels, 1], table[levels, 2] = cells, rows, columns
        cells += rows * columns
        levels += 1
        if height_px <= 1 and width_px <= 1:
            return table[:levels], cells
        height_px, width_px = (height_px + 1) // 2, (width_px + 1) // 2


@njit(cache=True)
@no_type_check
def level_of(buffer, table, level, planes):
    """The arrays of one level (planes x rows x columns) inside a flat buffer."""
    first, rows, columns = table[level, 0], table[level, 1], table[level, 2]
    return buffer[planes * first : planes * (first + rows * columns)].reshape(planes, rows, columns)


@njit(cache=True)
@no_type_check
def build_hierarchy(right, down):
    """Edge weights around red pixels, inverse diagonals of both colours (flat, all levels), and the table of levels.

    From float32 weights of the edges to the right and down; the last column of `right` and row of `down` are 0.
    """
    table, cells = level_table(right.shape[0], right.shape[1])
    edges, inverse = np.zeros(4 * cells, np.float32), np.zeros(2 * cells, np.float32)
    for level in range(table.shape[0]):
        if level > 0:
            right, down = coarser(right, down)
        around = level_of(edges, table, level, 4)
        colour_edges(right, down, around)
        invert_diagonal(around, level_of(inverse, table, level, 2))
    return edges, inverse, table


@njit(cache=True)
@no_type_check
def coarser(right, down):
    """Weights of edges to the right and down between blocks of 2 x 2 pixels."""
    height, width = right.shape
    rows, columns = (height + 1) // 2, (width + 1) // 2
    coarse_right = np.zeros((rows, columns), np.float32)
    coarse_down = np.zeros((rows, columns), np.float32)
    for i in range(height):
        for k in range((width - 1) // 2):
            coarse_right[i // 2, k] += COARSE_WEIGHT * right[i, 2 * k + 1]
    for k in range((height - 1) // 2):
        for j in range(width // 2):
            coarse_down[k, j] = COARSE_WEIGHT * (down[2 * k + 1, 2 * j] + down[2 * k + 1, 2 * j + 1])
        if width % 2:
            coarse_down[k, width // 2] = COARSE_WEIGHT * down[2 * k + 1, width - 1]
    return coarse_right, coarse_down


@njit(cache=True)
@no_type_check
def colour_edges(right, down, edges):
    """Write the weights of the four edges around each red pixel."""
    height, width = right.shape
    for i in range(height):
        shift = i & 1
        for k in range((width + 1 - shift) // 2):
            j = 2 * k + shift
            edges[RIGHT, i + 1, k + 1] = right[i, j]
            edges[DOWN, i + 1, k + 1] = down[i, j]
            if j > 0:
                edges[LEFT, i + 1, k + 1] = right[i, j - 1]
            if i > 0:
                edges[UP, i + 1, k + 1] = down[i - 1, j]


@njit(cache=True)
@no_type_check
def invert_diagonal(edges, inverse):
    """Write 1 / (sum of the weights of a pixel's edges) for both colours, 0 for a pixel without edges."""
    rows, columns = edges.shape[1:]
    for i in range(1, rows - 1):
        shift = (i - 1) & 1
        for k in range(1, columns - 1):
            red = edges[LEFT, i, k] + edges[RIGHT, i, k] + edges[UP, i, k] + edges[DOWN, i, k]
            left, right = edges[RIGHT, i, k - shift], edges[LEFT, i, k + 1 - shift]
            black = left + right + edges[DOWN, i - 1, k] + edges[UP, i + 1, k]
            inverse[RED, i, k] = ONE / red if red > 0 else NOTHING
            inverse[BLACK, i, k] = ONE / black if black > 0 else NOTHING
