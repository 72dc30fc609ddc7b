"""Files that are no human head, no model at all, or a trap: each has an error that says what to do."""

import copy
import dataclasses
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_head import flame_fields, small_head, write_bfm2017, write_description, write_flame, write_lyhm

from render.config import RecipeError, load_recipe
from render.heads.model import HeadModel
from render.heads.model_checks import HeadModelError, check_head_model
from render.heads.own_model import load_own_model
from render.recipe_head import check_head_fits

HEAD = small_head()


def read(family: str, description: Path) -> HeadModel:
    cache = description.parent / "cache"
    return load_own_model(family, str(description), identity_modes=3, source=None, cache=cache)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> HeadModel:
    """A sound FLAME head."""
    return read("flame", write_flame(tmp_path_factory.mktemp("sound"), HEAD))


def with_value(array: np.ndarray, place: tuple, value: float) -> np.ndarray:
    changed = array.copy()
    changed[place] = value
    return changed


def unchecked(model: HeadModel, **arrays: np.ndarray) -> HeadModel:
    """A model whose arrays do not fit each other, as can be made where shapes are not checked: outside of tests."""
    changed = copy.copy(model)
    for name, values in arrays.items():
        object.__setattr__(changed, name, values)
    return changed


def with_landmark(model: HeadModel, number: int, vertex: int) -> HeadModel:
    landmarks = model.landmark_vertices.copy()
    landmarks[number] = vertex
    return dataclasses.replace(model, landmark_vertices=landmarks)


def turned(model: HeadModel, *signs: float) -> HeadModel:
    return dataclasses.replace(model, mean_vertices_m=model.mean_vertices_m * np.array(signs, dtype=np.float32))


def heavy(model: HeadModel) -> HeadModel:
    neck = dataclasses.replace(model.bones[0], weights=model.bones[0].weights + np.float32(0.3))
    return dataclasses.replace(model, bones=(neck, *model.bones[1:]))


