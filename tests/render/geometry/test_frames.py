"""Rotations and rigid motions mean what docs/conventions.md says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.geometry.frames import (
    WORLD_FROM_HEAD_AXES,
    head_angles_deg,
    head_rotation,
    rigid,
    rigid_inverse,
    rotation_about,
    transform_points,
)

FACE, LEFT, UP = np.array([0.0, 0, 1]), np.array([1.0, 0, 0]), np.array([0.0, 1, 0])


def test_positive_yaw_turns_the_face_to_the_persons_left():
    """With yaw 30 the face's direction has a positive share along the person's left, and no vertical one."""
    turned = head_rotation(30, 0, 0) @ FACE
    np.testing.assert_allclose(turned, [0.5, 0, np.sqrt(0.75)], atol=1e-12)


def test_positive_pitch_nods_down():
    """With pitch 30 the face looks down."""
    np.testing.assert_allclose(head_rotation(0, 30, 0) @ FACE, [0, -0.5, np.sqrt(0.75)], atol=1e-12)


def test_positive_roll_tilts_the_crown_to_the_persons_right():
    """With roll 30 the up direction leans to the person's right (negative x)."""
    np.testing.assert_allclose(head_rotation(0, 0, 30) @ UP, [-0.5, np.sqrt(0.75), 0], atol=1e-12)


@given(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))
def test_angles_survive_the_round_trip(yaw, pitch, roll):
    """head_angles_deg inverts head_rotation, which is a proper rotation."""
    rotation = head_rotation(yaw, pitch, roll)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(head_angles_deg(rotation), (yaw, pitch, roll), atol=1e-6)


def test_the_world_is_z_up_and_the_face_looks_along_minus_y():
    """Head axes land on Blender's axes without a mirror."""
    np.testing.assert_array_equal(WORLD_FROM_HEAD_AXES @ FACE, [0, -1, 0])
    np.testing.assert_array_equal(WORLD_FROM_HEAD_AXES @ UP, [0, 0, 1])
    np.testing.assert_array_equal(WORLD_FROM_HEAD_AXES @ LEFT, [1, 0, 0])
    assert np.linalg.det(WORLD_FROM_HEAD_AXES) == pytest.approx(1)


def test_a_rotation_about_a_point_leaves_that_point():
    """The pivot stays, everything else keeps its distance to it, and the inverse undoes the motion."""
    pivot = np.array([0.1, -0.2, 0.3])
    motion = rotation_about(pivot, head_rotation(20, -30, 40))
    points = np.array([pivot, [1.0, 2.0, 3.0]])
    moved = transform_points(motion, points)
    np.testing.assert_allclose(moved[0], pivot, atol=1e-12)
    assert np.linalg.norm(moved[1] - pivot) == pytest.approx(np.linalg.norm(points[1] - pivot))
    np.testing.assert_allclose(transform_points(rigid_inverse(motion), moved), points, atol=1e-12)
    np.testing.assert_allclose(rigid_inverse(motion) @ motion, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(rigid(motion[:3, :3], motion[:3, 3]), motion)
