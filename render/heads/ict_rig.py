"""The skeleton of the ICT head: where its joints sit, and how much of each bone's motion every vertex takes part in."""

import numpy as np
from jaxtyping import Bool, Float, Float32

from render.heads.ict_regions import (
    EAR_BACK_FACES,
    EYEBALL_VERTICES,
    LOWER_TEETH_VERTICES,
    MOUTH_SOCKET_VERTICES,
    SKIN_VERTICES,
    corners_of_faces,
    neck_height_m,
)
from render.heads.ict_uvs import EyeLayout
from render.heads.model import Bone
from render.heads.obj_file import ObjMesh

# From the condyles of the jaw, which lie just in front of the ear canals, to the joint on which the skull nods: it is
# level with the tips of the mastoids, a little behind the ear canals. From there down the neck to the seventh cervical
# vertebra. Metres, ours, from the proportions of an adult.
HEAD_JOINT_FROM_JAW_M = (0.0, -0.018, -0.028)
NECK_JOINT_FROM_HEAD_M = (0.0, -0.105, -0.025)
# Heights along the neck (neck_height_m) over which the skin leaves the torso, and over which it joins the skull.
NECK_RAMP_M = (-0.145, -0.085)
SKULL_RAMP_M = (-0.115, -0.062)
# Shoulders stay with the torso: beyond this distance from the middle the height counts less, by this share.
SHOULDER_FROM_M = 0.06
SHOULDER_SHARE = 0.8
# A displacement below this share of the jaw's own motion is stretched skin, no bone.
JAW_NOISE = 0.03
# Keeps the share finite near the axis, where even a turning jaw does not move.
JAW_AXIS_RADIUS_M = 0.006
# Weights are multiples of this power of two: they add up exactly in single precision.
WEIGHT_STEP = 2.0**-16


def ict_bones(
    mesh: ObjMesh,
    mean_m: Float[np.ndarray, "n 3"],
    jaw_open_m: Float[np.ndarray, "n 3"],
    *,
    eyes: tuple[EyeLayout, EyeLayout],
    chin_vertex: int,
) -> tuple[Bone, ...]:
    """The five bones: neck, head, jaw, eye_left, eye_right. `jaw_open_m` is what the shape jawOpen adds to the mean."""
    mean_m, jaw_open_m = mean_m.astype(np.float64), jaw_open_m.astype(np.float64)
    jaw_joint_m, jaw_turn = jaw_axis(mean_m, jaw_open_m)
    head_joint_m = jaw_joint_m + HEAD_JOINT_FROM_JAW_M
    neck_joint_m = head_joint_m + NECK_JOINT_FROM_HEAD_M
    weights = _weights(mean_m, jaw_open_m, jaw_joint_m, jaw_turn)
    skin = np.arange(len(mean_m)) < SKIN_VERTICES[1]
    side = np.abs(mean_m[:, 0])
    from_jaw_m = np.linalg.norm(mean_m[:, 1:] - jaw_joint_m[1:], axis=1)
    neck_ring = skin & (np.abs(mean_m[:, 1] - neck_joint_m[1]) < 0.015) & (side < 0.08)
    anchors = {
        "neck": np.flatnonzero(neck_ring),
        "head": np.unique(corners_of_faces(mesh, *EAR_BACK_FACES)),
        "jaw": np.flatnonzero(skin & (from_jaw_m < 0.015) & (side > 0.055)),
        **{name: np.arange(*ends) for name, ends in EYEBALL_VERTICES.items()},
    }
    crown_m = np.array([0.0, mean_m[skin, 1].max(), head_joint_m[2]])
    parts: list[tuple[str, str | None, np.ndarray, np.ndarray]] = [
        ("neck", None, neck_joint_m, head_joint_m),
        ("head", "neck", head_joint_m, crown_m),
        ("jaw", "head", jaw_joint_m, mean_m[chin_vertex]),
    ]
    for name, eye in zip(EYEBALL_VERTICES, eyes, strict=True):
        parts.append((name, "head", eye.centre_m, mean_m[eye.pupil_vertex]))
    return tuple(
        Bone(
            name=name,
            parent=parent,
            joint_m=joint_m,
            tail_m=tail_m,
            anchor_vertices=anchors[name].astype(np.int32),
            weights=weights[name],
        )
        for name, parent, joint_m, tail_m in parts
    )


