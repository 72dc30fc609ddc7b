"""The procedural head is a closed, symmetric, rigged mesh whose landmarks lie where anatomy says."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from quads import quad_normals, quads_of

from render.heads.model import BONE_NAMES, HAIR_REGIONS, HeadModel, Region
from render.heads.procedural import EPOCH, load_procedural
from render.heads.procedural_anatomy import Anatomy
from render.heads.procedural_skull import EYE_CENTRE_MM
from render.heads.procedural_topology import COLUMNS

MIRROR = np.array([-1.0, 1.0, 1.0])
# The iBUG landmark on the other side of the face, for each of the 68.
MIRRORED_LANDMARKS = (
    list(range(16, -1, -1)) + list(range(26, 16, -1)) + [27, 28, 29, 30] + [35, 34, 33, 32, 31]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55] + [64, 63, 62, 61, 60, 67, 66, 65]
)  # fmt: skip


def test_every_solid_is_closed_but_for_one_edge_under_the_chest(model: HeadModel, anatomy: Anatomy) -> None:
    """Each edge is walked once in either direction; only the chest's lower edge is open, and it is level."""
    solid = ~np.isin(model.face_regions, [int(region) for region in HAIR_REGIONS])
    quads = quads_of(model)[solid]
    edges = np.concatenate([quads[:, [step, (step + 1) % 4]] for step in range(4)])
    walked = {(int(start), int(end)) for start, end in edges}
    assert len(walked) == len(edges)
    open_edges = np.array([edge for edge in walked if edge[::-1] not in walked])
    assert len(open_edges) == len(np.unique(open_edges[:, 0])) == COLUMNS
    # One loop: following the open edges from any of them comes back after all of them.
    follow = {int(start): int(end) for start, end in open_edges}
    place, steps = follow[int(open_edges[0, 0])], 1
    while place != int(open_edges[0, 0]):
        place, steps = follow[place], steps + 1
    assert steps == COLUMNS
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
        assert volume > 1e-9, name
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


def test_landmarks_run_in_the_order_of_ibug(model: HeadModel) -> None:
    """The jaw line runs from the person's right ear down to the chin and up; each group lies where its name says."""
    marks = model.mean_vertices_m[model.landmark_vertices]
    assert len(np.unique(model.landmark_vertices)) == 68
    assert (np.diff(marks[1:16, 0]) > 0).all()
    assert (np.diff(marks[:9, 1]) < 0).all() and (np.diff(marks[8:17, 1]) > 0).all()
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


def test_landmarks_lie_where_anatomy_says(model: HeadModel, anatomy: Anatomy) -> None:
    """Pronasale is the foremost point of all, sellion the hollow of the midline, menton its lowest point of the jaw,
    the eye's landmarks lie on the edges of the lids, the mouth's on its outline and its line."""
    points = model.mean_vertices_m.astype(np.float64) * 1000
    marks = points[model.landmark_vertices]
    skin = points[anatomy.parts["skin"]]
    assert marks[30, 2] == skin[:, 2].max()
    assert np.abs(marks[[8, 27, 28, 29, 30, 33, 51, 57, 62, 66], 0]).max() == 0
    bridge = skin[(skin[:, 0] == 0) & (skin[:, 1] < 36) & (skin[:, 1] > -12) & (skin[:, 2] > 60)]
    sellion = bridge[np.argmin(bridge[:, 2])]
    assert np.linalg.norm(marks[27] - sellion) < 9
    jaw = skin[(np.abs(skin[:, 0]) < 60) & (skin[:, 1] > -101) & (skin[:, 2] > 75)]
    assert marks[8, 1] < jaw[:, 1].min() + 3
    for eye, name in ((42, "eye_left"), (36, "eye_right")):
        assert set(model.landmark_vertices[eye : eye + 6]) <= set(anatomy.loops[name])
    left = points[anatomy.loops["eye_left"], 0]
    assert (marks[42, 0], marks[45, 0]) == (left.min(), left.max())
    assert set(model.landmark_vertices[48:60]) <= set(anatomy.loops["mouth_outline"])
    assert set(model.landmark_vertices[60:68]) <= set(anatomy.loops["mouth_line"])
    # Subnasale: under the nose the midline comes furthest back before the upper lip.
    lip = skin[(skin[:, 0] == 0) & (skin[:, 1] < marks[30, 1]) & (skin[:, 1] > marks[51, 1]) & (skin[:, 2] > 90)]
    assert marks[33, 2] < lip[:, 2].min() + 7


def test_bones_share_out_every_vertex(model: HeadModel, anatomy: Anatomy) -> None:
    """Weights are 0..1 and add up to at most 1: 1 all over the face, 0 on the chest, 1 on an eye for its own bone."""
    assert tuple(bone.name for bone in model.bones) == BONE_NAMES
    weights = {bone.name: bone.weights.astype(np.float64) for bone in model.bones}
    total = np.sum(list(weights.values()), axis=0)
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
    recorded = {5: (-5.113017, -0.016180, -0.003634, -0.024808)}
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
