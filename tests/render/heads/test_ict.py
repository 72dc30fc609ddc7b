"""The ICT head: a human head in our axes and units, with regions, landmarks and a skeleton in the right places."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from render.asset_archive import TreeError
from render.heads import ict
from render.heads.ict_regions import EYEBALL_VERTICES, FACE_COUNT, LOWER_TEETH_VERTICES, VERTEX_COUNT
from render.heads.ict_rig import jaw_axis, rotation_between
from render.heads.ict_uvs import LIMBUS_RADIUS_M, eye_centre_m
from render.heads.model import BONE_NAMES, HeadModel, Region, eyes_midpoint_m, person_joint_m, person_vertices_m
from render.heads.obj_file import ObjError, ObjMesh, read_obj

INNER_SHELL_FACES = 2 * 798
# iBUG 68: which landmark lies on the other side of the face. Jaw, brows, nose, eyes, outer and inner lips.
MIRRORED = (
    list(range(16, -1, -1))
    + list(range(26, 16, -1))
    + [27, 28, 29, 30, 35, 34, 33, 32, 31]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55]
    + [64, 63, 62, 61, 60, 67, 66, 65]
)


def _bone(model: HeadModel, name: str):
    return next(bone for bone in model.bones if bone.name == name)


def _corner_starts(model: HeadModel) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(model.face_sizes)])


def _triangles(model: HeadModel, faces: np.ndarray) -> np.ndarray:
    starts = _corner_starts(model)
    fans = [
        (model.face_vertices[starts[f]], model.face_vertices[starts[f] + k], model.face_vertices[starts[f] + k + 1])
        for f in np.flatnonzero(faces)
        for k in range(1, model.face_sizes[f] - 1)
    ]
    return np.array(fans)


def _signed_volume_m3(model: HeadModel, faces: np.ndarray) -> float:
    a, b, c = np.moveaxis(model.mean_vertices_m[_triangles(model, faces)].astype(np.float64), 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def _region_centres_m(model: HeadModel, *regions: Region) -> np.ndarray:
    corners = model.mean_vertices_m[model.face_vertices].astype(np.float64)
    centres = np.add.reduceat(corners, _corner_starts(model)[:-1]) / model.face_sizes[:, None]
    return centres[np.isin(model.face_regions, regions)]


# ---- Without the asset ----------------------------------------------------------------------------------------------


def _square(path: Path, lift: float = 0.0) -> Path:
    path.write_text(f"v 0 0 {lift}\nv 100 0 0\nv 100 100 0\nv 0 100 0\nvt 0 0\nf 1/1 2/1 3/1 4/1\n", encoding="ascii")
    return path


def test_a_shape_is_its_difference_from_the_neutral_mesh_in_metres(tmp_path: Path):
    """Centimetres in the files; 250 of them are 2.5 metres, on the one vertex that moves."""
    neutral = read_obj(_square(tmp_path / "neutral.obj"))
    _square(tmp_path / "up.obj", lift=250)
    _square(tmp_path / "same.obj")
    shapes_m = ict.read_shapes_m(tmp_path, ["same", "up"], neutral)
    expected_m = np.zeros((2, 4, 3), dtype=np.float32)
    expected_m[1, 0, 2] = 2.5
    np.testing.assert_array_equal(shapes_m, expected_m)


def test_a_missing_or_foreign_shape_names_its_file(tmp_path: Path):
    """Both as a shape: a file that is not there, and one with another number of vertices."""
    neutral = read_obj(_square(tmp_path / "neutral.obj"))
    (tmp_path / "short.obj").write_text("v 0 0 0\n", encoding="ascii")
    with pytest.raises(ObjError, match=r"absent\.obj cannot be read"):
        ict.read_shapes_m(tmp_path, ["absent"], neutral)
    with pytest.raises(ObjError, match=r"short\.obj holds 1 vertices, but 4 were expected"):
        ict.read_shapes_m(tmp_path, ["short"], neutral)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expressions": ["jawOpen"]}, "names 1 expressions and 68 landmarks"),
        ({"idx_to_landmark_verts": [1, 2]}, "names 53 expressions and 2 landmarks"),
        ({"idx_to_landmark_verts": [*range(67), VERTEX_COUNT]}, "landmark vertices lie between 0 and 26718"),
        ({"expressions": None}, "cannot be used"),
    ],
)
def test_vertex_indices_that_do_not_fit_are_refused(tmp_path: Path, change: dict, message: str):
    """Names and landmarks must be as many as the head has, and lie on it."""
    content = {"expressions": ["jawOpen", *(f"e{i}" for i in range(52))], "idx_to_landmark_verts": list(range(68))}
    path = tmp_path / "vertex_indices.json"
    path.write_text(json.dumps(content), encoding="ascii")
    names, landmarks = ict.read_vertex_indices(path)
    assert (names[0], len(names), landmarks.tolist()) == ("jawOpen", 53, list(range(68)))
    path.write_text(json.dumps(content | change), encoding="ascii")
    with pytest.raises(ObjError, match=message) as error:
        ict.read_vertex_indices(path)
    assert "vertex_indices.json" in str(error.value)


def test_a_neutral_mesh_of_another_size_is_refused(tmp_path: Path):
    """The vertex numbers of the README hold for one mesh alone."""
    folder = tmp_path / "FaceXModel"
    folder.mkdir()
    content = {"expressions": ["jawOpen", *(f"e{i}" for i in range(52))], "idx_to_landmark_verts": list(range(68))}
    (folder / "vertex_indices.json").write_text(json.dumps(content), encoding="ascii")
    _square(folder / "generic_neutral_mesh.obj")
    with pytest.raises(ObjError, match=r"has 4 vertices and 1 faces; the ICT head has 26719 and 26384"):
        ict.compile_ict(tmp_path)


def test_a_tree_that_was_not_verified_is_refused(tmp_path: Path):
    """Files of unknown content would make a cache of unknown content."""
    with pytest.raises(TreeError, match="not installed by Headroom"):
        ict.load_ict(tmp_path, tmp_path / "cache")


def test_the_jaw_axis_is_found_from_a_known_rotation():
    """Lower teeth turned 20 degrees about an axis along x: its point in the middle plane and the angle come back."""
    draws = np.random.default_rng(1)
    mean_m = draws.normal(scale=0.02, size=(VERTEX_COUNT, 3)) + np.array([0.0, -0.04, 0.08])
    turn, axis_m = Rotation.from_euler("x", 20, degrees=True).as_matrix(), np.array([0.0, -0.005, 0.018])
    moved_m = np.zeros_like(mean_m)
    teeth = slice(*LOWER_TEETH_VERTICES)
    moved_m[teeth] = (mean_m[teeth] - axis_m) @ turn.T + axis_m - mean_m[teeth]
    found_m, found_turn = jaw_axis(mean_m, moved_m)
    np.testing.assert_allclose(found_m, axis_m, atol=1e-12)
    np.testing.assert_allclose(found_turn, turn, atol=1e-12)


def test_a_rotation_is_recovered_even_from_points_in_a_plane():
    """Kabsch without the reflection that a plane would allow."""
    points = np.random.default_rng(2).normal(size=(9, 3)) * [1.0, 2.0, 0.0]
    turn = Rotation.from_euler("xyz", [30, -50, 140], degrees=True).as_matrix()
    np.testing.assert_allclose(rotation_between(points, points @ turn.T + [1, 2, 3]), turn, atol=1e-12)


def test_the_centre_of_a_cap_of_a_sphere_is_found():
    """A fifth of a sphere is enough."""
    directions = np.random.default_rng(3).normal(size=(400, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    cap = directions[directions[:, 2] > 0.6]
    np.testing.assert_allclose(eye_centre_m(0.012 * cap + [0.03, 0.04, 0.08]), [0.03, 0.04, 0.08], atol=1e-9)


# ---- With the asset -------------------------------------------------------------------------------------------------


@pytest.mark.ict
def test_the_model_has_the_sizes_that_its_readme_states(ict_model: HeadModel):
    """All vertices; all faces but the inner shells of the eyeballs, which the outer ones hide."""
    model = ict_model
    assert model.mean_vertices_m.shape == (VERTEX_COUNT, 3)
    assert len(model.face_sizes) == len(model.face_regions) == FACE_COUNT - INNER_SHELL_FACES
    assert model.face_sizes.sum() == len(model.face_vertices) == len(model.corner_uvs)
    assert set(model.face_sizes.tolist()) == {3, 4}
    assert model.identity_basis_m.shape == (100, VERTEX_COUNT, 3)
    assert model.expression_basis_m.shape == (53, VERTEX_COUNT, 3)
    assert len(set(model.expression_names)) == 53
    assert tuple(bone.name for bone in model.bones) == BONE_NAMES
    arrays = (model.mean_vertices_m, model.identity_basis_m, model.expression_basis_m)
    assert all(np.isfinite(array).all() for array in arrays)


@pytest.mark.ict
def test_the_head_stands_upright_faces_forward_and_measures_in_metres(ict_model: HeadModel):
    """The nose in front, the crown above the chin, the person's left at positive x, 22 cm or so from chin to crown."""
    model = ict_model
    landmarks_m = model.mean_vertices_m[model.landmark_vertices]
    nose, chin, left_eye = landmarks_m[30], landmarks_m[8], landmarks_m[45]
    assert nose[2] == landmarks_m[:, 2].max()
    assert left_eye[0] > 0.03
    assert 0.20 < model.mean_vertices_m[:, 1].max() - chin[1] < 0.25


