"""How procedural people differ: a displacement field for each measure or quality, scaled to one standard deviation.

A mode moves the mean vertices linearly, so coefficients of any size give a head in the same family. Where a measure has
a published spread (render/heads/norms.py names and compares them), `_SIZES` makes all modes together reach it; all
other sizes are ours, by eye. Sex, age and weight are directions of their own that move many measures together: the
share of a measure that goes with sex follows the effect sizes of Kesterke and others (Biology of Sex Differences 7:23,
2016, table 3, adults), half of Cohen's d for one standard deviation of the mode. Neighbouring qualities go together
too (`_TOGETHER`), or faces would be made of parts of different people; each alone keeps its spread.
"""

import numpy as np
from jaxtyping import Float

from render.heads.procedural_anatomy import Anatomy, ramp
from render.heads.procedural_fields import (
    Field,
    beside_eyes,
    bump,
    hang_lashes,
    on_skin,
    pushes,
    skin_pushes,
    turned_lids,
    vectors,
    with_rigid_eyes,
)
from render.heads.procedural_skull import EYE_CENTRE_MM

_MOUTH_LINE_MM = -49.6
# The root of the left ear: ears grow from it and turn about it.
_EAR_ROOT_MM = np.array([72.0, 1.0, -4.0])


def identity_fields_mm(anatomy: Anatomy) -> Float[np.ndarray, "k n 3"]:
    """Displacement in mm of every vertex for one standard deviation of every mode, in the order of MODE_NAMES.

    The eyeballs keep their shape: they, and the lids that lie on them, take the motion of the eye's centre; only the
    modes of the lids turn the lids about it.
    """
    fields = {name: _SIZES.get(name, _SHAPE_SIZE) * with_rigid_eyes(anatomy, field) for name, field in _FIELDS.items()}
    fields |= {name: beside_eyes(anatomy, field) for name, field in _EYE_SKIN.items()}
    fields["fissure_length"] = _SIZES["fissure_length"] * _fissure_length(anatomy)
    fields |= {"lid_opening": _lid_opening(anatomy), "lid_slant": _lid_slant(anatomy)}
    for name, (own, shares) in _DIRECTIONS.items():
        fields[name] = with_rigid_eyes(anatomy, own)
        for part, share in shares.items():
            fields[name] += share * fields[part]
    fields |= _together(fields)
    return np.stack([hang_lashes(anatomy, fields[name]) for name in MODE_NAMES])


