"""A rigged head exported by Blender to FBX and glTF, read back, posed and rendered: the same pixels come out."""

import dataclasses
from pathlib import Path

import bpy
import numpy as np
import pytest
from small_head import small_head, write_description, write_flame

from render.blender.draw import DrawnFrame, draw_frame, open_stage, person_on_stage
from render.blender.head import Person, add_person
from render.blender.passes import HEAD
from render.config import load_recipe
from render.dataset_format import Label
from render.heads.model import HeadModel, Region, person_vertices_m
from render.heads.model_checks import HeadModelError
from render.heads.own_model import load_own_model
from render.parameters import Expression, HeadPose, Identity
from render.ranges.quality import RgbSettings
from render.sampling import frame as sampling

SHAPES = {"jawOpen": "Jaw_Open", "mouthSmile_L": "Smile"}
BONES = {"neck": "CC_Neck", "head": "CC_Head", "jaw": "CC_Jaw", "eye_left": "CC_Eye_L", "eye_right": "CC_Eye_R"}
REGIONS = (Region.SKIN, Region.SCALP, Region.NECK, Region.SCLERA, Region.IRIS)
COEFFICIENTS = (0.6, -0.8, 0.3)


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> HeadModel:
    """A small head with all five bones and two shapes; the person of COEFFICIENTS is its mean."""
    folder = tmp_path_factory.mktemp("original")
    path = write_flame(folder, small_head())
    model = load_own_model("flame", str(path), identity_modes=3, source=None, cache=folder)
    vertices_m = person_vertices_m(model, np.array(COEFFICIENTS))
    none = model.identity_basis_m[:0]
    return dataclasses.replace(model, mean_vertices_m=vertices_m, identity_basis_m=none, expression_names=tuple(SHAPES))


def add_for_export(model: HeadModel) -> Person:
    """The head in a fresh session, under the names that a strange file might use, with an empty on each landmark."""
    stage = open_stage(device="cpu", products=("gt",))
    materials = {region: bpy.data.materials.new(f"Std_{region.name}") for region in Region}
    person = add_person(stage.collections, model, Identity("any", ()), materials, subdivision_level=0)
    person.parts[HEAD].name = "CC_Base_Body"
    for key, name in SHAPES.items():
        person.parts[HEAD].data.shape_keys.key_blocks[key].name = name
    for bone, name in BONES.items():
        person.armature.data.bones[bone].name = name  # vertex groups follow
    # A bone below a mapped one, and a share of the skin that is bound to it.
    crown = person.parts[HEAD].vertex_groups.new(name="CC_Crown")
    head = person.parts[HEAD].vertex_groups["CC_Head"]
    bpy.context.view_layer.objects.active = person.armature
    bpy.ops.object.mode_set(mode="EDIT")
    below = person.armature.data.edit_bones.new("CC_Crown")
    below.head, below.tail = (0.0, 0.0, 0.05), (0.0, 0.0, 0.15)
    below.parent = person.armature.data.edit_bones["CC_Head"]
    bpy.ops.object.mode_set(mode="OBJECT")
    for vertex in person.parts[HEAD].data.vertices:
        if vertex.co.z > 0.07:
            weight = head.weight(vertex.index)
            head.add([vertex.index], 0.25 * weight, "REPLACE")
            crown.add([vertex.index], 0.75 * weight, "REPLACE")
    for number, vertex in enumerate(model.landmark_vertices):
        empty = bpy.data.objects.new(f"landmark_{number:02d}", None)
        empty.location = person.parts[HEAD].data.vertices[int(vertex)].co
        person.armature.users_collection[0].objects.link(empty)
    for eye, vertex in zip("LR", model.eye_landmark_vertices, strict=True):
        empty = bpy.data.objects.new(f"pupil_{eye}", None)
        empty.location = person.parts[HEAD].data.vertices[int(vertex)].co
        person.armature.users_collection[0].objects.link(empty)
    return person


def description_entries(model: HeadModel, *, by_number: bool) -> dict[str, object]:
    landmarks = model.landmark_vertices.tolist() if by_number else [f"landmark_{number:02d}" for number in range(68)]
    return {
        "bones": BONES,
        "shape_keys": SHAPES,
        "materials": {f"Std_{region.name}": region.name.lower() for region in REGIONS},
        "landmarks": landmarks,
        "pupils": model.eye_landmark_vertices.tolist() if by_number else ["pupil_L", "pupil_R"],
    }