@pytest.mark.ict
def test_faces_look_outward(ict_model: HeadModel):
    """Closed parts enclose a positive volume; the skin of the face has normals towards the viewer."""
    model = ict_model
    eyes = np.isin(model.face_regions, (Region.SCLERA, Region.IRIS))
    assert 2 * 13e-6 < _signed_volume_m3(model, eyes) < 2 * 17e-6
    assert _signed_volume_m3(model, model.face_regions == Region.TEETH) > 15e-6
    a, b, c = np.moveaxis(model.mean_vertices_m[_triangles(model, model.face_regions == Region.LIPS)], 1, 0)
    front = np.linalg.norm(a - model.mean_vertices_m[model.landmark_vertices[51]], axis=1) < 0.01
    assert np.cross(b - a, c - a)[front].sum(axis=0)[2] > 0
    a, b, c = np.moveaxis(model.mean_vertices_m[_triangles(model, model.face_regions == Region.SCALP)], 1, 0)
    outward = ((a + b + c) / 3 - [0.0, 0.05, 0.0]) * np.cross(b - a, c - a)
    assert (outward.sum(axis=1) > 0).mean() > 0.98


@pytest.mark.ict
def test_the_mean_face_has_mirrored_landmarks(ict_model: HeadModel):
    """Each landmark has its partner at -x, within 0.1 mm; those without partner lie in the middle."""
    landmarks_m = ict_model.mean_vertices_m[ict_model.landmark_vertices]
    assert sorted(MIRRORED) == list(range(68))
    np.testing.assert_allclose(landmarks_m[MIRRORED], landmarks_m * [-1, 1, 1], atol=1e-4)


