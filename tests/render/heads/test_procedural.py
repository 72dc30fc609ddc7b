"""The procedural head is a closed, symmetric, life-sized person whose lids stay outside their eyes."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from render.heads.families import PROCEDURAL_MODES
from render.heads.model import BONE_NAMES, HAIR_REGIONS, HeadModel, Region, person_joint_m, person_vertices_m
from render.heads.procedural import EPOCH, load_procedural
from render.heads.procedural_anatomy import Anatomy, build_anatomy
from render.heads.procedural_identity import MODE_NAMES
from render.heads.procedural_skull import EYE_CENTRE_MM, EYE_RADIUS_MM
from render.sampling.expression import EMOTIONS

MENTON = 8
MIRROR = np.array([-1.0, 1.0, 1.0])
# The iBUG landmark on the other side of the face, for each of the 68.
MIRRORED_LANDMARKS = (
    list(range(16, -1, -1)) + list(range(26, 16, -1)) + [27, 28, 29, 30] + [35, 34, 33, 32, 31]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55] + [64, 63, 62, 61, 60, 67, 66, 65]
)  # fmt: skip
EVERY_EXPRESSION = {
    *(
        f"{name}_{side}"
        for name in (
            "browDown", "browInnerUp", "browOuterUp", "cheekSquint", "eyeBlink", "eyeLookDown", "eyeLookUp",
            "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress", "mouthSmile",
            "mouthStretch", "mouthUpperUp", "noseSneer",
        )
        for side in "LR"
    ),
    "jawOpen", "mouthFunnel", "mouthPucker", "mouthShrugLower", "mouthShrugUpper",
}  # fmt: skip


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return load_procedural()


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    return build_anatomy()


def quads_of(model: HeadModel) -> np.ndarray:
    return model.face_vertices.reshape(-1, 4)


def quad_normals(vertices: np.ndarray, quads: np.ndarray) -> np.ndarray:
    corners = vertices[quads]
    return np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])


def extreme_people(count: int) -> np.ndarray:
    """Coefficients on the corners of the ±2.5 sigma cube: far beyond what is drawn together."""
    signs = np.random.default_rng(5).choice([-2.5, 2.5], size=(count, PROCEDURAL_MODES))
    single = np.concatenate([2.5 * np.eye(PROCEDURAL_MODES), -2.5 * np.eye(PROCEDURAL_MODES)])
    return np.concatenate([single, signs])


def expression(model: HeadModel, name: str) -> np.ndarray:
    return model.expression_basis_m[model.expression_names.index(name)]


def test_every_solid_is_closed_but_for_one_edge_under_the_chest(model: HeadModel, anatomy: Anatomy) -> None:
    """Each edge is walked once in either direction; only the chest's lower edge is open, and it is level."""
    solid = ~np.isin(model.face_regions, [int(region) for region in HAIR_REGIONS])
    quads = quads_of(model)[solid]
    edges = np.concatenate([quads[:, [step, (step + 1) % 4]] for step in range(4)])
    walked = {(int(start), int(end)) for start, end in edges}
    assert len(walked) == len(edges)
    open_edges = np.array([edge for edge in walked if edge[::-1] not in walked])
    assert len(open_edges) == len(np.unique(open_edges[:, 0])) == 80
    # One loop: following the open edges from any of them comes back after all of them.
    follow = {int(start): int(end) for start, end in open_edges}
    place, steps = follow[int(open_edges[0, 0])], 1
    while place != int(open_edges[0, 0]):
        place, steps = follow[place], steps + 1
    assert steps == 80
    assert np.ptp(model.mean_vertices_m[open_edges[:, 0], 1]) < 1e-6
    assert model.mean_vertices_m[open_edges[0, 0], 1] == model.mean_vertices_m[anatomy.parts["skin"], 1].min()


