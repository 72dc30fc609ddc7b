"""Meshes of polygons from arrays, paint on their points, and their subdivision."""

import bpy
import numpy as np
from jaxtyping import Float, Int


def polygon_mesh(
    name: str,
    points_m: Float[np.ndarray, "n 3"],
    corners: Int[np.ndarray, " c"],
    face_sizes: Int[np.ndarray, " f"],
    *,
    made_by: str,
    corner_uvs: Float[np.ndarray, "c 2"] | None = None,
    smooth: bool = True,
) -> bpy.types.Mesh:
    """A mesh of faces that list their corners one after the other, each corner the number of its point.

    Raises: ValueError when the faces make no valid mesh; it names `made_by`, where they came from.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(points_m))
    mesh.vertices.foreach_set("co", _flat(points_m))
    mesh.loops.add(len(corners))
    mesh.loops.foreach_set("vertex_index", corners.astype(np.int32))
    mesh.polygons.add(len(face_sizes))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(face_sizes) - face_sizes).astype(np.int32))
    if corner_uvs is not None:
        mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", _flat(corner_uvs))
    if not smooth:  # new meshes are
        mesh.shade_flat()
    mesh.update(calc_edges=True)
    if mesh.validate(verbose=False):
        raise ValueError(f"{name!r} is no valid mesh: Blender had to repair it; check {made_by}")
    return mesh


def paint_points(
    mesh: bpy.types.Mesh, attribute: str, values: Float[np.ndarray, " n"] | Float[np.ndarray, "n 3"]
) -> None:
    """Give each point of a mesh a number or a triple, which materials read by the attribute's name."""
    kind, field = ("FLOAT", "value") if values.ndim == 1 else ("FLOAT_VECTOR", "vector")
    mesh.attributes.new(attribute, kind, "POINT").data.foreach_set(field, _flat(values))


def subdivide(part: bpy.types.Object, level: int) -> None:
    """Add the subdivision, after the modifiers that are there; none at level 0."""
    if level == 0:
        return
    modifier = part.modifiers.new("subdivision", "SUBSURF")
    # Both levels, so that what is measured (landmarks, exported meshes) is what is rendered.
    modifier.levels = modifier.render_levels = level
    # Smooth UVs move the rim of an iris by a fraction of a pixel, and take as long as the surface itself.
    modifier.uv_smooth = "NONE"


def _flat(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32).ravel()
