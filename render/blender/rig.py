"""The armature: neck, head, jaw and eyes as Blender bones; pose comes from it."""

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import mathutils
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from render.geometry.frames import WORLD_FROM_HEAD_AXES, head_rotation, rigid, rotation_about
from render.heads.model import HeadModel, person_joint_m
from render.parameters import HeadPose

ROOT = "torso"
# The share of the head's turn that the neck takes; the rest happens between atlas and skull (ours).
NECK_SHARE = 0.35


@dataclass(frozen=True)
class PosedRig:
    """Motion of each bone from rest to pose, in the head frame (4x4), and where the posed head is in the world."""

    motion: Mapping[str, Float[np.ndarray, "4 4"]]
    head_from_world: Float[np.ndarray, "4 4"]


def bone_motions(
    joints_m: Mapping[str, Float[np.ndarray, "3"]], parents: Mapping[str, str | None], pose: HeadPose
) -> dict[str, Float[np.ndarray, "4 4"]]:
    """The rigid motion of every bone in the head frame, parents applied first.

    The neck takes NECK_SHARE of the rotation and the head the rest, so that their product is exactly the pose asked
    for. The eyes turn against the head by the gaze. The jaw stays with the head: expressions open it.
    """
    turn = head_rotation(pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    neck = _fraction_of_rotation(turn, NECK_SHARE)
    gaze = head_rotation(pose.gaze_yaw_deg, pose.gaze_pitch_deg, 0.0)
    own = {"neck": neck, "head": neck.T @ turn, "jaw": np.eye(3), "eye_left": gaze, "eye_right": gaze}
    motions: dict[str, np.ndarray] = {}

    def motion(name: str) -> np.ndarray:
        if name not in motions:
            parent = parents[name]
            before = np.eye(4) if parent is None else motion(parent)
            motions[name] = before @ rotation_about(joints_m[name], own[name])
        return motions[name]

    for name in joints_m:
        motion(name)
    return motions


def add_armature(
    collection: bpy.types.Collection, model: HeadModel, vertices_m: Float[np.ndarray, "n 3"]
) -> tuple[bpy.types.Object, dict[str, np.ndarray]]:
    """Add this person's armature; returns it with the joints by bone name (head frame, metres)."""
    joints = {bone.name: person_joint_m(bone, model, vertices_m) for bone in model.bones}
    armature = bpy.data.objects.new("rig", bpy.data.armatures.new("rig"))
    collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit_bones = armature.data.edit_bones
    root = edit_bones.new(ROOT)
    root.head, root.tail = (0.0, 0.0, -0.4), (0.0, 0.0, -0.3)
    for bone in model.bones:
        added = edit_bones.new(bone.name)
        added.head = (WORLD_FROM_HEAD_AXES @ joints[bone.name]).tolist()
        added.tail = (WORLD_FROM_HEAD_AXES @ (joints[bone.name] + bone.tail_m - bone.joint_m)).tolist()
    for bone in model.bones:
        edit_bones[bone.name].parent = edit_bones[bone.parent or ROOT]
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature, joints


def pose_armature(
    armature: bpy.types.Object, model: HeadModel, joints_m: Mapping[str, Float[np.ndarray, "3"]], pose: HeadPose
) -> PosedRig:
    """Turn the bones; the matrices that come back are the ones that Blender was given."""
    motions = bone_motions(joints_m, {bone.name: bone.parent for bone in model.bones}, pose)
    axes = rigid(WORLD_FROM_HEAD_AXES, np.zeros(3))
    posed = {ROOT: np.array(armature.data.bones[ROOT].matrix_local)}
    for name, motion in motions.items():
        posed[name] = axes @ motion @ axes.T @ np.array(armature.data.bones[name].matrix_local)
    for bone in model.bones:
        rest = np.array(armature.data.bones[bone.name].matrix_local)
        parent = bone.parent or ROOT
        parent_rest = np.array(armature.data.bones[parent].matrix_local)
        basis = np.linalg.inv(rest) @ parent_rest @ np.linalg.inv(posed[parent]) @ posed[bone.name]
        armature.pose.bones[bone.name].matrix_basis = mathutils.Matrix(basis.tolist())
    return PosedRig(motion=motions, head_from_world=np.linalg.inv(axes @ motions["head"]))


def bind_to_armature(
    part: bpy.types.Object, armature: bpy.types.Object, weights: Mapping[str, Float[np.ndarray, " v"]]
) -> None:
    """Let bones (and ROOT) move a mesh object by these weights, 0..1, one for each vertex of its mesh."""
    for name, values in weights.items():
        group = part.vertex_groups.new(name=name)
        # Blender takes one weight for many vertices at a time, so weights are set in steps of a thousandth.
        levels = np.rint(values * 1000).astype(np.int32)
        for level in np.unique(levels[levels > 0]):
            group.add(np.flatnonzero(levels == level).tolist(), float(level) / 1000, "REPLACE")
    modifier = part.modifiers.new("rig", "ARMATURE")
    modifier.object = armature


def _fraction_of_rotation(rotation: Float[np.ndarray, "3 3"], share: float) -> Float[np.ndarray, "3 3"]:
    # SciPy, because Blender's quaternions are single precision and the recorded angles would show it.
    return Rotation.from_rotvec(share * Rotation.from_matrix(rotation).as_rotvec()).as_matrix()
