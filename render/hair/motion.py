"""How hair moves with the person: hair of the scalp turns with head and neck, hair of the face with its roots."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

# Height of the rows of skin whose motion is averaged.
_ROW_M = 0.008


@dataclass(frozen=True)
class Anchors:
    """Strands told in the frames of the triangles they are rooted in: move the triangles, and the strands follow."""

    triangles: Int[np.ndarray, "s 3"]
    local_m: Float[np.ndarray, "s k 3"]


def turn_profile(
    skin_m: Float[np.ndarray, "n 3"], shares: Float[np.ndarray, " n"], behind_z_m: float
) -> Float[np.ndarray, "h 2"]:
    """Height (m, ascending) and the mean share of the head's turn that skin takes there, at nape and shoulders.

    `shares` are those of the vertices, 1 on the skull and 0 on the torso; only skin behind `behind_z_m` counts, where
    hair is rooted.
    """
    nape = skin_m[:, 2] < behind_z_m
    rows = np.floor(skin_m[nape, 1] / _ROW_M).astype(int)
    heights = np.unique(rows)
    means = np.array([shares[nape][rows == row].mean() for row in heights])
    return np.stack([(heights + 0.5) * _ROW_M, np.maximum.accumulate(means)], axis=1)


def turned(
    points_m: Float[np.ndarray, "m 3"], shares: Float[np.ndarray, " m"], motion: Float[np.ndarray, "4 4"]
) -> Float[np.ndarray, "m 3"]:
    """Points that follow a rigid motion by their share of it, 0..1: the same axis, that part of its angle.

    Unlike a mixture of matrices this keeps hair from collapsing towards the axis when the head turns far. With share 1
    points move rigidly.
    """
    turn = Rotation.from_matrix(motion[:3, :3]).as_rotvec()
    angle = float(np.linalg.norm(turn))
    if angle == 0.0:
        return points_m + motion[:3, 3]
    axis = turn / angle
    # Neck and head turn about parallel axes, so that their product is a turn about one line in space.
    pivot = np.linalg.pinv(np.eye(3) - motion[:3, :3], rcond=1e-9) @ motion[:3, 3]
    arms = points_m - pivot
    along = (arms @ axis)[:, None] * axis
    parts = (shares * angle)[:, None]
    return pivot + along + np.cos(parts) * (arms - along) + np.sin(parts) * np.cross(axis, arms)


def anchored(
    strands_m: Float[np.ndarray, "s k 3"], triangles: Int[np.ndarray, "s 3"], vertices_m: Float[np.ndarray, "n 3"]
) -> Anchors:
    """Strands in the frames of their triangles (corner indices), as the vertices lie now."""
    origin, axes = _frames(triangles, vertices_m)
    return Anchors(triangles, np.einsum("skc,sca->ska", strands_m - origin[:, None], axes))


def following(anchors: Anchors, vertices_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "s k 3"]:
    """The strands where their triangles take them; they turn with them and keep their size."""
    origin, axes = _frames(anchors.triangles, vertices_m)
    return origin[:, None] + np.einsum("ska,sca->skc", anchors.local_m, axes)


def _frames(triangles: np.ndarray, vertices_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle of each triangle, and its axes as columns: along the median to its first corner, and its normal."""
    corners = vertices_m[triangles]
    origin = corners.mean(axis=1)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-15)
    first = corners[:, 0] - origin
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-15)
    return origin, np.stack([first, np.cross(normal, first), normal], axis=2)
