"""Coloured quads and boxes, gathered into one mesh."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Float32

Colour = tuple[float, float, float]
Point = tuple[float, float, float]
_BOX_CORNERS = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], dtype=np.float64)
# Each face counter-clockwise as seen from outside.
_BOX_FACES = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))


@dataclass
class Quads:
    """Quads with a colour (scene-linear RGB) and a glow (0 = lit like a wall, 1 = shines in its colour)."""

    _corners: list[np.ndarray] = field(default_factory=list)
    _colours: list[Colour] = field(default_factory=list)
    _glows: list[float] = field(default_factory=list)

    def quad(self, corners: np.ndarray, colour: Colour, *, glow: float = 0.0) -> None:
        """Add one quad by its four corners, counter-clockwise as seen from where it is looked at."""
        self._corners.append(np.asarray(corners, dtype=np.float64).reshape(4, 3))
        self._colours.append(colour)
        self._glows.append(glow)

    def panel(
        self, frame: np.ndarray, low: tuple[float, float], high: tuple[float, float], depth: float, colour: Colour,
        *, glow: float = 0.0,
    ) -> None:  # fmt: skip
        """Add an upright rectangle between two corners (x, z) of a frame, at y = depth; it faces towards +y."""
        (left, bottom), (right, top) = low, high
        corners = np.array([[left, depth, bottom], [left, depth, top], [right, depth, top], [right, depth, bottom]])
        self.quad(corners @ frame[:3, :3].T + frame[:3, 3], colour, glow=glow)

    def box(self, frame: np.ndarray, low: Point, high: Point, colour: Colour) -> None:
        """Add an upright box between two corners, given in a frame: 4x4, its axes and origin in room coordinates."""
        corners = np.array(low) + _BOX_CORNERS * (np.array(high) - np.array(low))
        placed = corners @ frame[:3, :3].T + frame[:3, 3]
        for face in _BOX_FACES:
            self.quad(placed[list(face)], colour)

    def tiled(self, longest_edge_m: float) -> "CornerArrays":
        """All quads as arrays, large ones cut into tiles whose edges are no longer than this."""
        quads = np.array(self._corners)
        sides = np.linalg.norm(quads - np.roll(quads, -1, axis=1), axis=-1)
        along = np.ceil(np.maximum(sides[:, 0], sides[:, 2]) / longest_edge_m).astype(int)
        across = np.ceil(np.maximum(sides[:, 1], sides[:, 3]) / longest_edge_m).astype(int)
        parts = np.maximum(np.stack([along, across], axis=1), 1)
        corners, sources = [], []
        for cut in np.unique(parts, axis=0):
            alike = np.flatnonzero((parts == cut).all(axis=1))
            tiles = _tiles(quads[alike], int(cut[0]), int(cut[1]))
            corners.append(tiles.reshape(-1, 4, 3))
            sources.append(np.repeat(alike, tiles.shape[1]))
        source = np.concatenate(sources)
        return CornerArrays(
            corners_m=np.concatenate(corners).astype(np.float32),
            colours=np.array(self._colours, dtype=np.float32)[source],
            glows=np.array(self._glows, dtype=np.float32)[source],
        )


@dataclass(frozen=True)
class CornerArrays:
    """Quads as arrays; they share no corners."""

    corners_m: Float32[np.ndarray, "n 4 3"]
    colours: Float32[np.ndarray, "n 3"]
    glows: Float32[np.ndarray, " n"]

    def normals(self) -> Float32[np.ndarray, "n 3"]:
        """Unit normal of each quad, towards where it is looked at from."""
        crossed = np.cross(self.corners_m[:, 2] - self.corners_m[:, 0], self.corners_m[:, 3] - self.corners_m[:, 1])
        return crossed / np.maximum(np.linalg.norm(crossed, axis=-1, keepdims=True), 1e-12)


def _tiles(quads: Float[np.ndarray, "k 4 3"], along: int, across: int) -> Float[np.ndarray, "k n 4 3"]:
    """Each quad in n = `along` x `across` parts: cuts along its first edge and across it."""
    s, t = (np.linspace(0.0, 1.0, parts + 1) for parts in (along, across))
    s, t = s[:, None, None], t[None, :, None]
    first, second, third, fourth = (quads[:, None, None, corner] for corner in range(4))
    grid = (1 - s) * ((1 - t) * first + t * fourth) + s * ((1 - t) * second + t * third)
    tiles = np.stack([grid[:, :-1, :-1], grid[:, 1:, :-1], grid[:, 1:, 1:], grid[:, :-1, 1:]], axis=3)
    return tiles.reshape(len(quads), along * across, 4, 3)
