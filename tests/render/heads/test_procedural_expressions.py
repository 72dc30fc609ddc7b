"""What the procedural face can do: shapes under the names of ARKit, lids that close, a jaw that opens onto teeth."""

import numpy as np
import pytest

from render.heads.model import HeadModel, Region
from render.heads.procedural_anatomy import Anatomy
from render.heads.procedural_skull import EYE_CENTRE_MM, EYE_RADIUS_MM
from render.ranges.people import EXPRESSION_NAMES
from render.sampling.expression import EMOTIONS

MIRROR = np.array([-1.0, 1.0, 1.0])


# The 53 names of ICT-FaceKit (ARKit's, with the inner brow and the puffed cheek split in two), and ARKit's tongue.
EVERY_EXPRESSION = {
    *(
        f"{name}_{side}"
        for name in (
            "browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "eyeBlink", "eyeLookDown",
            "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown",
            "mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer",
        )
        for side in "LR"
    ),
    "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthFunnel", "mouthLeft", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "tongueOut",
}  # fmt: skip
# What ICT-FaceKit lacks.
OURS_ALONE = {"tongueOut"}


def expression(model: HeadModel, name: str) -> np.ndarray:
    return model.expression_basis_m[model.expression_names.index(name)]


def test_expressions_bear_the_names_of_arkit(model: HeadModel) -> None:
    """All 54 are there, sorted; named expressions are those a recipe knows, and use none that ICT heads lack."""
    assert set(model.expression_names) == EVERY_EXPRESSION
    assert list(model.expression_names) == sorted(model.expression_names)
    assert tuple(EMOTIONS) == EXPRESSION_NAMES
    assert {name for weights in EMOTIONS.values() for name in weights} <= EVERY_EXPRESSION - OURS_ALONE


def test_shapes_mirror_each_other(model: HeadModel, anatomy: Anatomy) -> None:
    """`_L` shapes mirror into `_R`, `Left` into `Right`, single ones into themselves."""
    for name in model.expression_names:
        partner = {"_L": name[:-2] + "_R", "_R": name[:-2] + "_L"}.get(name[-2:], name)
        if name.endswith(("Left", "Right")):
            partner = name.replace("Left", "RIGHT").replace("Right", "Left").replace("RIGHT", "Right")
        here, there = expression(model, name), expression(model, partner)
        assert np.abs(there[anatomy.mirror_of] * MIRROR - here).max() < 2e-7, name


def test_expressions_stay_where_they_belong(model: HeadModel, anatomy: Anatomy) -> None:
    """A shape moves something, but neither crown, ears nor chest, and a one-sided one not the other side's corner."""
    height = model.mean_vertices_m[:, 1]
    still = (height > 0.1) | (height < -0.2)
    still[anatomy.parts["ear_left"]] = still[anatomy.parts["ear_right"]] = True
    # Gaze comes from the bones alone.
    still[anatomy.parts["eye_left"]] = still[anatomy.parts["eye_right"]] = True
    far_on_the_right = model.mean_vertices_m[:, 0] < -0.012
    for name in model.expression_names:
        moved = np.linalg.norm(expression(model, name), axis=1)
        assert moved.max() > 0.0007, name
        assert moved[still].max() < 1e-4, name
        if name.endswith("_L"):
            assert moved[far_on_the_right].max() < 1e-4, name
    lids = np.linalg.norm(expression(model, "eyeBlink_L"), axis=1)
    assert lids[model.landmark_vertices[[17, 19, 48, 54, 30]]].max() == 0


def test_the_jaw_carries_lower_teeth_and_tongue_and_leaves_the_upper_ones(model: HeadModel, anatomy: Anatomy) -> None:
    """`jawOpen` turns the lower row rigidly by about 25 mm at the front; the upper row does not move."""
    opened = expression(model, "jawOpen")
    assert np.abs(opened[np.concatenate([anatomy.parts["upper_teeth"], anatomy.parts["upper_gums"]])]).max() == 0
    ids = anatomy.parts["lower_teeth"][::37]
    before, after = model.mean_vertices_m[ids], model.mean_vertices_m[ids] + opened[ids]
    distances = [np.linalg.norm(points[:, None] - points[None], axis=2) for points in (before, after)]
    assert np.abs(distances[0] - distances[1]).max() < 1e-6
    gap = opened[model.landmark_vertices[62], 1] - opened[model.landmark_vertices[66], 1]
    assert 0.018 < gap < 0.035