@pytest.fixture(scope="module")
def exported(original, tmp_path_factory) -> dict[str, Path]:
    """Descriptions of the FBX (landmarks by vertex number) and the GLB (by empties)."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in ("fbx", "glb")}
    add_for_export(original)
    bpy.ops.export_scene.fbx(filepath=str(folders["fbx"] / "head.fbx"), add_leaf_bones=False, bake_anim=False)
    bpy.ops.export_scene.gltf(filepath=str(folders["glb"] / "head.glb"), export_animations=False, use_active_scene=True)
    return {
        kind: write_description(folder, file=f"head.{kind}", **description_entries(original, by_number=kind == "fbx"))
        for kind, folder in folders.items()
    }


@pytest.fixture(scope="module", params=["fbx", "glb"])
def character(request, exported, tmp_path_factory) -> HeadModel:
    """The head read back from each format."""
    cache = tmp_path_factory.mktemp("cache")
    return load_own_model("character", str(exported[request.param]), identity_modes=0, source=None, cache=cache)


def drawn(model: HeadModel) -> DrawnFrame:
    """Ground truth of the head: turned, nodding, eyes aside, jaw open, smiling on one side."""
    recipe = load_recipe(
        "quick",
        overrides={"cameras.width_px": 96, "cameras.height_px": 80, "expressions.names": ["neutral"]},
    )
    parameters = dataclasses.replace(
        sampling.draw_frame(recipe, "train", 0),
        identity=Identity(model.family, ()),
        outfit=dataclasses.replace(sampling.draw_frame(recipe, "train", 0).outfit, style="none"),
        hair=dataclasses.replace(sampling.draw_frame(recipe, "train", 0).hair, style="bald", beard="none"),
        glasses=dataclasses.replace(sampling.draw_frame(recipe, "train", 0).glasses, style="none"),
        expression=Expression("both", (("jawOpen", 0.9), ("mouthSmile_L", 0.7))),
        head_pose=HeadPose(yaw_deg=23.0, pitch_deg=-11.0, roll_deg=7.0, gaze_yaw_deg=14.0, gaze_pitch_deg=-9.0),
    )
    stage = open_stage(device="cpu", products=("gt",))
    with person_on_stage(stage, model, parameters, level=1) as person:
        return draw_frame(stage, person, parameters, RgbSettings(), noise_seed=1)


@pytest.fixture(scope="module")
def reference(original) -> DrawnFrame:
    return drawn(original)


@pytest.fixture(scope="module")
def redrawn(character) -> DrawnFrame:
    return drawn(character)


def test_bones_weights_and_shapes_come_back(original, character):
    """Joints within 1 micrometre and weights within a thousandth, bones below the head counted to it; shapes too."""
    shift = (
        original.mean_vertices_m[original.landmark_vertices[0]]
        - character.mean_vertices_m[character.landmark_vertices[0]]
    )
    theirs = original.landmark_vertices, character.landmark_vertices
    assert [bone.name for bone in character.bones] == [bone.name for bone in original.bones]
    for before, after in zip(original.bones, character.bones, strict=True):
        np.testing.assert_allclose(after.joint_m + shift, before.joint_m, atol=1e-6)
        np.testing.assert_allclose(after.weights[theirs[1]], before.weights[theirs[0]], atol=1.5e-3)
    assert len(character.mean_vertices_m) == len(original.mean_vertices_m)
    assert character.expression_names == original.expression_names
    np.testing.assert_allclose(
        character.expression_basis_m[:, theirs[1]], original.expression_basis_m[:, theirs[0]], atol=1e-6
    )
    assert len(character.identity_basis_m) == 0


def test_the_character_gives_the_pixels_of_the_head_that_was_exported(reference, redrawn):
    """Posed alike, every pixel of the head agrees: depth to 1 micrometre at 0.8 m, normals to 0.05 degrees."""
    truth, other = reference.truth, redrawn.truth
    assert truth is not None and other is not None
    np.testing.assert_array_equal(other.head.depth_m > 0, truth.head.depth_m > 0)
    assert (truth.head.depth_m > 0).sum() > 900
    np.testing.assert_allclose(other.head.depth_m, truth.head.depth_m, atol=1e-6, rtol=0)
    apart = np.linalg.norm(truth.head.normals_cam - other.head.normals_cam, axis=-1)
    assert np.degrees(apart.max()) < 0.05
    # Hair is scattered over the skin, and which strand grows where hangs on the last bit of a position.
    hairless = (truth.labels != Label.HAIR) & (other.labels != Label.HAIR)
    np.testing.assert_array_equal(other.labels[hairless], truth.labels[hairless])


def test_the_landmarks_of_the_character_are_those_of_the_head(original, reference, redrawn):
    """In the camera's frame, to 1 micrometre."""
    first, second = reference.geometry, redrawn.geometry
    assert first is not None and second is not None
    np.testing.assert_allclose(second.landmarks_cam_m, first.landmarks_cam_m, atol=1e-6)
    assert len(original.landmark_vertices) == len(first.landmarks_cam_m)