def test_faces_look_outwards(model: HeadModel, anatomy: Anatomy) -> None:
    """The signed volume of every part is positive, and on the globe every normal points away from its centre."""
    vertices = model.mean_vertices_m.astype(np.float64)
    quads = quads_of(model)
    for name, ids in anatomy.parts.items():
        if name.startswith("lashes"):
            continue
        corners = vertices[quads[np.isin(quads[:, 0], ids)]]
        a, b, c, d = corners.transpose(1, 0, 2) - vertices[ids].mean(axis=0)
        volume = np.sum(a * (np.cross(b, c) + np.cross(c, d))) / 6.0
        assert volume > 1e-6, name
    globe = quads[np.isin(quads[:, 0], anatomy.parts["eye_left"])]
    outward = vertices[globe].mean(axis=1) - EYE_CENTRE_MM / 1000
    assert (np.sum(quad_normals(vertices, globe) * outward, axis=1) > 0).all()


def test_every_vertex_is_used_and_every_number_is_finite(model: HeadModel) -> None:
    """No vertex hangs loose, no array holds NaN, and every weight and UV lies in its range."""
    assert np.array_equal(np.unique(model.face_vertices), np.arange(len(model.mean_vertices_m)))
    for array in (model.mean_vertices_m, model.identity_basis_m, model.expression_basis_m, model.corner_uvs):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    # Cards of lashes count on in whole numbers of u (render.blender.hair_regions).
    lashes = np.repeat(model.face_regions == Region.LASHES, 4)
    assert model.corner_uvs[~lashes].min() >= 0
    assert model.corner_uvs[~lashes].max() <= 1
    assert (quad_normals(model.mean_vertices_m, quads_of(model)) ** 2).sum(axis=1).min() > 0


def test_every_region_but_brows_and_shells_is_there(model: HeadModel) -> None:
    """Brows are painted on the skin and the eye needs no shells; all else has faces."""
    absent = {Region.BROWS, Region.LACRIMAL_FLUID, Region.EYE_BLEND, Region.EYE_OCCLUSION}
    assert {Region(int(region)) for region in np.unique(model.face_regions)} == set(Region) - absent


def test_the_mean_is_its_own_mirror_image(model: HeadModel, anatomy: Anatomy) -> None:
    """Every vertex has a partner at x -> -x, exactly; so have the landmarks and the pupils."""
    mirror_of = anatomy.mirror_of
    assert np.array_equal(mirror_of[mirror_of], np.arange(len(mirror_of)))
    assert np.array_equal(model.mean_vertices_m[mirror_of], model.mean_vertices_m * MIRROR.astype(np.float32))
    assert np.array_equal(mirror_of[model.landmark_vertices], model.landmark_vertices[MIRRORED_LANDMARKS])
    assert mirror_of[model.eye_landmark_vertices[0]] == model.eye_landmark_vertices[1]


def test_only_modes_of_asymmetry_tell_left_from_right(model: HeadModel, anatomy: Anatomy) -> None:
    """Every other identity mode moves partners alike; `_L` shapes mirror into `_R`, single ones into themselves."""
    mirrored = model.identity_basis_m[:, anatomy.mirror_of] * MIRROR
    uneven = np.abs(mirrored - model.identity_basis_m).max(axis=(1, 2)) > 2e-7
    assert {name for name, one_sided in zip(MODE_NAMES, uneven, strict=True) if one_sided} == {"asymmetry"}
    for name in model.expression_names:
        partner = {"_L": name[:-2] + "_R", "_R": name[:-2] + "_L"}.get(name[-2:], name)
        here, there = expression(model, name), expression(model, partner)
        assert np.abs(there[anatomy.mirror_of] * MIRROR - here).max() < 2e-7, name


