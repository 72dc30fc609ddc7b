"""The compiled solver for one CPU thread: conjugate gradients preconditioned by multigrid, in single precision.

Every edge joins a red and a black pixel, so the black ones are eliminated exactly, and conjugate gradients run on half
of the unknowns. Smoothing is red-black Gauss-Seidel, forwards before and backwards after a coarser level has been
visited. Storage and levels are those of train.integration.compiled_levels. Source: ours.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from train.integration.compiled_levels import BLACK, DOWN, LEFT, NOTHING, RED, RIGHT, UP, level_of

# Energy over the least so far at which a pass ends: single precision has nothing more to give, and steps would go
# astray along what is nearly constant. In exact arithmetic the energy may rise a little, too. Source: measured, ours.
DIVERGED = 100.0


@njit(cache=True, fastmath=True)
@no_type_check
def black_row(i, edges, inverse, red, load, black):
    """Solve the equations of one row of black pixels for given red neighbours."""
    shift = (i - 1) & 1
    for k in range(1, red.shape[1] - 1):
        black[i, k] = inverse[BLACK, i, k] * (
            load[i, k]
            + edges[RIGHT, i, k - shift] * red[i, k - shift]
            + edges[LEFT, i, k + 1 - shift] * red[i, k + 1 - shift]
            + edges[DOWN, i - 1, k] * red[i - 1, k]
            + edges[UP, i + 1, k] * red[i + 1, k]
        )


@njit(cache=True, fastmath=True)
@no_type_check
def red_row(i, edges, black, row):
    """Write the weighted sum of the black neighbours of one row of red pixels into `row`."""
    shift = (i - 1) & 1
    for k in range(1, black.shape[1] - 1):
        row[k] = (
            edges[LEFT, i, k] * black[i, k - 1 + shift]
            + edges[RIGHT, i, k] * black[i, k + shift]
            + edges[UP, i, k] * black[i - 1, k]
            + edges[DOWN, i, k] * black[i + 1, k]
        )


@njit(cache=True, fastmath=True)
@no_type_check
def smooth_and_restrict(edges, inverse, load, value, coarse_load):
    """Smooth from zero, red then black, and sum what is left (on red pixels alone) over blocks of 2 x 2.

    The rows follow each other closely, so that each is read from memory once.
    """
    red, black = value[RED], value[BLACK]
    rows, columns = red.shape
    upper, lower = np.zeros(columns + 1, np.float32), np.zeros(columns + 1, np.float32)
    for i in range(1, rows + 1):
        if i < rows - 1:
            for k in range(1, columns - 1):
                red[i, k] = inverse[RED, i, k] * load[RED, i, k]
        if 2 <= i < rows:
            black_row(i - 1, edges, inverse, red, load[BLACK], black)
        if i >= 3:
            row = i - 2
            red_row(row, edges, black, upper if row % 2 else lower)
            if row % 2 and row == rows - 2:
                lower[:] = NOTHING
            if row % 2 == 0 or row == rows - 2:
                block = (row - 1) // 2
                shift = block & 1
                for k in range((columns - 1) // 2):
                    j = 2 * k + 1
                    coarse_load[RED, block + 1, k + 1] = upper[j + shift] + lower[j + shift]
                    coarse_load[BLACK, block + 1, k + 1] = upper[j + 1 - shift] + lower[j + 1 - shift]


@njit(cache=True, fastmath=True)
@no_type_check
def prolong_and_smooth(edges, inverse, load, value, coarse_value):
    """Add each block's correction to its red pixels, then smooth, black then red."""
    red, black = value[RED], value[BLACK]
    rows, columns = red.shape
    row = np.zeros(columns + 1, np.float32)
    for i in range(1, rows + 1):
        if i < rows - 1:
            block = (i - 1) // 2
            shift = block & 1
            for k in range((columns - 1) // 2):
                row[2 * k + 1 + shift] = coarse_value[RED, block + 1, k + 1]
                row[2 * k + 2 - shift] = coarse_value[BLACK, block + 1, k + 1]
            for k in range(1, columns - 1):
                red[i, k] += row[k]
        if 2 <= i < rows:
            black_row(i - 1, edges, inverse, red, load[BLACK], black)
        if i >= 3:
            red_row(i - 2, edges, black, row)
            for k in range(1, columns - 1):
                red[i - 2, k] = inverse[RED, i - 2, k] * (load[RED, i - 2, k] + row[k])


@njit(cache=True)
@no_type_check
def precondition(edges, inverse, table, load, value):
    """One V-cycle: `value` at the finest level becomes nearly the solution for `load` there. Both hold all levels."""
    for level in range(table.shape[0] - 1):
        smooth_and_restrict(
            level_of(edges, table, level, 4),
            level_of(inverse, table, level, 2),
            level_of(load, table, level, 2),
            level_of(value, table, level, 2),
            level_of(load, table, level + 1, 2),
        )
    for level in range(table.shape[0] - 2, -1, -1):
        prolong_and_smooth(
            level_of(edges, table, level, 4),
            level_of(inverse, table, level, 2),
            level_of(load, table, level, 2),
            level_of(value, table, level, 2),
            level_of(value, table, level + 1, 2),
        )


@njit(cache=True, fastmath=True)
@no_type_check
def apply_reduced(edges, inverse, nothing, direction, black, product):
    """Write the matrix over red pixels, black ones eliminated, times `direction`; return their inner product."""
    rows, columns = direction.shape
    total = 0.0
    for i in range(1, rows):
        if i < rows - 1:
            black_row(i, edges, inverse, direction, nothing, black)
        if i >= 2:
            shift = i & 1
            part = NOTHING
            for k in range(1, columns - 1):
                here = direction[i - 1, k]
                product[i - 1, k] = (
                    edges[LEFT, i - 1, k] * (here - black[i - 1, k - 1 + shift])
                    + edges[RIGHT, i - 1, k] * (here - black[i - 1, k + shift])
                    + edges[UP, i - 1, k] * (here - black[i - 2, k])
                    + edges[DOWN, i - 1, k] * (here - black[i, k])
                )
                part += here * product[i - 1, k]
            total += part
    return total


@njit(cache=True, fastmath=True)
@no_type_check
def inner_product(first, second):
    """Sum of products, rows in single and their sum in double precision."""
    total = 0.0
    for i in range(1, first.shape[0] - 1):
        part = NOTHING
        for k in range(1, first.shape[1] - 1):
            part += first[i, k] * second[i, k]
        total += part
    return total


@njit(cache=True, fastmath=True)
@no_type_check
def add_scaled(target, scale, other):
    """target += scale * other."""
    for i in range(1, target.shape[0] - 1):
        for k in range(1, target.shape[1] - 1):
            target[i, k] += scale * other[i, k]


@njit(cache=True)
@no_type_check
def solve_reduced(edges, inverse, table, right_side, goal, tolerance, most_iterations):
    """Solution (2 x rows x columns) for a right side over both colours, iterations, and the energy of the right side.

    Stops when the energy that is left, estimated by the preconditioner, is the goal or tolerance^2 times that of the
    right side.
    """
    load, value = np.zeros(inverse.size, np.float32), np.zeros(inverse.size, np.float32)
    fine_edges, fine_inverse = level_of(edges, table, 0, 4), level_of(inverse, table, 0, 2)
    residual, cycle = level_of(load, table, 0, 2)[RED], level_of(value, table, 0, 2)[RED]
    rows, columns = residual.shape
    nothing, black = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    solution = np.zeros((2, rows, columns), np.float32)
    product, row = np.zeros((rows, columns), np.float32), np.zeros(columns, np.float32)
    direction = np.zeros((rows, columns), np.float32)
    for i in range(1, rows - 1):
        black_row(i, fine_edges, fine_inverse, nothing, right_side[BLACK], black)
    for i in range(1, rows - 1):
        red_row(i, fine_edges, black, row)
        for k in range(1, columns - 1):
            residual[i, k] = right_side[RED, i, k] + row[k]
    first, least, energy, iterations = 0.0, 0.0, 0.0, 0
    while iterations < most_iterations:
        precondition(edges, inverse, table, load, value)
        previous, energy = energy, inner_product(residual, cycle)
        if iterations == 0:
            first = least = energy
        least = min(least, energy)
        if energy > DIVERGED * least:
            break
        if energy <= max(goal, tolerance * tolerance * first):
            break
        ratio = np.float32(energy / previous) if iterations > 0 else NOTHING
        for i in range(1, rows - 1):
            for k in range(1, columns - 1):
                direction[i, k] = cycle[i, k] + ratio * direction[i, k]
        step = np.float32(energy / apply_reduced(fine_edges, fine_inverse, nothing, direction, black, product))
        add_scaled(solution[RED], step, direction)
        add_scaled(residual, -step, product)
        iterations += 1
    for i in range(1, rows - 1):
        black_row(i, fine_edges, fine_inverse, solution[RED], right_side[BLACK], solution[BLACK])
    return solution, iterations, first