@pytest.mark.ict
def test_landmarks_lie_on_the_parts_that_they_name(ict_model: HeadModel):
    """Brows above the eyes, eyes above the nose, nose above the lips, chin lowest; every landmark on visible skin."""
    y = ict_model.mean_vertices_m[ict_model.landmark_vertices, 1]
    assert y[17:27].min() > y[36:48].max() > y[31:36].max() > y[48:60].max() > y[8] == y[:17].min()
    skin = np.repeat(np.isin(ict_model.face_regions, (Region.SKIN, Region.LIPS)), ict_model.face_sizes)
    assert set(ict_model.landmark_vertices.tolist()) <= set(ict_model.face_vertices[skin].tolist())


@pytest.mark.ict
def test_eye_joints_are_the_centres_of_the_eyeballs(ict_model: HeadModel):
    """Every vertex of the outer shell is 13 to 18 mm away (the eyes of this model are large); left mirrors right."""
    left, right = _bone(ict_model, "eye_left"), _bone(ict_model, "eye_right")
    np.testing.assert_allclose(left.joint_m, right.joint_m * [-1, 1, 1], atol=1e-5)
    for bone, pole in zip((left, right), ict_model.eye_landmark_vertices, strict=True):
        ball_m = ict_model.mean_vertices_m[slice(*EYEBALL_VERTICES[bone.name])][:770]
        assert (ball_m.min(axis=0) < bone.joint_m).all()
        assert (bone.joint_m < ball_m.max(axis=0)).all()
        distance_m = np.linalg.norm(ball_m - bone.joint_m, axis=1)
        assert distance_m.min() > 0.013
        assert distance_m.max() < 0.018
        assert pole in range(*EYEBALL_VERTICES[bone.name])
        assert ict_model.mean_vertices_m[pole, 2] > ball_m[:, 2].max() - 1e-4
    assert left.joint_m[0] > 0.02


