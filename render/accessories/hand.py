"""A hand with its forearm: flesh on the bones of five digits, bent around what it holds; and its nails.

Frame of the (right) hand, metres: the wrist is the origin, +y runs to the knuckles, +x to the thumb,
+z out of the palm.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from render.accessories.implicit import RoundCone, skin_of
from render.accessories.pieces import Piece, sheet, sweep

SKIN, NAIL, SLEEVE = "hand_skin", "nail", "sleeve"
_CELL_M = 0.0030
# Knuckles, lengths of the three phalanges, and radii at the knuckle, both joints and the tip, index to little finger.
# Near the means for adults: a hand 0.185 m long and 0.085 m broad; the rest is ours, by eye.
_KNUCKLES_M = np.array(
    [[0.0285, 0.094, 0.0], [0.0085, 0.098, -0.002], [-0.0115, 0.094, -0.001], [-0.0300, 0.085, 0.002]]
)
_PHALANGES_M = np.array([[0.041, 0.024, 0.017], [0.045, 0.028, 0.018], [0.041, 0.027, 0.018], [0.032, 0.019, 0.016]])
_RADII_M = np.array(
    [[0.0112, 0.0094, 0.0082, 0.0070], [0.0115, 0.0098, 0.0085, 0.0072],
     [0.0108, 0.0092, 0.0080, 0.0068], [0.0098, 0.0080, 0.0070, 0.0060]]
)  # fmt: skip
_THUMB_RADII_M = np.array([0.0150, 0.0120, 0.0104, 0.0082])
_SLEEVE_FROM_M, _FOREARM_M = 0.060, 0.30


@dataclass(frozen=True)
class Grip:
    """Joints of a hand: four fingers (knuckle, two joints, tip), the thumb (root, two joints, tip), and where the
    forearm heads from the wrist (unit)."""

    fingers_m: Float[np.ndarray, "4 4 3"]
    thumb_m: Float[np.ndarray, "4 3"]
    forearm: Float[np.ndarray, "3"]


def bent_fingers_m(
    flexion_deg: Float[np.ndarray, "4 3"], spread_deg: Float[np.ndarray, "4"]
) -> Float[np.ndarray, "4 4 3"]:
    """Joints of fingers bent towards the palm at their three joints, and spread sideways (positive to the thumb)."""
    turn = np.radians(np.cumsum(flexion_deg, axis=1))
    side = np.radians(spread_deg)[:, None]
    heading = np.stack([np.cos(turn) * np.sin(side), np.cos(turn) * np.cos(side), np.sin(turn)], axis=-1)
    steps = heading * _PHALANGES_M[..., None]
    return _KNUCKLES_M[:, None] + np.concatenate([np.zeros((4, 1, 3)), np.cumsum(steps, axis=1)], axis=1)


def flat_grip(*, thickness_m: float, curl: float, forearm: Float[np.ndarray, "3"]) -> Grip:
    """A hand that carries something flat on palm and fingers, whose back lies at z = FLAT_PALM_M, the thumb over it."""
    curl_deg = np.array([[4.0, 6.0, 4.0], [2.0, 7.0, 5.0], [3.0, 8.0, 5.0], [5.0, 9.0, 6.0]]) * curl
    fingers = bent_fingers_m(curl_deg, np.array([9.0, 2.0, -4.0, -11.0]))
    over = FLAT_PALM_M + thickness_m + 0.0088
    thumb = np.array(
        [[0.022, 0.022, 0.004], [0.050, 0.048, 0.6 * over], [0.046, 0.078, over], [0.030, 0.100, over - 0.001]]
    )
    return Grip(fingers, thumb, forearm)


# How far the palmar side of straight fingers lies from the bones.
FLAT_PALM_M = 0.0120


def round_grip(*, radius_m: float, forearm: Float[np.ndarray, "3"]) -> Grip:
    """A hand around a cylinder of this radius, whose axis runs along x through `round_grip_axis_m`."""
    axis = round_grip_axis_m(radius_m)[1:]
    fingers = np.zeros((4, 4, 3))
    for finger in range(4):
        place, turn = _KNUCKLES_M[finger].copy(), 0.0
        fingers[finger, 0] = place
        for joint in range(3):
            length, flesh = _PHALANGES_M[finger, joint], _RADII_M[finger, joint + 1] + 0.0006
            turn = _touching_turn(place[1:], axis, length, radius_m + flesh, turn)
            place = place + length * np.array([0.0, np.cos(turn), np.sin(turn)])
            fingers[finger, joint + 1] = place
    # The thumb comes around the other side, beside the index finger.
    around = np.radians([238.0, 196.0, 152.0])
    far = radius_m + _THUMB_RADII_M[1:] + 0.0006
    bends = np.column_stack([[0.036, 0.040, 0.034], axis[0] + far * np.cos(around), axis[1] + far * np.sin(around)])
    return Grip(fingers, np.concatenate([[[0.022, 0.022, 0.004]], bends]), forearm)


def round_grip_axis_m(radius_m: float) -> Float[np.ndarray, "3"]:
    """A point of the axis of a cylinder that lies in the palm."""
    return np.array([0.0, 0.084, 0.0155 + radius_m])


def _touching_turn(place: np.ndarray, axis: np.ndarray, length: float, away: float, turn: float) -> float:
    """How far a phalanx must be turned (radians from +y towards +z) so that its end lies `away` from the axis."""
    turns = np.linspace(turn - 0.1, turn + 1.75, 200)
    ends = place + length * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return float(turns[np.argmin(np.abs(np.linalg.norm(ends - axis, axis=1) - away))])


def hand_pieces(grip: Grip) -> tuple[Piece, ...]:
    """Skin, five nails and a sleeve, right hand."""
    wrist = np.zeros(3)
    palm = [
        RoundCone(np.array([0.010, 0.004, 0.0]), np.array([0.022, 0.088, 0.0]), 0.0170, 0.0125, 0.0),
        RoundCone(np.array([0.004, 0.004, 0.0]), np.array([0.007, 0.092, -0.001]), 0.0180, 0.0130, 0.012),
        RoundCone(np.array([-0.006, 0.004, 0.0]), np.array([-0.010, 0.088, 0.0]), 0.0175, 0.0125, 0.012),
        RoundCone(np.array([-0.012, 0.006, 0.001]), np.array([-0.026, 0.080, 0.002]), 0.0160, 0.0120, 0.012),
        RoundCone(np.array([-0.018, 0.022, 0.006]), np.array([-0.026, 0.060, 0.004]), 0.0130, 0.0110, 0.012),
    ]
    thumb = [RoundCone(np.array([0.012, 0.008, 0.003]), grip.thumb_m[0], 0.0150, _THUMB_RADII_M[0], 0.0)]
    for joint in range(3):
        radii = _THUMB_RADII_M[joint : joint + 2]
        thumb.append(RoundCone(grip.thumb_m[joint], grip.thumb_m[joint + 1], float(radii[0]), float(radii[1]), 0.004))
    side = np.array([0.011, 0.0, 0.0])
    far = grip.forearm * (_SLEEVE_FROM_M + 0.05)
    forearm = [
        RoundCone(side, far + side, 0.0185, 0.0235, 0.0),
        RoundCone(-side, far - side, 0.0180, 0.0235, 0.016),
        RoundCone(wrist, np.array([0.0, 0.03, 0.0]), 0.0190, 0.0170, 0.016),
    ]
    fingers = [
        [
            RoundCone(joints[joint], joints[joint + 1], float(radii[joint]), float(radii[joint + 1]), 0.003)
            for joint in range(3)
        ]
        for joints, radii in zip(grip.fingers_m, _RADII_M, strict=True)
    ]
    points, quads = skin_of([palm, forearm, thumb, *fingers], cell_m=_CELL_M, between_melt_m=0.007)
    pieces = [Piece(points, quads, SKIN)]
    for joints, radii in zip([*grip.fingers_m, grip.thumb_m], [*_RADII_M, _THUMB_RADII_M], strict=True):
        pieces.append(_nail(joints, float(radii[3]), thumb=joints is grip.thumb_m))
    pieces.append(_sleeve(grip))
    return tuple(pieces)


def _nail(joints: Float[np.ndarray, "4 3"], radius_m: float, *, thumb: bool) -> Piece:
    """A curved plate on the back of the last phalanx."""
    along = joints[3] - joints[2]
    along = along / np.linalg.norm(along)
    before = joints[2] - joints[1]
    # The back of a digit is where it does not bend to: away from the bend of its last joint.
    back = before / np.linalg.norm(before) - along * float(along @ before) / np.linalg.norm(before)
    if np.linalg.norm(back) < 0.05:
        back = np.array([1.0, 0.0, 0.0]) if thumb else np.array([0.0, 0.0, -1.0])
        back = back - along * float(along @ back)
    back = back / np.linalg.norm(back)
    across = np.cross(along, back)
    angle = np.linspace(0.0, 2 * np.pi, 48, endpoint=False)
    outline = np.stack([0.78 * radius_m * _power(np.cos(angle)), 0.95 * radius_m * _power(np.sin(angle))], axis=1)
    flat = sheet(outline, cells=6, material=NAIL)
    u, v = flat.vertices_m[:, 0], flat.vertices_m[:, 1]
    bend = u / (1.02 * radius_m)
    height = radius_m * np.cos(bend) + 0.0004
    # The bed lies behind the tip's ball, and the free edge follows its curve a little.
    ahead = v - 0.30 * radius_m
    drop = radius_m - np.sqrt(np.clip(radius_m**2 - (0.9 * np.clip(ahead, 0.0, None)) ** 2, 0.0, None))
    points = joints[3] + np.outer(1.03 * radius_m * np.sin(bend), across) + np.outer(ahead, along)
    return Piece(points + np.outer(height - drop, back), flat.quads, NAIL)


def _power(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.abs(values) ** 0.7


def _sleeve(grip: Grip) -> Piece:
    """From the cuff to beyond the elbow, a little wider than the arm."""
    share = np.linspace(0.0, 1.0, 14)
    # The cuff is turned in: its first rings lie inside.
    along = _SLEEVE_FROM_M + np.concatenate([[0.012, 0.0, 0.0], _FOREARM_M * share[1:-2]])
    half = np.concatenate([[0.0350, 0.0365, 0.0400], 0.0410 + 0.014 * share[1:-2]])
    folds = 1 + 0.035 * np.sin(np.arange(len(half)) * 2.1) * np.minimum(np.arange(len(half)) / 3, 1.0)
    path = np.outer(along, grip.forearm)
    return sweep(
        _untangled(path, grip.forearm),
        up=np.array([0.0, 0.0, 1.0]) if abs(grip.forearm[2]) < 0.9 else np.array([1.0, 0.0, 0.0]),
        half_height_m=half * folds * 0.86,
        half_width_m=half * folds,
        material=SLEEVE,
        squareness=1.0,
    )


def _untangled(path_m: Float[np.ndarray, "n 3"], forearm: Float[np.ndarray, "3"]) -> Float[np.ndarray, "n 3"]:
    """The turned-in ring would send the path back once: it is put a hair's breadth before the rim instead."""
    ahead = path_m @ forearm
    ahead[0] = ahead[1] - 0.0006
    ahead[2] = ahead[1] + 0.0006
    return np.outer(ahead, forearm)
