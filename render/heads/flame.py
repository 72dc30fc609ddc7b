"""FLAME: its pickle made into a HeadModel, with its own joints and weights, eyeballs that turn, and expression modes.

Source of the layout: Li et al. 2017, "Learning a model of facial shape and expression from 4D scans", and the published
files: v_template, shapedirs (300 identity modes, then 100 of expression, scaled to one standard deviation),
J_regressor, weights (root, neck, jaw, left eye, right eye), f. Pose-dependent corrections (posedirs) are not applied.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from render.heads.eyeballs import PUPIL_UV, eyeball_uvs, front_vertex, limbus_angle_rad
from render.heads.model import LIMBUS_RADIUS_UV, Bone, HeadModel, Region
from render.heads.model_checks import HeadModelError, check_head_model
from render.heads.model_description import FlameDescription
from render.heads.morphable import (
    FileShapes,
    check_mode_count,
    mean_in_head_frame_m,
    numbered_names,
    skin_regions,
    unrigged_head,
)
from render.heads.restricted_pickle import as_array, load_numbers

IDENTITY_MODES = 300
# FLAME's joints in their order, by the names of ours. Its root moves the whole, and its neck turns the head; our neck
# bone sits at the root and moves nothing by itself, it only takes its share of the turn.
ROOT, HEAD, JAW, EYE_LEFT, EYE_RIGHT = range(5)
PARENTS = {"neck": None, "head": "neck", "jaw": "head", "eye_left": "head", "eye_right": "head"}
# A joint follows the weighted mean of the vertices that it is regressed from: each is listed as often as it weighs.
_ANCHOR_STEPS = 512
_FIELDS = ("v_template", "shapedirs", "J_regressor", "weights", "f")


def read_flame(
    description: FlameDescription, files: dict[str, Path], *, content_sha256: str, identity_modes: int
) -> HeadModel:
    """The head of a FLAME file with its first `identity_modes` modes and as many expressions as described.

    Nothing in the pickle is run (render.heads.restricted_pickle). Expressions are expression_00, expression_01, …
    Raises: HeadModelError that names the file and what is wrong with it.
    """
    path = files["file"]
    fields = _read_fields(path)
    template, triangles = fields["v_template"], fields["f"].astype(np.int64)
    directions, weights, regressor = fields["shapedirs"], fields["weights"], fields["J_regressor"]
    vertices = len(template)
    for name, expected in (
        ("shapedirs", (vertices, 3)),
        ("weights", (vertices, 5)),
        ("J_regressor", (5, vertices)),
    ):
        if fields[name].shape[:2] != expected:
            raise HeadModelError(f"{path}: {name} has the shape {fields[name].shape}; it should begin with {expected}")
    check_mode_count(min(directions.shape[2], IDENTITY_MODES), identity_modes, what="identity", where=str(path))
    expressions = description.expression_modes
    check_mode_count(max(directions.shape[2] - IDENTITY_MODES, 0), expressions, what="expression", where=str(path))
    landmarks = _landmark_vertices(description, files, triangles)
    if triangles.size == 0 or triangles.max() >= vertices or landmarks.max() >= vertices:
        raise HeadModelError(
            f"{path}: {len(triangles)} faces and 68 landmarks name vertices up to "
            f"{max(int(triangles.max(initial=0)), int(landmarks.max()))}; there must be a face, and the mesh has "
            f"vertices 0 to {vertices - 1}"
        )
    modes = np.moveaxis(directions, 2, 0)
    shapes = FileShapes(
        mean=template,
        triangles=triangles,
        identity_modes=modes[:identity_modes],
        expression_names=numbered_names(expressions),
        expression_modes=modes[IDENTITY_MODES : IDENTITY_MODES + expressions],
        landmark_vertices=landmarks,
    )
    model = unrigged_head("flame", content_sha256, shapes, units=description.units, where=str(path))
    # The file's joints follow the vertices that they are regressed from.
    mean_m = mean_in_head_frame_m(shapes, units=description.units)
    joints_m = regressor @ mean_m
    model = replace(model, bones=_bones(mean_m, joints_m, regressor, weights))
    model = _with_eyeballs(model, weights, joints_m)
    check_head_model(model, where=str(path), units=description.units)
    return model


def _read_fields(path: Path) -> dict[str, np.ndarray]:
    content = load_numbers(path)
    if not isinstance(content, dict) or not set(_FIELDS) <= set(content):
        held = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise HeadModelError(f"{path} holds {held}; a FLAME file holds {', '.join(_FIELDS)}. Name generic_model.pkl")
    fields = {name: as_array(content[name], what=f"{path}: {name}").astype(np.float64) for name in _FIELDS}
    for name, axes in (("v_template", 2), ("shapedirs", 3), ("J_regressor", 2), ("weights", 2), ("f", 2)):
        if fields[name].ndim != axes:
            raise HeadModelError(f"{path}: {name} has the shape {fields[name].shape}; {axes} axes were expected")
    return fields


def _landmark_vertices(
    description: FlameDescription, files: dict[str, Path], triangles: Int[np.ndarray, "f 3"]
) -> Int[np.ndarray, "68"]:
    """Vertex numbers as given, or of the embedding file's 68 points on faces the corner that lies nearest."""
    if (description.landmarks is None) == (description.landmark_file is None):
        raise HeadModelError(
            f"the description of {files['file']} must give either `landmarks` (68 vertex numbers) or `landmark_file` "
            "(an embedding with full_lmk_faces_idx and full_lmk_bary_coords, such as DECA's landmark_embedding.npy)"
        )
    if description.landmarks is not None:
        return np.array(description.landmarks)
    path = files["landmark_file"]
    content = load_numbers(path)
    if not isinstance(content, dict) or not {"full_lmk_faces_idx", "full_lmk_bary_coords"} <= set(content):
        held = ", ".join(sorted(map(str, content))) if isinstance(content, dict) else type(content).__name__
        raise HeadModelError(
            f"{path} holds {held}; all 68 landmarks are needed, as full_lmk_faces_idx and full_lmk_bary_coords. An "
            "embedding of 51 points has no jaw line: write 68 vertex numbers into the description instead"
        )
    faces = as_array(content["full_lmk_faces_idx"], what=f"{path}: full_lmk_faces_idx").astype(np.int64).ravel()
    shares = as_array(content["full_lmk_bary_coords"], what=f"{path}: full_lmk_bary_coords").reshape(-1, 3)
    if len(faces) != 68 or len(shares) != 68 or faces.min() < 0 or faces.max() >= len(triangles):
        raise HeadModelError(
            f"{path} gives {len(faces)} faces up to {int(faces.max(initial=0))} and {len(shares)} places on them; 68 "
            f"on faces 0 to {len(triangles) - 1} were expected. Does it belong to this model?"
        )
    return triangles[faces, np.argmax(shares, axis=1)]


