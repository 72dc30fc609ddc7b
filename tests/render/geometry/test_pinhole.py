"""The camera stands where it is said to, and projection is the inverse of the rays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.geometry.frames import WORLD_FROM_HEAD_AXES, head_rotation, rigid, rigid_inverse, transform_points
from render.geometry.pinhole import (
    aim_point_m,
    blender_camera_matrix,
    camera_around,
    intrinsics_px,
    pixel_rays,
    project_px,
)
from render.parameters import Camera

LENS = {"focal_length_mm": 47.0, "sensor_width_mm": 41.0, "width_px": 188, "height_px": 116}
CAMERA = Camera(
    distance_mm=850.0, offset_x=0.1, offset_y=-0.2, azimuth_deg=10.0, elevation_deg=20.0, roll_deg=30.0,
    clip_near_m=0.3, clip_far_m=1.9, **LENS,
)  # fmt: skip


def test_focal_length_in_pixels_follows_the_sensor_width():
    """f_px = f_mm / sensor_width_mm * width_px, the same for rows, and the principal point is the middle."""
    expected = [[47 / 41 * 188, 0, 94], [0, 47 / 41 * 188, 58], [0, 0, 1]]
    np.testing.assert_allclose(intrinsics_px(CAMERA), expected)


def test_the_target_appears_where_the_offsets_say_at_the_distance_asked_for():
    """Offsets are shares of width and height from the centre; distance is Euclidean; the world's up is up."""
    target = np.array([0.02, -0.09, 0.03])
    pose = camera_around(target, distance_m=0.85, offset_x=0.1, offset_y=-0.2, **LENS)
    at = transform_points(pose, target[None])
    assert np.linalg.norm(at) == pytest.approx(0.85)
    np.testing.assert_allclose(project_px(intrinsics_px(CAMERA), at), [[94 + 18.8, 58 - 23.2]])
    above = transform_points(pose, (target + np.array([0, 0, 0.1]))[None])
    right = transform_points(pose, (target + np.array([0.1, 0, 0]))[None])
    assert above[0, 1] == pytest.approx(at[0, 1] - 0.1)
    assert right[0, 0] == pytest.approx(at[0, 0] + 0.1)


@given(st.floats(-180, 180), st.floats(-80, 80), st.floats(-180, 180), st.floats(-0.3, 0.3), st.floats(-0.4, 0.4))
def test_from_every_direction_the_target_keeps_its_place_and_distance(
    azimuth: float, elevation: float, roll: float, offset_x: float, offset_y: float
):
    """Orbit and roll move neither the target's image nor its distance, and the pose stays a rotation."""
    target = np.array([0.02, -0.09, 0.03])
    angles = {"azimuth_deg": azimuth, "elevation_deg": elevation, "roll_deg": roll}
    pose = camera_around(target, distance_m=0.85, offset_x=offset_x, offset_y=offset_y, **angles, **LENS)
    at = transform_points(pose, target[None])
    assert np.linalg.norm(at) == pytest.approx(0.85)
    expected = [[94 + 188 * offset_x, 58 + 116 * offset_y]]
    np.testing.assert_allclose(project_px(intrinsics_px(CAMERA), at), expected, atol=1e-6)
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "expected"),
    [
        (0, 0, (0, -0.8, 0)),
        (90, 0, (0.8, 0, 0)),
        (-90, 0, (-0.8, 0, 0)),
        (180, 0, (0, 0.8, 0)),
        (0, 30, (0, -0.8 * np.sqrt(0.75), 0.4)),
        (60, -30, (0.8 * 0.75, -0.8 * np.sqrt(0.75) / 2, -0.4)),
    ],
)
def test_the_camera_stands_where_azimuth_and_elevation_say(azimuth, elevation, expected):
    """Azimuth goes from before the face (-y) towards the person's left (+x), elevation upwards (+z); 0.8 m away."""
    target = np.array([0.1, 0.2, 0.3])
    pose = camera_around(
        target, distance_m=0.8, azimuth_deg=azimuth, elevation_deg=elevation, offset_x=0, offset_y=0, **LENS
    )
    np.testing.assert_allclose(rigid_inverse(pose)[:3, 3] - target, expected, atol=1e-12)