def _head_breadth(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = ramp(points[:, 1], -75.0, 40.0) * ramp(points[:, 2], 105.0, 10.0)
    return vectors(3.0 * weight * points[:, 0] / 76.0, 0.0, 0.0, len(points))


def _head_length(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = ramp(points[:, 1], -105.0, 10.0) * ramp(points[:, 2], 30.0, -95.0)
    return vectors(0.0, 0.0, -7.0 * weight, len(points))


def _head_height(_: Anatomy, points: np.ndarray) -> np.ndarray:
    return vectors(0.0, 6.5 * ramp(points[:, 1], 35.0, 130.0), 0.0, len(points))


def _lower_face_length(_: Anatomy, points: np.ndarray) -> np.ndarray:
    # From the nose down, or a short face would squash the tip of its nose.
    down = ramp(points[:, 1], -20.0, -95.0) * ramp(points[:, 1], -330.0, -100.0) * ramp(points[:, 2], -60.0, 30.0)
    return vectors(0.0, -4.2 * down, 0.0, len(points))


def _nose_length(_: Anatomy, points: np.ndarray) -> np.ndarray:
    # The mouth follows a long nose most of the way, or there would be no room for an upper lip.
    down = ramp(points[:, 1], 22.0, -24.0) * ramp(points[:, 1], -92.0, -46.0)
    breadth = 20.0 + 30.0 * ramp(points[:, 1], -25.0, -44.0)
    weight = down * np.exp(-0.5 * (points[:, 0] / breadth) ** 2) * ramp(points[:, 2], 45.0, 85.0)
    return vectors(0.0, -2.8 * weight, 0.0, len(points))


def _philtrum_length(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    down = ramp(points[:, 1], -30.0, -43.0) * ramp(points[:, 1], -88.0, -60.0)
    weight = down * np.exp(-0.5 * (points[:, 0] / 32.0) ** 2) * ramp(points[:, 2], 55.0, 85.0)
    return vectors(0.0, -1.7 * weight * on_skin(anatomy, points), 0.0, len(points))


def _vermilion(upper: bool) -> Field:
    """Away from the line between the lips, most on the outline and fading beyond it; forward where the lip is full."""

    def apply(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
        aside = np.clip(1.0 - (points[:, 0] / 34.0) ** 2, 0.0, 1.0)
        gap = np.abs(points[:, 1] - _MOUTH_LINE_MM)
        apart = np.clip(gap / 9.0, 0.0, 1.0) * np.exp(-0.5 * (np.maximum(gap - 9.0, 0.0) / 5.0) ** 2)
        share = 1.0 - anatomy.lower_lip if upper else anatomy.lower_lip
        skin = on_skin(anatomy, points) * ramp(points[:, 2], 74.0, 90.0) * aside * share
        return skin[:, None] * vectors(0.0, (1.4 if upper else -1.5) * apart, 0.6 * anatomy.mouth, len(points))

    return apply


def _mouth_width(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = bump(points, (0.0, -50.0, 88.0), (24.0, 10.0, 16.0)) * on_skin(anatomy, points)
    place = points[:, 0] / 25.0
    return weight[:, None] * vectors(3.4 * place, 0.0, -1.0 * place**2, len(points))


def _ears(anatomy: Anatomy, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1 on the ears, and offsets from their roots as if both were left ears."""
    ears = np.zeros(len(points))
    ears[anatomy.parts["ear_left"]] = ears[anatomy.parts["ear_right"]] = 1.0
    folded = points * np.stack([np.sign(points[:, 0]), np.ones(len(points)), np.ones(len(points))], axis=1)
    return ears, folded - _EAR_ROOT_MM


def _ear_length(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    ears, offset = _ears(anatomy, points)
    return ears[:, None] * vectors(0.0, 0.068 * offset[:, 1], 0.045 * np.minimum(offset[:, 2], 0.0), len(points))


def _ear_protrusion(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    ears, offset = _ears(anatomy, points)
    behind = np.maximum(-offset[:, 2], 0.0)
    outward = 0.085 * behind * np.clip(offset[:, 0] / 10.0, 0.0, 1.0)
    return ears[:, None] * vectors(outward * np.sign(points[:, 0]), 0.0, 0.02 * behind, len(points))


def _ear_lobe(anatomy: Anatomy, points: np.ndarray) -> np.ndarray:
    ears, offset = _ears(anatomy, points)
    low = ramp(offset[:, 1], -14.0, -30.0)
    return ears[:, None] * vectors(0.0, -1.7 * low, 0.0, len(points))


def _neck_girth(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = ramp(points[:, 1], -75.0, -115.0) * ramp(points[:, 1], -195.0, -145.0)
    return vectors(4.4 * weight * points[:, 0] / 52.0, 0.0, 4.0 * weight * (points[:, 2] + 20.0) / 55.0, len(points))


def _shoulders(_: Anatomy, points: np.ndarray) -> np.ndarray:
    weight = ramp(points[:, 1], -140.0, -230.0)
    drop = 7.0 * ramp(np.abs(points[:, 0]), 50.0, 200.0) * ramp(points[:, 1], -130.0, -180.0)
    return vectors(9.0 * weight * points[:, 0] / 200.0, -drop, 0.0, len(points))


def _crooked_nose_and_mouth(_: Anatomy, points: np.ndarray) -> np.ndarray:
    nose = bump(points, (0.0, -14.0, 108.0), (16.0, 14.0, 20.0))
    mouth = bump(points, (0.0, -50.0, 92.0), (26.0, 16.0, 20.0)) * np.clip(points[:, 0] / 25.0, -1.2, 1.2)
    return vectors(0.9 * nose, 0.8 * mouth, 0.0, len(points))


def _crooked_jaw_and_brows(_: Anatomy, points: np.ndarray) -> np.ndarray:
    chin = ramp(points[:, 1], -35.0, -85.0) * ramp(points[:, 1], -150.0, -100.0) * ramp(points[:, 2], 10.0, 70.0)
    brows = bump(points, (30.0, 38.0, 86.0), (16.0, 9.0, 25.0)) * np.sign(points[:, 0])
    return vectors(1.2 * chin, 0.7 * brows, 0.0, len(points))


# Order matters: coefficients are drawn in it, and tests count it. One unit is one standard deviation.
_FIELDS: dict[str, Field] = {
    "head_breadth": _head_breadth,
    "head_length": _head_length,
    "head_height": _head_height,
    "forehead_breadth": pushes(((57, 48, 58), (17, 22, 26), (2.4, 0, 0))),
    "occiput": pushes(((0, 30, -100), (45, 34, 30), (0, 0, -3.6))),
    "forehead_slope": pushes(((0, 84, 84), (45, 24, 40), (0, 0, 2.8))),
    "forehead_bulge": pushes(((24, 66, 86), (16, 14, 25), (0, 0, 1.5))),
    "temple_fullness": pushes(((63, 40, 48), (14, 17, 20), (1.4, 0, 0))),
    "brow_ridge": pushes(((12, 38, 92), (12, 8, 25), (0, 0, 1.2)), ((34, 37, 86), (13, 7, 25), (0.2, 0, 1.2))),
    "brow_height": pushes(((24, 39, 88), (18, 9, 25), (0, 1.7, 0)), ((43, 37, 80), (10, 8, 20), (0, 0.7, 0))),
    "eye_depth": pushes(((31.5, 17.5, 72), (15, 15, 24), (0, 0, -1.5))),
    "eye_spacing": pushes(((32, 17, 72), (15, 15, 24), (2.15, 0, 0))),
    "bizygomatic_breadth": pushes(((66, 1, 34), (20, 18, 32), (3.2, 0, 0))),
    "cheekbone": pushes(((42, -1, 75), (13, 11, 20), (0.8, 0, 1.7))),
    "cheek_fullness": pushes(((46, -30, 68), (16, 16, 24), (1.7, 0, 1.9)), ((62, -32, 30), (20, 22, 28), (1.4, 0, 0))),
    "cheek_height": pushes(((42, -8, 74), (15, 14, 22), (0, 2.2, 0))),
    "nose_length": _nose_length,
    "nose_width": pushes(((14, -20, 98), (7, 8, 13), (1.9, 0, 0))),
    "nose_protrusion": pushes(((0, -11, 116), (14, 17, 16), (0, 0, 2.1))),
    "nose_root_depth": pushes(((0, 19, 90), (8, 7, 18), (0, 0, 1.6))),
    "nose_root_breadth": pushes(((9, 12, 86), (6, 9, 16), (1.1, 0, 0.3))),
    "nose_hump": pushes(((0, 3, 103), (7, 7, 20), (0, 0, 1.5))),
    "nose_tip_turn": pushes(((0, -17, 114), (12, 12, 15), (0, 1.6, 0.3))),
    "nose_tip_breadth": pushes(((6, -16, 109), (6, 7, 10), (1.1, 0, 0))),
    "nose_wing_height": pushes(((14, -22, 97), (6, 6, 10), (0, 1.2, 0))),
    "columella": pushes(((0, -26, 104), (6, 6, 10), (0, -1.3, 0))),
    "mouth_width": _mouth_width,
    "upper_vermilion": _vermilion(upper=True),
    "lower_vermilion": _vermilion(upper=False),
    "philtrum_length": _philtrum_length,
    "philtrum_depth": skin_pushes(((0, -36, 97), (3, 7, 12), (0, 0, -0.5))),
    "lip_protrusion": skin_pushes(((0, -50, 97), (18, 11, 18), (0, 0, 1.6))),
    "mouth_corner_tilt": skin_pushes(((25, -50, 86), (9, 9, 16), (0, 1.2, 0))),
    "jaw_width": pushes(((55, -60, 16), (22, 22, 30), (3.6, -0.6, 0))),
    "jaw_height": pushes(((54, -64, 12), (20, 18, 30), (0, -3.2, 0))),
    "lower_face_length": _lower_face_length,
    "chin_projection": pushes(((0, -84, 92), (19, 13, 28), (0, -0.4, 2.5))),
    "chin_breadth": pushes(((19, -86, 82), (12, 12, 20), (2.0, 0, 0.3))),
    "chin_height": skin_pushes(((0, -94, 86), (26, 13, 32), (0, -2.2, 0))),
    "mentolabial_depth": skin_pushes(((0, -72, 94), (18, 5, 16), (0, 0, -1.0))),
    "jowls": pushes(((42, -76, 44), (16, 12, 24), (1.4, -1.6, 0.4))),
    "ear_length": _ear_length,
    "ear_protrusion": _ear_protrusion,
    "ear_lobe": _ear_lobe,
    "neck_girth": _neck_girth,
    "shoulders": _shoulders,
    "larynx": pushes(((0, -126, 34), (9, 10, 14), (0, 0, 1.4))),
    "asymmetry": _crooked_nose_and_mouth,
    "asymmetry_of_jaw": _crooked_jaw_and_brows,
}  # fmt: skip
# On skin around the eyes that must not follow them as a whole.
_EYE_SKIN: dict[str, Field] = {
    "lid_fold": pushes(((32, 28.8, 82), (13, 3.8, 14), (0, -1.2, 0.7))),
    "eye_bags": pushes(((30, 3.5, 80), (11, 4.5, 12), (0, -0.2, 0.9))),
}
# Factors on single fields, solved so that the measures of many people spread as published (render/heads/norms.py).
_SIZES: dict[str, float] = {
    "head_breadth": 0.89, "head_length": 0.82, "head_height": 1.05, "forehead_breadth": 1.3, "eye_spacing": 0.8,
    "bizygomatic_breadth": 0.78, "nose_length": 1.0, "nose_width": 1.16, "nose_protrusion": 1.5, "mouth_width": 1.04,
    "upper_vermilion": 0.95, "lower_vermilion": 0.67, "philtrum_length": 0.6, "jaw_width": 0.84,
    "lower_face_length": 1.5, "ear_length": 0.56, "neck_girth": 0.66, "fissure_length": 2.2,
}  # fmt: skip
# Qualities of shape have no published spread; at full size they add up to caricatures.
_SHAPE_SIZE = 0.7
# Correlations between qualities that are seen together, ours, by eye: a high root carries a strong nose, its tip then
# turns down rather than up, lips are full or thin as a pair.
_TOGETHER: dict[tuple[str, str], float] = {
    ("nose_protrusion", "nose_root_depth"): 0.45, ("nose_protrusion", "nose_hump"): 0.3,
    ("nose_protrusion", "nose_tip_turn"): -0.3, ("nose_hump", "nose_tip_turn"): -0.35,
    ("nose_width", "nose_tip_breadth"): 0.5, ("nose_width", "nose_root_breadth"): 0.3,
    ("nose_width", "mouth_width"): 0.3, ("nose_width", "upper_vermilion"): 0.3, ("nose_width", "lower_vermilion"): 0.3,
    ("upper_vermilion", "lower_vermilion"): 0.6, ("upper_vermilion", "lip_protrusion"): 0.4,
    ("lower_vermilion", "lip_protrusion"): 0.4,
    ("brow_ridge", "eye_depth"): 0.4, ("brow_ridge", "forehead_slope"): -0.3,
    ("chin_breadth", "jaw_width"): 0.4, ("chin_projection", "mentolabial_depth"): 0.3,
    ("bizygomatic_breadth", "cheekbone"): 0.35, ("cheek_fullness", "jowls"): 0.3,
    ("cheek_fullness", "temple_fullness"): 0.25,
}  # fmt: skip


# How far each mode goes with one standard deviation of these directions.
_SEX: dict[str, float] = {
    "head_breadth": 0.6, "head_length": 0.9, "bizygomatic_breadth": 0.67, "jaw_width": 0.6, "lower_face_length": 0.6,
    "nose_length": 0.4, "eye_spacing": 0.3, "nose_width": 0.45, "nose_protrusion": 0.25, "mouth_width": 0.35,
    "brow_ridge": 0.9, "brow_height": -0.5, "forehead_slope": -0.5, "chin_projection": 0.4, "chin_breadth": 0.6,
    "upper_vermilion": -0.35, "lower_vermilion": -0.25, "cheek_fullness": -0.3, "cheekbone": 0.2, "ear_length": 0.5,
    "philtrum_length": 0.5, "neck_girth": 1.1, "shoulders": 0.9, "larynx": 1.0, "jaw_height": 0.4,
}  # fmt: skip
_AGE = {
    "jowls": 0.9, "ear_length": 0.5, "ear_lobe": 0.5, "nose_length": 0.35, "nose_tip_turn": -0.5, "nose_width": 0.25,
    "upper_vermilion": -0.6, "lower_vermilion": -0.5, "philtrum_length": 0.4, "brow_height": -0.4,
    "mouth_corner_tilt": -0.5, "temple_fullness": -0.5, "cheek_fullness": -0.4, "cheek_height": -0.6, "eye_depth": 0.3,
}  # fmt: skip
_WEIGHT = {
    "cheek_fullness": 0.9, "jowls": 0.6, "neck_girth": 0.7, "jaw_width": 0.5, "temple_fullness": 0.5,
    "chin_breadth": 0.4, "bizygomatic_breadth": 0.25, "nose_width": 0.15,
}  # fmt: skip
# Directions that move many measures together: what they do themselves, and how far they go along other modes.
_DIRECTIONS: dict[str, tuple[Field, dict[str, float]]] = {
    "sex": (pushes(), _SEX),
    "age": (
        skin_pushes(((24, -33, 90), (6, 10, 14), (0.6, -0.4, 1.0)), ((31, -50, 84), (4, 10, 14), (0, 0, -0.8))),
        _AGE,
    ),
    "weight": (skin_pushes(((0, -104, 52), (30, 16, 26), (0, -3.5, 1.0))), _WEIGHT),
}
MODE_NAMES = (*_FIELDS, *_EYE_SKIN, "fissure_length", "lid_opening", "lid_slant", *_DIRECTIONS)


def _together(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The fields of `_TOGETHER`, mixed so that independent coefficients move them with these correlations.

    The symmetric root of the correlations leaves each mode as much itself as it can be.
    """
    names = sorted({name for pair in _TOGETHER for name in pair})
    correlations = np.eye(len(names))
    for (first, second), value in _TOGETHER.items():
        one, other = names.index(first), names.index(second)
        correlations[one, other] = correlations[other, one] = value
    scales, axes = np.linalg.eigh(correlations)
    assert scales.min() > 0.0
    mixed = np.tensordot((axes * np.sqrt(scales)) @ axes.T, np.stack([fields[name] for name in names]), axes=1)
    return dict(zip(names, mixed, strict=True))


def _fissure_length(anatomy: Anatomy) -> Float[np.ndarray, "n 3"]:
    """The corners of the eye draw apart by about 1 mm, along the globe."""
    aside = (np.abs(anatomy.vertices_mm[:, 0]) - EYE_CENTRE_MM[0]) / 14.0
    return turned_lids(anatomy, 2.1 * np.clip(aside, -1.0, 1.0), (0.0, 1.0, 0.0))


def _lid_opening(anatomy: Anatomy) -> Float[np.ndarray, "n 3"]:
    """The aperture of the lids grows by 0.9 mm."""
    degrees = 1.2 * ramp(-anatomy.upper_lid, 0.0, 1.0) - 2.6 * ramp(anatomy.upper_lid, 0.0, 1.0)
    return turned_lids(anatomy, degrees, (1.0, 0.0, 0.0))


def _lid_slant(anatomy: Anatomy) -> Float[np.ndarray, "n 3"]:
    """The outer corner rises by about 0.8 mm over the inner one."""
    return turned_lids(anatomy, np.full(len(anatomy.vertices_mm), 3.2), (0.0, 0.0, 1.0))
