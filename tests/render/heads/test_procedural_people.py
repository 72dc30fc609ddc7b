"""Procedural people differ by named measures, keep their mesh upright and their lids outside their eyes."""

import numpy as np
from quads import quad_normals, quads_of

from render.heads.families import PROCEDURAL_MODES
from render.heads.model import HeadModel, person_joint_m, person_vertices_m
from render.heads.procedural_anatomy import Anatomy
from render.heads.procedural_identity import MODE_NAMES
from render.heads.procedural_skull import EYE_RADIUS_MM

MIRROR = np.array([-1.0, 1.0, 1.0])


def extreme_people(count: int) -> np.ndarray:
    """Coefficients at ±2.5 sigma of one mode each, then on the corners of the ±1.25 sigma cube of all of them.

    Corners of a cube in 57 dimensions lie as far out as no person does: at 9.4 sigma.
    """
    signs = np.random.default_rng(5).choice([-1.25, 1.25], size=(count, PROCEDURAL_MODES))
    single = np.concatenate([2.5 * np.eye(PROCEDURAL_MODES), -2.5 * np.eye(PROCEDURAL_MODES)])
    return np.concatenate([single, signs])


def test_only_modes_of_asymmetry_tell_left_from_right(model: HeadModel, anatomy: Anatomy) -> None:
    """Every other identity mode moves partners alike."""
    mirrored = model.identity_basis_m[:, anatomy.mirror_of] * MIRROR
    uneven = np.abs(mirrored - model.identity_basis_m).max(axis=(1, 2)) > 2e-7
    names = {name for name, one_sided in zip(MODE_NAMES, uneven, strict=True) if one_sided}
    assert names == {"asymmetry", "asymmetry_of_jaw"}


def test_joints_follow_the_person(model: HeadModel, anatomy: Anatomy) -> None:
    """For anyone, the joint of an eye is the centre of their globe: every point of the back is one radius away."""
    for coefficients in extreme_people(6):
        person = person_vertices_m(model, coefficients)
        for bone in model.bones[3:]:
            joint = person_joint_m(bone, model, person)
            globe = person[anatomy.parts[bone.name]]
            behind = globe[globe[:, 2] < joint[2]]
            assert np.abs(np.linalg.norm(behind - joint, axis=1) - EYE_RADIUS_MM / 1000).max() < 2e-6


def test_lids_stay_outside_the_eyes_for_anyone(model: HeadModel, anatomy: Anatomy) -> None:
    """At ±2.5 sigma of any mode, and with all of them together, every ring of the lids keeps 0.1 mm off the globe."""
    for coefficients in extreme_people(40):
        person = person_vertices_m(model, coefficients)
        assert np.isfinite(person).all()
        for side, bone in zip(("left", "right"), model.bones[3:], strict=True):
            centre = person_joint_m(bone, model, person)
            for name in ("eye_{}", "eye_{}_margin", "eye_{}_7", "eye_{}_8"):
                ring = person[anatomy.loops[name.format(side)]]
                assert np.linalg.norm(ring - centre, axis=1).min() * 1000 > EYE_RADIUS_MM + 0.1


def test_nobody_turns_inside_out(model: HeadModel) -> None:
    """At ±2.5 sigma of any one mode no face flips, and with all modes at once fewer than one in two thousand does."""
    quads = quads_of(model)
    before = quad_normals(model.mean_vertices_m.astype(np.float64), quads)
    for row, coefficients in enumerate(extreme_people(20)):
        after = quad_normals(person_vertices_m(model, coefficients).astype(np.float64), quads)
        flipped = int((np.sum(before * after, axis=1) < 0).sum())
        assert flipped == 0 if row < 2 * PROCEDURAL_MODES else flipped < len(quads) / 2000, coefficients


def test_drawn_people_keep_every_face_upright(model: HeadModel) -> None:
    """Among people drawn as recipes draw them no face of the mesh flips."""
    quads = quads_of(model)
    before = quad_normals(model.mean_vertices_m.astype(np.float64), quads)
    for coefficients in np.random.default_rng(9).standard_normal((12, PROCEDURAL_MODES)).clip(-2.5, 2.5):
        after = quad_normals(person_vertices_m(model, coefficients).astype(np.float64), quads)
        assert (np.sum(before * after, axis=1) > 0).all()


def test_one_unit_of_a_mode_is_one_standard_deviation(model: HeadModel) -> None:
    """The modes named after a breadth change that breadth by its published spread (mm, both sides together)."""
    marks = model.landmark_vertices
    spread = {"eye_spacing": (42, 39, 1.8, 4.0), "mouth_width": (54, 48, 2.8, 4.2), "jaw_width": (12, 4, 3.0, 8.0)}
    for name, (left, right, low, high) in spread.items():
        mode = model.identity_basis_m[MODE_NAMES.index(name)]
        assert low < 1000 * (mode[marks[left], 0] - mode[marks[right], 0]) < high, name
    assert len(MODE_NAMES) == len(model.identity_basis_m) == PROCEDURAL_MODES