# Adult norms in mm, mean of the sexes' means plus or minus one standard deviation or a little more.
# farkas: Farkas, Anthropometry of the Head and Face (1994), young white adults; niosh: Zhuang and Bradtmiller,
# Head-and-face anthropometric survey of U.S. respirator users (2005).
NORMS_MM = {
    "head breadth (niosh 150.9)": (145, 158),
    "head length (niosh 193.1)": (186, 203),
    "menton to vertex (farkas 222)": (212, 234),
    "bizygomatic breadth (niosh 140.3, farkas 135)": (130, 146),
    "bigonial breadth (niosh 115.5, farkas 98)": (94, 124),
    "interpupillary distance (niosh 63.2)": (59.5, 66.5),
    "biocular breadth (farkas 89.4)": (85, 94),
    "intercanthal breadth (farkas 32.6)": (29.8, 35.4),
    "eye fissure length (farkas 31.0)": (29, 33),
    "eye fissure height (farkas 10.9)": (9.3, 12.3),
    "nose protrusion (niosh 20.6, farkas 19.6)": (17, 23),
    "nose breadth (niosh 35.1, farkas 33.2)": (30, 38),
    "mouth breadth (niosh 50.0, farkas 52.3)": (46, 56),
    "upper lip height sn-sto (farkas 21.2)": (18.5, 24),
    "lower face height sn-gn (farkas 68.5)": (63, 75),
    "ear length (farkas 60.8)": (55, 67),
}


def measures_mm(model: HeadModel, anatomy: Anatomy) -> dict[str, float]:
    points = model.mean_vertices_m.astype(np.float64) * 1000
    marks = points[model.landmark_vertices]
    x, y, z = points[anatomy.parts["skin"]].T
    level = np.abs(y) < 8
    lid = points[anatomy.loops["eye_left"]]

    def apart(first: int, second: int) -> float:
        return float(np.linalg.norm(marks[first] - marks[second]))

    measured = [
        2 * x[y > 20].max(),
        z[(y > 30) & (np.abs(x) < 3)].max() - z[y > -20].min(),
        y.max() - marks[MENTON, 1],
        2 * x[level & (z > 20)].max(),
        2 * x[(np.abs(y + 62) < 3) & (z > 0)].max(),
        np.linalg.norm(np.subtract(*points[model.eye_landmark_vertices])),
        apart(36, 45),
        apart(39, 42),
        apart(42, 45),
        np.ptp(lid[:, 1]),
        apart(30, 33),
        2 * x[(np.abs(y + 20) < 5) & (np.abs(x) < 20) & (z > 93)].max(),
        apart(48, 54),
        marks[33, 1] - marks[62, 1],
        marks[33, 1] - marks[MENTON, 1],
        np.ptp(points[anatomy.parts["ear_left"], 1]),
    ]
    return {name: float(value) for name, value in zip(NORMS_MM, measured, strict=True)}


def test_the_mean_head_has_the_size_of_a_person(model: HeadModel, anatomy: Anatomy) -> None:
    """Sixteen distances of the mean head lie within the spread of the published adult norms."""
    outside = {
        name: round(value, 1)
        for name, value in measures_mm(model, anatomy).items()
        if not NORMS_MM[name][0] <= value <= NORMS_MM[name][1]
    }
    assert outside == {}


def test_landmarks_run_in_the_order_of_ibug(model: HeadModel) -> None:
    """The jaw line runs from the person's right ear down to the chin and up; each group lies where its name says."""
    marks = model.mean_vertices_m[model.landmark_vertices]
    assert len(np.unique(model.landmark_vertices)) == 68
    assert (np.diff(marks[:17, 0]) > 0).all()
    assert np.argmin(marks[:17, 1]) == 8
    assert (np.diff(marks[17:27, 0]) > 0).all()
    assert (np.diff(marks[27:31, 2]) > 0).all()
    assert (np.diff(marks[31:36, 0]) > 0).all()
    assert marks[36, 0] < marks[39, 0] < 0 < marks[42, 0] < marks[45, 0]
    for eye in (36, 42):
        assert marks[[eye + 1, eye + 2], 1].min() > marks[[eye + 4, eye + 5], 1].max()
    assert (np.diff(marks[48:55, 0]) > 0).all()
    assert (np.diff(marks[54:60, 0]) < 0).all()
    assert marks[49:54, 1].min() > marks[55:60, 1].max()
    assert marks[62, 1] > marks[66, 1]
    # Brows over eyes over nose over mouth over chin.
    order = [marks[17:27, 1].min(), marks[36:48, 1].max(), marks[30, 1], marks[48:68, 1].max(), marks[8, 1]]
    assert (np.diff(order) < 0).all()


