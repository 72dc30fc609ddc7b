"""The weighted least-squares problem of integration, and the interchangeable solvers that carry it out.

Every method ends in: find t that makes the sum over edges of weight * (change of t - target)^2 least.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from train.errors import InputError
from train.integration.compiled_solve import solve_refined
from train.integration.direct_solve import solve_conjugate_gradients, solve_directly
from train.integration.edges import Edges
from train.integration.torch_multigrid import solve_in_torch

# Error that is left, relative to the start's, in the energy norm. Where depth spans hundreds of pixels this is about
# 1e-8 pixels, and each factor of ten costs one iteration.
EXACT = 1e-10
MOST_ITERATIONS = 400
BACK_ENDS = ("auto", "compiled", "torch", "direct", "conjugate_gradients")


def solve(
    weights: Edges,
    targets: Edges,
    mask: Bool[Tensor, "b h w"],
    *,
    start: Float[Tensor, "b h w"] | None = None,
    tolerance: float = EXACT,
    most_iterations: int = MOST_ITERATIONS,
    back_end: str = "auto",
) -> Float[Tensor, "b h w"]:
    """The solution, up to a constant for each part that the weights join; 0 outside the mask.

    Weights are at least 0, and 0 on edges that leave the mask. `start` (0 by default) is what iterations begin from.
    Back ends: `compiled` (loops on one CPU thread), `torch` (any device), `direct` (SciPy's factorisation, for
    reference), `conjugate_gradients` (SciPy's, with the diagonal, as published for the bilateral method), and `auto`:
    compiled on the CPU, else torch. Raises: InputError on another name.
    """
    start = torch.zeros_like(targets.right) if start is None else start
    if back_end == "torch" or (back_end == "auto" and start.device.type != "cpu"):
        solution = solve_in_torch(weights, targets, start, tolerance=tolerance, most_iterations=most_iterations)
        return torch.where(mask, solution, 0.0)
    on_cpu = {
        "auto": solve_refined,
        "compiled": solve_refined,
        "direct": solve_directly,
        "conjugate_gradients": solve_conjugate_gradients,
    }
    if back_end not in on_cpu:
        raise InputError(f"no back end {back_end!r}; expected one of {', '.join(BACK_ENDS)}")
    arrays = [
        value.double().cpu().contiguous().numpy()
        for value in (weights.right, weights.down, targets.right, targets.down, start)
    ]
    solutions = [on_cpu[back_end](*picture, tolerance, most_iterations)[0] for picture in zip(*arrays, strict=True)]
    solution = torch.from_numpy(np.stack(solutions)) if solutions else start
    return torch.where(mask, solution.to(start), 0.0)