def jaw_axis(
    mean_m: Float[np.ndarray, "n 3"], jaw_open_m: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3 3"]]:
    """The point in the middle plane about which jawOpen turns the lower teeth, and that rotation.

    Opening a jaw is a rotation about the line through both condyles; the teeth, being rigid, tell which.
    """
    teeth = slice(*LOWER_TEETH_VERTICES)
    before, after = mean_m[teeth], mean_m[teeth] + jaw_open_m[teeth]
    turn = rotation_between(before, after)
    shift = after.mean(axis=0) - turn @ before.mean(axis=0)
    fixed = np.linalg.solve((np.eye(3) - turn)[1:, 1:], shift[1:])
    return np.array([0.0, *fixed]), turn


def rotation_between(before: Float[np.ndarray, "n 3"], after: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "3 3"]:
    """The rotation that brings one set of points closest to another, translation aside. Source: Kabsch 1976."""
    u, _, vt = np.linalg.svd((before - before.mean(axis=0)).T @ (after - after.mean(axis=0)))
    upright = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return (u @ upright @ vt).T


def _weights(
    mean_m: Float[np.ndarray, "n 3"],
    jaw_open_m: Float[np.ndarray, "n 3"],
    jaw_joint_m: Float[np.ndarray, "3"],
    jaw_turn: Float[np.ndarray, "3 3"],
) -> dict[str, Float32[np.ndarray, " n"]]:
    """Bone name to weights. Inside the skull they add up to 1; down the neck the torso takes over."""
    count = len(mean_m)
    outside = np.arange(count) < SKIN_VERTICES[1]
    outside[slice(*MOUTH_SOCKET_VERTICES)] = False
    height_m = neck_height_m(mean_m) - SHOULDER_SHARE * np.maximum(np.abs(mean_m[:, 0]) - SHOULDER_FROM_M, 0.0)
    above_torso = np.where(outside, _smooth_step(height_m, *NECK_RAMP_M), 1.0)
    skull = np.where(outside, _smooth_step(neck_height_m(mean_m), *SKULL_RAMP_M), 1.0)
    skull = np.minimum(_stepped(skull), _stepped(above_torso))
    eyes = {name: _within(count, ends) for name, ends in EYEBALL_VERTICES.items()}
    any_eye = np.any(list(eyes.values()), axis=0)
    jaw = _stepped(np.where(any_eye, 0.0, _jaw_share(mean_m, jaw_open_m, jaw_joint_m, jaw_turn) * skull))
    weights = {
        "neck": _stepped(above_torso) - skull,
        "head": np.where(any_eye, 0.0, skull - jaw),
        "jaw": jaw,
        **{name: eye.astype(np.float64) for name, eye in eyes.items()},
    }
    return {name: values.astype(np.float32) for name, values in weights.items()}


def _jaw_share(
    mean_m: Float[np.ndarray, "n 3"],
    jaw_open_m: Float[np.ndarray, "n 3"],
    jaw_joint_m: Float[np.ndarray, "3"],
    jaw_turn: Float[np.ndarray, "3 3"],
) -> Float[np.ndarray, " n"]:
    """How much of the full rotation of the jaw each vertex makes in jawOpen, 0..1; exactly 1 on the lower teeth."""
    full_m = (mean_m - jaw_joint_m) @ jaw_turn.T + jaw_joint_m - mean_m
    share = (jaw_open_m * full_m).sum(axis=1) / ((full_m**2).sum(axis=1) + JAW_AXIS_RADIUS_M**2)
    share = np.clip((share - JAW_NOISE) / (1.0 - 2.0 * JAW_NOISE), 0.0, 1.0)
    share[slice(*LOWER_TEETH_VERTICES)] = 1.0
    return share


def _smooth_step(values: Float[np.ndarray, " n"], low: float, high: float) -> Float[np.ndarray, " n"]:
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _stepped(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.floor(values / WEIGHT_STEP) * WEIGHT_STEP


def _within(count: int, ends: tuple[int, int]) -> Bool[np.ndarray, " n"]:
    inside = np.zeros(count, dtype=bool)
    inside[slice(*ends)] = True
    return inside