def _bones(
    mean_m: Float[np.ndarray, "n 3"],
    joints_m: Float[np.ndarray, "5 3"],
    regressor: Float[np.ndarray, "5 n"],
    weights: Float[np.ndarray, "n 5"],
) -> tuple[Bone, ...]:
    crown_m = np.array([joints_m[HEAD, 0], mean_m[:, 1].max(), joints_m[HEAD, 2]])
    places = {
        "neck": (ROOT, joints_m[HEAD]),
        "head": (HEAD, crown_m),
        "jaw": (JAW, joints_m[JAW] + [0.0, -0.03, 0.08]),
        "eye_left": (EYE_LEFT, joints_m[EYE_LEFT] + [0.0, 0.0, 0.02]),
        "eye_right": (EYE_RIGHT, joints_m[EYE_RIGHT] + [0.0, 0.0, 0.02]),
    }
    bones = []
    for name, (joint, tail_m) in places.items():
        repeats = np.rint(np.clip(regressor[joint], 0.0, None) * _ANCHOR_STEPS).astype(int)
        bound = np.zeros(len(mean_m)) if name == "neck" else weights[:, joint]
        bones.append(
            Bone(
                name=name,
                parent=PARENTS[name],
                joint_m=joints_m[joint],
                tail_m=tail_m,
                anchor_vertices=np.repeat(np.arange(len(mean_m)), repeats),
                weights=bound.astype(np.float32),
            )
        )
    return tuple(bones)


def _with_eyeballs(
    model: HeadModel, weights: Float[np.ndarray, "n 5"], joints_m: Float[np.ndarray, "5 3"]
) -> HeadModel:
    vertices_m = model.mean_vertices_m.astype(np.float64)
    triangles = model.face_vertices.reshape(-1, 3)
    regions, uvs, pupils = skin_regions(model), model.corner_uvs.reshape(-1, 3, 2).copy(), []
    for joint in (EYE_LEFT, EYE_RIGHT):
        members = np.flatnonzero(weights[:, joint] > 0.5)
        if len(members) == 0:
            raise HeadModelError(f"no vertex of this FLAME model is bound to joint {joint}, an eye; 5 joints expected")
        mine = (weights[triangles, joint] > 0.5).all(axis=1)
        limbus_rad = limbus_angle_rad(vertices_m[members], joints_m[joint])
        corners_m = vertices_m[triangles[mine]].reshape(-1, 3)
        uvs[mine] = eyeball_uvs(corners_m, joints_m[joint], limbus_rad=limbus_rad).reshape(-1, 3, 2)
        middles_m = corners_m.reshape(-1, 3, 3).mean(axis=1)
        middle_uv = eyeball_uvs(middles_m, joints_m[joint], limbus_rad=limbus_rad)
        regions[mine] = np.where(
            np.linalg.norm(middle_uv - PUPIL_UV, axis=1) < LIMBUS_RADIUS_UV, Region.IRIS, Region.SCLERA
        )
        pupils.append(front_vertex(vertices_m, members, joints_m[joint]))
    return replace(
        model,
        face_regions=regions,
        corner_uvs=uvs.reshape(-1, 2).astype(np.float32),
        eye_landmark_vertices=np.array(pupils, dtype=np.int32),
    )
