"""TrueSurface: the vertices and normals of a known mesh, ready to be asked for the one nearest to a point."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

from train.errors import InputError
from train.mesh_normals import vertex_normals


@dataclass(frozen=True)
class TrueSurface:
    """Vertices in millimetres (z along the view or out of the face), unit normals, and which lie on the mesh's rim."""

    vertices_mm: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"]
    on_border: Bool[np.ndarray, " n"]
    tree: KDTree

    @property
    def depth_range_mm(self) -> float:
        """Extent along z: what errors are shares of when they are given in percent. Source: SPEC B3."""
        return float(np.ptp(self.vertices_mm[:, 2]))


def true_surface(vertices_mm: Float[np.ndarray, "n 3"], triangles: Int[np.ndarray, "t 3"]) -> TrueSurface:
    """The surface of a mesh; vertices that belong to no triangle with an area have no normal and are left out.

    Raises: InputError when there is no triangle with an area, when one names a vertex that does not exist, or when a
    vertex is no finite number.
    """
    if not np.isfinite(vertices_mm).all():
        broken = int((~np.isfinite(vertices_mm)).any(axis=1).sum())
        raise InputError(f"{broken} of {len(vertices_mm)} vertices of the true mesh are not finite; remove them")
    if triangles.size and not (triangles.min() >= 0 and triangles.max() < len(vertices_mm)):
        raise InputError(
            f"triangles name vertices {triangles.min()} to {triangles.max()}, but the true mesh has vertices 0 to "
            f"{len(vertices_mm) - 1} (count from 0)"
        )
    vertices_mm = vertices_mm.astype(np.float64)
    normals = vertex_normals(vertices_mm, triangles)
    known = normals.any(axis=1)
    if not known.any():
        raise InputError(
            f"the true mesh has {len(vertices_mm)} vertices and {len(triangles)} triangles, of which none has an area; "
            "errors along the normal need a surface"
        )
    on_border = _on_border(triangles, count=len(vertices_mm))
    return TrueSurface(vertices_mm[known], normals[known], on_border[known], KDTree(vertices_mm[known]))


def _on_border(triangles: Int[np.ndarray, "t 3"], *, count: int) -> Bool[np.ndarray, " n"]:
    """Which vertices end an edge that belongs to one triangle alone: the rim of the mesh, and of holes in it."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    distinct, uses = np.unique(edges, axis=0, return_counts=True)
    result = np.zeros(count, dtype=bool)
    result[distinct[uses == 1].ravel()] = True
    return result