@pytest.mark.parametrize("weight", [0.25, 0.5, 0.75, 1.0])
def test_a_blinking_lid_glides_over_the_globe(model: HeadModel, anatomy: Anatomy, weight: float) -> None:
    """At no moment of a blink does the lid pass through the globe; at its end the rims meet within 0.6 mm."""
    person = model.mean_vertices_m + weight * expression(model, "eyeBlink_L")
    centre = EYE_CENTRE_MM / 1000
    for name in ("eye_left", "eye_left_margin", "eye_left_7", "eye_left_8"):
        assert np.linalg.norm(person[anatomy.loops[name]] - centre, axis=1).min() * 1000 > EYE_RADIUS_MM
    rim = person[anatomy.loops["eye_left"]]
    gap = np.abs(rim[:, 1] - rim[-np.arange(len(rim)), 1]).max()
    assert gap < 0.0006 if weight == 1.0 else gap > 0.0006


def hidden_by_skin(model: HeadModel, vertices_m: np.ndarray, points_m: np.ndarray) -> np.ndarray:
    """Which points lie behind a face of the skin, seen straight from the front."""
    quads = model.face_vertices.reshape(-1, 4)[np.isin(model.face_regions, [Region.SKIN])]
    middle = vertices_m[quads].mean(axis=1)
    near = (np.abs(middle - points_m.mean(axis=0)) < 0.03).all(axis=1)
    corners = vertices_m[quads[near]]
    hidden = np.zeros(len(points_m), dtype=bool)
    for a, b, c in ((corners[:, 0], corners[:, 1], corners[:, 2]), (corners[:, 0], corners[:, 2], corners[:, 3])):
        ab, ac, ap = b - a, c - a, points_m[:, None] - a
        area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
        area = np.where(np.abs(area) < 1e-14, 1e-14, area)
        u = (ap[..., 0] * ac[:, 1] - ap[..., 1] * ac[:, 0]) / area
        v = (ab[:, 0] * ap[..., 1] - ab[:, 1] * ap[..., 0]) / area
        inside = (u >= 0) & (v >= 0) & (u + v <= 1)
        hidden |= (inside & (u * ab[:, 2] + v * ac[:, 2] + a[:, 2] > points_m[:, None, 2])).any(axis=1)
    return hidden


def test_closed_lids_leave_nothing_of_the_eye_to_be_seen(model: HeadModel, anatomy: Anatomy) -> None:
    """Open, the pupil and a fifth of the front of the globe show; at a full blink all of it lies behind skin."""
    globe = model.mean_vertices_m[anatomy.parts["eye_left"]].astype(np.float64)
    front = globe[(globe[:, 2] > EYE_CENTRE_MM[2] / 1000 + 0.003)]
    assert not hidden_by_skin(model, model.mean_vertices_m.astype(np.float64), front)[0]
    closed = model.mean_vertices_m.astype(np.float64) + expression(model, "eyeBlink_L")
    assert hidden_by_skin(model, closed, front).all()


def test_the_open_jaw_shows_teeth_and_tongue(model: HeadModel, anatomy: Anatomy) -> None:
    """At half an opening, upper and lower teeth reach into the gap between the lips, and the tongue lies behind it."""
    opened = model.mean_vertices_m.astype(np.float64) + 0.5 * expression(model, "jawOpen")
    upper_lip, lower_lip = opened[model.landmark_vertices[[62, 66]]]
    assert upper_lip[1] - lower_lip[1] > 0.008
    for name in ("upper_teeth", "lower_teeth", "tongue"):
        part = opened[anatomy.parts[name]]
        ahead = part[np.abs(part[:, 0]) < 0.02]
        assert ((ahead[:, 1] < upper_lip[1]) & (ahead[:, 1] > lower_lip[1])).any(), name
        assert ahead[:, 2].max() < upper_lip[2] + 0.001, name


def test_mouth_close_shuts_the_lips_over_an_open_jaw(model: HeadModel) -> None:
    """Both shapes at full weight bring the lips back together while the chin stays down."""
    both = model.mean_vertices_m + expression(model, "jawOpen") + expression(model, "mouthClose")
    marks = both[model.landmark_vertices]
    assert abs(marks[62, 1] - marks[66, 1]) < 0.002
    assert model.mean_vertices_m[model.landmark_vertices[8], 1] - marks[8, 1] > 0.015
