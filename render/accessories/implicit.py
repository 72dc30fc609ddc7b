"""Implicit solids: round cones melted into one skin, and the mesh of quads of where such a solid ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import map_coordinates


@dataclass(frozen=True)
class RoundCone:
    """A bone with flesh: all within a radius of a line, the radius going from one end's to the other's (metres).

    `melt_m` is how far around a joint with what was before it the two melt together.
    """

    start_m: Float[np.ndarray, "3"]
    end_m: Float[np.ndarray, "3"]
    start_radius_m: float
    end_radius_m: float
    melt_m: float


def distance_m(points_m: Float[np.ndarray, "*g 3"], cone: RoundCone) -> Float[np.ndarray, "*g"]:
    """Distance from the surface of a round cone, negative inside; near enough to exact for radii that change slowly."""
    line = cone.end_m - cone.start_m
    share = np.clip((points_m - cone.start_m) @ line / max(float(line @ line), 1e-12), 0.0, 1.0)
    off = points_m - cone.start_m - share[..., None] * line
    return np.sqrt((off * off).sum(axis=-1)) - (cone.start_radius_m + (cone.end_radius_m - cone.start_radius_m) * share)


def melted(first: Float[np.ndarray, "*g"], second: Float[np.ndarray, "*g"], melt_m: float) -> Float[np.ndarray, "*g"]:
    """The nearer of two solids, with a smooth fillet where they meet (polynomial smooth minimum)."""
    if melt_m <= 0:
        return np.minimum(first, second)
    near = np.clip(melt_m - np.abs(first - second), 0.0, None) / melt_m
    return np.minimum(first, second) - near * near * melt_m / 4.0


def skin_of(
    groups: Sequence[Sequence[RoundCone]], *, cell_m: float, between_melt_m: float
) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "f 4"]]:
    """The surface of groups of cones: each group melts inside by its cones' own `melt_m`, then the groups by one.

    Vertices lie within a few hundredths of a cell of the surface (metres); quads are counter-clockwise from outside.
    """
    ends = np.array([[end, radius] for group in groups for cone in group for end, radius in
                     ((cone.start_m, cone.start_radius_m), (cone.end_m, cone.end_radius_m))], dtype=object)  # fmt: skip
    middle, radius = np.stack(list(ends[:, 0])), ends[:, 1].astype(float)[:, None]
    low = (middle - radius).min(axis=0) - 2.5 * cell_m
    shape = np.ceil(((middle + radius).max(axis=0) + 2.5 * cell_m - low) / cell_m).astype(int)
    field = np.full(shape, 1.0)
    for group in groups:
        _add_group(field, group, low, cell_m, between_melt_m)
    vertices, quads = surface_nets(field)
    for _ in range(2):
        vertices = _onto_surface(field, vertices)
    return vertices * cell_m + low, quads


def _add_group(
    field: Float[np.ndarray, "a b c"], group: Sequence[RoundCone], low_m: np.ndarray, cell_m: float, melt_m: float
) -> None:
    """Only the part of the grid near the group is looked at."""
    points = np.array([point for cone in group for point in (cone.start_m, cone.end_m)])
    reach = max(max(cone.start_radius_m, cone.end_radius_m) for cone in group) + melt_m + 3 * cell_m
    first = np.clip(np.floor((points.min(axis=0) - reach - low_m) / cell_m).astype(int), 0, None)
    last = np.minimum(np.ceil((points.max(axis=0) + reach - low_m) / cell_m).astype(int) + 1, field.shape)
    part = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    axes = np.meshgrid(*(np.arange(a, b) for a, b in zip(first, last, strict=True)), indexing="ij")
    places = np.stack(axes, axis=-1) * cell_m + low_m
    solid = distance_m(places, group[0])
    for cone in group[1:]:
        solid = melted(solid, distance_m(places, cone), cone.melt_m)
    field[part] = melted(field[part], solid, melt_m)


def surface_nets(field: Float[np.ndarray, "a b c"]) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "f 4"]]:
    """One vertex in each cell that the surface field = 0 runs through (in cells of the grid), one quad around each grid
    edge that it cuts; inside is where the field is negative. Source: Gibson 1998, Constrained Elastic SurfaceNets."""
    inside = field < 0
    cells = tuple(size - 1 for size in field.shape)
    total, count = np.zeros((*cells, 3)), np.zeros(cells)
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        for one in (0, 1):
            for two in (0, 1):
                start = [slice(0, -1)] * 3
                start[others[0]], start[others[1]] = (
                    slice(shift, field.shape[other] - 1 + shift)
                    for shift, other in zip((one, two), others, strict=True)
                )
                end = list(start)
                end[axis] = slice(1, None)
                a, b = field[tuple(start)], field[tuple(end)]
                cut = inside[tuple(start)] != inside[tuple(end)]
                share = np.where(cut, a / np.where(cut, a - b, 1.0), 0.0)
                total[..., axis] += share
                total[..., others[0]] += cut * one
                total[..., others[1]] += cut * two
                count += cut
    hit = count > 0
    number = np.full(cells, -1)
    number[hit] = np.arange(int(hit.sum()))
    vertices = np.argwhere(hit) + total[hit] / count[hit][:, None]
    return vertices, np.concatenate([_quads_across(inside, number, axis) for axis in range(3)])


def _quads_across(inside: np.ndarray, number: np.ndarray, axis: int) -> Int[np.ndarray, "f 4"]:
    before, after = (
        np.take(inside, range(inside.shape[axis] - 1), axis),
        np.take(inside, range(1, inside.shape[axis]), axis),
    )
    edges = np.argwhere(before != after)
    leaves = before[tuple(edges.T)]
    u, v = np.eye(3, dtype=int)[(axis + 1) % 3], np.eye(3, dtype=int)[(axis + 2) % 3]
    corners = np.stack([number[tuple((edges - shift).T)] for shift in (u + v, v, 0 * u, u)], axis=1)
    return np.where(leaves[:, None], corners, corners[:, ::-1])


def _onto_surface(field: np.ndarray, vertices: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """One step of Newton's method along the gradient of the field."""

    def at(points: np.ndarray) -> np.ndarray:
        return map_coordinates(field, points.T, order=1, mode="nearest")

    gradient = np.stack([at(vertices + step) - at(vertices - step) for step in 0.5 * np.eye(3)], axis=1)
    slope = np.maximum((gradient**2).sum(axis=1, keepdims=True), 1e-12)
    step = at(vertices)[:, None] * gradient / slope
    return vertices - np.clip(step, -0.5, 0.5)