BROKEN: dict[str, tuple[Callable[[HeadModel], HeadModel], str]] = {
    "NaN": (
        lambda m: dataclasses.replace(m, mean_vertices_m=with_value(m.mean_vertices_m, (17, 1), np.nan)),
        r"mean_vertices_m must be finite .* 1 of its numbers are not, the first is nan at vertex 17 of 358.*export",
    ),
    "infinite mode": (
        lambda m: dataclasses.replace(m, identity_basis_m=with_value(m.identity_basis_m, (2, 5, 0), np.inf)),
        r"identity_basis_m must be finite .* inf at vertex 5",
    ),
    "other mesh": (
        lambda m: unchecked(m, identity_basis_m=m.identity_basis_m[:, :-1]),
        r"identity_basis_m has the shape \(3, 357, 3\), but the mean has 358 vertices",
    ),
    "no face": (
        lambda m: unchecked(m, face_sizes=m.face_sizes[:0], face_vertices=m.face_vertices[:0]),
        r"358 vertices and no face; at least one was expected.*export the mesh with its faces",
    ),
    "index": (
        lambda m: dataclasses.replace(m, face_vertices=m.face_vertices + 1),
        r"the faces name vertices 1 to 358, but the mesh has vertices 0 to 357.*subtract 1",
    ),
    "twice": (lambda m: with_landmark(m, 50, int(m.landmark_vertices[49])), r"landmarks \[49, 50\] are one"),
    "thousandfold": (
        lambda m: dataclasses.replace(m, mean_vertices_m=m.mean_vertices_m * np.float32(1000)),
        r"measures 62 m between the middles of the eyes .*0\.04 to 0\.095 m\. "
        r".*read in m; `units: mm`.* makes this 0\.062",
    ),
    "thousandth": (
        lambda m: dataclasses.replace(m, mean_vertices_m=m.mean_vertices_m / np.float32(1000)),
        r"measures 6\.2e-05 m between .* no other unit .* check the 68 landmarks",
    ),
    "mirrored": (lambda m: turned(m, -1, 1, 1), r"left eye .* left and right are swapped"),
    "upside down": (lambda m: turned(m, 1, -1, 1), r"the eyes lie above the mouth .* upside down"),
    "backwards": (lambda m: turned(m, 1, 1, -1), r"tip of the nose \(30\) lies before .* looks backwards"),
    "weights": (heavy, r"the weights of vertex \d+ add up to 1\.3000 .* at most 1 .*Normalise"),
    "no neck": (lambda m: dataclasses.replace(m, bones=m.bones[1:]), r"expected are neck and head"),
    "no eye": (lambda m: dataclasses.replace(m, face_regions=m.face_regions * 0), r"no face belongs to an eye"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_head_is_refused_with_the_remedy(model, what):
    """The error names family, file, what was expected, what came, and what to try."""
    breaking, message = BROKEN[what]
    with pytest.raises(HeadModelError, match=r"^head family 'flame', a\.pkl: .*" + message):
        check_head_model(breaking(model), where="a.pkl", units="m")
    check_head_model(model, where="a.pkl", units="m")


@pytest.mark.parametrize(("family", "write", "wrong"), [
    ("lyhm", write_lyhm, "m"), ("bfm2017", write_bfm2017, "um"), ("flame", write_flame, "mm"),
])  # fmt: skip
def test_a_file_a_thousand_times_too_large_or_small_names_the_unit_that_fits(family, write, wrong, tmp_path):
    """Read in the wrong unit, the error gives the size measured and the line to write."""
    right = {"lyhm": "mm", "bfm2017": "mm", "flame": "m"}[family]
    with pytest.raises(HeadModelError, match=rf"a human head has .* read in {wrong}; `units: {right}` .* 0\.062 m"):
        read(family, write(tmp_path, HEAD, units=wrong))


@pytest.mark.parametrize(("family", "write"), [
    ("lyhm", write_lyhm), ("bfm2017", write_bfm2017), ("flame", write_flame),
])  # fmt: skip
def test_a_broken_vertex_in_a_file_is_named(family, write, tmp_path):
    """NaN in the mean of a file: the error names file, vertex and remedy."""
    broken = dataclasses.replace(HEAD, vertices_m=with_value(HEAD.vertices_m, (23, 2), np.nan))
    with pytest.raises(HeadModelError, match=r"every vertex must be finite, but 1 of 358 .* vertex 23 .* download"):
        read(family, write(tmp_path, broken))


@pytest.mark.parametrize(("family", "write"), [
    ("lyhm", write_lyhm), ("bfm2017", write_bfm2017), ("flame", write_flame),
])  # fmt: skip
def test_a_file_without_faces_is_refused(family, write, tmp_path):
    """A point cloud cannot be rendered, and the error says so."""
    with pytest.raises(HeadModelError, match=r"no face; at least one|there must be a face"):
        read(family, write(tmp_path, dataclasses.replace(HEAD, triangles=HEAD.triangles[:0])))


def test_a_malicious_pickle_runs_nothing(tmp_path):
    """A pickle that calls a function is refused by the function's name, before anything happened."""
    trace = tmp_path / "was_here"

    class Trap:
        def __reduce__(self):
            return os.system, (f"touch {trace}",)

    (tmp_path / "flame.pkl").write_bytes(pickle.dumps({"v_template": Trap()}, protocol=2))
    path = write_description(tmp_path, file="flame.pkl", landmarks=list(range(68)))
    with pytest.raises(HeadModelError, match=r"flame\.pkl: the pickle asks for (posix|nt)\.system.*nothing was run"):
        read("flame", path)
    assert not trace.exists()


@pytest.mark.parametrize("place", ["builtins.eval", "numpy.testing._private.utils.runstring", "os.path.join"])
def test_no_function_but_those_of_arrays_is_ever_looked_up(place, tmp_path):
    """Not even those of allowed packages."""
    module, _, name = place.rpartition(".")
    (tmp_path / "flame.pkl").write_bytes(f"c{module}\n{name}\n(S'1'\ntR.".encode())
    with pytest.raises(HeadModelError, match=f"asks for {place}"):
        read("flame", write_description(tmp_path, file="flame.pkl", landmarks=list(range(68))))


def test_flame_needs_one_source_of_landmarks_with_all_68(tmp_path):
    """None, or an embedding of 51 points, is an error; one of 68 points gives the corner nearest to each."""
    write_flame(tmp_path, HEAD)
    neither = write_description(tmp_path, file="flame.pkl", expression_modes=0)
    with pytest.raises(HeadModelError, match=r"either `landmarks` .* or `landmark_file`.*full_lmk_faces_idx"):
        read("flame", neither)
    faces = np.array([int(np.flatnonzero((HEAD.triangles == vertex).any(axis=1))[0]) for vertex in HEAD.landmarks])
    shares = np.where(HEAD.triangles[faces] == HEAD.landmarks[:, None], 0.8, 0.1)
    embedding = {"full_lmk_faces_idx": faces[None], "full_lmk_bary_coords": shares[None]}
    np.save(tmp_path / "embedding.npy", np.array(embedding, dtype=object))
    entries = {"file": "flame.pkl", "expression_modes": 0}
    whole = write_description(tmp_path, **entries, landmark_file="embedding.npy")
    np.testing.assert_array_equal(read("flame", whole).landmark_vertices, HEAD.landmarks)
    (tmp_path / "part.pkl").write_bytes(pickle.dumps({"lmk_face_idx": faces[17:], "lmk_b_coords": shares[17:]}))
    with pytest.raises(HeadModelError, match=r"part\.pkl holds lmk_b_coords, lmk_face_idx; all 68 .*no jaw line"):
        read("flame", write_description(tmp_path, **entries, landmark_file="part.pkl"))


def test_a_file_of_another_kind_says_what_it_holds(tmp_path):
    """A BFM file without a group, a LYHM file without a struct, a FLAME file without a field, no such file at all."""
    import scipy.io

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["catalogue/model/mean"] = np.zeros(9)
    scipy.io.savemat(tmp_path / "other.mat", {"shapeMU": np.zeros(9)})
    landmarks = list(range(68))
    with pytest.raises(HeadModelError, match=r"no dataset shape/model/mean; it has the groups catalogue"):
        read("bfm2017", write_description(tmp_path, file="other.h5", landmarks=landmarks))
    with pytest.raises(HeadModelError, match=r"has no shp\.mu; .* this one holds shapeMU"):
        read("lyhm", write_description(tmp_path, file="other.mat", landmarks=landmarks))
    fields = flame_fields(HEAD)
    del fields["J_regressor"]
    with pytest.raises(HeadModelError, match=r"a FLAME file holds v_template, shapedirs, J_regressor"):
        read("flame", write_flame(tmp_path, HEAD, fields))
    with pytest.raises(HeadModelError, match=r"`file: absent\.mat` names .*absent\.mat, which is no file"):
        read("lyhm", write_description(tmp_path, file="absent.mat", landmarks=landmarks))
    (tmp_path / "text.mat").write_text("no MATLAB")
    with pytest.raises(HeadModelError, match=r"text\.mat cannot be read as a MATLAB file"):
        read("lyhm", write_description(tmp_path, file="text.mat", landmarks=landmarks))


def test_a_bfm_landmark_that_the_file_does_not_name_is_refused(tmp_path):
    """The error lists the names that there are."""
    names = ["center.nose.tips", *HEAD.landmarks[1:].tolist()]
    with pytest.raises(HeadModelError, match=r"no landmark 'center\.nose\.tips', .* landmark 0; .*center\.nose\.tip, "):
        read("bfm2017", write_bfm2017(tmp_path, HEAD, landmarks=names))


@pytest.mark.parametrize(("settings", "message"), [
    ({"landmarks": [1, 2, 3]}, r"landmarks: .*at least 68"),
    ({"landmark": [1]}, r"landmark: Extra inputs .*settings are file, units, landmarks|whose settings are file"),
    ({"units": "inch"}, r"units: .*'m', 'cm', 'mm' or 'um' \(came: 'inch'\)"),
])  # fmt: skip
def test_a_description_is_checked_field_by_field(settings, message, tmp_path):
    """The error names field, value and what is allowed."""
    with pytest.raises(HeadModelError, match=message):
        read("lyhm", write_lyhm(tmp_path, HEAD, **settings))


def test_naming_the_model_itself_instead_of_its_description_is_explained(tmp_path):
    """heads.model_file is the YAML, not the .mat."""
    write_lyhm(tmp_path, HEAD)
    with pytest.raises(HeadModelError, match=r"must name that text, not the model itself"):
        read("lyhm", tmp_path / "LYHM.mat")


def test_recipes_of_own_families_need_a_file_and_others_refuse_one():
    """Both are errors of the recipe, by field."""
    with pytest.raises(
        RecipeError, match=r"heads: .*family 'flame' is read from a file of yours: set heads\.model_file"
    ):
        load_recipe("quick", overrides={"heads.family": "flame"})
    with pytest.raises(RecipeError, match=r"family 'procedural' is not read from a file of yours, so leave model_file"):
        load_recipe("quick", overrides={"heads.model_file": "a.yaml"})


def test_a_recipe_that_asks_for_more_than_the_head_can_do_is_refused_before_rendering(model):
    """Emotions without shapes and gaze without eyeballs: the error names the family, its offer and the setting."""
    recipe = load_recipe("quick")
    with pytest.raises(
        HeadModelError, match=r"'happy', which needs the shapes .*family 'flame' .* can show neutral: set"
    ):
        check_head_fits(recipe, model)
    neutral = load_recipe("quick", overrides={"expressions.names": ["neutral"]})
    check_head_fits(neutral, model)
    fused = dataclasses.replace(model, family="lyhm", bones=model.bones[:2])
    with pytest.raises(HeadModelError, match=r"gaze_yaw_deg is \[-12.*eyes of head family 'lyhm' .*to \[0, 0\]"):
        check_head_fits(neutral, fused)
