"""Bones and landmarks of the procedural head."""

import numpy as np
from jaxtyping import Int
from scipy.spatial import KDTree

from render.heads.model import Bone
from render.heads.procedural_anatomy import MIRROR, Anatomy, ramp
from render.heads.procedural_expressions import JAW_JOINT_MM, jaw_share
from render.heads.procedural_skull import EYE_CENTRE_MM, front_points

# The joint of atlas and skull lies a little below and behind the ears, the root of the neck at the seventh vertebra.
_SKULL_JOINT_MM = np.array([0.0, -14.0, -12.0])
_NECK_JOINT_MM = np.array([0.0, -130.0, -48.0])

# The outline of the face as a camera before it sees it, on the person's left from the ear (16) down: heights in mm at
# which it is taken, then directions in the picture, in degrees below the horizontal, in which it reaches furthest.
_OUTLINE_HEIGHTS_MM = (15.0, -2.0, -19.0, -36.0, -53.0)
_OUTLINE_DIRECTIONS_DEG = (24.0, 45.0, 60.0)
# Closer than a camera of a recipe, so that the outline lies on this side of what such a camera still sees.
_OUTLINE_FROM_MM = 520.0
_MENTON_MM = np.array([0.0, -98.0, 82.0])
# The left brow from its inner (22) to its outer end (26) and the base of the nose from the middle (33) to the left wing
# (35): x and y in the front view, mm.
_BROW_XY_MM = np.array([(11.0, 38.2), (20.0, 39.4), (29.5, 40.8), (39.5, 41.2), (49.0, 38.2)])
_NOSE_BASE_XY_MM = np.array([(0.0, -29.7), (7.5, -28.6), (14.0, -26.2)])
_SELLION_Y_MM = 22.5


def landmark_vertices(anatomy: Anatomy) -> Int[np.ndarray, "68"]:
    """Vertices of the 68 landmarks in the order of iBUG; left and right ones mirror each other exactly."""
    skin = anatomy.parts["skin"]
    tree = KDTree(anatomy.vertices_mm[skin])

    def nearest(points: np.ndarray) -> np.ndarray:
        return skin[tree.query(points)[1]]

    def nearest_in_front(flat: np.ndarray) -> np.ndarray:
        return nearest(front_points(flat[:, 0], flat[:, 1]))

    result = np.empty(68, dtype=int)
    mirror_of = anatomy.mirror_of
    jaw = np.append(_outline(anatomy), nearest(_MENTON_MM[None]))
    result[8:17] = jaw[::-1]
    result[:8] = mirror_of[jaw[:8]]
    brow = nearest_in_front(_BROW_XY_MM)
    result[22:27] = brow
    result[17:22] = mirror_of[brow[::-1]]
    middle = skin[np.abs(anatomy.vertices_mm[skin, 0]) < 1e-6]
    tip = middle[np.argmax(anatomy.vertices_mm[middle, 2])]
    heights = np.linspace(_SELLION_Y_MM, anatomy.vertices_mm[tip, 1], 4)
    result[27:30] = nearest_in_front(np.stack([np.zeros(3), heights[:3]], axis=1))
    result[30] = tip
    base = nearest_in_front(_NOSE_BASE_XY_MM)
    result[33:36] = base
    result[31:33] = mirror_of[base[:0:-1]]
    rim = anatomy.loops["eye_left"]
    half = len(rim) // 2
    # Inner corner, upper lid outwards, outer corner, lower lid inwards.
    left_eye = rim[[half, round(half * 0.66), round(half * 0.34), 0, -round(half * 0.34), -round(half * 0.66)]]
    result[42:48] = left_eye
    # The right eye starts at its outer corner and runs inwards over the upper lid.
    result[36:42] = mirror_of[left_eye[[3, 2, 1, 0, 5, 4]]]
    result[48:60] = _around_mouth(anatomy, anatomy.loops["mouth_outline"], (14.5, 5.5, 0.0))
    result[60:68] = _around_mouth(anatomy, anatomy.loops["mouth_line"], (8.5, 0.0))
    return result


