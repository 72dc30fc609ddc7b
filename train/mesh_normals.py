"""Normals of a triangle mesh: of its faces, and at its vertices as means weighted by the angles of the corners."""

import numpy as np
from jaxtyping import Float, Int

Triangles = Int[np.ndarray, "t 3"]


def face_normals(vertices: Float[np.ndarray, "n 3"], triangles: Triangles) -> Float[np.ndarray, "t 3"]:
    """Unit normals by the right-hand rule over each triangle's corners; (0, 0, 0) where a triangle has no area."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    return _unit(np.cross(b - a, c - a))


def vertex_normals(vertices: Float[np.ndarray, "n 3"], triangles: Triangles) -> Float[np.ndarray, "n 3"]:
    """Unit normals at vertices: the mean of the unit normals of the triangles around, weighted by their angle there.

    The weights make the result independent of how polygons were cut into triangles. (0, 0, 0) where a vertex belongs
    to no triangle with an area. Source: bouafif2020 equation 2.
    """
    normals = face_normals(vertices, triangles)
    sums = np.zeros_like(vertices)
    for corner in range(3):
        here, after, before = (triangles[:, (corner + turn) % 3] for turn in range(3))
        onward, back = vertices[after] - vertices[here], vertices[before] - vertices[here]
        sine, cosine = np.linalg.norm(np.cross(onward, back), axis=1), np.einsum("ij,ij->i", onward, back)
        np.add.at(sums, here, np.arctan2(sine, cosine)[:, None] * normals)
    return _unit(sums)


def _unit(vectors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
