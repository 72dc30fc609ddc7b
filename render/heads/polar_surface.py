"""A surface as a radius over two polar coordinates, known at scattered vertices and nowhere else."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

_NEIGHBOURS = 9
# A query counts as on the surface within this share of the spacing of the vertices there.
_REACH_OF_SPACING = 0.75


@dataclass(frozen=True)
class PolarSurface:
    """Vertices (azimuth in radians, a second coordinate in metres) with a radius in metres and a spacing each."""

    tree: KDTree
    coordinates_m: Float[np.ndarray, "n 2"]
    radius_m: Float[np.ndarray, " n"]
    spacing_m: Float[np.ndarray, " n"]
    metres_per_radian: float


def polar_surface(
    azimuth: Float[np.ndarray, " n"],
    along_m: Float[np.ndarray, " n"],
    radius_m: Float[np.ndarray, " n"],
    *,
    metres_per_radian: float,
) -> PolarSurface:
    """The surface through these vertices, closed around the circle; azimuths may be any number of turns."""
    once = (azimuth + np.pi) % (2 * np.pi) - np.pi
    around = np.concatenate([once, once - np.sign(once) * 2 * np.pi])
    kept = np.abs(around) < 1.3 * np.pi
    coordinates = np.stack([around * metres_per_radian, np.tile(along_m, 2)], axis=1)[kept]
    tree = KDTree(coordinates)
    spacing = tree.query(coordinates, k=5)[0][:, 4]
    return PolarSurface(tree, coordinates, np.tile(radius_m, 2)[kept], spacing, metres_per_radian)


def radius_at(
    surface: PolarSurface, azimuth: Float[np.ndarray, " *q"], along_m: Float[np.ndarray, " *q"]
) -> Float[np.ndarray, " *q"]:
    """The radius at each query by a plane fitted to the nearest vertices; not a number beyond the surface's edge."""
    once = (azimuth + np.pi) % (2 * np.pi) - np.pi
    wanted = np.stack([once.ravel() * surface.metres_per_radian, along_m.ravel()], axis=1)
    distance, index = surface.tree.query(wanted, k=_NEIGHBOURS)
    width = np.maximum(distance[:, [4]], 1e-4)
    weight = np.exp(-((distance / width) ** 2))
    offset = (surface.coordinates_m[index] - wanted[:, None]) / width[..., None]
    design = np.concatenate([np.ones((*offset.shape[:2], 1)), offset], axis=2)
    weighted = design * weight[..., None]
    normal = np.einsum("qki,qkj->qij", weighted, design) + np.diag([0.0, 1e-4, 1e-4])
    right = np.einsum("qki,qk->qi", weighted, surface.radius_m[index])
    radius = np.linalg.solve(normal, right[..., None])[:, 0, 0]
    # At an edge all neighbours lie on one side, and a plane through them would run away.
    near = surface.radius_m[index]
    radius = np.clip(radius, near.min(axis=1), near.max(axis=1))
    beyond = distance[:, 0] > _REACH_OF_SPACING * surface.spacing_m[index[:, 0]]
    return np.where(beyond, np.nan, radius).reshape(azimuth.shape)