@pytest.mark.ict
def test_identities_are_human(ict_model: HeadModel):
    """Mean distance between the pupils 58 to 70 mm, its spread that of adults (63.4 +- 3.8 mm: Dodgson 2004), and
    every one of 200 people drawn with one standard deviation between 50 and 80 mm."""
    draws = np.random.default_rng(7)
    eyes = ict_model.eye_landmark_vertices
    mean_mm = 1000 * np.linalg.norm(np.subtract(*ict_model.mean_vertices_m[eyes]))
    assert 58 < mean_mm < 70
    people = ict_model.mean_vertices_m[eyes] + np.tensordot(
        draws.normal(size=(200, 100)), ict_model.identity_basis_m[:, eyes].astype(np.float64), axes=1
    )
    distances_mm = 1000 * np.linalg.norm(people[:, 0] - people[:, 1], axis=1)
    assert distances_mm.min() > 50
    assert distances_mm.max() < 80
    assert 2.5 < distances_mm.std() < 5


@pytest.mark.ict
def test_joints_follow_the_person(ict_model: HeadModel):
    """In people far from the mean, eye joints stay inside the eyeballs and the other joints inside the head."""
    draws = np.random.default_rng(8)
    for _ in range(3):
        vertices_m = person_vertices_m(ict_model, 1.5 * draws.normal(size=100))
        eyes_m = eyes_midpoint_m(ict_model, vertices_m)
        for bone in ict_model.bones:
            joint_m = person_joint_m(bone, ict_model, vertices_m)
            if bone.name in EYEBALL_VERTICES:
                ball_m = vertices_m[slice(*EYEBALL_VERTICES[bone.name])]
                np.testing.assert_allclose(joint_m, eye_centre_m(ball_m[:770].astype(np.float64)), atol=1.5e-3)
            else:
                assert abs(joint_m[0]) < 0.012, bone.name
                assert eyes_m[1] - 0.20 < joint_m[1] < eyes_m[1], bone.name
                assert joint_m[2] < eyes_m[2] - 0.05, bone.name


@pytest.mark.ict
def test_the_skeleton_is_ordered_as_in_a_human(ict_model: HeadModel):
    """Neck below head below jaw below eyes; the jaw turns 20 to 30 degrees about an axis through both condyles."""
    joints_m = {bone.name: bone.joint_m for bone in ict_model.bones}
    parents = {bone.name: bone.parent for bone in ict_model.bones}
    assert parents == {"neck": None, "head": "neck", "jaw": "head", "eye_left": "head", "eye_right": "head"}
    assert joints_m["neck"][1] < joints_m["head"][1] < joints_m["jaw"][1] < joints_m["eye_left"][1]
    assert joints_m["neck"][2] < joints_m["head"][2] < joints_m["jaw"][2] < joints_m["eye_left"][2]
    jaw_open_m = ict_model.expression_basis_m[ict_model.expression_names.index("jawOpen")].astype(np.float64)
    axis_m, turn = jaw_axis(ict_model.mean_vertices_m.astype(np.float64), jaw_open_m)
    np.testing.assert_allclose(axis_m, joints_m["jaw"], atol=1e-5)
    angle_deg = np.degrees(Rotation.from_matrix(turn).as_rotvec())
    assert 20 < angle_deg[0] < 30
    assert np.abs(angle_deg[1:]).max() < 0.1


@pytest.mark.ict
def test_weights_are_shares_that_add_up(ict_model: HeadModel):
    """Between 0 and 1, together at most 1 exactly; 1 within the skull, 0 at the rim of the shoulders."""
    weights = np.stack([bone.weights for bone in ict_model.bones])
    total = weights.sum(axis=0)
    assert weights.min() == 0
    assert total.max() == 1
    eyes_level = ict_model.mean_vertices_m[:, 1] > 0.0
    assert (total[eyes_level] == 1).all()
    assert (total[ict_model.mean_vertices_m[:, 1] < -0.16] == 0).all()
    assert (_bone(ict_model, "jaw").weights[slice(*LOWER_TEETH_VERTICES)] == 1).all()
    for name, ends in EYEBALL_VERTICES.items():
        expected = np.zeros(VERTEX_COUNT)
        expected[slice(*ends)] = 1
        np.testing.assert_array_equal(_bone(ict_model, name).weights, expected)


@pytest.mark.ict
def test_weights_change_smoothly_along_the_skin(ict_model: HeadModel):
    """No edge of the skin jumps by more than a third, so that no pose tears it."""
    starts = _corner_starts(ict_model)
    outside = np.isin(ict_model.face_regions, (Region.SKIN, Region.NECK, Region.SCALP))
    following = np.arange(len(ict_model.face_vertices)) + 1
    following[starts[1:] - 1] = starts[:-1]
    corners = np.repeat(outside, ict_model.face_sizes)
    one, other = ict_model.face_vertices[corners], ict_model.face_vertices[following][corners]
    for bone in ict_model.bones[:3]:
        assert np.abs(bone.weights[one] - bone.weights[other]).max() < 1 / 3, bone.name


