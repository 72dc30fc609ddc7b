"""What the procedural face can do: displacement fields under the names of the ICT and ARKit shapes.

Each motion is written for the person's left half and mirrored for the right; `_L` is the person's left (+x).
"""

import numpy as np
from jaxtyping import Float

from render.heads.procedural_anatomy import MIRROR, Anatomy, ramp
from render.heads.procedural_fields import hang_lashes, turned_about
from render.heads.procedural_skull import EYE_CENTRE_MM, LID_RADIUS_MM

JAW_JOINT_MM = np.array([0.0, -4.0, 8.0])
_JAW_OPENING_DEG = 17.0

# Skin motions of the left half: centre, standard deviations, motion (x outwards), all in mm, at full weight.
_Push = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
_BROWS: dict[str, tuple[_Push, ...]] = {
    "browDown": (
        ((15, 37, 93), (12, 9, 25), (-2.2, -5.0, 1.2)), ((34, 37, 86), (13, 9, 25), (-0.8, -3.6, 0.6)),
        ((6, 27, 93), (7, 7, 20), (-0.4, -1.5, 0.8)),
    ),
    "browInnerUp": (((11, 39, 94), (12, 14, 25), (-0.6, 6.5, 0.0)), ((28, 38, 88), (11, 11, 25), (0.0, 2.2, 0.0))),
    "browOuterUp": (((40, 38, 82), (13, 13, 25), (0.5, 6.0, -0.6)),),
}  # fmt: skip
_CHEEKS: dict[str, tuple[_Push, ...]] = {
    "cheekSquint": (((38, -4, 78), (14, 10, 20), (0.6, 3.6, 2.0)),),
    "noseSneer": (
        ((14, -19, 98), (7, 8, 14), (1.2, 3.4, -0.2)), ((16, -5, 88), (9, 10, 16), (0.6, 2.4, 1.4)),
        ((17, -34, 95), (10, 7, 14), (0.5, 2.6, 0.6)), ((6, 14, 95), (6, 8, 14), (0.6, 0.8, 0.8)),
    ),
}  # fmt: skip
# Motions of the mouth: which lip follows (1 upper, -1 lower, 0 both), then the pushes.
_MOUTH: dict[str, tuple[tuple[int, _Push], ...]] = {
    "mouthSmile": (
        (0, ((25, -50, 84), (12, 12, 18), (5.5, 6.5, -4.2))), (0, ((42, -16, 77), (14, 13, 18), (1.6, 3.6, 2.4))),
        (0, ((37, -34, 80), (9, 12, 16), (2.4, 2.4, 0.6))), (0, ((9, -50, 98), (9, 9, 14), (1.0, 0.4, -1.4))),
        (1, ((9, -45, 98), (13, 8, 14), (0.4, 2.2, -0.4))), (-1, ((9, -57, 96), (12, 8, 14), (0.4, -0.8, -0.4))),
    ),
    "mouthFrown": (
        (0, ((25, -51, 84), (11, 12, 18), (0.8, -6.0, -0.8))), (0, ((24, -66, 84), (10, 10, 18), (1.0, -2.0, 1.2))),
        (0, ((24, -34, 90), (9, 10, 16), (0.3, -1.6, -0.3))),
    ),
    "mouthStretch": (
        (0, ((26, -52, 84), (13, 14, 18), (6.5, -2.2, -3.8))), (-1, ((18, -62, 88), (12, 9, 18), (2.6, -2.4, -0.8))),
    ),
    "mouthPress": (
        (1, ((12, -43, 98), (14, 4.5, 14), (0.0, -2.6, -1.4))), (-1, ((12, -58, 97), (14, 5, 14), (0.0, 3.0, -1.4))),
        (0, ((27, -50, 82), (7, 8, 14), (1.0, 0.6, -1.2))),
    ),
    "mouthUpperUp": (
        (1, ((11, -45, 98), (11, 8, 14), (0.3, 4.8, 0.4))), (0, ((17, -33, 95), (9, 8, 14), (0.4, 2.4, 0.8))),
    ),
    "mouthLowerDown": (
        (-1, ((11, -56, 97), (11, 8, 14), (0.4, -5.4, -0.4))), (-1, ((14, -67, 90), (11, 7, 14), (0.2, -2.2, 0.4))),
    ),
    "mouthDimple": ((0, ((27, -50, 82), (9, 9, 16), (3.2, 0.8, -3.4))),),
    "cheekPuff": (
        (0, ((43, -43, 74), (13, 13, 22), (4.6, 0.0, 4.4))), (0, ((26, -50, 86), (8, 9, 14), (-0.6, 0.0, 1.4))),
    ),
}  # fmt: skip
_MOUTH_WHOLE: dict[str, tuple[tuple[int, _Push], ...]] = {
    "mouthPucker": (
        (0, ((24, -50, 85), (10, 12, 18), (-8.5, 0.0, 4.0))), (0, ((0, -50, 98), (11, 10, 18), (0.0, 0.0, 4.6))),
    ),
    "mouthFunnel": (
        (0, ((24, -50, 85), (10, 12, 18), (-6.0, 0.0, 3.4))), (1, ((6, -45, 100), (12, 7, 18), (0.0, 3.2, 4.6))),
        (-1, ((6, -56, 98), (12, 7, 18), (0.0, -4.6, 4.4))),
    ),
    "mouthRollUpper": ((1, ((7, -45.5, 100), (14, 5.5, 14), (0.0, -2.0, -3.8))),),
    "mouthRollLower": ((-1, ((7, -55.5, 99), (14, 6.5, 14), (0.0, 2.4, -4.0))),),
    "mouthShrugUpper": ((1, ((6, -44, 99), (13, 8, 14), (0.0, 2.8, 1.6))),),
    "mouthShrugLower": (
        (-1, ((7, -58, 96), (13, 9, 16), (0.0, 3.6, 1.8))), (1, ((7, -46, 98), (13, 6, 16), (0.0, 3.0, 1.0))),
        (0, ((0, -76, 93), (14, 9, 20), (0.0, 2.8, 1.0))),
    ),
}  # fmt: skip
_LIDS = ("eyeBlink", "eyeSquint", "eyeWide", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp")


def expressions_mm(anatomy: Anatomy) -> dict[str, Float[np.ndarray, "n 3"]]:
    """Displacement of every vertex at full weight in mm, by name, sorted."""
    left: dict[str, np.ndarray] = {}
    for name, pushes in (_BROWS | _CHEEKS).items():
        left[name] = sum((_push(anatomy, push) for push in pushes), np.zeros_like(anatomy.vertices_mm))
    for name, motions in _MOUTH.items():
        left[name] = _mouth_motion(anatomy, motions)
    for name in _LIDS:
        left[name] = _lid_motion(anatomy, name)
    # Cheeks that rise push the lower lid up.
    left["cheekSquint"] += 0.45 * left["eyeSquint"]
    shapes: dict[str, np.ndarray] = {}
    for name, field in left.items():
        shapes[f"{name}_L"] = hang_lashes(anatomy, field)
        shapes[f"{name}_R"] = shapes[f"{name}_L"][anatomy.mirror_of] * MIRROR
    for name, motions in _MOUTH_WHOLE.items():
        half = _mouth_motion(anatomy, motions)
        shapes[name] = half + half[anatomy.mirror_of] * MIRROR
    shapes |= _jaw_and_tongue(anatomy) | _mouth_aside(anatomy)
    return dict(sorted(shapes.items()))


def jaw_share(anatomy: Anatomy) -> Float[np.ndarray, " n"]:
    """How much each vertex follows the lower jaw, 0..1."""
    points = anatomy.vertices_mm
    _, y, z = points.T
    hinge_line = -50.0 + (85.0 - z) * 0.6
    below = ramp(hinge_line - y, -16.0, 16.0)
    ahead = ramp(z, 2.0, 34.0)
    above_throat = ramp(y + 0.35 * (z - 40.0), -128.0, -102.0)
    share = below * ahead * above_throat
    lips = ramp(anatomy.mouth, 0.0, 1.0)
    share = share + lips * (anatomy.lower_lip - share)
    deep = anatomy.parts["skin"][_inside_mouth(anatomy)]
    share[deep] = ramp(y[deep], -44.0, -56.0) * ramp(z[deep], 30.0, 60.0)
    for name in anatomy.parts:
        if name != "skin":
            share[anatomy.parts[name]] = 1.0 if name in ("lower_teeth", "lower_gums", "tongue") else 0.0
    return share


def _inside_mouth(anatomy: Anatomy) -> np.ndarray:
    rings = [name for name in anatomy.loops if name.startswith("mouth_") and name[6:].isdigit()]
    last = sorted(rings, key=lambda name: int(name[6:]))[-4:]
    return np.isin(anatomy.parts["skin"], np.concatenate([anatomy.loops[name] for name in last]))


def _jaw_open(anatomy: Anatomy) -> Float[np.ndarray, "n 3"]:
    share = jaw_share(anatomy)
    points = anatomy.vertices_mm
    opened = turned_about(points, JAW_JOINT_MM, np.array([1.0, 0.0, 0.0]), _JAW_OPENING_DEG * share)
    # The condyle glides forward while it turns, and the corners of the mouth draw in.
    moved = opened - points + share[:, None] * np.array([0.0, 0.0, 2.0])
    corner = anatomy.mouth * np.clip(1.0 - np.abs(2.0 * anatomy.lower_lip - 1.0), 0.0, 1.0)
    moved[:, 0] -= 2.0 * corner * np.clip(points[:, 0] / 20.0, -1.0, 1.0)
    return moved


def _jaw_and_tongue(anatomy: Anatomy) -> dict[str, Float[np.ndarray, "n 3"]]:
    share = jaw_share(anatomy)[:, None]
    opened = _jaw_open(anatomy)
    tongue = np.zeros_like(opened)
    ids = anatomy.parts["tongue"]
    # Its root stays in the throat; the tip comes out over the lower teeth.
    out = ramp(anatomy.vertices_mm[ids, 2], 42.0, 80.0)
    tongue[ids] = out[:, None] * np.array([0.0, 4.0, 0.0]) + (out**2)[:, None] * np.array([0.0, -7.0, 30.0])
    return {
        "jawOpen": opened,
        "jawForward": share * np.array([0.0, 0.0, 4.5]),
        "jawLeft": share * np.array([4.5, 0.0, -0.5]),
        "jawRight": share * np.array([-4.5, 0.0, -0.5]),
        # Undoes what the open jaw does to the lips: both at once close the lips over the open jaw.
        "mouthClose": -anatomy.mouth[:, None] * opened,
        "tongueOut": tongue,
    }


def _mouth_aside(anatomy: Anatomy) -> dict[str, Float[np.ndarray, "n 3"]]:
    points = anatomy.vertices_mm
    weight = np.exp(-0.5 * (((points - np.array([0.0, -50.0, 92.0])) / np.array([24.0, 15.0, 18.0])) ** 2).sum(axis=1))
    weight *= np.isin(np.arange(len(points)), anatomy.parts["skin"])
    # The side that the mouth goes to is pressed back, the other one drawn tight.
    left = weight[:, None] * (np.array([6.0, 0.0, -1.0]) + 0.03 * points[:, :1] * np.array([0.0, 0.6, -1.0]))
    left[anatomy.parts["skin"][_inside_mouth(anatomy)]] = 0.0
    return {"mouthLeft": left, "mouthRight": left[anatomy.mirror_of] * MIRROR}


def _push(anatomy: Anatomy, push: _Push) -> Float[np.ndarray, "n 3"]:
    """A Gaussian push of the left half's skin; eyes, teeth and the rims of the lids stay."""
    centre, radii, motion = push
    skin = anatomy.vertices_mm[anatomy.parts["skin"]]
    weight = np.exp(-0.5 * (((skin - np.array(centre)) / np.array(radii)) ** 2).sum(axis=1))
    weight *= 1.0 - ramp(anatomy.near_rim[: len(skin)].max(axis=1), 0.4, 0.9)
    if centre[0] > 0:
        # A motion of one half fades over the middle plane; two mirrored halves then add up to the whole there.
        weight *= ramp(skin[:, 0], -7.0, 7.0)
    moved = np.zeros_like(anatomy.vertices_mm)
    moved[: len(skin)] = weight[:, None] * np.array(motion)
    return moved if centre[0] > 0 else 0.5 * moved


def _mouth_motion(anatomy: Anatomy, motions: tuple[tuple[int, _Push], ...]) -> Float[np.ndarray, "n 3"]:
    total = np.zeros_like(anatomy.vertices_mm)
    deep = np.zeros(len(total), dtype=bool)
    deep[anatomy.parts["skin"][_inside_mouth(anatomy)]] = True
    for lip, push in motions:
        share = {1: 1.0 - anatomy.lower_lip, -1: anatomy.lower_lip, 0: np.ones(len(total))}[lip]
        total += share[:, None] * _push(anatomy, push)
    total[deep] = 0.0
    return total


def _lid_motion(anatomy: Anatomy, name: str) -> Float[np.ndarray, "n 3"]:
    """The left eye's lids glide over the globe: their points turn about its centre and never sink into it."""
    points = anatomy.vertices_mm
    near = anatomy.near_rim[:, 0]
    upper, lower = ramp(anatomy.upper_lid, 0.0, 0.55), ramp(-anatomy.upper_lid, 0.0, 0.55)
    weight = ramp(near, 0.3, 1.0)
    axis = np.array([1.0, 0.0, 0.0])
    if name == "eyeBlink":
        turn = weight * _closing_deg(anatomy)
    elif name in ("eyeLookIn", "eyeLookOut"):
        # The bulge of the cornea drags the lids a little way along.
        axis = np.array([0.0, 1.0, 0.0])
        turn = weight * (3.0 if name == "eyeLookOut" else -3.0) * (1.0 - ramp(np.abs(points[:, 0] - 31.0), 6.0, 15.0))
    else:
        down, up = {
            "eyeSquint": (7.0, 11.0), "eyeWide": (-9.5, -3.0), "eyeLookDown": (17.0, -7.0), "eyeLookUp": (-8.0, 3.0),
        }[name]  # fmt: skip
        turn = weight * (down * upper - up * lower)
    turned = turned_about(points, EYE_CENTRE_MM, axis, turn)
    offset = turned - EYE_CENTRE_MM
    distance = np.linalg.norm(offset, axis=1)
    rest = np.linalg.norm(points - EYE_CENTRE_MM, axis=1)
    wanted = np.maximum(distance, np.minimum(rest, LID_RADIUS_MM))
    if name == "eyeBlink":
        # A shape key moves along the chord: what ends on the globe would pass through it half way. Lids close bulging.
        wanted = wanted + weight * upper * np.clip(LID_RADIUS_MM + 1.0 - rest, 0.0, 1.7)
    turned = EYE_CENTRE_MM + offset * (wanted / np.maximum(distance, 1e-9))[:, None]
    return np.where((near > 0)[:, None], turned - points, 0.0)


def _closing_deg(anatomy: Anatomy) -> Float[np.ndarray, " n"]:
    """How far each column of the left upper lid must turn to meet the lower one; positive is down."""
    turn = np.zeros(len(anatomy.vertices_mm))
    rim = anatomy.loops["eye_left"]
    offset = anatomy.vertices_mm[rim] - EYE_CENTRE_MM
    elevation = np.degrees(np.arctan2(offset[:, 1], offset[:, 2]))
    gap = elevation - elevation[-np.arange(len(rim))]
    upper = np.arange(1, len(rim) // 2)
    for name, loop in anatomy.loops.items():
        if name.startswith("eye_left_") and name[9:].isdigit() and name != "eye_left_0":
            # The upper lid covers most of the way; the lower one rises a little to meet it.
            turn[loop[upper]] = 0.9 * gap[upper]
            turn[loop[-upper]] = -0.1 * gap[upper]
    return turn
