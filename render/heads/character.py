"""A rigged character (FBX, glTF) made into a HeadModel by a description that maps bones, shape keys and materials."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int

from render.heads.character_scene import ImportedCharacter, marked_vertex, merged_copies, read_character_scene
from render.heads.eyeballs import eyeball_uvs, flat_eye_uvs, front_vertex, limbus_angle_rad
from render.heads.model import BONE_NAMES, Bone, HeadModel, Region
from render.heads.model_checks import UNITS_M, HeadModelError, check_finite, check_head_model
from render.heads.model_description import CharacterDescription
from render.heads.morphable import LEFT_EYE, ORIGIN, RIGHT_EYE, check_mode_count, eye_frame, skin_regions

LEFT_OUT = "left_out"
PARENTS = {"neck": None, "head": "neck", "jaw": "head", "eye_left": "head", "eye_right": "head"}
EYE_REGIONS = (int(Region.SCLERA), int(Region.IRIS))
# First coordinate of lashes that are hair as they stand: render.heads.model.modelled_hair.
_WHOLE_LASHES_U = -1.0


def read_character(
    description: CharacterDescription, files: dict[str, Path], *, content_sha256: str, identity_modes: int
) -> HeadModel:
    """The character of a file, at rest, with the five bones, shape keys and regions that the description maps.

    What is bound to any other bone goes with the nearest mapped bone above it, or stays with the torso. Each of
    `identity_shapes` is one identity mode: a coefficient of 1 adds the whole shape.
    Raises: HeadModelError that names the file, what it lacks, and what it has.
    """
    scene = read_character_scene(files["file"], unit_m=UNITS_M[description.units])
    where = str(scene.path)
    check_finite(scene.vertices_m, where=where)
    _check_names(description, scene)
    check_mode_count(len(description.identity_shapes), identity_modes, what="identity", where=where)
    same = merged_copies(scene) if scene.path.suffix.lower() != ".fbx" else np.arange(len(scene.vertices_m))
    corners, keep = _kept_faces(description, scene, same)
    used = np.unique(corners)
    usable = np.zeros(len(scene.vertices_m), dtype=bool)
    usable[used] = True
    usable |= usable[same]
    marks = [
        int(same[marked_vertex(point, scene, usable, landmark_mesh=description.landmark_mesh)])
        for point in (*description.landmarks, *(description.pupils or ()))
    ]
    number = np.zeros(len(scene.vertices_m), dtype=np.int64)
    number[used] = np.arange(len(used))
    landmarks = number[marks[:68]]
    vertices_m = scene.vertices_m[used]
    middle_m, unit = eye_frame(vertices_m[landmarks])
    origin_m = middle_m + unit * np.array(ORIGIN)
    kept_corners = np.repeat(keep, scene.sizes)
    regions = [Region[description.materials[name].upper()] for name in np.array(scene.materials)[keep]]
    model = HeadModel(
        family="character",
        content_sha256=content_sha256,
        mean_vertices_m=(vertices_m - origin_m).astype(np.float32),
        face_sizes=scene.sizes[keep].astype(np.int32),
        face_vertices=number[corners].astype(np.int32),
        corner_uvs=scene.uvs[kept_corners].astype(np.float32),
        face_regions=np.array(regions, dtype=np.uint8),
        identity_basis_m=_shapes(scene, description.identity_shapes[:identity_modes], used),
        expression_names=tuple(description.shape_keys),
        expression_basis_m=_shapes(scene, tuple(description.shape_keys.values()), used),
        bones=(),
        landmark_vertices=landmarks.astype(np.int32),
        eye_landmark_vertices=landmarks[[42, 36]].astype(np.int32),
    )
    check_head_model(model, where=where, units=description.units, rigged=False)
    model = replace(model, bones=_bones(description, scene, used, origin_m))
    regions = np.where(model.face_regions == Region.SKIN, skin_regions(model), model.face_regions)
    model = _with_eyes(replace(model, face_regions=regions))
    if description.pupils is not None:
        model = replace(model, eye_landmark_vertices=number[marks[68:]].astype(np.int32))
    check_head_model(model, where=where, units=description.units)
    return model


def _check_names(description: CharacterDescription, scene: ImportedCharacter) -> None:
    materials = set(scene.materials)
    for setting, wanted, present in (
        ("bones", list(description.bones.values()), scene.bone_parents),
        ("shape_keys", list(description.shape_keys.values()), scene.shapes_m),
        ("identity_shapes", list(description.identity_shapes), scene.shapes_m),
        ("materials", list(description.materials), materials),
    ):
        missing = [name for name in wanted if name not in present]
        if missing:
            raise HeadModelError(
                f"{scene.path}: `{setting}` names {', '.join(map(repr, missing))}, which the file does not have; "
                f"it has {', '.join(map(repr, sorted(present))) or 'none'}"
            )
    unmapped = sorted(materials - set(description.materials))
    if unmapped:
        raise HeadModelError(
            f"{scene.path}: `materials` maps no region to {', '.join(map(repr, unmapped))}; give each one of "
            f"{', '.join(region.name.lower() for region in Region)}, or {LEFT_OUT} for what is not to be rendered"
        )


def _kept_faces(
    description: CharacterDescription, scene: ImportedCharacter, same: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " c"], np.ndarray]:
    """The corners of all faces that are rendered, with copies of vertices merged, and which faces those are."""
    regions = np.array([description.materials[name] for name in scene.materials], dtype=np.str_)
    keep = regions != LEFT_OUT
    corners = same[scene.corners]
    # A face that lost a corner by merging had no area before.
    owner = np.repeat(np.arange(len(scene.sizes)), scene.sizes)
    distinct = np.unique(np.column_stack([owner, corners]), axis=0)[:, 0]
    keep &= np.bincount(distinct, minlength=len(scene.sizes)) == scene.sizes
    if not keep.any():
        raise HeadModelError(
            f"{scene.path} has {len(scene.sizes)} faces, none of which is to be rendered; at least one was expected. "
            f"Export the meshes too, and map their materials to something else than {LEFT_OUT}"
        )
    return corners[np.repeat(keep, scene.sizes)], keep


def _shapes(
    scene: ImportedCharacter, names: tuple[str, ...], used: Int[np.ndarray, " u"]
) -> Float32[np.ndarray, "k u 3"]:
    if not names:
        return np.zeros((0, len(used), 3), dtype=np.float32)
    return np.stack([scene.shapes_m[name][used] for name in names]).astype(np.float32)


def _bones(
    description: CharacterDescription,
    scene: ImportedCharacter,
    used: Int[np.ndarray, " u"],
    origin_m: Float[np.ndarray, "3"],
) -> tuple[Bone, ...]:
    ours = {file_name: name for name, file_name in description.bones.items()}
    weights = {name: np.zeros(len(used)) for name in description.bones}
    total = scene.weights[used].sum(axis=1)
    loose = np.unique(scene.mesh_of_vertex[used[total <= 0]])
    if len(loose):
        raise HeadModelError(
            f"{scene.path}: {np.count_nonzero(total <= 0)} rendered vertices are bound to no bone and would hang in "
            f"the air when the head turns; they belong to {', '.join(scene.mesh_names[mesh] for mesh in loose)}. "
            f"Bind them, or map their material to {LEFT_OUT}"
        )
    for column, name in enumerate(scene.bone_parents):
        while name and name not in ours:
            name = scene.bone_parents[name]  # noqa: PLW2901
        if name:
            weights[ours[name]] += scene.weights[used, column] / total
    bones = []
    for name in BONE_NAMES:
        if name in description.bones:
            file_name = description.bones[name]
            # A bone that moves nothing by itself goes with the head.
            anchors = np.flatnonzero(weights[name] > 0.5 * weights[name].max(initial=0.0))
            anchors = anchors if len(anchors) else np.flatnonzero(weights["head"] > 0)
            joint_m, tail_m = scene.bone_heads_m[file_name] - origin_m, scene.bone_tails_m[file_name] - origin_m
            bones.append(Bone(name, PARENTS[name], joint_m, tail_m, anchors, weights[name].astype(np.float32)))
    return tuple(bones)


def _with_eyes(model: HeadModel) -> HeadModel:
    """Iris coordinates about the joints of the eyes, or flat where eyes have no bones; the pupils; lashes whole."""
    vertices_m = model.mean_vertices_m.astype(np.float64)
    landmarks_m = vertices_m[model.landmark_vertices]
    region_of_corner = np.repeat(model.face_regions, model.face_sizes)
    uvs = model.corner_uvs.copy()
    uvs[region_of_corner == Region.LASHES, 0] = _WHOLE_LASHES_U
    eye_corners = np.flatnonzero(np.isin(region_of_corner, EYE_REGIONS))
    joints = {bone.name: bone.joint_m for bone in model.bones}
    middle_m, _ = eye_frame(landmarks_m)
    left_side = vertices_m[model.face_vertices[eye_corners], 0] > middle_m[0]
    pupils = []
    for name, outline, mine in (("eye_left", LEFT_EYE, left_side), ("eye_right", RIGHT_EYE, ~left_side)):
        corners = eye_corners[mine]
        if len(corners) == 0:
            raise HeadModelError(
                f"head family 'character': no face of {name} was found; map the material of both eyes to sclera or iris"
            )
        members = np.unique(model.face_vertices[corners])
        points_m = vertices_m[model.face_vertices[corners]]
        if name in joints:
            centre_m = joints[name]
            limbus_rad = limbus_angle_rad(vertices_m[members], centre_m)
            uvs[corners] = eyeball_uvs(points_m, centre_m, limbus_rad=limbus_rad)
            pupils.append(front_vertex(vertices_m, members, centre_m))
        else:
            centre_m = landmarks_m[outline].mean(axis=0)
            uvs[corners] = flat_eye_uvs(points_m, centre_m)
            pupils.append(int(members[np.argmin(np.linalg.norm(vertices_m[members] - centre_m, axis=1))]))
    return replace(model, corner_uvs=uvs, eye_landmark_vertices=np.array(pupils, dtype=np.int32))