def test_every_setting_of_a_description_reaches_the_model(original, exported, tmp_path):
    """Shapes as identity modes, numbers in a named mesh, pupils found or given, lashes kept whole, faces left out."""
    folder = exported["fbx"].parent
    entries = description_entries(original, by_number=True)
    materials = entries["materials"] | {"Std_SCALP": "left_out", "Std_NECK": "lashes"}
    del entries["pupils"]
    changed = {"identity_shapes": ["Smile"], "landmark_mesh": "CC_Base_Body", "materials": materials}
    (tmp_path / "head.fbx").write_bytes((folder / "head.fbx").read_bytes())
    path = write_description(tmp_path, file="head.fbx", **entries | changed)
    model = load_own_model("character", str(path), identity_modes=1, source=None, cache=tmp_path)
    smile = original.expression_basis_m[1][original.landmark_vertices]
    np.testing.assert_allclose(model.identity_basis_m[0][model.landmark_vertices], smile, atol=1e-6)
    assert len(model.face_sizes) == (original.face_regions != Region.SCALP).sum()
    lashes = np.repeat(model.face_regions == Region.LASHES, model.face_sizes)
    assert lashes.sum() == 3 * (original.face_regions == Region.NECK).sum()
    assert (model.corner_uvs[lashes, 0] < 0).all()
    # Found on their own, the pupils are those that the original found in the same way.
    shift = original.mean_vertices_m[original.landmark_vertices[0]] - model.mean_vertices_m[model.landmark_vertices[0]]
    np.testing.assert_allclose(
        model.mean_vertices_m[model.eye_landmark_vertices] + shift,
        original.mean_vertices_m[original.eye_landmark_vertices],
        atol=1e-6,
    )


WRONG = {
    "bone": ({"bones": BONES | {"jaw": "Jaw"}}, r"`bones` names 'Jaw', .* it has 'CC_Crown', 'CC_Eye_L'"),
    "no neck": ({"bones": {"head": "CC_Head"}}, r"bones must map head and neck at least, but maps \['head'\]"),
    "shape": ({"shape_keys": {"jawOpen": "Open"}}, r"`shape_keys` names 'Open', .* it has 'Jaw_Open', 'Smile'"),
    "material": ({"materials": {"Std_SKIN": "skin"}}, r"maps no region to .*'Std_IRIS'.* or left_out"),
    "region": ({"materials": {"Std_SKIN": "hair"}}, r"materials\.Std_SKIN: Input should be 'skin', 'scalp'"),
    "empty": ({"landmarks": [f"mark_{number}" for number in range(68)]}, r"no empty 'mark_0'; it has landmark_00"),
    "number": ({"landmarks": list(range(100_000, 100_068))}, r"vertex 100000 of mesh .* has vertices 0 to"),
    "mesh": ({"landmark_mesh": "Body"}, r"has the meshes CC_Base_Body; landmark_mesh is 'Body'"),
    "units": ({"units": "mm"}, r"measures 6\.\d+e-05 m between .* read in mm; `units: m`"),
    "nothing": ({"materials": {f"Std_{region.name}": "left_out" for region in REGIONS}}, r"none of which is to be"),
    "eyes": (
        {"materials": {f"Std_{region.name}": "skin" for region in REGIONS}},
        r"no face of eye_left was found; map the material of both eyes",
    ),
}


@pytest.fixture(scope="module")
def imported_once(exported):
    """The FBX imported once, for tests of what is made of it."""
    from render.heads.character_scene import read_character_scene

    return read_character_scene(exported["fbx"].parent / "head.fbx", unit_m=1.0)


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_description_of_a_character_says_what_the_file_has(
    what, original, imported_once, tmp_path, monkeypatch
):
    """Names that are not in the file, units that do not fit, nothing to render: each an error with the remedy."""
    settings, message = WRONG[what]

    def imported(path: Path, *, unit_m: float):
        assert path.name == "head.fbx"
        moved = {"vertices_m", "empties_m", "bone_heads_m", "bone_tails_m", "shapes_m"}
        scaled = {
            name: {key: unit_m * value for key, value in getattr(imported_once, name).items()}
            if isinstance(getattr(imported_once, name), dict)
            else unit_m * getattr(imported_once, name)
            for name in moved
        }
        return dataclasses.replace(imported_once, **scaled)

    monkeypatch.setattr("render.heads.character.read_character_scene", imported)
    (tmp_path / "head.fbx").write_bytes(b"stands for the real one")
    entries = description_entries(original, by_number=True) | {"file": "head.fbx"} | settings
    path = write_description(tmp_path, **entries)
    with pytest.raises(HeadModelError, match=message):
        load_own_model("character", str(path), identity_modes=0, source=None, cache=tmp_path)


def test_a_file_that_blender_cannot_import_is_an_error_with_its_reason(original, tmp_path):
    """A text called .glb, and a format that is not read at all."""
    (tmp_path / "head.glb").write_text("no glTF")
    (tmp_path / "head.max").write_text("no glTF")
    entries = description_entries(original, by_number=True)
    with pytest.raises(HeadModelError, match=r"Blender cannot import .*head\.glb: .*export it again"):
        path = write_description(tmp_path, file="head.glb", **entries)
        load_own_model("character", str(path), identity_modes=0, source=None, cache=tmp_path)
    with pytest.raises(HeadModelError, match=r"head\.max is no character .* \.fbx, \.glb, \.gltf"):
        path = write_description(tmp_path, file="head.max", **entries)
        load_own_model("character", str(path), identity_modes=0, source=None, cache=tmp_path)
