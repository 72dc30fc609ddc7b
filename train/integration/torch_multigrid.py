"""The torch back end of `solve`: batched, on any device, conjugate gradients preconditioned by aggregation multigrid.

Like the compiled loops, passes run in single precision, and each starts from what the passes before left, which is
computed in the precision of the input. Levels are the same too; smoothing is damped Jacobi, one sweep before and after.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from train.integration.edges import Edges, around_pixels, combine, into_pixels, steps

# Step of the Jacobi sweeps. Source: measured, ours; 0.7 to 0.9 need the same iterations.
DAMPING = 0.8
COARSE_WEIGHT = 0.5
# Energy over the least so far at which a pass ends. Source: measured, ours (train.integration.compiled_multigrid).
DIVERGED = 100.0
# What one pass in single precision can reach, relative to its start, in the energy norm.
PASS_TOLERANCE = 1e-4
MOST_PASSES = 20


@dataclass(frozen=True)
class Level:
    """Edge weights of one level, and 1 / (their sum around a pixel), 0 without edges."""

    weights: Edges
    inverse: Float[Tensor, "b h w"]


def solve_in_torch(
    weights: Edges, targets: Edges, start: Float[Tensor, "b h w"], *, tolerance: float, most_iterations: int
) -> Float[Tensor, "b h w"]:
    """The solution of every picture, in the precision of `start`; each stops as soon as it is done."""
    levels = build_levels(combine(Tensor.float, weights))
    solution, left = start, most_iterations
    goal = start.new_zeros(len(start), dtype=torch.float64)
    for number in range(MOST_PASSES):
        missing = combine(lambda w, g, s: w * (g - s), weights, targets, steps(solution))
        relative = max(tolerance, PASS_TOLERANCE)
        correction, energy, used = _pass(levels, into_pixels(missing).float(), goal, relative, left)
        solution = solution + correction.to(solution.dtype)
        goal = tolerance**2 * energy if number == 0 else goal
        left -= used
        if used == 0 or relative == tolerance or left <= 0:
            break
    return solution


def build_levels(weights: Edges) -> list[Level]:
    """All levels, finest first, down to one pixel; the edges of blocks of 2 x 2 pixels are their sum times 1/2."""
    levels = []
    while True:
        around = around_pixels(weights)
        levels.append(Level(weights, torch.where(around > 0, 1 / around, 0.0)))
        if max(around.shape[1:]) <= 1:
            return levels
        right = _even(weights.right)[:, :, 1::2]
        down = _even(weights.down)[:, 1::2]
        weights = Edges(
            COARSE_WEIGHT * (right[:, ::2] + right[:, 1::2]), COARSE_WEIGHT * (down[:, :, ::2] + down[:, :, 1::2])
        )


def precondition(levels: list[Level], load: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """One V-cycle: nearly the solution for the right side `load`."""
    level = levels[0]
    value = DAMPING * level.inverse * load
    if len(levels) == 1:
        return value
    residual = _even(load - multiply(level.weights, value))
    rows = residual[:, ::2] + residual[:, 1::2]
    blocks = precondition(levels[1:], rows[:, :, ::2] + rows[:, :, 1::2])
    spread = blocks.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    value = value + spread[:, : value.shape[1], : value.shape[2]]
    return value + DAMPING * level.inverse * (load - multiply(level.weights, value))


def multiply(weights: Edges, value: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """The matrix of the normal equations times a value."""
    return into_pixels(combine(torch.mul, weights, steps(value)))


def _pass(
    levels: list[Level],
    residual: Float[Tensor, "b h w"],
    goal: Float[Tensor, " b"],
    tolerance: float,
    most_iterations: int,
) -> tuple[Float[Tensor, "b h w"], Float[Tensor, " b"], int]:
    """Solution, energy of the right side by picture, and iterations. A picture whose energy no longer falls stops."""
    solution, direction = torch.zeros_like(residual), torch.zeros_like(residual)
    first = least = previous = active = residual.new_zeros(len(residual), dtype=torch.float64)
    for iteration in range(most_iterations):
        cycle = precondition(levels, residual)
        energy = _inner(residual, cycle)
        if iteration == 0:
            first, least, active, ratio = energy, energy, energy > 0, torch.zeros_like(energy)
            goal = torch.maximum(goal, tolerance**2 * first)
        else:
            least = torch.minimum(least, energy)
            active = active & (energy <= DIVERGED * least)
            ratio = torch.where(active, energy / previous, 0.0)
        active = active & (energy > goal)
        if not active.any():
            return solution, first, iteration
        previous = energy
        direction = cycle + ratio.float()[:, None, None] * direction
        product = multiply(levels[0].weights, direction)
        curvature = _inner(direction, product)
        step = torch.where(active & (curvature > 0), energy / curvature, 0.0).float()
        solution = solution + step[:, None, None] * direction
        residual = residual - step[:, None, None] * product
    return solution, first, most_iterations


def _even(values: Float[Tensor, "b h w"]) -> Float[Tensor, "b h2 w2"]:
    """With a row and a column of zeros more where their number is odd."""
    return F.pad(values, (0, values.shape[2] % 2, 0, values.shape[1] % 2))


def _inner(one: Float[Tensor, "b h w"], other: Float[Tensor, "b h w"]) -> Float[Tensor, " b"]:
    return (one * other).sum(dim=(1, 2), dtype=torch.float64)
