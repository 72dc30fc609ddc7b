"""Rules of train.geometry, checked on surfaces whose points, normals and slope are known in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.geometry import back_project, gradient_magnitude_from_depth, normals_from_depth, pinhole_intrinsics_px

HEIGHT_PX, WIDTH_PX, FOCAL_LENGTH_PX = 37, 53, 81.0
INTRINSICS_PX = pinhole_intrinsics_px(FOCAL_LENGTH_PX, width_px=WIDTH_PX, height_px=HEIGHT_PX)


def rays() -> np.ndarray:
    """Rays through the pixel centres with z = 1, written out here a second time on purpose."""
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    x = (columns + 0.5 - WIDTH_PX / 2) / FOCAL_LENGTH_PX
    y = (rows + 0.5 - HEIGHT_PX / 2) / FOCAL_LENGTH_PX
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def plane_depth_m(normal: np.ndarray, distance_m: float) -> np.ndarray:
    """Depth of the plane normal . p = -distance_m."""
    return -distance_m / (rays() @ normal)


def test_back_projected_points_project_to_the_pixel_centres_they_came_from():
    """Projecting a back-projected point gives (column + 0.5, row + 0.5), and its z is the depth."""
    depth_m = np.random.default_rng(3).uniform(0.4, 1.7, (HEIGHT_PX, WIDTH_PX))
    points_m = back_project(depth_m, INTRINSICS_PX)
    projected = points_m @ INTRINSICS_PX.T
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    np.testing.assert_allclose(projected[..., 0] / projected[..., 2], columns + 0.5, atol=1e-10)
    np.testing.assert_allclose(projected[..., 1] / projected[..., 2], rows + 0.5, atol=1e-10)
    np.testing.assert_array_equal(points_m[..., 2], depth_m)


@settings(max_examples=25, deadline=None)
@given(tilt_x=st.floats(-1.2, 1.2), tilt_y=st.floats(-1.2, 1.2), distance_m=st.floats(0.3, 3.0))
def test_normals_of_a_tilted_plane_are_exact(tilt_x: float, tilt_y: float, distance_m: float):
    """Every pixel of a plane, at the border too, has the plane's normal within 1e-5 rad, unit and facing the camera."""
    normal = np.array([tilt_x, tilt_y, -1.0])
    normal /= np.linalg.norm(normal)
    normals = normals_from_depth(plane_depth_m(normal, distance_m), INTRINSICS_PX).astype(np.float64)
    sine = np.linalg.norm(np.cross(normals, normal), axis=-1)
    assert np.arcsin(np.clip(sine, 0, 1)).max() < 1e-5
    assert (normals @ normal).min() > 0.999
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-6)


def test_a_plane_turned_to_a_side_turns_its_normals_to_the_far_side():
    """Like the left cheek in a picture: depth that falls to the right looks left (x < 0); rows likewise (y < 0, up)."""
    falls_right = plane_depth_m(np.array([-0.6, 0.0, -0.8]), 0.7)
    assert falls_right[5, -1] < falls_right[5, 0]
    np.testing.assert_allclose(normals_from_depth(falls_right, INTRINSICS_PX)[9, 9], [-0.6, 0, -0.8], atol=1e-6)
    falls_down = plane_depth_m(np.array([0.0, -0.6, -0.8]), 0.7)
    assert falls_down[-1, 5] < falls_down[0, 5]
    np.testing.assert_allclose(normals_from_depth(falls_down, INTRINSICS_PX)[9, 9], [0, -0.6, -0.8], atol=1e-6)


def test_slope_of_a_plane_matches_the_closed_form():
    """Where differences are central, |grad z| f / z of z = d / (a u + b v + 1) is |(a, b)| z / d to second order."""
    normal = np.array([0.3, -0.2, -1.0])
    depth_m = plane_depth_m(normal, 0.8)
    # The derivative of z by u = (column - cx) / f is z^2 / d * normal_u, and |grad z| f / z takes one z away.
    expected = np.hypot(0.3, 0.2) * depth_m / 0.8
    measured = gradient_magnitude_from_depth(depth_m, INTRINSICS_PX)
    np.testing.assert_allclose(measured[1:-1, 1:-1], expected[1:-1, 1:-1], rtol=2e-4)


def test_slope_does_not_depend_on_resolution():
    """The same surface seen with half the pixels has the same slope: it has no unit and counts no pixels."""
    depth_m = plane_depth_m(np.array([0.5, 0.1, -1.0]), 0.8)
    coarse = depth_m[:36, :52].reshape(18, 2, 26, 2).mean(axis=(1, 3))
    fine_slope = gradient_magnitude_from_depth(depth_m, INTRINSICS_PX)[18, 26]
    half = pinhole_intrinsics_px(FOCAL_LENGTH_PX / 2, width_px=26, height_px=18)
    assert gradient_magnitude_from_depth(coarse, half)[9, 13] == pytest.approx(fine_slope, rel=2e-2)


def test_invalid_pixels_have_no_normal_and_do_not_reach_their_neighbours():
    """A hole changes nothing around it: one-sided differences stay exact on a plane."""
    normal = np.array([0.48, -0.36, -0.8])
    depth_m = plane_depth_m(normal, 0.9)
    depth_m[10:13, 20:24] = 0
    normals = normals_from_depth(depth_m, INTRINSICS_PX)
    assert not normals[10:13, 20:24].any()
    known = depth_m > 0
    np.testing.assert_allclose(normals[known], np.broadcast_to(normal, normals[known].shape), atol=1e-6)
    assert not gradient_magnitude_from_depth(depth_m, INTRINSICS_PX)[~known].any()


def test_a_lone_pixel_has_no_normal_and_no_slope():
    """Without a valid neighbour along a row and along a column nothing can be told."""
    depth_m = np.zeros((HEIGHT_PX, WIDTH_PX))
    depth_m[7, 11] = 0.8
    depth_m[20, 30:35] = 0.8, 0.9, 1.0, 1.1, 1.2
    normals = normals_from_depth(depth_m, INTRINSICS_PX)
    assert not normals.any()
    slope = gradient_magnitude_from_depth(depth_m, INTRINSICS_PX)
    assert slope[7, 11] == 0
    assert slope[20, 32] == pytest.approx(0.1 * FOCAL_LENGTH_PX / 1.0, rel=1e-6)


def test_no_normal_ever_looks_away():
    """Across depth jumps too, z <= 0 and each normal is unit or zero."""
    depth_m = np.random.default_rng(5).uniform(0.3, 2.0, (HEIGHT_PX, WIDTH_PX))
    normals = normals_from_depth(depth_m, INTRINSICS_PX)
    assert normals[..., 2].max() <= 0
    lengths = np.linalg.norm(normals, axis=-1)
    assert np.all((np.abs(lengths - 1) < 1e-6) | (lengths == 0))


def test_slope_is_the_one_of_the_ground_truth():
    """What train makes of a depth map with holes is what render publishes for it."""
    from render.geometry.surface import gradient_magnitude

    stream = np.random.default_rng(7)
    depth_m = plane_depth_m(np.array([0.3, -0.4, -1.0]), 0.8) + stream.uniform(0, 0.01, (HEIGHT_PX, WIDTH_PX))
    depth_m[stream.random(depth_m.shape) < 0.2] = 0
    np.testing.assert_allclose(
        gradient_magnitude_from_depth(depth_m, INTRINSICS_PX),
        gradient_magnitude(depth_m, focal_length_px=FOCAL_LENGTH_PX),
        rtol=1e-5,
        atol=1e-6,
    )