def _outline(anatomy: Anatomy) -> Int[np.ndarray, " v"]:
    ids = anatomy.parts["skin"]
    x, y, z = anatomy.vertices_mm[ids].T
    away = _OUTLINE_FROM_MM - z
    aside, below = x / away, (EYE_CENTRE_MM[1] - y) / away
    # Before the ears, and not yet on the underside of the jaw.
    ahead = (z > 5.0) & (x > 5.0) & (y + 0.42 * z > -68.0)
    found = []
    for height in _OUTLINE_HEIGHTS_MM:
        found.append(np.argmax(np.where(ahead & (np.abs(y - height) < 3.5), aside, -np.inf)))
    for direction in np.radians(_OUTLINE_DIRECTIONS_DEG):
        reach = np.cos(direction) * aside + np.sin(direction) * below
        found.append(np.argmax(np.where(ahead, reach, -np.inf)))
    return ids[found]


def _around_mouth(anatomy: Anatomy, loop: np.ndarray, aside_mm: tuple[float, ...]) -> Int[np.ndarray, " v"]:
    """From the right corner over the upper lip to the left one and back below, at these distances from the middle."""
    half = len(loop) // 2
    x = anatomy.vertices_mm[loop, 0]
    left = np.array([np.abs(x[: half // 2 + 1] - aside).argmin() for aside in aside_mm])
    upper_left, lower_left = loop[left], loop[-left]
    mirror_of = anatomy.mirror_of
    upper = [[loop[half]], mirror_of[upper_left], upper_left[-2::-1]]
    lower = [[loop[0]], lower_left, mirror_of[lower_left[-2::-1]]]
    return np.concatenate(upper + lower)


def bones(anatomy: Anatomy) -> tuple[Bone, ...]:
    """Neck, head, jaw and eyes with smooth weights; chest and shoulders stay."""
    points = anatomy.vertices_mm
    _, y, z = points.T
    # The head's border runs from under the chin to the nape, the neck's from the collar bones to the seventh vertebra.
    over_jaw_line = ramp(y + 66.0 + 0.42 * (z + 10.0), -58.0, 8.0)
    over_collar = ramp(y + 150.0 + 0.35 * (z + 20.0), -42.0, 34.0)
    jaw = jaw_share(anatomy)
    # What hangs on the jaw belongs to the head, wherever the border runs.
    head = np.maximum(over_jaw_line, jaw) * over_collar
    head[np.concatenate([ids for name, ids in anatomy.parts.items() if name != "skin"])] = 1.0
    weights = {"neck": over_collar - head, "head": head - head * jaw, "jaw": head * jaw}
    for name in ("eye_left", "eye_right"):
        ids = anatomy.parts[name]
        for others in ("neck", "head", "jaw"):
            weights[others][ids] = 0.0
        weights[name] = np.zeros(len(points))
        weights[name][ids] = 1.0
    weights["neck"] = np.clip(weights["neck"], 0.0, 1.0)
    tree = KDTree(points[anatomy.parts["skin"]])

    def around(point: np.ndarray, count: int) -> np.ndarray:
        both = np.concatenate([tree.query(point, k=count)[1], tree.query(point * MIRROR, k=count)[1]])
        return np.unique(np.concatenate([both, anatomy.mirror_of[both]]))

    def bone(name: str, parent: str | None, joint: np.ndarray, tail: np.ndarray, anchors: np.ndarray) -> Bone:
        return Bone(
            name=name,
            parent=parent,
            joint_m=joint / 1000.0,
            tail_m=tail / 1000.0,
            anchor_vertices=anchors,
            weights=weights[name].astype(np.float32),
        )

    right_eye = EYE_CENTRE_MM * MIRROR
    crown = np.array([0.0, 125.0, -12.0])
    ahead = np.array([0.0, 0.0, 20.0])
    return (
        bone("neck", None, _NECK_JOINT_MM, _SKULL_JOINT_MM, around(np.array([58.0, -134.0, -50.0]), 12)),
        bone("head", "neck", _SKULL_JOINT_MM, crown, around(np.array([64.0, -14.0, -14.0]), 12)),
        bone("jaw", "head", JAW_JOINT_MM, np.array([0.0, -90.0, 80.0]), around(np.array([70.0, -4.0, 8.0]), 12)),
        bone("eye_left", "head", EYE_CENTRE_MM, EYE_CENTRE_MM + ahead, anatomy.parts["eye_left"]),
        bone("eye_right", "head", right_eye, right_eye + ahead, anatomy.parts["eye_right"]),
    )


def eye_landmark_vertices(anatomy: Anatomy) -> Int[np.ndarray, "2"]:
    """The middle of the left and of the right pupil."""
    return np.array([anatomy.parts["eye_left"][0], anatomy.parts["eye_right"][0]])
