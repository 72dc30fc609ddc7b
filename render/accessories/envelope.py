"""Envelope: how far a surface reaches towards one side, as a height over a grid; what lies on it cannot cut into it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import maximum_filter

# Samples of a triangle lie closer together than this share of a cell.
_SAMPLES_PER_CELL = 1.25


@dataclass(frozen=True)
class Envelope:
    """Largest height over each cell of a grid (metres, -inf where nothing is), and where the first cell's centre is."""

    height_m: Float[np.ndarray, "u v"]
    origin_m: Float[np.ndarray, "2"]
    cell_m: float


def envelope(
    points_m: Float[np.ndarray, "n 3"],
    triangles: Int[np.ndarray, "t 3"],
    *,
    low_m: tuple[float, float],
    high_m: tuple[float, float],
    cell_m: float = 0.001,
) -> Envelope:
    """How far triangles reach along the third axis, over a rectangle of the first two.

    Triangles are sampled so densely that no cell within one is missed.
    """
    low, high = np.array(low_m), np.array(high_m)
    corners = points_m[triangles]
    flat = corners[..., :2]
    near = (flat.max(axis=1) >= low - cell_m).all(axis=1) & (flat.min(axis=1) <= high + cell_m).all(axis=1)
    corners = corners[near]
    shape = np.maximum(np.ceil((high - low) / cell_m).astype(int), 1) + 1
    height = np.full(shape, -np.inf)
    edges = np.linalg.norm(np.roll(corners[..., :2], -1, axis=1) - corners[..., :2], axis=2).max(axis=1, initial=0.0)
    steps = np.maximum(np.ceil(edges * _SAMPLES_PER_CELL / cell_m).astype(int), 1)
    for count in np.unique(steps):
        samples = np.einsum("sk,tkc->tsc", _barycentric(int(count)), corners[steps == count]).reshape(-1, 3)
        cells = np.rint((samples[:, :2] - low) / cell_m).astype(int)
        inside = ((cells >= 0) & (cells < shape)).all(axis=1)
        np.maximum.at(height, tuple(cells[inside].T), samples[inside, 2])
    return Envelope(height_m=height, origin_m=low, cell_m=cell_m)


def height_at(
    surface: Envelope, points_m: Float[np.ndarray, "n 2"], *, within_m: float = 0.0
) -> Float[np.ndarray, " n"]:
    """Height at points of the plane (-inf where nothing is, and outside the grid), or the largest within a distance."""
    height = surface.height_m
    if within_m > 0:
        height = maximum_filter(height, size=2 * int(np.ceil(within_m / surface.cell_m)) + 1, mode="nearest")
    cells = np.rint((points_m - surface.origin_m) / surface.cell_m).astype(int)
    inside = ((cells >= 0) & (cells < height.shape)).all(axis=1)
    found = np.full(len(points_m), -np.inf)
    found[inside] = height[tuple(cells[inside].T)]
    return found


def triangles_of(sizes: Int[np.ndarray, " f"], corners: Int[np.ndarray, " c"]) -> Int[np.ndarray, "t 3"]:
    """Polygons, given as in a HeadModel, as fans of triangles."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    fans = [
        np.stack(
            [
                corners[starts[sizes > k + 1]],
                corners[starts[sizes > k + 1] + k],
                corners[starts[sizes > k + 1] + k + 1],
            ],
            axis=1,
        )
        for k in range(1, int(sizes.max(initial=0)) - 1)
    ]
    return np.concatenate(fans) if fans else np.zeros((0, 3), dtype=corners.dtype)


def _barycentric(count: int) -> Float[np.ndarray, "s 3"]:
    first, second = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    keep = first + second <= count
    first, second = first[keep] / count, second[keep] / count
    return np.stack([first, second, 1.0 - first - second], axis=1)
