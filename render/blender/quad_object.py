"""Pieces of quads as one mesh object with a material each, a ground-truth label, and smooth shading."""

from collections.abc import Mapping, Sequence

import bpy
import numpy as np

from render.accessories.pieces import Piece
from render.blender.passes import set_surface_labels
from render.dataset_format import Label


def quad_object(
    name: str,
    pieces: Sequence[Piece],
    materials: Mapping[str, bpy.types.Material],
    *,
    label: Label,
    subdivision_level: int,
    attributes: Mapping[str, np.ndarray] | None = None,
) -> bpy.types.Object:
    """One object of all pieces, vertices as they are given; `attributes` are painted on its vertices.

    Raises: ValueError when the pieces make no valid mesh; KeyError when a piece's material is missing.
    """
    starts = np.cumsum([0] + [len(piece.vertices_m) for piece in pieces])
    points = np.concatenate([piece.vertices_m for piece in pieces]).astype(np.float32)
    quads = np.concatenate([piece.quads + start for piece, start in zip(pieces, starts[:-1], strict=True)])
    used = sorted({piece.material for piece in pieces})
    slots = np.repeat([used.index(piece.material) for piece in pieces], [len(piece.quads) for piece in pieces])
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(points))
    mesh.vertices.foreach_set("co", points.ravel())
    mesh.loops.add(quads.size)
    mesh.loops.foreach_set("vertex_index", quads.astype(np.int32).ravel())
    mesh.polygons.add(len(quads))
    mesh.polygons.foreach_set("loop_start", np.arange(0, quads.size, 4, dtype=np.int32))
    for material in used:
        mesh.materials.append(materials[material])
    mesh.polygons.foreach_set("material_index", slots.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(quads), dtype=bool))
    set_surface_labels(mesh, np.full(len(quads), label, dtype=np.uint8))
    for attribute, values in (attributes or {}).items():
        scalar = values.ndim == 1
        added = mesh.attributes.new(attribute, "FLOAT" if scalar else "FLOAT_VECTOR", "POINT")
        added.data.foreach_set("value" if scalar else "vector", np.ascontiguousarray(values, dtype=np.float32).ravel())
    mesh.update(calc_edges=True)
    if mesh.validate(verbose=False):
        raise ValueError(f"{name} is no valid mesh: Blender had to repair it; check what made its pieces")
    made = bpy.data.objects.new(name, mesh)
    if subdivision_level > 0:
        modifier = made.modifiers.new("subdivision", "SUBSURF")
        modifier.levels = modifier.render_levels = subdivision_level
    return made
