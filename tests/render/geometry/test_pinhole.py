"""The camera stands where it is said to, and projection is the inverse of the rays."""

import numpy as np
import pytest

from render.geometry.frames import transform_points
from render.geometry.pinhole import blender_camera_matrix, camera_in_front, intrinsics_px, pixel_rays, project_px

LENS = {"focal_length_mm": 47.0, "sensor_width_mm": 41.0, "width_px": 188, "height_px": 116}


def test_focal_length_in_pixels_follows_the_sensor_width():
    """f_px = f_mm / sensor_width_mm * width_px, the same for rows, and the principal point is the middle."""
    expected = [[47 / 41 * 188, 0, 94], [0, 47 / 41 * 188, 58], [0, 0, 1]]
    np.testing.assert_allclose(intrinsics_px(**LENS), expected)


def test_the_target_appears_where_the_offsets_say_at_the_distance_asked_for():
    """Offsets are shares of width and height from the centre; distance is Euclidean; the world's up is up."""
    target = np.array([0.02, -0.09, 0.03])
    pose = camera_in_front(target, distance_m=0.85, offset_x=0.1, offset_y=-0.2, **LENS)
    at = transform_points(pose, target[None])
    assert np.linalg.norm(at) == pytest.approx(0.85)
    np.testing.assert_allclose(project_px(intrinsics_px(**LENS), at), [[94 + 18.8, 58 - 23.2]])
    above = transform_points(pose, (target + np.array([0, 0, 0.1]))[None])
    right = transform_points(pose, (target + np.array([0.1, 0, 0]))[None])
    assert above[0, 1] == pytest.approx(at[0, 1] - 0.1)
    assert right[0, 0] == pytest.approx(at[0, 0] + 0.1)


def test_rays_hit_pixel_centres():
    """A point anywhere along the ray of pixel (i, j) projects to (j + 0.5, i + 0.5)."""
    intrinsics = intrinsics_px(**LENS)
    rays = pixel_rays(intrinsics, width_px=188, height_px=116)
    assert rays.shape == (116, 188, 3)
    for row, column in ((0, 0), (115, 187), (17, 133)):
        np.testing.assert_allclose(
            project_px(intrinsics, rays[row, column][None] * 1.7), [[column + 0.5, row + 0.5]], atol=1e-9
        )


def test_blenders_camera_looks_along_its_minus_z():
    """The Blender matrix is in the same place, its -z is our forward and its +y our up."""
    pose = camera_in_front(np.zeros(3), distance_m=1.0, offset_x=0.1, offset_y=0.0, **LENS)
    matrix = blender_camera_matrix(pose)
    np.testing.assert_allclose(transform_points(pose, matrix[:3, 3][None]), np.zeros((1, 3)), atol=1e-12)
    np.testing.assert_allclose(pose[:3, :3] @ -matrix[:3, 2], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(pose[:3, :3] @ matrix[:3, 1], [0, -1, 0], atol=1e-12)
