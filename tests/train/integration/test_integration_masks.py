"""`integrate` on awkward masks and normals: parts, holes, rings, lone pixels, unknown normals; and what it refuses."""

import numpy as np
import pytest
import torch

from train.errors import InputError
from train.integration.integrate import integrate, integrate_batch
from train.integration.request import METHODS, check_request

HEIGHT_PX, WIDTH_PX = 31, 44
ROWS, COLUMNS = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float64)
SLOPE_X, SLOPE_Y = 0.7, -1.3
PLANE_PX = SLOPE_X * COLUMNS + SLOPE_Y * ROWS
INTRINSICS_PX = np.array([[70.0, 0.0, 25.0], [0.0, 70.0, 12.0], [0.0, 0.0, 1.0]])
LEAST_SQUARES_LIKE = ("least_squares", "wls", "robust", "robust_gradient")


def plane() -> np.ndarray:
    """Normals of PLANE_PX, writable."""
    normal = np.array([SLOPE_X, SLOPE_Y, -1.0])
    return np.tile(normal / np.linalg.norm(normal), (HEIGHT_PX, WIDTH_PX, 1))


def ring() -> np.ndarray:
    """One pixel wide, around a hole."""
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), dtype=bool)
    mask[5:20, 7:30] = True
    mask[6:19, 8:29] = False
    return mask


def run(mask: np.ndarray, *, normals: np.ndarray | None = None, method: str = "robust", **more) -> np.ndarray:
    """Depth of the plane, with a gradient magnitude of 1."""
    normals = plane() if normals is None else normals
    return integrate(normals, mask, gradient_magnitude=np.ones(mask.shape), method=method, **more)


@pytest.mark.parametrize("method", LEAST_SQUARES_LIKE)
def test_every_component_has_its_own_offset(method: str):
    """Islands, one in the hole of another, are planes of mean 0 each; diagonal neighbours are not connected."""
    island = np.zeros_like(ring())
    island[9:14, 12:19] = True
    touching = np.zeros_like(island)
    touching[20:26, 30:40] = True
    depth_px = run(ring() | island | touching, method=method)
    for part in (ring(), island, touching):
        np.testing.assert_allclose(depth_px[part], PLANE_PX[part] - PLANE_PX[part].mean(), atol=1e-6)


def test_every_component_has_its_own_scale_in_perspective():
    """The geometric mean of the depth of each component is 1."""
    island = np.zeros_like(ring())
    island[9:14, 12:19] = True
    depth = run(ring() | island, intrinsics_px=INTRINSICS_PX)
    for part in (ring(), island):
        assert np.log(depth[part]).mean() == pytest.approx(0, abs=1e-12)
        assert depth[part].std() > 0.01


@pytest.mark.parametrize("method", METHODS)
def test_a_single_pixel_and_an_empty_mask_have_a_depth_too(method: str):
    """Nothing is known of one pixel but its gauge: 0 pixels, or 1 in perspective; an empty mask gives zeros."""
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), dtype=bool)
    assert not run(mask, method=method).any()
    mask[4, 9] = mask[20, 3] = True
    assert not run(mask, method=method).any()
    np.testing.assert_array_equal(run(mask, method=method, intrinsics_px=INTRINSICS_PX), mask.astype(float))


