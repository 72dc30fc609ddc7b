"""Paint on faces, by landmarks."""

import numpy as np
import pytest
from schematic_face import at

from render.geometry.face_paint import EDGE_M, face_paint
from render.heads.model import person_vertices_m
from render.heads.procedural import load_procedural
from render.heads.procedural_anatomy import build_anatomy

NAMES = {"rest_position", "lips", "lids", "flush", "oil", "scalp", "brow", "beard", "crease"}


def test_lips_are_an_exact_ramp_across_their_outline(landmarks_m):
    """0.5 on the outline of an elliptic mouth, and 1 / (2 EDGE_M) steeper for every metre inwards."""
    step = 0.001
    below = at((0, -0.075 - step, 0.095), (0, -0.075, 0.095), (0, -0.075 + step, 0.095))
    lips = face_paint(below, landmarks_m)["lips"]
    assert lips == pytest.approx([0.5 - step / (2 * EDGE_M), 0.5, 0.5 + step / (2 * EDGE_M)], abs=0.02)


def test_nothing_is_painted_far_away(landmarks_m):
    """A vertex on the shoulder has no lips, brows, lids, flush, oil or hair."""
    paint = face_paint(at((0.12, -0.18, -0.02)), landmarks_m)
    assert {name for name, values in paint.items() if name != "rest_position" and np.abs(values).max() > 1e-3} == set()


def test_mouth_seen_from_behind_is_no_mouth(landmarks_m):
    """The nape lies behind the mouth in projection, but is not painted as lips or lids."""
    paint = face_paint(at((0, -0.065, -0.09), (0.031, 0.006, -0.09)), landmarks_m)
    assert paint["lips"].max() == 0
    assert paint["lids"].max() == 0


def test_brows_run_outwards_on_both_sides(landmarks_m):
    """Mirrored vertices have the same place along and above the brow; along grows towards the temple."""
    points = at((0.025, 0.029, 0.085), (0.045, 0.031, 0.085))
    left, right = (face_paint(points * sign, landmarks_m)["brow"] for sign in at((1, 1, 1), (-1, 1, 1)))
    assert left == pytest.approx(right, abs=1e-5)
    assert left[1, 0] > left[0, 0] > 0
    assert (left[:, 2] > 0).all()


def test_hair_grows_on_the_crown_and_not_on_the_face(landmarks_m):
    """Crown and back of the head are scalp; forehead, cheek, nose, ear lobe and throat are not."""
    crown = face_paint(at((0, 0.115, 0.0), (0.02, 0.05, -0.09)), landmarks_m)["scalp"]
    bare = face_paint(
        at((0, 0.03, 0.088), (0.05, -0.04, 0.07), (0, -0.03, 0.11), (0.085, -0.03, 0), (0, -0.12, 0.04)), landmarks_m
    )["scalp"]
    assert crown.min() > 0.9
    assert bare.max() == 0


def test_ears_are_bare_and_the_skull_above_them_is_not():
    """Whoever it is: no ear grows hair, and the hair above the ears has no hole, however broad the skull."""
    model, anatomy = load_procedural(), build_anatomy()
    stream = np.random.default_rng(1)
    for _ in range(12):
        vertices_m = person_vertices_m(model, stream.standard_normal(len(model.identity_basis_m)))
        landmarks_m = vertices_m[model.landmark_vertices].astype(np.float64)
        scalp = face_paint(vertices_m, landmarks_m)["scalp"]
        ears = np.concatenate([anatomy.parts["ear_left"], anatomy.parts["ear_right"]])
        assert (scalp[ears] > 0.25).mean() < 0.02
        assert scalp[ears].max() < 0.6
        top_of_ears_m = vertices_m[ears, 1].max()
        skin = vertices_m[anatomy.parts["skin"]]
        above = (skin[:, 1] > top_of_ears_m + 0.02) & (np.abs(skin[:, 2] - vertices_m[ears, 2].mean()) < 0.03)
        assert above.sum() > 50
        assert scalp[anatomy.parts["skin"]][above].min() > 0.9


def test_every_attribute_has_one_row_a_vertex(landmarks_m):
    """Names are those the skin material reads; numbers are finite and, but for places, in 0..1."""
    points = np.random.default_rng(3).normal(0, 0.08, (217, 3)).astype(np.float32)
    paint = face_paint(points, landmarks_m)
    assert set(paint) == NAMES
    assert np.array_equal(paint["rest_position"], points)
    for name, values in paint.items():
        assert len(values) == 217
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        if values.ndim == 1:
            assert 0 <= values.min() <= values.max() <= 1, name
