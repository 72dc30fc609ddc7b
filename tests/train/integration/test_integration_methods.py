"""What each method does with its weights, and that the robust ones are better where depth jumps."""

import numpy as np
import pytest
import torch

from benchmarks.integration_surfaces import Scene, folded_sheets, parted_sheets, scene, smooth_sheets
from train.integration.bilateral import bilateral_terms, forward_shares
from train.integration.integrate import integrate
from train.integration.least_squares import published_weights
from train.integration.robust import excess_weights
from train.integration.slopes import ONE_END, slope_field


def mean_error(truth: Scene, method: str, *, lam: float = 0.1) -> float:
    """Mean absolute error after the median offset, pixels."""
    depth_px = integrate(
        truth.normals_cam, truth.mask, gradient_magnitude=truth.gradient_magnitude, method=method, lam=lam
    )
    error = (depth_px - truth.depth)[truth.mask]
    return float(np.abs(error - np.median(error)).mean())


@pytest.fixture(scope="module")
def folds() -> Scene:
    """Jumps that end within the surface."""
    return scene(folded_sheets(), height_px=112, width_px=100, perspective=False)


def test_published_weights_are_those_of_the_paper():
    """w = 1 / (1 + lam W) at the pixels, and the mean of both ends on an edge (equations 6 to 8)."""
    magnitude = torch.tensor([[[0.0, 10.0, 30.0], [2.0, 0.0, 5.0]]], dtype=torch.float64)
    weights = published_weights(magnitude, 0.1)
    expected_right = [[0.75, 0.375, 0], [(1 / 1.2 + 1) / 2, (1 + 1 / 1.5) / 2, 0]]
    np.testing.assert_allclose(weights.right[0].numpy(), expected_right)
    np.testing.assert_allclose(weights.down[0, 0].numpy(), [(1 + 1 / 1.2) / 2, 0.75, (0.25 + 1 / 1.5) / 2])
    assert not weights.down[0, 1].any()


def test_orthographic_targets_are_means_of_both_slopes():
    """p = -n_x / n_z and q = -n_y / n_z, averaged over both ends (equations 4 and 8)."""
    normals = torch.tensor([[[[0.3, 0.1, -1.0], [-0.2, 0.4, -0.5]], [[0.0, 0.8, -2.0], [0.0, 0.0, 0.0]]]])
    field = slope_field(normals.double(), torch.ones(1, 2, 2, dtype=torch.bool), None)
    np.testing.assert_allclose(field.targets.right[0].numpy(), [[(0.3 - 0.4) / 2, 0], [0.0, 0]], atol=1e-7)
    np.testing.assert_allclose(field.targets.down[0, 0].numpy(), [(0.1 + 0.4) / 2, 0.8], atol=1e-7)
    np.testing.assert_allclose(field.trust.right[0, :, 0].numpy(), [1.0, ONE_END])


def test_excess_weighs_only_what_normals_do_not_explain():
    """A magnitude of up to 1.5 slopes costs nothing; beyond it w = (1 + X^2)^-2, and never below 0.01."""
    normals = torch.tensor([2.0, 0.0, -1.0]).double().expand(1, 1, 3, 3)
    field = slope_field(normals, torch.ones(1, 1, 3, dtype=torch.bool), None)
    magnitude = torch.tensor([[[3.0, 3.5, 40.0]]], dtype=torch.float64)
    excess = 1 / (1 + 0.5**2) ** 2
    np.testing.assert_allclose(
        excess_weights(field, magnitude).right[0, 0].numpy(), [(1 + excess) / 2, (excess + 0.01) / 2, 0], rtol=1e-9
    )


def test_bilateral_shares_go_to_the_side_without_the_jump():
    """Beside a step, both pixels go on away from it, by the sigmoid of twice the difference of squares."""
    normals = torch.tensor([0.0, 0.0, -1.0]).double().expand(1, 1, 4, 3)
    field = slope_field(normals, torch.ones(1, 1, 4, dtype=torch.bool), None)
    t = torch.tensor([[[0.0, 0.0, 1.5, 1.5]]], dtype=torch.float64)
    shares = forward_shares(field, t)[0, 0, :, 0]
    jump = 1 / (1 + np.exp(2 * 1.5**2))
    np.testing.assert_allclose(shares.numpy(), [0.5, jump, 1 - jump, 0.5])
    weights, _ = bilateral_terms(field, t)
    np.testing.assert_allclose(weights.right[0, 0].numpy(), [0.5 + 1 - jump, 2 * jump, 1 - jump + 0.5, 0])


def test_robust_beats_bilateral_where_depth_jumps(folds: Scene):
    """From normals at most 0.6 of its error, with a gradient magnitude at most 0.3 (the bars of the benchmark)."""
    bilateral = mean_error(folds, "bilateral")
    assert mean_error(folds, "robust") < 0.6 * bilateral
    assert mean_error(folds, "robust_gradient") < 0.3 * bilateral


def test_robust_methods_cost_nothing_on_a_smooth_surface():
    """Without a jump they are as good as least squares, which is best there, to 5 %."""
    truth = scene(smooth_sheets(), height_px=60, width_px=70, perspective=False)
    best = mean_error(truth, "least_squares")
    assert mean_error(truth, "robust") < 1.05 * best
    assert mean_error(truth, "robust_gradient") < 1.05 * best


def test_the_published_factor_helps_on_every_picture_with_jumps():
    """lam = 0.1 has less error than lam = 0 on each of four pictures, paired; lam = 0 is unweighted least squares."""
    for height_px, width_px in ((64, 80), (80, 70), (96, 96), (120, 90)):
        truth = scene(parted_sheets(), height_px=height_px, width_px=width_px, perspective=False)
        without = mean_error(truth, "wls", lam=0.0)
        assert mean_error(truth, "wls", lam=0.1) < without
        assert without == pytest.approx(mean_error(truth, "least_squares"), rel=1e-9)
