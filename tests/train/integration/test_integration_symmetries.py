"""What must not matter to `integrate`: mirroring, transposing, cropping, padding, and the company in a batch."""

import numpy as np
import pytest
import torch

from benchmarks.integration_surfaces import Scene, folded_sheets, parted_sheets, scene
from train.integration.integrate import integrate, integrate_batch

METHODS = ("least_squares", "wls", "bilateral", "robust", "robust_gradient", "dct_poisson", "frankot_chellappa")
# Rounds of the re-weighting methods are solved loosely, in blocks that lie otherwise in a mirrored picture. Pixels.
LOOSE_PX = {"bilateral": 0.5, "robust": 0.5, "robust_gradient": 0.1}


def run(truth: Scene, method: str) -> np.ndarray:
    """Depth by a method, with all that the scene knows."""
    return integrate(
        truth.normals_cam,
        truth.mask,
        gradient_magnitude=truth.gradient_magnitude,
        method=method,
        intrinsics_px=truth.intrinsics_px,
    )


@pytest.fixture(scope="module")
def parts() -> Scene:
    """A perspective picture with jumps, not square."""
    return scene(parted_sheets(), height_px=48, width_px=52, perspective=True)


@pytest.fixture(scope="module")
def folds() -> Scene:
    """An orthographic picture with jumps, not square."""
    return scene(folded_sheets(), height_px=52, width_px=47, perspective=False)


@pytest.mark.parametrize("method", METHODS)
def test_a_mirrored_picture_has_the_mirrored_depth(folds: Scene, method: str):
    """Left and right, up and down: normals change the sign of one component."""
    depth_px = run(folds, method)
    for axis, signs in ((1, (-1, 1, 1)), (0, (1, -1, 1))):
        mirrored = Scene(
            np.flip(folds.depth, axis),
            np.flip(folds.normals_cam, axis) * np.array(signs),
            np.flip(folds.gradient_magnitude, axis),
            np.flip(folds.mask, axis),
            None,
        )
        difference = np.abs(np.flip(run(mirrored, method), axis) - depth_px)
        assert np.median(difference[folds.mask]) < LOOSE_PX.get(method, 1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_transposed_picture_has_the_transposed_depth(parts: Scene, method: str):
    """Rows become columns, x becomes y, in perspective too."""
    swap = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert parts.intrinsics_px is not None
    transposed = Scene(
        parts.depth.T,
        parts.normals_cam.transpose(1, 0, 2) @ swap,
        parts.gradient_magnitude.T,
        parts.mask.T,
        swap @ parts.intrinsics_px @ swap,
    )
    difference = np.abs(run(transposed, method).T - run(parts, method))[parts.mask]
    focal_px = parts.intrinsics_px[0, 0]
    assert np.median(difference) < LOOSE_PX.get(method, 1e-6) / focal_px * 2


@pytest.mark.parametrize("method", METHODS)
def test_cropping_to_the_mask_and_padding_around_it_change_nothing(parts: Scene, method: str):
    """Bit for bit: with its principal point moved along, a larger picture holds the same depth."""
    assert parts.intrinsics_px is not None
    left, right, above, below = 3, 8, 6, 1
    around = ((above, below), (left, right))
    moved = parts.intrinsics_px.copy()
    moved[:2, 2] += left, above
    padded = Scene(
        np.pad(parts.depth, around),
        np.pad(parts.normals_cam, (*around, (0, 0)), constant_values=np.nan),
        np.pad(parts.gradient_magnitude, around),
        np.pad(parts.mask, around),
        moved,
    )
    depth = run(padded, method)
    np.testing.assert_allclose(depth[above:-below, left:-right], run(parts, method), rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", ["wls", "robust_gradient"])
def test_pictures_of_a_batch_do_not_see_each_other(folds: Scene, method: str):
    """Each picture has the depth that it has alone, beside another with a smaller mask."""
    smaller = folds.mask & (np.indices(folds.mask.shape)[0] > 17)
    normals = torch.from_numpy(np.stack([folds.normals_cam, folds.normals_cam]))
    masks = torch.from_numpy(np.stack([folds.mask, smaller]))
    magnitude = torch.from_numpy(np.stack([folds.gradient_magnitude] * 2))
    both = integrate_batch(normals, masks, gradient_magnitude=magnitude, method=method)
    for picture in range(2):
        alone = integrate_batch(
            normals[picture : picture + 1],
            masks[picture : picture + 1],
            gradient_magnitude=magnitude[picture : picture + 1],
            method=method,
        )
        assert (both[picture] - alone[0]).abs().median() < LOOSE_PX.get(method, 1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_single_precision_in_torch_agrees_with_double_precision_in_compiled_loops(folds: Scene, method: str):
    """Another back end and another precision: the same surface, of which one batch holds two."""
    normals = torch.from_numpy(np.stack([folds.normals_cam, folds.normals_cam])).float()
    masks = torch.from_numpy(np.stack([folds.mask, folds.mask]))
    magnitude = torch.from_numpy(np.stack([folds.gradient_magnitude] * 2)).float()
    depth_px = integrate_batch(normals, masks, gradient_magnitude=magnitude, method=method, back_end="torch")
    assert depth_px.dtype == torch.float32
    difference = np.abs(depth_px.numpy() - run(folds, method))[:, folds.mask]
    assert np.median(difference) < LOOSE_PX.get(method, 1e-3)
