"""`integrate` on surfaces whose depth is known in closed form: planes, a sphere, waves; signs, axes and symmetries."""

import numpy as np
import pytest

from benchmarks.integration_surfaces import scene, smooth_sheets
from train.geometry import pinhole_intrinsics_px
from train.integration.integrate import integrate

HEIGHT_PX, WIDTH_PX = 43, 58
ROWS, COLUMNS = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float64)
# Lopsided, with a bay, and touching no border of the picture.
MASK = (((COLUMNS - 25) / 21) ** 2 + ((ROWS - 22) / 18) ** 2 < 1) & ~((COLUMNS > 28) & (np.abs(ROWS - 15) < 3))
INTRINSICS_PX = np.array([[90.0, 0.0, 31.0], [0.0, 84.0, 17.5], [0.0, 0.0, 1.0]])
EXACT_ON_PLANES = ("least_squares", "wls", "robust", "robust_gradient")


def plane_normals(normal: tuple[float, float, float]) -> np.ndarray:
    """The same unit normal at every pixel."""
    return np.broadcast_to(np.array(normal) / np.linalg.norm(normal), (HEIGHT_PX, WIDTH_PX, 3))


def rays() -> np.ndarray:
    """Rays through the pixel centres, with z = 1."""
    pixels = np.stack([COLUMNS + 0.5, ROWS + 0.5, np.ones_like(ROWS)], axis=-1)
    return pixels @ np.linalg.inv(INTRINSICS_PX).T


@pytest.mark.parametrize("method", EXACT_ON_PLANES)
@pytest.mark.parametrize("normal", [(0.3, -0.5, -1.0), (-2.0, 1.1, -0.6)])
def test_a_tilted_plane_is_exact_in_orthographic_projection(method: str, normal: tuple[float, float, float]):
    """depth = -(n_x u + n_y v) / n_z to 1e-6 pixels, with mean 0 over the mask and 0 outside it."""
    depth_px = integrate(plane_normals(normal), MASK, method=method, gradient_magnitude=np.ones((HEIGHT_PX, WIDTH_PX)))
    expected = -(normal[0] * COLUMNS + normal[1] * ROWS) / normal[2]
    np.testing.assert_allclose(depth_px[MASK], (expected - expected[MASK].mean())[MASK], atol=1e-6)
    assert not depth_px[~MASK].any()


@pytest.mark.parametrize("method", EXACT_ON_PLANES)
@pytest.mark.parametrize("normal", [(0.3, -0.5, -1.0), (-0.9, 0.6, -0.5)])
def test_a_tilted_plane_is_exact_in_perspective(method: str, normal: tuple[float, float, float]):
    """depth = c / (n . ray) to 1e-6 of itself, with geometric mean 1, whatever the principal point and pixel shape."""
    depth = integrate(
        plane_normals(normal),
        MASK,
        method=method,
        gradient_magnitude=np.ones((HEIGHT_PX, WIDTH_PX)),
        intrinsics_px=INTRINSICS_PX,
    )
    expected = -1 / (rays() @ np.array(normal))
    assert expected[MASK].min() > 0
    expected /= np.exp(np.log(expected[MASK]).mean())
    np.testing.assert_allclose(depth[MASK], expected[MASK], rtol=1e-6)


def test_a_whole_rectangle_is_exact_with_the_cosine_transform():
    """On a plane without a mask the transform solves the same problem as least squares, exactly."""
    everywhere = np.ones_like(MASK)
    depth_px = integrate(plane_normals((0.3, -0.5, -1.0)), everywhere, method="dct_poisson")
    expected = 0.3 * COLUMNS - 0.5 * ROWS
    np.testing.assert_allclose(depth_px, expected - expected.mean(), atol=1e-9)


def test_a_periodic_surface_is_exact_with_frankot_chellappa():
    """Waves that fit the picture come back to 1e-9, from their slopes at the pixels."""
    x, y = 2 * np.pi * COLUMNS / WIDTH_PX, 2 * np.pi * ROWS / HEIGHT_PX
    depth_px = 3 * np.sin(x + 0.3) + 2 * np.cos(2 * x - y)
    along_x = (3 * np.cos(x + 0.3) - 4 * np.sin(2 * x - y)) * 2 * np.pi / WIDTH_PX
    along_y = 2 * np.sin(2 * x - y) * 2 * np.pi / HEIGHT_PX
    normals = np.stack([along_x, along_y, -np.ones_like(x)], axis=-1)
    result = integrate(normals, np.ones_like(MASK), method="frankot_chellappa")
    np.testing.assert_allclose(result, depth_px - depth_px.mean(), atol=1e-9)


def hemisphere_error(radius_px: float) -> float:
    """Largest error of the front of a ball, over its radius, where normals are at most 78 degrees off the axis."""
    size = int(2 * radius_px) + 3
    rows, columns = np.mgrid[0:size, 0:size] - size / 2 + 0.37
    squared = (rows**2 + columns**2) / radius_px**2
    mask = squared < 0.98**2
    depth_px = -radius_px * np.sqrt(np.maximum(1 - squared, 0))
    normals = np.stack([columns, rows, depth_px], axis=-1) / radius_px
    error = integrate(normals, mask, method="least_squares") - depth_px
    return float(np.abs(error - np.median(error[mask]))[mask].max() / radius_px)


def test_the_error_of_a_hemisphere_falls_with_the_size_of_a_pixel():
    """O(h) up to the rim: twice the pixels, at most 0.6 of the error, which is small to begin with."""
    errors = [hemisphere_error(radius_px) for radius_px in (16.0, 32.0, 64.0)]
    assert errors[0] < 0.06
    assert errors[1] < 0.6 * errors[0]
    assert errors[2] < 0.6 * errors[1]


@pytest.mark.parametrize("intrinsics_px", [None, pinhole_intrinsics_px(80.0, width_px=WIDTH_PX, height_px=HEIGHT_PX)])
def test_a_surface_that_looks_left_comes_nearer_to_the_right_and_one_that_looks_up_downwards(intrinsics_px):
    """The signs of x and y: a normal with x < 0 is that of a depth that falls to the right; y < 0, downwards."""
    looks_left = integrate(plane_normals((-0.6, 0, -0.8)), MASK, intrinsics_px=intrinsics_px)
    assert looks_left[20, 35] < looks_left[20, 10]
    looks_up = integrate(plane_normals((0, -0.6, -0.8)), MASK, intrinsics_px=intrinsics_px)
    assert looks_up[33, 25] < looks_up[10, 25]


@pytest.mark.parametrize("perspective", [False, True])
@pytest.mark.parametrize("method", ["least_squares", "robust", "bilateral"])
def test_a_lopsided_face_comes_back_and_with_a_wrong_sign_it_does_not(method: str, perspective: bool):
    """The error is below 0.02 pixels (0.02 millimetres); with y turned round it is 20 times as large and more."""
    truth = scene(smooth_sheets(), height_px=70, width_px=60, perspective=perspective)
    right, wrong = (
        integrate(truth.normals_cam * np.array([1, sign, 1]), truth.mask, method=method, intrinsics_px=intrinsics)
        for sign, intrinsics in ((1, truth.intrinsics_px), (-1, truth.intrinsics_px))
    )
    errors = []
    for depth in (right, wrong):
        known, true = depth[truth.mask], truth.depth[truth.mask]
        aligned = known * np.median(true / known) if perspective else known - np.median(known - true)
        errors.append(np.abs(aligned - true).mean())
    assert errors[0] < 0.12
    assert errors[1] > 20 * errors[0]
