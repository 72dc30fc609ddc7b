"""LYHM, BFM 2017 and FLAME files: what is in the file is in the model, in metres and our axes, and it renders."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_head import (
    flame_fields,
    small_head,
    write_bfm2017,
    write_flame,
    write_lyhm,
    write_lyhm_73,
)

from render.config import Recipe, load_recipe
from render.dataset_format import Label, read_ground_truth, read_records
from render.frame_keys import assets_of, identity_id, plan_frame
from render.heads.model import HeadModel, Region, person_joint_m, person_vertices_m
from render.heads.model_checks import HeadModelError, check_head_model
from render.heads.morphable import ORIGIN, eye_frame
from render.heads.own_model import load_own_model, own_model_sha256
from render.sampling.frame import draw_frame
from render.shard import render_element
from render.shard_plan import PlannedShard, ShardPlan

HEAD = small_head()
WRITERS: dict[str, tuple[str, Callable[..., Path]]] = {
    "lyhm": ("lyhm", write_lyhm),
    "lyhm_73": ("lyhm", write_lyhm_73),
    "bfm2017": ("bfm2017", write_bfm2017),
    "flame": ("flame", write_flame),
}


def read(family: str, description: Path, *, modes: int = 3, cache: Path | None = None) -> HeadModel:
    cache = description.parent / "cache" if cache is None else cache
    return load_own_model(family, str(description), identity_modes=modes, source=None, cache=cache)


def own_recipe(family: str, description: Path, **overrides: object) -> Recipe:
    settings = {
        "heads.family": family,
        "heads.model_file": str(description),
        "heads.identity_modes": 3,
        "heads.subdivision_level": 0,
        "expressions.names": ["neutral"],
        "head_poses.gaze_yaw_deg": [0, 0],
        "head_poses.gaze_pitch_deg": [0, 0],
        "outfits.styles": ["none"],
        "cameras.width_px": 64,
        "cameras.height_px": 48,
    }
    return load_recipe("quick", overrides=settings | overrides)


@pytest.fixture(scope="module", params=WRITERS)
def written(request, tmp_path_factory) -> tuple[str, Path]:
    """Family and description of a small head in each format."""
    family, write = WRITERS[request.param]
    return family, write(tmp_path_factory.mktemp(request.param), HEAD)


def test_a_person_is_the_files_mean_plus_its_modes_in_metres(written):
    """X = mean + sum of y_i sqrt(variance_i) mode_i, moved so that the origin lies between the ears."""
    model = read(*written)
    middle_m, unit = eye_frame(HEAD.vertices_m[HEAD.landmarks])
    coefficients = np.array([0.7, -1.3, 2.0])
    expected = HEAD.vertices_m + np.tensordot(coefficients, HEAD.modes_m, axes=1) - middle_m - unit * np.array(ORIGIN)
    np.testing.assert_allclose(person_vertices_m(model, coefficients), expected, atol=1e-7)
    np.testing.assert_array_equal(model.landmark_vertices, HEAD.landmarks)


def test_triangles_face_outwards_whatever_the_files_winding(written):
    """The volume that the triangles enclose is positive, and they are those of the head that was written."""
    model = read(*written)
    triangles = model.face_vertices.reshape(-1, 3)
    corners = model.mean_vertices_m.astype(np.float64)[triangles]
    assert np.einsum("ti,ti->t", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6 > 0.001
    np.testing.assert_array_equal(np.sort(triangles), np.sort(HEAD.triangles))


def test_eyes_lie_within_the_lids_and_skin_elsewhere(written):
    """Faces of an eye have their middle near one of the eyes; the pupil is a vertex of such a face."""
    model = read(*written)
    vertices_m = model.mean_vertices_m.astype(np.float64)
    eyes = np.isin(model.face_regions, [Region.SCLERA, Region.IRIS])
    middles_m = vertices_m[model.face_vertices.reshape(-1, 3)].mean(axis=1)
    landmarks_m = vertices_m[model.landmark_vertices]
    for contour, pupil in ((slice(42, 48), 0), (slice(36, 42), 1)):
        centre_m = landmarks_m[contour].mean(axis=0)
        assert (eyes & (np.linalg.norm(middles_m - centre_m, axis=1) < 0.016)).any()
        assert np.linalg.norm(vertices_m[model.eye_landmark_vertices[pupil]] - centre_m) < 0.008
    nearest = np.min([np.linalg.norm(middles_m - landmarks_m[c].mean(axis=0), axis=1) for c in
                      (slice(36, 42), slice(42, 48))], axis=0)  # fmt: skip
    assert nearest[eyes].max() < 0.016
    assert {Region.SKIN, Region.SCALP, Region.NECK} <= {Region(int(region)) for region in model.face_regions}


@pytest.mark.parametrize(("family", "write"), [
    ("lyhm", write_lyhm), ("bfm2017", write_bfm2017), ("flame", write_flame),
])  # fmt: skip
def test_a_ground_truth_frame_renders(family, write, tmp_path, asset_cache):
    """64 x 48 pixels show skin and eyes at the camera's distance, with all landmarks in front of the camera."""
    description = write(tmp_path, HEAD)
    recipe = own_recipe(family, description)
    assets = assets_of(recipe, source=None, cache=asset_cache)
    element = PlannedShard(products=("gt",), frames=(plan_frame(recipe, "train", 0, assets),))
    plan = ShardPlan(recipe=recipe, store=str(tmp_path), assets=assets, elements=(element,))
    quiet = {"device": "cpu", "assets_source": None, "cache": asset_cache}
    (shard,) = render_element(plan, 0, report_progress=lambda *_: None, quarantine=False, **quiet)
    record = read_records(shard)[0]
    truth = read_ground_truth(shard / record.file)
    assert record.assets == {f"own_{family}": own_model_sha256(family, str(description), source=None)}
    seen = truth.visible.depth_m > 0
    assert seen.mean() > 0.1
    distance_m = draw_frame(recipe, "train", 0).camera.distance_mm / 1000
    assert abs(np.median(truth.visible.depth_m[seen]) - distance_m) < 0.12
    assert set(np.unique(truth.labels)) <= {Label.BACKGROUND, Label.SKIN, Label.EYES, Label.HAIR}
    assert (truth.labels == Label.SKIN).sum() > 300
    assert record.geometry is not None and len(record.geometry.landmarks_cam_m) == 68


