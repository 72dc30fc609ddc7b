"""Bones move as their definition says, in Blender as in NumPy."""

import numpy as np
import pytest

from render.blender.draw import open_stage, person_on_stage
from render.blender.head import pose_person, surface_triangles
from render.blender.passes import HEAD
from render.blender.rig import NECK_SHARE, bone_motions
from render.config import load_recipe
from render.geometry.frames import WORLD_FROM_HEAD_AXES, head_rotation, transform_points
from render.heads.model import Region
from render.heads.procedural import load_procedural
from render.parameters import Expression, HeadPose
from render.sampling.frame import draw_frame

POSE = HeadPose(yaw_deg=25.0, pitch_deg=-10.0, roll_deg=8.0, gaze_yaw_deg=12.0, gaze_pitch_deg=-5.0)
NEUTRAL = Expression(name="neutral", weights=())
JOINTS = {
    "neck": np.array([0.0, -0.12, -0.03]),
    "head": np.array([0.0, -0.02, -0.01]),
    "jaw": np.array([0.0, 0.0, 0.0]),
    "eye_left": np.array([0.031, 0.034, 0.08]),
    "eye_right": np.array([-0.031, 0.034, 0.08]),
}
PARENTS = {"neck": None, "head": "neck", "jaw": "head", "eye_left": "head", "eye_right": "head"}


def test_neck_and_head_together_make_exactly_the_pose():
    """The neck takes its share about the same axis, and the product of both is the rotation asked for."""
    motions = bone_motions(JOINTS, PARENTS, POSE)
    turn = head_rotation(25, -10, 8)
    np.testing.assert_allclose(motions["head"][:3, :3], turn, atol=1e-12)
    whole = np.arccos((np.trace(turn) - 1) / 2)
    neck = np.arccos((np.trace(motions["neck"][:3, :3]) - 1) / 2)
    assert neck == pytest.approx(NECK_SHARE * whole)


def test_each_joint_moves_with_its_parent():
    """A bone turns about its own joint, so the joint itself goes where the parent takes it; the neck's stays."""
    motions = bone_motions(JOINTS, PARENTS, POSE)
    for name, parent in PARENTS.items():
        before = JOINTS[name][None]
        expected = before if parent is None else transform_points(motions[parent], before)
        np.testing.assert_allclose(transform_points(motions[name], before), expected, atol=1e-12)


def test_eyes_turn_against_the_head_by_the_gaze():
    """The eyes' rotation is the head's, then the gaze; the jaw goes with the head."""
    motions = bone_motions(JOINTS, PARENTS, POSE)
    gaze = head_rotation(12, -5, 0)
    np.testing.assert_allclose(motions["eye_left"][:3, :3], motions["head"][:3, :3] @ gaze, atol=1e-12)
    np.testing.assert_allclose(motions["jaw"], motions["head"], atol=1e-12)


@pytest.fixture(scope="module")
def posed():
    """The procedural mean person, unsubdivided, at rest and posed, with the rig's matrices."""
    model = load_procedural()
    recipe = load_recipe("khan2021", overrides={"heads.family": "procedural", "heads.identity_sigma": 0})
    stage = open_stage(device="cpu", products=("gt",))
    with person_on_stage(stage, model, draw_frame(recipe, "train", 0), level=0) as person:
        pose_person(person, NEUTRAL, HeadPose(0.0, 0.0, 0.0, 0.0, 0.0))
        rest = surface_triangles(person.parts[HEAD])[0].copy()
        rig = pose_person(person, NEUTRAL, POSE).rig
        moved = surface_triangles(person.parts[HEAD])[0].copy()
        return model, person.part_vertices[HEAD], rest, moved, rig


def test_at_rest_the_mesh_is_the_person(posed):
    """With no rotation and no expression the vertices are the model's, in Blender's axes, to 1 um."""
    model, used, rest, _, _ = posed
    np.testing.assert_allclose(rest, model.mean_vertices_m[used] @ WORLD_FROM_HEAD_AXES.T, atol=1e-6)


def test_what_one_bone_holds_moves_rigidly_with_it(posed):
    """Vertices bound wholly to a bone go where its 4x4 motion takes them, within 20 um (weights are in thousandths)."""
    model, used, rest, moved, rig = posed
    checked = 0
    for bone in model.bones:
        whole = bone.weights[used] > 0.9999
        if whole.any():
            head_frame = rest[whole].astype(np.float64) @ WORLD_FROM_HEAD_AXES
            expected = transform_points(rig.motion[bone.name], head_frame) @ WORLD_FROM_HEAD_AXES.T
            np.testing.assert_allclose(moved[whole], expected, atol=2e-5)
            checked += int(whole.sum())
    assert checked > 1000


def test_eyeballs_and_shoulders(posed):
    """Every eye vertex is held by its eye's bone alone; at least some vertices of the bust do not move at all."""
    model, used, rest, moved, _ = posed
    eye_faces = np.isin(model.face_regions, [int(Region.SCLERA), int(Region.IRIS)])
    eye_vertices = np.unique(model.face_vertices[np.repeat(eye_faces, model.face_sizes)])
    eye_weight = sum(bone.weights for bone in model.bones if bone.name.startswith("eye"))
    assert (eye_weight[eye_vertices] > 0.9999).all()
    assert (np.abs(moved - rest).max(axis=1) < 1e-6).sum() > 20
    assert len(used) > 5000


def test_an_expression_the_family_lacks_is_refused():
    """The error names the missing shapes, the family and what it has."""
    model = load_procedural()
    recipe = load_recipe("khan2021", overrides={"heads.family": "procedural"})
    stage = open_stage(device="cpu", products=("gt",))
    with (
        person_on_stage(stage, model, draw_frame(recipe, "train", 0), level=0) as person,
        pytest.raises(ValueError, match=r"needs the shapes .*winkTwice.*'procedural' does not have"),
    ):
        pose_person(person, Expression(name="odd", weights=(("winkTwice", 1.0),)), POSE)
