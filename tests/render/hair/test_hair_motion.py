"""Hair moves rigidly with what it belongs to: closed forms of turning and following."""

import numpy as np
import pytest

from render.geometry.frames import head_rotation, rigid, rotation_about, transform_points
from render.hair.motion import anchored, following, turn_profile, turned

STREAM = np.random.default_rng(7)
POINTS = STREAM.uniform(-0.2, 0.2, (50, 3))
NECK, HEAD = np.array([0.01, -0.12, -0.03]), np.array([0.0, -0.02, -0.01])


def head_motion(share: float, *, yaw=38.0, pitch=-14.0, roll=9.0) -> np.ndarray:
    """Neck, then head, about parallel axes: `share` of the turn is the neck's."""
    from scipy.spatial.transform import Rotation

    whole = Rotation.from_matrix(head_rotation(yaw, pitch, roll)).as_rotvec()
    neck, head = (Rotation.from_rotvec(part * whole).as_matrix() for part in (share, 1 - share))
    return rotation_about(NECK, neck) @ rotation_about(HEAD, head)


def test_hair_that_belongs_wholly_to_the_head_moves_rigidly_with_it():
    """With share 1 points go exactly where the head's 4x4 motion takes them, with share 0 they stay."""
    motion = head_motion(0.35)
    expected = transform_points(motion, POINTS)
    np.testing.assert_allclose(turned(POINTS, np.ones(50), motion), expected, atol=1e-12)
    np.testing.assert_allclose(turned(POINTS, np.zeros(50), motion), POINTS, atol=1e-12)


def test_half_the_turn_taken_twice_is_the_whole():
    """Turning by half the share twice is turning once: shares are parts of one angle about one axis."""
    motion = head_motion(0.35)
    half = np.full(50, 0.5)
    np.testing.assert_allclose(
        turned(turned(POINTS, half, motion), half, motion), turned(POINTS, 2 * half, motion), atol=1e-12
    )


def test_a_head_at_rest_leaves_hair_where_it_is():
    """No rotation, no motion; there is no axis to find then."""
    np.testing.assert_array_equal(turned(POINTS, np.full(50, 0.7), np.eye(4)), POINTS)


def test_strands_follow_their_triangles_rigidly():
    """When all triangles move by one rigid motion, so do the strands; where nothing moves they come back unchanged."""
    vertices = STREAM.uniform(-0.1, 0.1, (30, 3))
    triangles = STREAM.permuted(np.tile(np.arange(30), (8, 1)), axis=1)[:, :3]
    strands = STREAM.uniform(-0.1, 0.1, (8, 5, 3))
    anchors = anchored(strands, triangles, vertices)
    np.testing.assert_allclose(following(anchors, vertices), strands, atol=1e-15)
    motion = rigid(head_rotation(20, -33, 47), np.array([0.1, -0.2, 0.05]))
    moved = following(anchors, transform_points(motion, vertices))
    np.testing.assert_allclose(moved.reshape(-1, 3), transform_points(motion, strands.reshape(-1, 3)), atol=1e-12)


def test_the_profile_of_the_nape_rises_from_torso_to_skull():
    """Skin in front does not count, heights ascend, and shares never fall on the way up."""
    skin = np.array([[0, y, z] for y in np.linspace(-0.2, 0.1, 31) for z in (-0.05, 0.05)])
    shares = np.where(skin[:, 2] > 0, 0.9, np.clip((skin[:, 1] + 0.1) / 0.1, 0, 1))
    profile = turn_profile(skin, shares, 0.0)
    assert (np.diff(profile[:, 0]) > 0).all() and (np.diff(profile[:, 1]) >= 0).all()
    assert profile[0, 1] == 0.0 and profile[-1, 1] == pytest.approx(1.0)
    assert np.interp(-0.05, profile[:, 0], profile[:, 1]) == pytest.approx(0.5, abs=0.08)