@given(st.floats(-180, 180), st.floats(-80, 80), st.floats(-180, 180))
def test_turning_the_camera_looks_like_turning_the_head(azimuth: float, elevation: float, roll: float):
    """A camera at (azimuth, elevation, roll) sees points as the one in front sees them after
    Rz(roll) Rx(elevation) Ry(-azimuth) about the target, in head axes."""
    rng = np.random.default_rng(5)
    target, points = np.array([0.02, -0.09, 0.03]), rng.normal(0, 0.1, (7, 3))
    where = {"distance_m": 0.9, "offset_x": 0.05, "offset_y": -0.1}
    around = camera_around(target, azimuth_deg=azimuth, elevation_deg=elevation, roll_deg=roll, **where, **LENS)
    turned = head_rotation(0, 0, roll) @ head_rotation(0, elevation, 0) @ head_rotation(-azimuth, 0, 0)
    in_world = WORLD_FROM_HEAD_AXES @ turned @ WORLD_FROM_HEAD_AXES.T
    moved = (points - target) @ in_world.T + target
    np.testing.assert_allclose(
        transform_points(around, points), transform_points(camera_around(target, **where, **LENS), moved), atol=1e-12
    )


def test_a_camera_aims_at_the_eyes_of_the_head_at_rest_or_as_posed():
    """A head that yaws by 90 degrees about its origin carries the point between its eyes from before it to its left."""
    between_eyes = np.array([0.0, 0.03, 0.09])
    yawed = rigid(head_rotation(90, 0, 0).T @ WORLD_FROM_HEAD_AXES.T, np.zeros(3))
    np.testing.assert_allclose(aim_point_m(between_eyes, yawed, aim="frontal"), [0, -0.09, 0.03], atol=1e-12)
    np.testing.assert_allclose(aim_point_m(between_eyes, yawed, aim="posed"), [0.09, 0, 0.03], atol=1e-12)
    at_rest = rigid(WORLD_FROM_HEAD_AXES.T, np.zeros(3))
    np.testing.assert_array_equal(
        aim_point_m(between_eyes, at_rest, aim="posed"), aim_point_m(between_eyes, at_rest, aim="frontal")
    )


def test_positive_roll_turns_the_picture_anticlockwise():
    """A point above the target (up in the picture) moves to the left of it at a quarter turn."""
    target = np.array([0.02, -0.09, 0.03])
    pose = camera_around(target, distance_m=0.9, roll_deg=90, offset_x=0, offset_y=0, **LENS)
    above = transform_points(pose, (target + np.array([0, 0, 0.1]))[None])
    np.testing.assert_allclose(above, [[-0.1, 0, 0.9]], atol=1e-12)


def test_rays_hit_pixel_centres():
    """A point anywhere along the ray of pixel (i, j) projects to (j + 0.5, i + 0.5)."""
    intrinsics = intrinsics_px(CAMERA)
    rays = pixel_rays(intrinsics, width_px=188, height_px=116)
    assert rays.shape == (116, 188, 3)
    for row, column in ((0, 0), (115, 187), (17, 133)):
        np.testing.assert_allclose(
            project_px(intrinsics, rays[row, column][None] * 1.7), [[column + 0.5, row + 0.5]], atol=1e-9
        )


def test_blenders_camera_looks_along_its_minus_z():
    """The Blender matrix is in the same place, its -z is our forward and its +y our up."""
    pose = camera_around(np.zeros(3), distance_m=1.0, offset_x=0.1, offset_y=0.0, **LENS)
    matrix = blender_camera_matrix(pose)
    np.testing.assert_allclose(transform_points(pose, matrix[:3, 3][None]), np.zeros((1, 3)), atol=1e-12)
    np.testing.assert_allclose(pose[:3, :3] @ -matrix[:3, 2], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(pose[:3, :3] @ matrix[:3, 1], [0, -1, 0], atol=1e-12)
