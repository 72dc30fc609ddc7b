"""The ICT head family: ICT-FaceKit's meshes compiled into one HeadModel."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int

from render.asset_archive import tree_content
from render.dataset_format import canonical_sha256
from render.heads.compiled import load_head, save_head
from render.heads.ict_regions import FACE_COUNT, VERTEX_COUNT, ict_face_regions, visible_faces
from render.heads.ict_rig import ict_bones
from render.heads.ict_uvs import eye_layouts, ict_corner_uvs, iris_faces
from render.heads.model import HeadModel
from render.heads.obj_file import ObjError, ObjMesh, read_obj, read_positions

# Bump by hand when the code below, ict_regions, ict_rig or ict_uvs makes another model of the same files.
COMPILE_EPOCH = 1
IDENTITY_MODES = 100
EXPRESSIONS = 53
METRES_PER_UNIT = 0.01
MODEL_FOLDER = "FaceXModel"
CHIN_LANDMARK = 8


def load_ict(tree: Path, cache: Path) -> HeadModel:
    """The ICT head, compiled on the first use into `cache`/compiled and read from there afterwards.

    Raises: TreeError when the tree was not installed by `install_asset`; ObjError when a mesh is broken;
    CompiledHeadError when the compiled file is.
    """
    path = compiled_ict_path(tree, cache)
    if not path.exists():
        save_head(compile_ict(tree), path)
    return load_head(path)


def compiled_ict_path(tree: Path, cache: Path) -> Path:
    """Where the compiled model of an installed tree is kept, named for its content. Raises: TreeError as `load_ict`."""
    return cache / "compiled" / f"ict-{compiled_content(tree)}.npz"


def compiled_content(tree: Path) -> str:
    """What the compiled model depends on, as one hash: the asset's content and the epoch of the compiling code."""
    return canonical_sha256({"family": "ict", "tree": tree_content(tree), "epoch": COMPILE_EPOCH})


def compile_ict(tree: Path) -> HeadModel:
    """Read all meshes of an installed ICT-FaceKit (about 5 s, 150 files) and make them one model.

    Centimetres become metres; the axes (x to the person's left, y up, z out of the face) and the origin (between the
    ears) are ours already. An identity file is the mean plus one mode: with coefficients ~ N(0, 1) the distance between
    the pupils is 65.5 +- 3.8 mm (measured; adults: about 63 +- 3.6), so a mode is one standard deviation. No expression
    of the asset moves an eyeball: gaze comes from the eye bones alone, and eyeLook* moves the lids.

    Raises: ObjError or TreeError naming the file and what is wrong with it.
    """
    folder = tree / MODEL_FOLDER
    expression_names, landmark_vertices = read_vertex_indices(folder / "vertex_indices.json")
    mesh = read_obj(folder / "generic_neutral_mesh.obj")
    if (len(mesh.vertices), len(mesh.face_sizes)) != (VERTEX_COUNT, FACE_COUNT):
        raise ObjError(
            f"{folder / 'generic_neutral_mesh.obj'} has {len(mesh.vertices)} vertices and {len(mesh.face_sizes)} "
            f"faces; the ICT head has {VERTEX_COUNT} and {FACE_COUNT}. Fetch the asset ict_facekit again"
        )
    identity_basis_m = read_shapes_m(folder, [f"identity{mode:03d}" for mode in range(IDENTITY_MODES)], mesh)
    expression_basis_m = read_shapes_m(folder, expression_names, mesh)
    mean_m = METRES_PER_UNIT * mesh.vertices
    eyes = eye_layouts(mesh, mean_m)
    corner_uvs = ict_corner_uvs(mesh, mean_m, eyes)
    regions = ict_face_regions(mesh, mean_m, landmark_vertices, iris_faces(mesh, corner_uvs))
    keep = visible_faces(mesh)
    keep_corners = np.repeat(keep, mesh.face_sizes)
    return HeadModel(
        family="ict",
        content_sha256=compiled_content(tree),
        mean_vertices_m=mean_m.astype(np.float32),
        face_sizes=mesh.face_sizes[keep],
        face_vertices=mesh.face_vertices[keep_corners],
        corner_uvs=corner_uvs[keep_corners],
        face_regions=regions[keep],
        identity_basis_m=identity_basis_m,
        expression_names=tuple(expression_names),
        expression_basis_m=expression_basis_m,
        bones=ict_bones(
            mesh,
            mean_m,
            expression_basis_m[expression_names.index("jawOpen")],
            eyes=eyes,
            chin_vertex=int(landmark_vertices[CHIN_LANDMARK]),
        ),
        landmark_vertices=landmark_vertices,
        eye_landmark_vertices=np.array([eye.pupil_vertex for eye in eyes], dtype=np.int32),
    )


def read_shapes_m(folder: Path, names: list[str], mesh: ObjMesh) -> Float32[np.ndarray, "k n 3"]:
    """What each shape (a file `<name>.obj`) adds to the neutral mesh, metres.

    Raises: ObjError when a file is missing, has other vertices than the neutral mesh, or no finite positions.
    """
    shapes_m = np.empty((len(names), len(mesh.vertices), 3), dtype=np.float32)
    for shape_m, name in zip(shapes_m, names, strict=True):
        positions = read_positions(folder / f"{name}.obj", expected_count=len(mesh.vertices))
        shape_m[:] = METRES_PER_UNIT * (positions - mesh.vertices)
    return shapes_m


def read_vertex_indices(path: Path) -> tuple[list[str], Int[np.ndarray, "68"]]:
    """Names of the 53 expressions, and the vertex of each of the 68 landmarks (iBUG order).

    Raises: ObjError when the file is missing, no JSON, or does not hold that many.
    """
    try:
        content = json.loads(path.read_bytes())
        names, landmarks = list(content["expressions"]), list(content["idx_to_landmark_verts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ObjError(f"{path} cannot be used ({error!r}); fetch the asset ict_facekit again") from error
    if len(names) != EXPRESSIONS or "jawOpen" not in names or len(landmarks) != 68:
        raise ObjError(
            f"{path} names {len(names)} expressions and {len(landmarks)} landmarks; {EXPRESSIONS} with jawOpen among "
            "them and 68 were expected. Fetch the asset ict_facekit again"
        )
    if not 0 <= min(landmarks) <= max(landmarks) < VERTEX_COUNT:
        raise ObjError(f"{path}: landmark vertices lie between 0 and {VERTEX_COUNT - 1}, not {sorted(landmarks)}")
    return names, np.array(landmarks, dtype=np.int32)
