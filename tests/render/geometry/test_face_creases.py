"""Folds and beard shade of faces, by landmarks."""

import numpy as np
import pytest
from schematic_face import at

from render.geometry.face_creases import beard_shade, crease_paint

FOREHEAD, GLABELLA, TEMPLE = (0.01, 0.055, 0.09), (0.0, 0.028, 0.09), (0.060, 0.001, 0.075)
CHIN, CHEEK, CROWN, NAPE = (0.0, -0.09, 0.09), (0.045, -0.022, 0.08), (0.0, 0.15, 0.0), (0.0, -0.05, -0.09)


def test_folds_run_where_faces_fold_and_nowhere_else(landmarks_m):
    """Forehead, brow root and temple are deep in folds; chin, middle of the cheek, crown and nape have none."""
    depth = crease_paint(at(FOREHEAD, GLABELLA, TEMPLE, CHIN, CHEEK, CROWN, NAPE), landmarks_m)[:, 2]
    assert (depth[:3] > 0.5).all()
    assert (depth[3:] == 0.0).all()


def test_forehead_folds_lie_a_fixed_step_apart(landmarks_m):
    """Between two heights on the forehead the count of folds grows by their distance over 0.15 eye distances."""
    low, high = crease_paint(at((0.0, 0.05, 0.09), (0.0, 0.06, 0.09)), landmarks_m)[:, 0]
    assert high - low == pytest.approx(0.010 / (0.15 * 0.062), rel=1e-3)


def test_paint_is_the_mirror_image_on_the_other_side(landmarks_m):
    """On a symmetric face depth of folds and beard are equal at mirrored places."""
    places = np.random.Generator(np.random.Philox(key=3)).uniform((0.0, -0.11, 0.03), (0.075, 0.1, 0.1), (200, 3))
    left, right = places.astype(np.float32), (places * (-1, 1, 1)).astype(np.float32)
    assert np.allclose(crease_paint(left, landmarks_m)[:, 2], crease_paint(right, landmarks_m)[:, 2], atol=1e-5)
    assert np.allclose(beard_shade(left, landmarks_m), beard_shade(right, landmarks_m), atol=1e-5)


def test_a_beard_grows_on_chin_and_upper_lip_but_not_on_lips_nose_or_forehead(landmarks_m):
    """Shade is full on the chin and above the mouth, and 0 on the lips, the tip of the nose, forehead and nape."""
    upper_lip = (0.012, -0.050, 0.095)
    shade = beard_shade(at(CHIN, upper_lip, (0.0, -0.065, 0.1), (0.0, -0.02, 0.11), FOREHEAD, NAPE), landmarks_m)
    assert (shade[:2] > 0.5).all()
    assert (shade[2:] == 0.0).all()
