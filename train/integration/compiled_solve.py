"""The compiled back end of `solve`: multigrid in single precision, refined in double precision, on one CPU thread."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float64
from numba import njit

from train.integration.compiled_levels import build_hierarchy
from train.integration.compiled_multigrid import solve_reduced

# What one pass in single precision can reach, relative to its start, in the energy norm.
PASS_TOLERANCE = 1e-4
MOST_PASSES = 20


@njit(cache=True)
@no_type_check
def unexplained(right_weight, down_weight, right_target, down_target, depth, right_side):
    """Write the gradient of half the weighted squared error, with its sign changed, in red and black storage."""
    height, width = depth.shape
    for i in range(height):
        for j in range(width):
            total = 0.0
            if j + 1 < width:
                total -= right_weight[i, j] * (right_target[i, j] - (depth[i, j + 1] - depth[i, j]))
            if j > 0:
                total += right_weight[i, j - 1] * (right_target[i, j - 1] - (depth[i, j] - depth[i, j - 1]))
            if i + 1 < height:
                total -= down_weight[i, j] * (down_target[i, j] - (depth[i + 1, j] - depth[i, j]))
            if i > 0:
                total += down_weight[i - 1, j] * (down_target[i - 1, j] - (depth[i, j] - depth[i - 1, j]))
            colour = (i + j) & 1
            right_side[colour, i + 1, j // 2 + 1] = total


@njit(cache=True)
@no_type_check
def add_correction(depth, solution):
    """Add a solution in red and black storage to the depth."""
    height, width = depth.shape
    for i in range(height):
        for j in range(width):
            depth[i, j] += solution[(i + j) & 1, i + 1, j // 2 + 1]


def solve_refined(
    right_weight: Float64[np.ndarray, "h w"],
    down_weight: Float64[np.ndarray, "h w"],
    right_target: Float64[np.ndarray, "h w"],
    down_target: Float64[np.ndarray, "h w"],
    start: Float64[np.ndarray, "h w"],
    tolerance: float,
    most_iterations: int,
) -> tuple[Float64[np.ndarray, "h w"], int]:
    """Depth and the iterations it took. Every pass in single precision starts from what the passes before left."""
    edges, inverse, table = build_hierarchy(right_weight.astype(np.float32), down_weight.astype(np.float32))
    depth = start.copy()
    right_side = np.zeros((2, table[0, 1], table[0, 2]), np.float32)
    relative = max(tolerance, PASS_TOLERANCE)
    goal, used, before = 0.0, 0, np.inf
    for number in range(MOST_PASSES):
        unexplained(right_weight, down_weight, right_target, down_target, depth, right_side)
        left = most_iterations - used
        solution, iterations, energy = solve_reduced(edges, inverse, table, right_side, goal, relative, left)
        if energy >= before:
            break
        add_correction(depth, solution)
        used, before = used + iterations, energy
        if number == 0:
            goal = tolerance**2 * energy
        if iterations == 0 or relative == tolerance or used >= most_iterations:
            break
    return depth, used
