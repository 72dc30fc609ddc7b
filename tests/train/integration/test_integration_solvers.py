"""One contract, several solvers: each finds the minimum that a factorisation finds."""

import numpy as np
import pytest
import torch

from benchmarks.integration_surfaces import parted_sheets, scene
from train.errors import InputError
from train.integration.compiled_solve import solve_refined
from train.integration.components import centred
from train.integration.edges import Edges, inside, into_pixels, steps
from train.integration.integrate import integrate_batch
from train.integration.solve import solve

SIZES_PX = ((1, 7), (6, 1), (1, 2), (2, 2), (3, 3), (5, 8), (33, 17), (40, 64))


def made_up_problem(height_px: int, width_px: int, *, seed: int) -> tuple[Edges, Edges, torch.Tensor]:
    """Weights over three powers of ten, rough targets, and a mask with holes and islands, two pictures."""
    stream = np.random.default_rng(seed)
    shape = (2, height_px, width_px)
    mask = torch.from_numpy(stream.random(shape) < 0.8)
    within = inside(mask, torch.float64)
    weights = Edges(
        *(side * torch.from_numpy(10 ** stream.uniform(-3, 0, shape)) for side in (within.right, within.down))
    )
    targets = Edges(torch.from_numpy(stream.normal(0, 3, shape)), torch.from_numpy(stream.normal(0, 3, shape)))
    return weights, targets, mask


@pytest.mark.parametrize("size", SIZES_PX)
@pytest.mark.parametrize("back_end", ["compiled", "torch"])
def test_multigrid_finds_what_a_factorisation_finds(size: tuple[int, int], back_end: str):
    """To 1e-6 pixels on every component, whatever the size, odd or even, and for each picture of a batch."""
    weights, targets, mask = made_up_problem(*size, seed=size[0])
    expected = centred(solve(weights, targets, mask, back_end="direct"), mask)
    found = centred(solve(weights, targets, mask, back_end=back_end), mask)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-6)


def test_plain_conjugate_gradients_find_it_too():
    """SciPy's, with the diagonal, to the tolerance that was asked for."""
    weights, targets, mask = made_up_problem(23, 31, seed=5)
    expected = centred(solve(weights, targets, mask, back_end="direct"), mask)
    found = centred(
        solve(weights, targets, mask, back_end="conjugate_gradients", tolerance=1e-10, most_iterations=5000), mask
    )
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-5)


def test_the_minimum_has_no_slope():
    """At the solution, what the weighted errors pull at each pixel sums to 0: the normal equations hold."""
    weights, targets, mask = made_up_problem(29, 36, seed=2)
    change = steps(solve(weights, targets, mask))
    pull = into_pixels(
        Edges(weights.right * (targets.right - change.right), weights.down * (targets.down - change.down))
    )
    assert pull.abs().max() < 1e-8


def test_published_weighted_least_squares_equals_a_direct_solution():
    """`wls` on a picture with jumps, to 1e-5 pixels."""
    truth = scene(parted_sheets(), height_px=96, width_px=90, perspective=False)
    fast, direct = (
        integrate_batch(
            torch.from_numpy(truth.normals_cam)[None],
            torch.from_numpy(truth.mask)[None],
            gradient_magnitude=torch.from_numpy(truth.gradient_magnitude)[None],
            method="wls",
            back_end=back_end,
        )
        for back_end in ("compiled", "direct")
    )
    assert (fast - direct).abs().max() < 1e-5
    assert fast.abs().max() > 10


def test_iterations_do_not_grow_with_the_picture():
    """Multigrid: 4 times the side, at most two iterations more; without the factor 1/2 it would be three times."""
    used = []
    for side_px in (64, 256):
        truth = scene(parted_sheets(), height_px=side_px, width_px=side_px, perspective=False)
        within = inside(torch.from_numpy(truth.mask)[None], torch.float64)
        targets = steps(torch.from_numpy(truth.depth)[None])
        arrays = [side[0].numpy() for side in (within.right, within.down, targets.right, targets.down)]
        used.append(solve_refined(*arrays, np.zeros((side_px, side_px)), 1e-6, 100)[1])
    assert used[0] <= 8
    assert used[1] <= used[0] + 2


def test_a_start_at_the_solution_stays_there():
    """Warm starts cost nothing: no iteration is needed, and the offset of the start is kept."""
    weights, targets, mask = made_up_problem(21, 26, seed=8)
    solution = torch.where(mask, solve(weights, targets, mask) + 5.0, 0.0)
    again = solve(weights, targets, mask, start=solution, tolerance=1e-3, most_iterations=1)
    assert (again - solution).abs().max() < 1e-6


@pytest.mark.parametrize("back_end", ["compiled", "torch"])
def test_a_part_on_a_thread_does_not_run_away(back_end: str):
    """Halves joined by edges of weight 1e-9, and asked for too many iterations, stay where numbers are numbers."""
    weights, targets, mask = made_up_problem(20, 30, seed=3)
    mask[:] = True
    weights = inside(mask, torch.float64)
    weights.right[:, :, 14] = 1e-9
    found = solve(weights, targets, mask, back_end=back_end, tolerance=0.0, most_iterations=300)
    expected = solve(weights, targets, mask, back_end="direct")
    for half in (np.s_[:, :, :15], np.s_[:, :, 15:]):
        each = [value[half] - value[half].mean(dim=(1, 2), keepdim=True) for value in (found, expected)]
        assert (each[0] - each[1]).abs().max() < 1e-3


def test_an_unknown_back_end_is_refused():
    """The error lists those there are."""
    weights, targets, mask = made_up_problem(4, 5, seed=1)
    with pytest.raises(InputError, match="no back end 'ceres'; expected one of auto, compiled"):
        solve(weights, targets, mask, back_end="ceres")