@pytest.mark.ict
def test_turning_the_jaw_bone_does_what_the_shape_jaw_open_does(ict_model: HeadModel):
    """Lower teeth within 0.5 mm, skin within 2 mm on average, where the shape opens the mouth by 4 cm."""
    jaw_open_m = ict_model.expression_basis_m[ict_model.expression_names.index("jawOpen")].astype(np.float64)
    mean_m = ict_model.mean_vertices_m.astype(np.float64)
    jaw = _bone(ict_model, "jaw")
    _, turn = jaw_axis(mean_m, jaw_open_m)
    turned_m = jaw.weights[:, None] * ((mean_m - jaw.joint_m) @ turn.T + jaw.joint_m - mean_m)
    error_m = np.linalg.norm(turned_m - jaw_open_m, axis=1)
    assert np.linalg.norm(jaw_open_m, axis=1).max() > 0.04
    assert error_m[slice(*LOWER_TEETH_VERTICES)].max() < 5e-4
    assert error_m[:9409].mean() < 2e-3


@pytest.mark.ict
def test_expressions_move_their_own_part_of_the_face(ict_model: HeadModel):
    """A brow stays a brow: the farthest vertex lies on the side and at the height that the name says."""
    where = {
        "browDown_L": (1, 0.045, 0.075),
        "browOuterUp_R": (-1, 0.045, 0.085),
        "eyeBlink_L": (1, 0.02, 0.05),
        "mouthSmile_R": (-1, -0.06, 0.0),
        "noseSneer_L": (1, -0.03, 0.05),
    }
    for name, (side, low_m, high_m) in where.items():
        moved_m = np.linalg.norm(ict_model.expression_basis_m[ict_model.expression_names.index(name)], axis=1)
        farthest_m = ict_model.mean_vertices_m[np.argmax(moved_m)]
        assert side * farthest_m[0] > 0, name
        assert low_m < farthest_m[1] < high_m, name
        assert moved_m[ict_model.face_vertices[_corners_of(ict_model, Region.SCALP)]].max() < 2e-3, name


def _corners_of(model: HeadModel, region: Region) -> np.ndarray:
    return np.repeat(model.face_regions == region, model.face_sizes)


@pytest.mark.ict
def test_no_expression_turns_an_eyeball(ict_model: HeadModel):
    """Gaze comes from the eye bones alone; looking shapes move the lids, by a millimetre or more."""
    for ends in EYEBALL_VERTICES.values():
        assert np.abs(ict_model.expression_basis_m[:, slice(*ends)]).max() < 1e-6
    for name in ict_model.expression_names:
        if name.startswith("eyeLook"):
            assert np.abs(ict_model.expression_basis_m[ict_model.expression_names.index(name)]).max() > 1e-3, name


@pytest.mark.ict
def test_every_region_lies_where_a_human_has_it(ict_model: HeadModel):
    """Scalp above and behind, neck below, lips between nose and chin, tongue behind the teeth, iris in front."""
    model = ict_model
    absent = {Region.BROWS}
    assert set(np.unique(model.face_regions)) == {int(region) for region in Region if region not in absent}
    landmarks_m = model.mean_vertices_m[model.landmark_vertices]
    scalp, neck, lips = (_region_centres_m(model, region) for region in (Region.SCALP, Region.NECK, Region.LIPS))
    assert scalp[scalp[:, 2] > 0.05, 1].min() > landmarks_m[17:27, 1].max()
    assert scalp[:, 1].min() > landmarks_m[8, 1]
    assert neck[:, 1].max() < -0.03
    assert (neck[neck[:, 2] > 0.05, 1] < landmarks_m[8, 1]).all()
    assert lips[:, 1].max() < landmarks_m[33, 1]
    assert lips[:, 1].min() > landmarks_m[8, 1] + 0.02
    assert np.abs(lips[:, 0]).max() < landmarks_m[54, 0] + 0.002
    assert _region_centres_m(model, Region.TONGUE)[:, 2].max() < _region_centres_m(model, Region.TEETH)[:, 2].max()
    lip_vertices = set(model.face_vertices[_corners_of(model, Region.LIPS)].tolist())
    assert set(model.landmark_vertices[[51, 57, 62, 66, 49, 53]].tolist()) & lip_vertices


