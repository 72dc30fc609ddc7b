"""Pieces of quads as one mesh object with a material each, a ground-truth label, and smooth shading."""

from collections.abc import Mapping, Sequence

import bpy
import numpy as np

from render.accessories.pieces import Piece
from render.blender.passes import set_surface_labels
from render.blender.polygon_mesh import paint_points, polygon_mesh, subdivide
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
    points = np.concatenate([piece.vertices_m for piece in pieces])
    quads = np.concatenate([piece.quads + start for piece, start in zip(pieces, starts[:-1], strict=True)])
    used = sorted({piece.material for piece in pieces})
    slots = np.repeat([used.index(piece.material) for piece in pieces], [len(piece.quads) for piece in pieces])
    mesh = polygon_mesh(name, points, quads.ravel(), np.full(len(quads), 4), made_by="what made its pieces")
    for material in used:
        mesh.materials.append(materials[material])
    mesh.polygons.foreach_set("material_index", slots.astype(np.int32))
    set_surface_labels(mesh, np.full(len(quads), label, dtype=np.uint8))
    for attribute, values in (attributes or {}).items():
        paint_points(mesh, attribute, values)
    made = bpy.data.objects.new(name, mesh)
    subdivide(made, subdivision_level)
    return made
