"""SciPy's solvers behind the same contract: a factorisation for reference, and plain conjugate gradients."""

import numpy as np
from jaxtyping import Float
from scipy.sparse import coo_array, csc_array, diags
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import cg, spsolve


def normal_equations(
    right_weight: Float[np.ndarray, "h w"],
    down_weight: Float[np.ndarray, "h w"],
    right_target: Float[np.ndarray, "h w"],
    down_target: Float[np.ndarray, "h w"],
) -> tuple[csc_array, Float[np.ndarray, " n"], np.ndarray]:
    """Matrix and right side over the pixels that have an edge, and where those lie in the flattened picture."""
    width = right_weight.shape[1]
    across, below = np.flatnonzero(right_weight > 0), np.flatnonzero(down_weight > 0)
    begin, end = np.concatenate([across, below]), np.concatenate([across + 1, below + width])
    pixels = np.unique(np.concatenate([begin, end]))
    number = np.zeros(right_weight.size, dtype=np.int64)
    number[pixels] = np.arange(pixels.size)
    begin, end = number[begin], number[end]
    weight = np.concatenate([right_weight.ravel()[across], down_weight.ravel()[below]])
    pull = weight * np.concatenate([right_target.ravel()[across], down_target.ravel()[below]])
    size = pixels.size
    matrix = coo_array(
        (
            np.concatenate([weight, weight, -weight, -weight]),
            (np.concatenate([begin, end, begin, end]), np.concatenate([begin, end, end, begin])),
        ),
        (size, size),
    ).tocsc()
    right_side = np.bincount(end, pull, size) - np.bincount(begin, pull, size)
    return matrix, right_side.astype(np.float64), pixels


def solve_directly(
    right_weight: Float[np.ndarray, "h w"],
    down_weight: Float[np.ndarray, "h w"],
    right_target: Float[np.ndarray, "h w"],
    down_target: Float[np.ndarray, "h w"],
    start: Float[np.ndarray, "h w"],
    _tolerance: float,
    _most_iterations: int,
) -> tuple[Float[np.ndarray, "h w"], int]:
    """The solution that keeps the value of `start` at the first pixel of every part, by factorisation."""
    matrix, right_side, pixels = normal_equations(right_weight, down_weight, right_target, down_target)
    solution = start.copy()
    if not pixels.size:
        return solution, 0
    values = start.ravel()[pixels]
    _, part = connected_components(matrix, directed=False)
    free = np.ones(pixels.size, dtype=bool)
    free[np.unique(part, return_index=True)[1]] = False
    right_side = right_side - matrix @ np.where(free, 0.0, values)
    values[free] = spsolve(matrix[free][:, free], right_side[free])
    solution.ravel()[pixels] = values
    return solution, 1


def solve_conjugate_gradients(
    right_weight: Float[np.ndarray, "h w"],
    down_weight: Float[np.ndarray, "h w"],
    right_target: Float[np.ndarray, "h w"],
    down_target: Float[np.ndarray, "h w"],
    start: Float[np.ndarray, "h w"],
    tolerance: float,
    most_iterations: int,
) -> tuple[Float[np.ndarray, "h w"], int]:
    """The solution by conjugate gradients with the diagonal as preconditioner; tolerance is that of the residual."""
    matrix, right_side, pixels = normal_equations(right_weight, down_weight, right_target, down_target)
    solution = start.copy()
    if not pixels.size:
        return solution, 0
    steps: list[int] = []
    solution.ravel()[pixels] = cg(
        matrix,
        right_side,
        x0=start.ravel()[pixels],
        rtol=tolerance,
        maxiter=most_iterations,
        M=diags(1 / matrix.diagonal()),
        callback=lambda _: steps.append(1),
    )[0]
    return solution, len(steps)
