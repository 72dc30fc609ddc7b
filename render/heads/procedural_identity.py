"""How procedural people differ: one displacement field per anthropometric dimension, scaled to one standard deviation.

A mode moves the mean vertices linearly, so coefficients of any size give a head in the same family. The standard
deviations are ours, rounded after the adult spreads in Farkas (Anthropometry of the Head and Face, 1994) and Zhuang and
Bradtmiller (NIOSH head-and-face survey of respirator users, 2005): for example 6 mm in head breadth, 7 mm in head
length, 7 mm in face length, 3.5 mm in the distance of the pupils.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from render.heads.procedural_anatomy import Anatomy, ramp
from render.heads.procedural_skull import EYE_CENTRE_MM

Field = Callable[[Anatomy, np.ndarray], np.ndarray]


def identity_fields_mm(anatomy: Anatomy) -> Float[np.ndarray, "k n 3"]:
    """Displacement in mm of every vertex for one standard deviation of every mode, in the order of MODE_NAMES.

    The eyeballs keep their shape: they, and the lids that lie on them, take the motion of the eye's centre; only the
    modes of the lids turn the lids about it.
    """
    fields = [_with_rigid_eyes(anatomy, field) for field in _FIELDS.values()]
    fields += [_lid_opening(anatomy), _lid_slant(anatomy)]
    return np.stack([_hang_lashes(anatomy, field) for field in fields])


def bump(points: np.ndarray, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
    """A Gaussian weight around a point of the left side and its mirror image; radii are standard deviations in mm."""
    folded = np.stack([np.abs(points[:, 0]), points[:, 1], points[:, 2]], axis=1)
    return np.exp(-0.5 * (((folded - np.array(centre)) / np.array(radii)) ** 2).sum(axis=1))


def turned_about(points: np.ndarray, pivot: np.ndarray, axis: np.ndarray, degrees: np.ndarray | float) -> np.ndarray:
    """Points turned about an axis through a pivot (right-hand rule), each by its own angle."""
    axis = axis / np.linalg.norm(axis)
    angle = np.radians(degrees) * np.ones(len(points))
    offset = points - pivot
    along = (offset @ axis)[:, None] * axis
    return pivot + along + np.cos(angle)[:, None] * (offset - along) + np.sin(angle)[:, None] * np.cross(axis, offset)


def _vector(x: np.ndarray | float, y: np.ndarray | float, z: np.ndarray | float, count: int) -> np.ndarray:
    return np.stack([np.broadcast_to(np.asarray(part, dtype=float), (count,)) for part in (x, y, z)], axis=1)


def _field(*pushes: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]) -> Field:
    """A sum of Gaussian pushes (centre, radii, motion); x of the motion points outwards on either side."""

    def apply(_: Anatomy, points: np.ndarray) -> np.ndarray:
        total = np.zeros_like(points)
        side = np.clip(points[:, 0] / 6.0, -1.0, 1.0)
        for centre, radii, (outward, up, forward) in pushes:
            weight = bump(points, centre, radii)
            if centre[0] == 0.0 and outward:
                # Around the middle plane a widening is a stretch, or it would tear there.
                total += weight[:, None] * _vector(outward * points[:, 0] / radii[0], up, forward, len(points))
            else:
                total += weight[:, None] * _vector(outward * side, up, forward, len(points))
        return total

    return apply


def _head_breadth(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = ramp(points[:, 1], -75.0, 40.0) * ramp(points[:, 2], 105.0, 10.0)
    return _vector(2.9 * weight * points[:, 0] / 76.0, 0.0, 0.0, len(points))


def _head_length(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = ramp(points[:, 1], -105.0, 10.0) * ramp(points[:, 2], 30.0, -95.0)
    return _vector(0.0, 0.0, -6.8 * weight, len(points))


def _head_height(_: Anatomy, points: np.ndarray) -> np.ndarray:
    return _vector(0.0, 5.5 * ramp(points[:, 1], 35.0, 130.0), 0.0, len(points))


def _lower_face_length(_: Anatomy, points: np.ndarray) -> np.ndarray:
    down = ramp(points[:, 1], 5.0, -95.0) * ramp(points[:, 1], -330.0, -100.0) * ramp(points[:, 2], -60.0, 30.0)
    return _vector(0.0, -4.2 * down, 0.0, len(points))


def _nose_length(_: Anatomy, points: np.ndarray) -> np.ndarray:
    # The mouth follows a long nose half of the way, or there would be no room for an upper lip.
    down = ramp(points[:, 1], 22.0, -22.0) * ramp(points[:, 1], -78.0, -27.0)
    breadth = 18.0 + 30.0 * ramp(points[:, 1], -25.0, -44.0)
    weight = down * np.exp(-0.5 * (points[:, 0] / breadth) ** 2) * ramp(points[:, 2], 45.0, 85.0)
    return _vector(0.0, -2.8 * weight, 0.0, len(points))


def _lip_thickness(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    # Away from the line between the lips, most on the outline and fading beyond it; forward where the lips are full.
    aside = np.clip(1.0 - (points[:, 0] / 34.0) ** 2, 0.0, 1.0)
    gap = np.abs(points[:, 1] + 49.6)
    apart = np.clip(gap / 9.0, 0.0, 1.0) * np.exp(-0.5 * (np.maximum(gap - 9.0, 0.0) / 5.0) ** 2)
    skin = np.isin(np.arange(len(points)), anatomy.parts["skin"]) * ramp(points[:, 2], 74.0, 90.0) * aside
    side = 1.0 - 2.0 * anatomy.lower_lip
    return skin[:, None] * _vector(0.0, 1.3 * side * apart, 0.6 * anatomy.mouth, len(points))


def _mouth_width(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    skin = np.isin(np.arange(len(points)), anatomy.parts["skin"])
    weight = bump(points, (0.0, -50.0, 88.0), (24.0, 10.0, 16.0)) * skin
    return weight[:, None] * _vector(3.0 * points[:, 0] / 25.0, 0.0, -0.9 * (points[:, 0] / 25.0) ** 2, len(points))


def _neck_width(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = ramp(points[:, 1], -75.0, -115.0) * ramp(points[:, 1], -190.0, -140.0)
    return _vector(4.0 * weight * points[:, 0] / 52.0, 0.0, 3.0 * weight * (points[:, 2] + 20.0) / 55.0, len(points))


def _shoulders(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = ramp(points[:, 1], -140.0, -230.0)
    drop = 7.0 * ramp(np.abs(points[:, 0]), 50.0, 200.0) * ramp(points[:, 1], -130.0, -180.0)
    return _vector(9.0 * weight * points[:, 0] / 200.0, -drop, 0.0, len(points))


_BROW_RIDGE = (
    ((12.0, 38.0, 95.0), (12.0, 8.0, 25.0), (0.0, 0.0, 1.2)),
    ((34.0, 35.0, 86.0), (13.0, 7.0, 25.0), (0.2, 0.0, 1.2)),
)
_CHIN = (((0.0, -84.0, 93.0), (19.0, 13.0, 28.0), (0.0, -0.4, 2.6)),)
_JAW = (((54.0, -60.0, 20.0), (22.0, 22.0, 30.0), (3.4, -0.6, 0.0)),)
_NOSE_WIDTH = (((13.0, -20.0, 98.0), (7.0, 8.0, 12.0), (1.7, 0.0, 0.0)),)
_NOSE_OUT = (((0.0, -13.0, 112.0), (13.0, 15.0, 24.0), (0.0, 0.0, 2.1)),)
_CHEEKS = (
    ((44.0, -28.0, 70.0), (17.0, 16.0, 24.0), (1.9, 0.0, 1.7)),
    ((62.0, -30.0, 30.0), (20.0, 22.0, 28.0), (1.6, 0.0, 0.0)),
)


def _sex(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    """Towards a man's face (positive) or a woman's: ridge, jaw, chin, nose and neck grow, lips and cheeks recede."""
    parts = (
        (0.65, _field(*_BROW_RIDGE)), (0.6, _field(*_CHIN)), (0.6, _field(*_JAW)), (0.35, _field(*_NOSE_WIDTH)),
        (0.45, _field(*_NOSE_OUT)), (0.5, _lower_face_length), (0.7, _neck_width), (0.8, _shoulders),
        (-0.4, _lip_thickness), (-0.25, _field(*_CHEEKS)),
    )  # fmt: skip
    adam = _field(((0.0, -128.0, 34.0), (9.0, 9.0, 14.0), (0.0, 0.0, 1.6)))
    return sum(weight * field(anatomy, points) for weight, field in parts) + adam(anatomy, points)


def _crooked_nose(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = bump(points, (0.0, -14.0, 108.0), (16.0, 14.0, 20.0))
    return _vector(0.9 * weight, 0.0, 0.0, len(points))


def _crooked_chin(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = ramp(points[:, 1], -35.0, -85.0) * ramp(points[:, 1], -150.0, -100.0) * ramp(points[:, 2], 10.0, 70.0)
    return _vector(1.1 * weight, 0.0, 0.0, len(points))


def _uneven_mouth(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = bump(points, (0.0, -50.0, 92.0), (26.0, 16.0, 20.0))
    return _vector(0.0, 0.9 * weight * np.clip(points[:, 0] / 25.0, -1.2, 1.2), 0.0, len(points))


def _neck_and_shoulders(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    return _neck_width(anatomy, points) + _shoulders(anatomy, points)


def _asymmetry(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    return _crooked_nose(anatomy, points) - _crooked_chin(anatomy, points) + _uneven_mouth(anatomy, points)


# Order matters: coefficients are drawn in it, and tests count it. One unit is one standard deviation of the dimension.
_FIELDS: dict[str, Field] = {
    "head_breadth": _head_breadth,
    "head_length": _head_length,
    "head_height": _head_height,
    "lower_face_length": _lower_face_length,
    "bizygomatic_breadth": _field(((62.0, 0.0, 38.0), (20.0, 17.0, 32.0), (2.9, 0.0, 0.0))),
    "jaw_width": _field(*_JAW),
    "chin_projection": _field(*_CHIN),
    "nose_length": _nose_length,
    "nose_width": _field(*_NOSE_WIDTH),
    "nose_protrusion": _field(*_NOSE_OUT),
    "nose_bridge": _field(((0.0, 7.0, 99.0), (9.0, 11.0, 22.0), (0.0, 0.0, 1.6))),
    "nose_tip_turn": _field(((0.0, -16.0, 115.0), (10.0, 8.0, 12.0), (0.0, 1.9, 0.3))),
    "mouth_width": _mouth_width,
    "lip_thickness": _lip_thickness,
    "eye_spacing": _field(((32.0, 17.0, 72.0), (15.0, 15.0, 24.0), (2.15, 0.0, 0.0))),
    "brow_ridge": _field(*_BROW_RIDGE),
    "brow_height": _field(
        ((24.0, 38.0, 88.0), (18.0, 9.0, 25.0), (0.0, 1.6, 0.0)),
        ((42.0, 35.0, 80.0), (10.0, 8.0, 20.0), (0.0, 0.5, 0.0)),
    ),
    "forehead_slope": _field(((0.0, 78.0, 88.0), (45.0, 24.0, 40.0), (0.0, 0.0, 2.8))),
    "cheek_fullness": _field(*_CHEEKS),
    "sex": _sex,
    "neck_and_shoulders": _neck_and_shoulders,
    "asymmetry": _asymmetry,
}  # fmt: skip
MODE_NAMES = (*_FIELDS, "lid_opening", "lid_slant")


def _with_rigid_eyes(anatomy: Anatomy, field: Field) -> Float[np.ndarray, "n 3"]:
    points = anatomy.vertices_mm
    moved = field(anatomy, points)
    for sign, name in ((1.0, "eye_left"), (-1.0, "eye_right")):
        centre = EYE_CENTRE_MM * np.array([sign, 1.0, 1.0])
        # The field is asked where the eye is, not in the middle of its vertices' facts: an extra point at the centre.
        shift = moved[anatomy.parts[name]].mean(axis=0)
        hold = ramp(np.linalg.norm(points - centre, axis=1), 27.0, 16.5)[:, None]
        moved = moved + hold * (shift - moved)
        moved[anatomy.parts[name]] = shift
    return moved


def _lid_opening(anatomy: Anatomy) -> Float[np.ndarray, "n 3"]:
    """The aperture of the lids grows by 0.9 mm."""
    degrees = 1.2 * ramp(-anatomy.upper_lid, 0.0, 1.0) - 2.6 * ramp(anatomy.upper_lid, 0.0, 1.0)
    return _turn_lids(anatomy, degrees, (1.0, 0.0, 0.0))


def _lid_slant(anatomy: Anatomy) -> Float[np.ndarray, "n 3"]:
    """The outer corner rises by about 0.8 mm over the inner one."""
    return _turn_lids(anatomy, np.full(len(anatomy.vertices_mm), 3.2), (0.0, 0.0, 1.0))


def _turn_lids(anatomy: Anatomy, degrees: np.ndarray, axis: tuple[float, float, float]) -> Float[np.ndarray, "n 3"]:
    moved = np.zeros_like(anatomy.vertices_mm)
    for column, sign in enumerate((1.0, -1.0)):
        centre = EYE_CENTRE_MM * np.array([sign, 1.0, 1.0])
        weight = ramp(anatomy.near_rim[:, column], 0.15, 0.95)
        # A mirrored turn keeps its sense about x and reverses it about y and z.
        turn = np.array(axis) * np.array([1.0, sign, sign])
        moved += turned_about(anatomy.vertices_mm, centre, turn, weight * degrees) - anatomy.vertices_mm
    return moved


def _hang_lashes(anatomy: Anatomy, field: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    hung = anatomy.lash_hosts >= 0
    field[hung] = field[anatomy.lash_hosts[hung]]
    return field
