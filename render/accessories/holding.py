"""Where a held thing is: before a posed face, as far from the head as asked for, never in it."""

import numpy as np
from jaxtyping import Float

from render.geometry.frames import head_rotation
from render.parameters import Occluder

_CELL_M = 0.005
# From the middle between the eyes and the chin to the edges that aim_x = 1 and aim_y = 1 name, in face heights
# (pupils to chin).
_HALF_BREADTH, _HALF_HEIGHT = 0.50, 0.58
# What may not come closer than this to the head: the arm, which `gap_mm` does not speak of.
ARM_CLEARANCE_M = 0.010
# Hands stay before the chest when the head turns: the share of the face's direction in that of holding (ours).
HEADS_SHARE = 0.3


def holding_axes(head_rotation_rest: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """Axes of the held frame (columns, in head axes at rest): z between where chest and face look, y upright.

    `head_rotation_rest` turns the head from rest to its pose.
    """
    forward = HEADS_SHARE * head_rotation_rest[:, 2] + (1 - HEADS_SHARE) * np.array([0.0, 0.0, 1.0])
    forward = forward / np.linalg.norm(forward)
    up = np.array([0.0, 1.0, 0.0]) - forward * forward[1]
    up = up / np.linalg.norm(up)
    return np.stack([np.cross(up, forward), up, forward], axis=1)


def held_place(
    head_m: Float[np.ndarray, "n 3"],
    thing_m: Float[np.ndarray, "m 3"],
    arm_m: Float[np.ndarray, "a 3"],
    *,
    pupils_m: Float[np.ndarray, "3"],
    chin_m: Float[np.ndarray, "3"],
    axes: Float[np.ndarray, "3 3"],
    occluder: Occluder,
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Rotation and translation from the held frame to the frame of `head_m` (the posed head's vertices).

    `thing_m` and `arm_m` are in the held frame. Along the axis that points away from the face the nearest part of the
    thing is `gap_mm` from the head's nearest part behind it, where they overlap within 5 mm; the arm keeps clear too.
    """
    height = float(np.linalg.norm(pupils_m - chin_m))
    up = (pupils_m - chin_m) / height
    aim = 0.5 * (pupils_m + chin_m) + height * (
        _HALF_BREADTH * occluder.aim_x * axes[:, 0] + _HALF_HEIGHT * occluder.aim_y * up
    )
    own = axes @ head_rotation(occluder.yaw_deg, occluder.pitch_deg, occluder.roll_deg)
    head, start = (head_m - aim) @ axes, axes.T @ own
    thing, arm = thing_m @ start.T, arm_m @ start.T
    away = _clear(head, thing) + occluder.gap_mm / 1000
    if len(arm):
        away = max(away, _clear(head, arm) + ARM_CLEARANCE_M)
    return own, aim + axes[:, 2] * away


def _clear(behind_m: Float[np.ndarray, "n 3"], before_m: Float[np.ndarray, "m 3"]) -> float:
    """How far along z the second must go so that it just touches the first from the front; where they do not overlap,
    so that its origin is level with nearly all of the first."""
    low = np.minimum(behind_m[:, :2].min(axis=0), before_m[:, :2].min(axis=0)) - 3 * _CELL_M
    high = np.maximum(behind_m[:, :2].max(axis=0), before_m[:, :2].max(axis=0)) + 3 * _CELL_M
    shape = np.ceil((high - low) / _CELL_M).astype(int) + 1
    reach = _highest(behind_m, low, shape)
    nearest = -_highest(before_m * [1.0, 1.0, -1.0], low, shape)
    # A neighbouring cell counts too: vertices are a few millimetres apart.
    grown = np.max([np.roll(reach, (du, dv), axis=(0, 1)) for du in (-1, 0, 1) for dv in (-1, 0, 1)], axis=0)
    needed = np.where(np.isfinite(grown) & np.isfinite(nearest), grown - nearest, -np.inf)
    found = float(needed.max())
    return found if np.isfinite(found) else float(np.percentile(behind_m[:, 2], 95))


def _highest(points_m: Float[np.ndarray, "n 3"], low_m: np.ndarray, shape: np.ndarray) -> Float[np.ndarray, "u v"]:
    height = np.full(tuple(shape), -np.inf)
    cells = np.floor((points_m[:, :2] - low_m) / _CELL_M).astype(int)
    np.maximum.at(height, tuple(cells.T), points_m[:, 2])
    return height