def test_bones_share_out_every_vertex(model: HeadModel, anatomy: Anatomy) -> None:
    """Weights are 0..1 and add up to at most 1: 1 all over the face, 0 on the chest, 1 on an eye for its own bone."""
    assert tuple(bone.name for bone in model.bones) == BONE_NAMES
    weights = {bone.name: bone.weights.astype(np.float64) for bone in model.bones}
    total = sum(weights.values())
    assert min(part.min() for part in weights.values()) >= 0
    assert total.max() <= 1 + 1e-6
    height = model.mean_vertices_m[:, 1]
    assert np.abs(total[height > -0.09] - 1).max() < 1e-6
    assert total[height < -0.26].max() == 0
    for side in ("left", "right"):
        assert (weights[f"eye_{side}"] == np.isin(np.arange(len(total)), anatomy.parts[f"eye_{side}"])).all()
    marks = model.landmark_vertices
    assert weights["jaw"][marks[8]] > 0.99
    assert weights["jaw"][marks[57]] > 0.99
    assert weights["jaw"][marks[[30, 51, 62]]].max() < 0.01
    assert weights["head"][marks[27]] == 1
    assert {bone.name: bone.parent for bone in model.bones} == {
        "neck": None, "head": "neck", "jaw": "head", "eye_left": "head", "eye_right": "head",
    }  # fmt: skip


def test_joints_follow_the_person(model: HeadModel, anatomy: Anatomy) -> None:
    """For anyone, the joint of an eye is the centre of their globe: every point of the back is one radius away."""
    for coefficients in extreme_people(6):
        person = person_vertices_m(model, coefficients)
        for bone in model.bones[3:]:
            joint = person_joint_m(bone, model, person)
            globe = person[anatomy.parts[bone.name]]
            behind = globe[globe[:, 2] < joint[2]]
            assert np.abs(np.linalg.norm(behind - joint, axis=1) - EYE_RADIUS_MM / 1000).max() < 2e-6


def test_lids_stay_outside_the_eyes_for_anyone(model: HeadModel, anatomy: Anatomy) -> None:
    """At ±2.5 sigma, alone or all together, every ring of the lids keeps 0.1 mm off the globe."""
    for coefficients in extreme_people(40):
        person = person_vertices_m(model, coefficients)
        assert np.isfinite(person).all()
        for side, bone in zip(("left", "right"), model.bones[3:], strict=True):
            centre = person_joint_m(bone, model, person)
            for name in ("eye_{}", "eye_{}_margin", "eye_{}_7", "eye_{}_8"):
                ring = person[anatomy.loops[name.format(side)]]
                assert np.linalg.norm(ring - centre, axis=1).min() * 1000 > EYE_RADIUS_MM + 0.1


def test_nobody_turns_inside_out(model: HeadModel) -> None:
    """At ±2.5 sigma of any one mode no face flips, and with all modes at once fewer than one in a thousand does."""
    quads = quads_of(model)
    before = quad_normals(model.mean_vertices_m.astype(np.float64), quads)
    for row, coefficients in enumerate(extreme_people(20)):
        after = quad_normals(person_vertices_m(model, coefficients).astype(np.float64), quads)
        flipped = int((np.sum(before * after, axis=1) < 0).sum())
        assert flipped == 0 if row < 2 * PROCEDURAL_MODES else flipped < len(quads) / 1000, coefficients


