"""ImportedCharacter: what a rigged FBX or glTF file holds, in metres and the axes of the head frame."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from render.geometry.frames import WORLD_FROM_HEAD_AXES
from render.heads.model_checks import HeadModelError

SUFFIXES = (".fbx", ".glb", ".gltf")
IMPORT_MODULE = "render.blender.character_import"
# An empty marks the vertex that it lies on: it must be this close.
EMPTY_REACH_M = 0.003
# Shapes that differ by less than this are the same: what a float32 of a head resolves.
_SAME_M = 1e-7
# Rows that agree in all of many columns agree in these sums, and others do not.
_SIGNATURE_SEED = 1


@dataclass(frozen=True)
class ImportedCharacter:
    """All meshes of a file joined, at rest. Faces of any size follow each other in `corners`."""

    path: Path
    mesh_names: tuple[str, ...]
    mesh_of_vertex: Int[np.ndarray, " n"]
    vertices_m: Float[np.ndarray, "n 3"]
    weights: Float[np.ndarray, "n b"]
    shapes_m: dict[str, np.ndarray]
    sizes: Int[np.ndarray, " f"]
    corners: Int[np.ndarray, " c"]
    uvs: Float[np.ndarray, "c 2"]
    materials: tuple[str, ...]
    """The name of the material of each face."""
    bone_parents: dict[str, str]
    bone_heads_m: dict[str, np.ndarray]
    bone_tails_m: dict[str, np.ndarray]
    empties_m: dict[str, np.ndarray]


def read_character_scene(path: Path, *, unit_m: float) -> ImportedCharacter:
    """Import a file in a process of its own; one of Blender's units is `unit_m` metres.

    Raises: HeadModelError when the file is of another kind, or Blender cannot import it.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise HeadModelError(
            f"{path} is no character that can be read; expected a file ending in {', '.join(SUFFIXES)}"
        )
    with tempfile.TemporaryDirectory(prefix="headroom-character-") as folder:
        target = Path(folder) / "character.npz"
        command = [sys.executable, "-m", IMPORT_MODULE, str(path), str(target)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0 or not target.exists():
            raise HeadModelError(
                f"Blender cannot import {path}: {_last_line(run.stderr or run.stdout)}. Open it in Blender to see what "
                "is wrong, and export it again (FBX 7.4 binary, or glTF 2.0)"
            )
        with np.load(target, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
    return _scene(path, content, unit_m)


def _scene(path: Path, content: dict[str, np.ndarray], unit_m: float) -> ImportedCharacter:
    def placed(values: np.ndarray) -> np.ndarray:
        return unit_m * values.reshape(-1, 3) @ WORLD_FROM_HEAD_AXES

    bones = [str(name) for name in content["bone_names"]]
    materials = [str(name) for name in content["material_names"]]
    empties = zip(content["empty_names"], placed(content["empty_places"]), strict=True)
    return ImportedCharacter(
        path=path,
        mesh_names=tuple(str(name) for name in content["mesh_names"]),
        mesh_of_vertex=np.repeat(np.arange(len(content["mesh_sizes"])), content["mesh_sizes"]),
        vertices_m=placed(content["vertices"]),
        weights=content["weights"].reshape(-1, len(bones)),
        shapes_m={name[6:]: placed(values) for name, values in content.items() if name.startswith("shape/")},
        sizes=content["sizes"].astype(np.int64),
        corners=content["corners"].astype(np.int64),
        uvs=content["uvs"].reshape(-1, 2),
        materials=tuple(materials[int(slot)] for slot in content["slots"]),
        bone_parents=dict(zip(bones, (str(name) for name in content["bone_parents"]), strict=True)),
        bone_heads_m=dict(zip(bones, placed(content["bone_heads"]), strict=True)),
        bone_tails_m=dict(zip(bones, placed(content["bone_tails"]), strict=True)),
        empties_m={str(name): place for name, place in empties},
    )


def merged_copies(scene: ImportedCharacter) -> Int[np.ndarray, " n"]:
    """For each vertex the first one that is the same: same mesh, place, weights and shapes.

    glTF stores a vertex once for each normal and texture coordinate that meet there, which would tear a subdivided
    surface along its seams. Vertices that only touch, as those of closed lips, have other shapes and stay apart.
    """
    rows = np.concatenate([scene.weights, *(values / _SAME_M for values in scene.shapes_m.values())], axis=1)
    signature = np.rint(rows @ np.random.default_rng(_SIGNATURE_SEED).uniform(0.5, 1.0, rows.shape[1]))
    keys = np.column_stack([scene.mesh_of_vertex, scene.vertices_m, signature])
    _, first, number = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return first[number.ravel()]


def marked_vertex(
    point: int | str, scene: ImportedCharacter, usable: Bool[np.ndarray, " n"], *, landmark_mesh: str | None
) -> int:
    """The vertex that a description means: a number within a mesh, or the name of an empty that lies on it.

    Raises: HeadModelError when there is no such vertex or empty, or it marks nothing that is rendered.
    """
    if isinstance(point, str):
        if point not in scene.empties_m:
            known = ", ".join(sorted(scene.empties_m)) or "none"
            raise HeadModelError(f"{scene.path} has no empty {point!r}; it has {known}. Names count to the letter")
        distance_m = np.linalg.norm(scene.vertices_m - scene.empties_m[point], axis=1)
        distance_m[~usable] = np.inf
        nearest = int(np.argmin(distance_m))
        if distance_m[nearest] > EMPTY_REACH_M:
            raise HeadModelError(
                f"{scene.path}: the empty {point!r} lies {distance_m[nearest] * 1000:.1f} mm from the nearest vertex; "
                f"put it on the vertex that it marks ({EMPTY_REACH_M * 1000:.0f} mm at most), in the rest pose"
            )
        return nearest
    mesh = landmark_mesh if landmark_mesh is not None or len(scene.mesh_names) != 1 else scene.mesh_names[0]
    if mesh not in scene.mesh_names:
        raise HeadModelError(
            f"{scene.path} has the meshes {', '.join(scene.mesh_names)}; landmark_mesh is {mesh!r}, but it must name "
            "the one that vertex numbers of landmarks count in"
        )
    members = np.flatnonzero(scene.mesh_of_vertex == scene.mesh_names.index(mesh))
    if point >= len(members) or not usable[members[point]]:
        raise HeadModelError(
            f"{scene.path}: vertex {point} of mesh {mesh!r} marks a landmark, but the mesh has vertices 0 to "
            f"{len(members) - 1}, of which those without a rendered face do not count"
        )
    return int(members[point])


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"