def test_flame_joints_follow_its_regressor_and_its_weights(tmp_path):
    """Joints are J_regressor @ vertices, for the mean and for a person; weights are the file's, the root's stay put."""
    model = read("flame", write_flame(tmp_path, HEAD))
    fields = flame_fields(HEAD)
    shift = model.mean_vertices_m[0] - HEAD.vertices_m[0]
    coefficients = np.array([1.1, -0.4, 0.9])
    person_m = person_vertices_m(model, coefficients)
    regressor = fields["J_regressor"].toarray()
    for number, name in enumerate(("neck", "head", "jaw", "eye_left", "eye_right")):
        bone = next(bone for bone in model.bones if bone.name == name)
        np.testing.assert_allclose(bone.joint_m, regressor[number] @ HEAD.vertices_m + shift, atol=1e-7)
        np.testing.assert_allclose(person_joint_m(bone, model, person_m), regressor[number] @ person_m, atol=2e-5)
        bound = np.zeros(len(HEAD.vertices_m)) if name == "neck" else fields["weights"][:, number]
        np.testing.assert_allclose(bone.weights, bound, atol=1e-7)


def test_expressions_come_by_number(tmp_path):
    """BFM's are its scaled modes, FLAME's the directions after the 300 of identity."""
    (tmp_path / "bfm").mkdir()
    (tmp_path / "flame").mkdir()
    bfm = read("bfm2017", write_bfm2017(tmp_path / "bfm", HEAD))
    flame = read("flame", write_flame(tmp_path / "flame", HEAD))
    assert bfm.expression_names == flame.expression_names == ("expression_00", "expression_01")
    np.testing.assert_allclose(bfm.expression_basis_m, HEAD.expressions_m, atol=1e-8)
    np.testing.assert_allclose(flame.expression_basis_m, HEAD.expressions_m, atol=1e-8)


