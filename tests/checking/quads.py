"""The quads of the procedural head, and which way they face."""

import numpy as np

from render.heads.model import HeadModel


def quads_of(model: HeadModel) -> np.ndarray:
    """Vertex numbers of a head's faces, which must all have four corners; n x 4."""
    return model.face_vertices.reshape(-1, 4)


def quad_normals(vertices: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """Outward normals, twice as long as the quads are large; n x 3."""
    corners = vertices[quads]
    return np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
