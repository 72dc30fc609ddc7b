"""What a rigged FBX or glTF file holds, as plain arrays: meshes at rest, weights, shape keys, bones, empties.

Run as a process of its own, `python -m render.blender.character_import FILE OUT.npz`, so that importing leaves nothing
behind in the Blender that renders, and no other part needs bpy to read a character.
"""

import os
import sys
import traceback
from pathlib import Path

import bpy
import numpy as np
from jaxtyping import Float

ADDONS = {".fbx": "io_scene_fbx", ".glb": "io_scene_gltf2", ".gltf": "io_scene_gltf2"}


def import_character(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name, in Blender's world (z up), in the units of the file as Blender understands them.

    All meshes are joined; `mesh_names` and `mesh_sizes` tell them apart. `weights` (vertices, bones) are those of the
    file. `shape/NAME` is what a shape key adds to each vertex.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    addon = ADDONS[path.suffix.lower()]
    if addon not in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_enable(module=addon)
    if addon == "io_scene_fbx":
        bpy.ops.import_scene.fbx(filepath=str(path), use_anim=False)
    else:
        bpy.ops.import_scene.gltf(filepath=str(path), merge_vertices=False, disable_bone_shape=True)
    bpy.context.view_layer.update()
    return _arrays()


def _arrays() -> dict[str, np.ndarray]:
    # Copies of a skeleton, one for each level of detail say, count as one.
    found = {bone.name: (rig, bone) for rig in reversed(_objects("ARMATURE")) for bone in rig.data.bones}
    names, bones = list(found), list(found.values())
    meshes = [mesh for mesh in _objects("MESH") if len(mesh.data.vertices)]
    materials = sorted({slot.name for mesh in meshes for slot in mesh.material_slots} | {""})
    shapes = sorted({key.name for mesh in meshes for key in _keys(mesh)})
    count = sum(len(mesh.data.vertices) for mesh in meshes)
    offsets = {f"shape/{name}": np.zeros((count, 3)) for name in shapes}
    parts: dict[str, list[np.ndarray]] = {
        name: [] for name in ("vertices", "weights", "sizes", "corners", "uvs", "slots")
    }
    first = 0
    for mesh in meshes:
        matrix = np.array(mesh.matrix_world, dtype=np.float64)
        end = first + len(mesh.data.vertices)
        rest = _positions(mesh.data.vertices if not mesh.data.shape_keys else mesh.data.shape_keys.reference_key.data)
        parts["vertices"].append(rest @ matrix[:3, :3].T + matrix[:3, 3])
        for key in _keys(mesh):
            offsets[f"shape/{key.name}"][first:end] = (
                _positions(key.data) - _positions(key.relative_key.data)
            ) @ matrix[:3, :3].T
        parts["weights"].append(_weights(mesh, names))
        for name, values in _faces(mesh, materials).items():
            parts[name].append(values + first if name == "corners" else values)
        first = end
    empties = _objects("EMPTY")
    joined = {name: np.concatenate(values) if values else np.zeros(0) for name, values in parts.items()}
    return joined | offsets | {
        "mesh_names": _text(mesh.name for mesh in meshes),
        "mesh_sizes": np.array([len(mesh.data.vertices) for mesh in meshes], dtype=np.int64),
        "material_names": _text(materials),
        "bone_names": _text(names),
        "bone_parents": _text(bone.parent.name if bone.parent else "" for _, bone in bones),
        "bone_heads": _places(rig.matrix_world @ bone.head_local for rig, bone in bones),
        "bone_tails": _places(rig.matrix_world @ bone.tail_local for rig, bone in bones),
        "empty_names": _text(empty.name for empty in empties),
        "empty_places": _places(empty.matrix_world.translation for empty in empties),
    }  # fmt: skip


def _objects(kind: str) -> list[bpy.types.Object]:
    return sorted((item for item in bpy.context.scene.objects if item.type == kind), key=lambda item: item.name)


def _keys(mesh: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    """All shape keys but the rest shape."""
    keys = mesh.data.shape_keys
    return [] if keys is None else [key for key in keys.key_blocks if key != keys.reference_key]


def _positions(items: bpy.types.bpy_prop_collection) -> Float[np.ndarray, "n 3"]:
    flat = np.empty(len(items) * 3, dtype=np.float32)
    items.foreach_get("co", flat)
    return flat.reshape(-1, 3).astype(np.float64)


def _weights(mesh: bpy.types.Object, bone_names: list[str]) -> Float[np.ndarray, "n b"]:
    weights = np.zeros((len(mesh.data.vertices), len(bone_names)))
    column = {name: number for number, name in enumerate(bone_names)}
    columns = [column.get(group.name) for group in mesh.vertex_groups]
    for vertex in mesh.data.vertices:
        for entry in vertex.groups:
            if columns[entry.group] is not None:
                weights[vertex.index, columns[entry.group]] += entry.weight
    # A mesh that hangs from one bone, as eyes and teeth of some characters do.
    if mesh.parent_type == "BONE" and mesh.parent_bone in column:
        weights[:, column[mesh.parent_bone]] = 1.0
    return weights


def _faces(mesh: bpy.types.Object, materials: list[str]) -> dict[str, np.ndarray]:
    data = mesh.data
    sizes, slots = (np.empty(len(data.polygons), dtype=np.int32) for _ in range(2))
    data.polygons.foreach_get("loop_total", sizes)
    data.polygons.foreach_get("material_index", slots)
    corners = np.empty(len(data.loops), dtype=np.int32)
    data.loops.foreach_get("vertex_index", corners)
    uvs = np.zeros(len(data.loops) * 2, dtype=np.float32)
    if data.uv_layers.active is not None:
        data.uv_layers.active.data.foreach_get("uv", uvs)
    numbers = np.array([materials.index(slot.name) for slot in mesh.material_slots] or [materials.index("")])
    return {"sizes": sizes, "corners": corners, "uvs": uvs.reshape(-1, 2), "slots": numbers[slots]}


def _text(values) -> np.ndarray:
    return np.array(list(values), dtype=np.str_)


def _places(values) -> Float[np.ndarray, "n 3"]:
    return np.array([tuple(value) for value in values], dtype=np.float64).reshape(-1, 3)


def main() -> int:
    """Import the file named first and write its arrays to the file named second."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    with target.open("wb") as file:
        np.savez(file, **import_character(source))  # pyright: ignore[reportArgumentType]
    return 0


if __name__ == "__main__":
    try:
        code = main()
    except Exception:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # bpy may hang in its own clean-up