def test_one_unit_of_a_mode_is_one_standard_deviation(model: HeadModel) -> None:
    """The modes named after a breadth change that breadth by its published spread (mm, both sides together)."""
    marks = model.landmark_vertices
    spread = {"eye_spacing": (42, 39, 1.8, 4.0), "mouth_width": (54, 48, 2.8, 4.2), "jaw_width": (12, 4, 5.0, 8.0)}
    for name, (left, right, low, high) in spread.items():
        mode = model.identity_basis_m[MODE_NAMES.index(name)]
        assert low < 1000 * (mode[marks[left], 0] - mode[marks[right], 0]) < high, name
    assert len(MODE_NAMES) == len(model.identity_basis_m) == PROCEDURAL_MODES


def test_expressions_are_those_that_emotions_need(model: HeadModel) -> None:
    """The names are ICT's and ARKit's, and no emotion asks for another."""
    assert set(model.expression_names) == EVERY_EXPRESSION
    assert list(model.expression_names) == sorted(model.expression_names)
    assert {name for weights in EMOTIONS.values() for name in weights} <= EVERY_EXPRESSION


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
        assert moved.max() > 0.0015, name
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


def test_the_iris_ends_where_the_eye_material_expects_it(model: HeadModel, anatomy: Anatomy) -> None:
    """Pupil at UV (0.5, 0.5), edge of the iris on the circle of radius 0.25, u to the image right and v up."""
    quads, uvs = quads_of(model), model.corner_uvs.reshape(-1, 4, 2)
    radius = np.linalg.norm(uvs - 0.5, axis=2)
    assert radius[model.face_regions == Region.IRIS].max() == pytest.approx(0.25, abs=2e-3)
    assert radius[model.face_regions == Region.SCLERA].min() == pytest.approx(0.25, abs=2e-3)
    assert radius[quads == model.eye_landmark_vertices[1]].max() < 1e-6
    for side, bone in ((1.0, "eye_left"), (-1.0, "eye_right")):
        ours = np.isin(quads[:, 0], anatomy.parts[bone]) & (model.face_regions == Region.IRIS)
        offset = model.mean_vertices_m[quads[ours]] - EYE_CENTRE_MM * np.array([side, 1.0, 1.0]) / 1000
        for axis in (0, 1):
            assert np.corrcoef(offset[..., axis].ravel(), uvs[ours][..., axis].ravel())[0, 1] > 0.99


def test_the_head_is_the_same_in_another_process(model: HeadModel) -> None:
    """The arrays depend on nothing but the code, and one process builds them once."""
    code = (
        "import hashlib; from render.heads.procedural import load_procedural as load; m = load(); "
        "print(m.content_sha256, hashlib.sha256(m.mean_vertices_m.tobytes() + m.identity_basis_m.tobytes() "
        "+ m.expression_basis_m.tobytes()).hexdigest())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    arrays = model.mean_vertices_m.tobytes() + model.identity_basis_m.tobytes() + model.expression_basis_m.tobytes()
    assert answer.stdout.split() == [model.content_sha256, hashlib.sha256(arrays).hexdigest()]
    assert load_procedural() is model


def test_a_changed_head_needs_a_new_epoch(model: HeadModel) -> None:
    """Recorded projections of the arrays (mm) hold to 2e-5; when they change, raise EPOCH and record them anew."""
    recorded = {2: (-0.260993, -0.007583, -0.015481, -0.018282)}
    found = []
    for array in (model.mean_vertices_m, model.identity_basis_m, model.expression_basis_m):
        values = array.astype(np.float64).ravel() * 1000
        # Weights that no rearrangement or mirror image leaves alone, small enough to average out rounding.
        found.append(float(np.sum(values * np.sin(0.7 + 1.3 * np.arange(len(values)))) / np.sqrt(len(values))))
    found.append(float(np.sum(model.face_vertices * np.sin(np.arange(len(model.face_vertices)))) / 1e6))
    assert EPOCH in recorded, "record this epoch's numbers here"
    assert np.abs(np.array(found) - recorded[EPOCH]).max() < 2e-5, (
        f"the procedural head changed; raise EPOCH in render/heads/procedural.py and record {found}"
    )
