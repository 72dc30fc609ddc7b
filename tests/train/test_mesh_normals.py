"""Normals of meshes: closed forms, and what angle weights promise."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from train.mesh_normals import face_normals, vertex_normals

# A corner of a box: three faces meet at vertex 0, one of them 3 x 2, cut into triangles.
BOX = np.array([[0, 0, 0], [3, 0, 0], [3, 2, 0], [0, 2, 0], [0, 0, -5], [3, 0, -5], [0, 2, -5]], dtype=np.float64)
ONE_CUT = np.array([[0, 1, 2], [0, 2, 3], [0, 4, 5], [0, 5, 1], [0, 3, 6], [0, 6, 4]])
OTHER_CUT = np.array([[0, 1, 3], [1, 2, 3], [0, 4, 1], [4, 5, 1], [0, 3, 4], [3, 6, 4]])


def test_face_normals_follow_the_right_hand_rule():
    """A triangle in the plane z = 0, counter-clockwise from +z, looks to +z, whatever its size; the reverse to -z."""
    vertices = np.array([[0.0, 0.0, 0.0], [7.0, 0.0, 0.0], [0.0, 0.3, 0.0]])
    np.testing.assert_array_equal(face_normals(vertices, np.array([[0, 1, 2], [0, 2, 1]])), [[0, 0, 1], [0, 0, -1]])


@pytest.mark.parametrize("triangles", [ONE_CUT, OTHER_CUT])
def test_the_corner_of_a_box_looks_along_its_diagonal_however_it_is_cut(triangles: np.ndarray):
    """Three faces at right angles weigh the same at their corner, whether one triangle of each ends there or two.

    Weights by area or by number of triangles would fail here.
    """
    expected = np.array([-1, -1, 1]) / np.sqrt(3)
    np.testing.assert_allclose(vertex_normals(BOX, triangles)[0], expected, atol=1e-12)


def test_weights_are_angles():
    """Two triangles of 90 and 45 degrees at a vertex, in planes z = 0 and x = 0: the mean is (1/2, 0, 1) / |...|."""
    vertices = np.array([[0, 0, 0], [-4, 0, 0], [0, -1, 0], [0, 2, -2], [0, 3, 0]], dtype=np.float64)
    triangles = np.array([[0, 1, 2], [0, 3, 4]])
    expected = np.array([0.5, 0.0, 1.0]) / np.hypot(0.5, 1.0)
    np.testing.assert_allclose(vertex_normals(vertices, triangles)[0], expected, atol=1e-12)


def test_normals_turn_with_the_mesh_and_do_not_notice_shift_scale_or_order():
    """Normals of a turned, shifted and doubled mesh with its triangles shuffled are the turned normals."""
    rotation = Rotation.from_rotvec([0.3, -0.7, 0.2]).as_matrix()
    moved = 2 * BOX @ rotation.T + [5, -3, 9]
    shuffled = np.roll(ONE_CUT, 2, axis=0)[:, [1, 2, 0]]
    np.testing.assert_allclose(
        vertex_normals(moved, shuffled), vertex_normals(BOX, ONE_CUT) @ rotation.T, rtol=0, atol=1e-12
    )


def test_triangles_without_area_say_nothing():
    """A triangle of three points in a line, or of one point twice, gives zeros and disturbs no other."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0], [9, 9, 9]], dtype=np.float64)
    alone = vertex_normals(vertices, np.array([[0, 1, 2]]))
    with_slivers = np.array([[0, 1, 2], [0, 1, 3], [1, 1, 2]])
    np.testing.assert_array_equal(vertex_normals(vertices, with_slivers), alone)
    np.testing.assert_array_equal(alone[3:], 0)
