"""HairSurface: the neutral skin that hair grows from, where its roots may sit, and how to stay outside of it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

# Neighbours over which the nearest piece of skin is averaged, so that hair slides over facets, and the size of the
# cells of which one point each is kept: four neighbours then span half a centimetre.
_NEIGHBOURS, _CELL_M = 4, 0.003
# A point further than this from all pieces of the shell counts as under it only where the way to the nearest one runs
# along its normal (above this cosine); and how far in hair can get at all.
_BESIDE_M, _UNDER, _DEEPEST_M = 0.008, 0.6, 0.06


@dataclass(frozen=True)
class HairSurface:
    """Skin of one neutral person in the head frame (metres; x left, y up, z out of the face).

    `scalp` and `brow` are the paints of render.geometry.face_paint at the vertices; `growing` says on which triangles
    hair may grow at all (skin and scalp; not lips, eyes or mouth).
    """

    vertices_m: Float[np.ndarray, "n 3"]
    triangles: Int[np.ndarray, "t 3"]
    normals: Float[np.ndarray, "n 3"]
    growing: Bool[np.ndarray, " t"]
    scalp: Float[np.ndarray, " n"]
    brow: Float[np.ndarray, "n 3"]
    landmarks_m: Float[np.ndarray, "68 3"]

    @property
    def eye_distance_m(self) -> float:
        """Distance between the middles of the eyes: the unit in which places on the head are given."""
        return float(np.linalg.norm(self.landmarks_m[42:48].mean(axis=0) - self.landmarks_m[36:42].mean(axis=0)))


@dataclass(frozen=True)
class Roots:
    """Places on the surface: triangle, weights of its corners, position and outward normal."""

    triangles: Int[np.ndarray, " r"]
    corner_weights: Float[np.ndarray, "r 3"]
    points_m: Float[np.ndarray, "r 3"]
    normals: Float[np.ndarray, "r 3"]


@dataclass(frozen=True)
class Shell:
    """Points of skin and cloth with outward normals, by which hair finds out whether it is outside."""

    tree: KDTree
    points_m: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"]


def vertex_normals(vertices_m: Float[np.ndarray, "n 3"], triangles: Int[np.ndarray, "t 3"]) -> Float[np.ndarray, "n 3"]:
    """Unit normals at vertices, each the area-weighted mean of its triangles'; (0, 0, 0) where a vertex has none."""
    corners = vertices_m[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = np.stack(
        [np.bincount(triangles.ravel(), np.repeat(faces[:, axis], 3), len(vertices_m)) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.divide(sums, length, out=np.zeros_like(sums), where=length > 0)


def head_shell(
    surface: HairSurface, cloth_m: Float[np.ndarray, "c 3"], cloth_normals: Float[np.ndarray, "c 3"]
) -> Shell:
    """The outer skin and the clothing. Back sides of ears and the insides of nose and mouth are left out: hair that is
    pushed along their normals would end up in the head."""
    skin = np.unique(surface.triangles[surface.growing])
    points, normals = surface.vertices_m[skin], surface.normals[skin]
    # Away from the head's upright axis, or on the shoulders, which lie below the chin and face up.
    middle = surface.landmarks_m[[0, 16]].mean(axis=0)
    away = points - middle
    on_head = points[:, 1] > surface.landmarks_m[8, 1]
    away[~on_head, 1] = 0.0
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    outer = ((normals * away).sum(axis=1) > 0.25) | (~on_head & (normals[:, 1] > 0.2))
    points, normals = np.concatenate([points[outer], cloth_m]), np.concatenate([normals[outer], cloth_normals])
    _, kept = np.unique(np.floor(points / _CELL_M).astype(np.int64), axis=0, return_index=True)
    return Shell(KDTree(points[kept]), points[kept], normals[kept])


def height_over(shell: Shell, points_m: Float[np.ndarray, "m 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Signed height of points over the nearest piece of the shell (m; below 0 is inside), and its outward normals."""
    distances, nearest = shell.tree.query(points_m, k=_NEIGHBOURS, workers=1)
    normals = shell.normals[nearest]
    heights = ((points_m[:, None] - shell.points_m[nearest]) * normals).sum(axis=2).mean(axis=1)
    # Beside an edge (a collar's rim, an ear) a point lies below the plane of the nearest piece, but not under it.
    beside = (heights < 0) & (distances[:, 0] > _BESIDE_M) & (heights > -_UNDER * distances[:, 0])
    heights[beside] = distances[beside, 0]
    mean = normals.mean(axis=1)
    return heights, mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)


def lifted_out(shell: Shell, points_m: Float[np.ndarray, "m 3"], least_m: float) -> Float[np.ndarray, "m 3"]:
    """Points moved along the nearest normal so that none is lower than `least_m` over the shell, which stays put."""
    _, nearest = shell.tree.query(points_m, distance_upper_bound=_DEEPEST_M, workers=1)
    close = np.flatnonzero(nearest < len(shell.points_m))
    nearest = nearest[close]
    heights = ((points_m[close] - shell.points_m[nearest]) * shell.normals[nearest]).sum(axis=1)
    doubtful = close[heights < least_m + 0.0005]
    result = points_m.copy()
    for _ in range(2):
        heights, normals = height_over(shell, result[doubtful])
        result[doubtful] += np.maximum(least_m - heights, 0.0)[:, None] * normals
    return result


def scatter_roots(
    surface: HairSurface, density: Float[np.ndarray, " n"], count: int, stream: np.random.Generator
) -> Roots:
    """Random places on growing triangles, spread by area times `density` (0..1 at the vertices), evenly otherwise.

    Raises: ValueError when density is 0 wherever hair may grow.
    """
    corners = surface.vertices_m[surface.triangles]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    share = areas * surface.growing * density[surface.triangles].mean(axis=1)
    if share.sum() <= 0:
        raise ValueError(
            "no place on this head may grow hair here: density times area is 0 on all triangles; "
            "check the head's regions (skin, scalp) and its 68 landmarks"
        )
    # Systematic sampling: every stretch of the summed area gets its due number.
    ends = np.cumsum(share)
    steps = (np.arange(count) + stream.random()) / count * ends[-1]
    chosen = np.minimum(np.searchsorted(ends, steps, side="right"), np.flatnonzero(share)[-1])
    first, second = np.sqrt(stream.random(count)), stream.random(count)
    weights = np.stack([1 - first, first * (1 - second), first * second], axis=1)
    return roots_at(surface, chosen, weights)


def roots_at(surface: HairSurface, triangles: Int[np.ndarray, " r"], weights: Float[np.ndarray, "r 3"]) -> Roots:
    """Roots from triangles and weights of their corners."""
    used = surface.triangles[triangles]
    points = (surface.vertices_m[used] * weights[..., None]).sum(axis=1)
    normals = (surface.normals[used] * weights[..., None]).sum(axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return Roots(triangles, weights, points, normals)


def spread_out(roots: Roots, count: int) -> Roots:
    """`count` of the roots, each as far from those before as can be: evenly spaced guides out of many random ones."""
    count = min(count, len(roots.points_m))
    chosen = np.zeros(count, dtype=int)
    distance = np.full(len(roots.points_m), np.inf)
    for number in range(1, count):
        gap = ((roots.points_m - roots.points_m[chosen[number - 1]]) ** 2).sum(axis=1)
        distance = np.minimum(distance, gap)
        chosen[number] = int(distance.argmax())
    return Roots(roots.triangles[chosen], roots.corner_weights[chosen], roots.points_m[chosen], roots.normals[chosen])