@pytest.mark.ict
def test_eyes_are_laid_out_around_the_pupil(ict_model: HeadModel):
    """The circle of radius 0.25 around (0.5, 0.5) lies 5.9 mm from the optical axis, u points to the person's left, v
    up, and the faces within that circle are the iris."""
    model = ict_model
    eye_faces = _corners_of(model, Region.IRIS) | _corners_of(model, Region.SCLERA)
    for name, pupil in zip(EYEBALL_VERTICES, model.eye_landmark_vertices, strict=True):
        ball = range(*EYEBALL_VERTICES[name])
        chosen = eye_faces & (model.face_vertices >= ball.start) & (model.face_vertices < ball.stop)
        off_uv = model.corner_uvs[chosen].astype(np.float64) - 0.5
        radius_uv = np.linalg.norm(off_uv, axis=1)
        points_m = model.mean_vertices_m[model.face_vertices[chosen]].astype(np.float64)
        near = radius_uv < 0.4
        rim = (radius_uv > 0.2) & (radius_uv < 0.3)
        joint_m = _bone(model, name).joint_m
        axis = points_m[rim].mean(axis=0) - joint_m
        axis /= np.linalg.norm(axis)
        off_m = points_m - joint_m
        aside_m = np.linalg.norm(off_m - (off_m @ axis)[:, None] * axis, axis=1)
        slope, start = np.polyfit(radius_uv[rim], aside_m[rim], 1)
        assert slope * 0.25 + start == pytest.approx(LIMBUS_RADIUS_M, abs=1e-4)
        assert np.corrcoef(off_uv[near, 0], points_m[near, 0])[0, 1] > 0.99
        assert np.corrcoef(off_uv[near, 1], points_m[near, 1])[0, 1] > 0.99
        assert radius_uv[model.face_vertices[chosen] == pupil].max() < 0.015
        iris = _corners_of(model, Region.IRIS)[chosen]
        assert radius_uv[iris].max() < 0.30
        assert radius_uv[~iris].min() > 0.20


@pytest.mark.ict
def test_lash_cards_are_laid_out_from_root_to_tip(ict_model: HeadModel):
    """Twelve cards of 18 x 5 cells, u from the card's number to the next, v 0 at the lid and 1 away from the eye."""
    model = ict_model
    lashes = _corners_of(model, Region.LASHES)
    uvs, points_m = model.corner_uvs[lashes].astype(np.float64), model.mean_vertices_m[model.face_vertices[lashes]]
    cards = np.repeat(np.arange(12), 360)
    assert len(uvs) == len(cards)
    for card in range(12):
        u, v = uvs[cards == card].T
        assert (u.min(), u.max(), v.min(), v.max()) == pytest.approx((card, card + 1, 0, 1), abs=1e-6)
        assert len(np.unique(u.round(2))) == 19
        assert len(np.unique(v.round(1))) == 6
        joint_m = _bone(model, "eye_left" if points_m[cards == card][0, 0] > 0 else "eye_right").joint_m
        distance_m = np.linalg.norm(points_m[cards == card] - joint_m, axis=1)
        assert distance_m[v > 0.99].mean() - distance_m[v < 0.01].mean() > 0.002


@pytest.mark.ict
def test_a_compiled_head_loads_fast_and_equals_a_second_compilation(
    ict_model: HeadModel, assets_source: str, asset_cache: Path
):
    """Below 2 s from the cache; the same content hash names the same model."""
    from render.asset_library import install_asset, load_manifest

    tree = install_asset(load_manifest()["ict_facekit"], source=assets_source, cache=asset_cache)
    begun = time.perf_counter()
    loaded = ict.load_ict(tree, asset_cache)
    assert time.perf_counter() - begun < 2
    assert loaded.content_sha256 == ict_model.content_sha256 == ict.compiled_content(tree)
    again = ict.compile_ict(tree)
    for name in ("mean_vertices_m", "identity_basis_m", "expression_basis_m", "face_regions", "corner_uvs"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(again, name), err_msg=name)
    for one, other in zip(loaded.bones, again.bones, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)


def test_the_mesh_type_is_checked_while_tests_run():
    """A mesh whose vertices are no (n, 3) array cannot be built."""
    with pytest.raises(Exception, match="vertices"):
        ObjMesh(
            vertices=np.zeros((4, 2)),
            face_sizes=np.array([4]),
            face_vertices=np.arange(4),
            corner_uvs=np.zeros((4, 2)),
            materials=("",),
            face_materials=np.zeros(1, dtype=int),
        )