@pytest.mark.parametrize("unusable", [(0, 0, 0), (1, 0, -1e-12), (1, 0, 0), (0.6, 0, 0.8), (0, 1, -0.01)])
@pytest.mark.parametrize("intrinsics_px", [None, INTRINSICS_PX])
@pytest.mark.parametrize("method", LEAST_SQUARES_LIKE)
def test_unusable_normals_are_filled_from_around(method: str, intrinsics_px: np.ndarray | None, unusable):
    """Zero, grazing and back-facing normals change nothing around them, and their pixels lie on the plane."""
    everywhere = np.ones((HEIGHT_PX, WIDTH_PX), dtype=bool)
    normals = plane()
    for row, column in ((8, 13), (20, 30), (0, 0)):
        normals[row, column] = unusable
        if intrinsics_px is not None:
            # Turn what is unusable along the axis into what is unusable along the ray of the pixel.
            x, y, _ = np.linalg.inv(intrinsics_px) @ (column + 0.5, row + 0.5, 1)
            normals[row, column, 2] -= x * unusable[0] + y * unusable[1]
    expected = run(everywhere, method=method, intrinsics_px=intrinsics_px)
    depth = run(everywhere, normals=normals, method=method, intrinsics_px=intrinsics_px)
    np.testing.assert_allclose(depth, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_normals_that_say_nothing_at_all_still_give_numbers(method: str):
    """Where all normals are unknown, or face away, depth is finite."""
    everywhere = np.ones((HEIGHT_PX, WIDTH_PX), dtype=bool)
    for normals in (np.zeros_like(plane()), -plane()):
        assert np.isfinite(run(everywhere, normals=normals, method=method)).all()
    half = plane()
    half[:, 20:] = 0
    assert np.isfinite(run(everywhere, normals=half, method=method)).all()


def test_numbers_outside_the_mask_are_never_read():
    """NaN there changes nothing."""
    normals, magnitude = plane(), np.ones((HEIGHT_PX, WIDTH_PX))
    normals[~ring()] = np.nan
    magnitude[~ring()] = np.nan
    depth_px = integrate(normals, ring(), gradient_magnitude=magnitude)
    np.testing.assert_allclose(depth_px[ring()], PLANE_PX[ring()] - PLANE_PX[ring()].mean(), atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_inside_the_mask_are_refused(bad: float):
    """The error counts them and says what to do."""
    normals = plane()
    normals[10, 7, 1] = normals[19, 9, 0] = bad
    with pytest.raises(InputError, match=rf"normals_cam is not finite at 2 of {ring().sum()} .*out of the mask"):
        integrate(normals, ring())
    magnitude = np.ones((HEIGHT_PX, WIDTH_PX))
    magnitude[10, 7] = bad
    with pytest.raises(InputError, match="gradient_magnitude is not finite at 1 of"):
        integrate(plane(), ring(), gradient_magnitude=magnitude)


def test_methods_that_need_a_gradient_magnitude_say_so():
    """`wls` and `robust_gradient` without one are refused, and so are unknown methods and a negative factor."""
    for method in ("wls", "robust_gradient"):
        with pytest.raises(InputError, match=f"{method} needs gradient_magnitude"):
            integrate(plane(), ring(), method=method)
    with pytest.raises(InputError, match="no integration method 'poisson'; expected one of auto, robust"):
        integrate(plane(), ring(), method="poisson")
    with pytest.raises(InputError, match=r"lam must be .* not -1"):
        integrate(plane(), ring(), lam=-1.0)
    with pytest.raises(InputError, match="negative inside the mask"):
        integrate(plane(), ring(), gradient_magnitude=-np.ones((HEIGHT_PX, WIDTH_PX)))


def test_without_a_method_the_robust_one_runs_and_uses_what_is_given():
    """`auto` is `robust` without and `robust_gradient` with a gradient magnitude."""
    stream = np.random.default_rng(4)
    normals = plane() + stream.normal(0, 0.2, plane().shape)
    magnitude = stream.uniform(0, 9, (HEIGHT_PX, WIDTH_PX))
    everywhere = np.ones((HEIGHT_PX, WIDTH_PX), dtype=bool)
    alone, helped = integrate(normals, everywhere), integrate(normals, everywhere, gradient_magnitude=magnitude)
    np.testing.assert_array_equal(alone, integrate(normals, everywhere, method="robust"))
    np.testing.assert_array_equal(
        helped, integrate(normals, everywhere, gradient_magnitude=magnitude, method="robust_gradient")
    )
    assert np.abs(alone - helped).max() > 0.1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"normals_cam": torch.zeros(2, 5, 6, 3)},
            r"normals_cam must be .*\(2, 5, 7, 3\).* not float32 \(2, 5, 6, 3\)",
        ),
        ({"normals_cam": torch.zeros(2, 5, 7, 3, dtype=torch.int64)}, "floating point .* not int64"),
        ({"mask": torch.ones(5, 7, dtype=torch.bool)}, r"mask must be bool, batch x height x width, not bool \(5, 7\)"),
        ({"mask": torch.ones(2, 5, 7)}, "not float32"),
        ({"gradient_magnitude": torch.zeros(2, 7, 5)}, r"gradient_magnitude must be .*\(2, 5, 7\)"),
        ({"intrinsics_px": torch.eye(3)}, r"intrinsics_px must be \(2, 3, 3\)"),
        ({"intrinsics_px": torch.zeros(2, 3, 3)}, "positive focal lengths"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, torch.Tensor], words: str):
    """Each error names the array, what was expected and what came."""
    fine = {
        "normals_cam": torch.zeros(2, 5, 7, 3),
        "mask": torch.ones(2, 5, 7, dtype=torch.bool),
        "gradient_magnitude": torch.zeros(2, 5, 7),
        "intrinsics_px": torch.eye(3).expand(2, 3, 3),
    }
    assert check_request(**fine, method="auto", lam=0.1) == "robust_gradient"
    with pytest.raises(InputError, match=words):
        check_request(**(fine | change), method="auto", lam=0.1)


def test_half_precision_becomes_single():
    """A batch of packed normals (16 bits) is integrated in 32 bits."""
    depth_px = integrate_batch(torch.from_numpy(plane()).half()[None], torch.from_numpy(ring())[None])
    assert depth_px.dtype == torch.float32
    np.testing.assert_allclose(depth_px[0].numpy()[ring()], (PLANE_PX - PLANE_PX[ring()].mean())[ring()], atol=0.02)