def test_a_model_is_known_by_content_not_by_name(tmp_path):
    """Another folder and another file name give the same hash; another vertex or landmark gives another."""
    first, second, third, fourth = (tmp_path / name for name in "abcd")
    for folder in (first, second, third, fourth):
        folder.mkdir()
    path = write_lyhm(first, HEAD)
    renamed = write_lyhm(second, HEAD, file="other.mat")
    (second / "LYHM.mat").rename(second / "other.mat")
    # MATLAB files carry the date on which they were written.
    (second / "other.mat").write_bytes((first / "LYHM.mat").read_bytes())
    moved = write_lyhm(third, dataclasses.replace(HEAD, vertices_m=HEAD.vertices_m * 1.001))
    marked = write_lyhm(fourth, HEAD, landmarks=[*HEAD.landmarks[:-1].tolist(), 3])
    (fourth / "LYHM.mat").write_bytes((first / "LYHM.mat").read_bytes())
    hashes = [own_model_sha256("lyhm", str(place), source=None) for place in (path, renamed, moved, marked)]
    assert hashes[0] == hashes[1] and len(set(hashes)) == 3
    parameters = draw_frame(own_recipe("lyhm", path), "train", 0)
    people = {identity_id(parameters, {"own_lyhm": content}) for content in hashes}
    assert len(people) == 3


def test_the_number_of_modes_is_the_recipes(tmp_path):
    """As many coefficients are drawn and modes kept as heads.identity_modes says; a file with fewer is refused."""
    path = write_lyhm(tmp_path, HEAD)
    recipe = own_recipe("lyhm", path, **{"heads.identity_modes": 2})
    assert len(draw_frame(recipe, "train", 0).identity.coefficients) == 2
    assert len(read("lyhm", path, modes=2).identity_basis_m) == 2
    with pytest.raises(HeadModelError, match=r"LYHM\.mat has 3 identity modes, but 4 .*heads\.identity_modes .* to 3"):
        read("lyhm", path, modes=4)


def test_a_plan_meets_only_the_file_that_it_was_made_with(tmp_path):
    """Where a machine has another file under the planned name, nothing is rendered."""
    path = write_lyhm(tmp_path, HEAD)
    with pytest.raises(HeadModelError, match=r"another lyhm model than .* planned was 0000"):
        load_own_model("lyhm", str(path), identity_modes=3, source=None, cache=tmp_path, expected_sha256="0000")


def test_a_description_is_found_in_the_folder_of_assets(tmp_path, monkeypatch):
    """A relative path is taken from there first; a missing one is an error that lists where it was looked for."""
    write_lyhm(tmp_path, HEAD)
    monkeypatch.chdir(tmp_path.parent)
    assert own_model_sha256("lyhm", "model.yaml", source=str(tmp_path))
    with pytest.raises(HeadModelError, match=rf"'absent\.yaml'.*looked at {tmp_path}/absent\.yaml, .*HEADROOM_ASSETS"):
        own_model_sha256("lyhm", "absent.yaml", source=str(tmp_path))


@pytest.mark.parametrize("family", ["procedural", pytest.param("ict", marks=pytest.mark.ict)])
def test_our_own_families_pass_the_checks(family, request):
    """What is asked of strangers' heads holds for ours."""
    if family == "ict":
        model = request.getfixturevalue("ict_model")
    else:
        from render.heads.procedural import load_procedural

        model = load_procedural()
    check_head_model(model, where="built in", units="m")
