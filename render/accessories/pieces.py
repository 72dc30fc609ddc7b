"""Pieces: meshes of quads made by sweeping, turning and filling outlines; what is worn or held is made of them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

# Corners of the cross-section of a sweep; an even number of at least six.
SECTION_CORNERS = 8


@dataclass(frozen=True)
class Piece:
    """Quads, counter-clockwise seen from outside, of one material; vertices in metres."""

    vertices_m: Float[np.ndarray, "n 3"]
    quads: Int[np.ndarray, "f 4"]
    material: str


def moved(piece: Piece, rotation: Float[np.ndarray, "3 3"], translation_m: Float[np.ndarray, "3"]) -> Piece:
    """The piece turned, then shifted."""
    return Piece(piece.vertices_m @ rotation.T + translation_m, piece.quads, piece.material)


def sweep(
    path_m: Float[np.ndarray, "n 3"],
    *,
    up: Float[np.ndarray, "3"] | Float[np.ndarray, "n 3"],
    half_height_m: float | Float[np.ndarray, " n"],
    half_width_m: float | Float[np.ndarray, " n"],
    material: str,
    closed: bool = False,
    squareness: float = 1.0,
) -> Piece:
    """A tube along a path: `up` (made perpendicular to the path) is the axis of its height.

    `squareness` 1 gives an ellipse, larger powers a rounded rectangle. An open path gets caps.
    """
    count = len(path_m)
    around = np.roll(path_m, -1, axis=0) - np.roll(path_m, 1, axis=0)
    along = around if closed else np.gradient(path_m, axis=0)
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    tall = (
        np.broadcast_to(up, along.shape) - (np.broadcast_to(up, along.shape) * along).sum(axis=1, keepdims=True) * along
    )
    tall = tall / np.linalg.norm(tall, axis=1, keepdims=True)
    wide = np.cross(tall, along)
    angle = 2 * np.pi * (np.arange(SECTION_CORNERS) + 0.5) / SECTION_CORNERS
    cosine, sine = (np.sign(part) * np.abs(part) ** (1.0 / squareness) for part in (np.cos(angle), np.sin(angle)))
    height, width = (
        np.broadcast_to(np.asarray(half, dtype=float), count)[:, None, None] for half in (half_height_m, half_width_m)
    )
    rings = path_m[:, None] + width * wide[:, None] * cosine[:, None] + height * tall[:, None] * sine[:, None]
    quads = ring_quads(count, SECTION_CORNERS, closed=closed)
    if not closed:
        first = _cap(SECTION_CORNERS)
        quads = np.concatenate([quads, first[:, ::-1], first + (count - 1) * SECTION_CORNERS])
    return Piece(rings.reshape(-1, 3), quads, material)


def ring_quads(rings: int, corners: int, *, closed: bool) -> Int[np.ndarray, "f 4"]:
    """Quads between rings of corners: around each ring always, from the last ring to the first where it is closed."""
    ring = np.arange(rings if closed else rings - 1)[:, None]
    corner = np.arange(corners)[None, :]
    after, beside = (ring + 1) % rings, (corner + 1) % corners
    quads = np.stack(
        [ring * corners + corner, ring * corners + beside, after * corners + beside, after * corners + corner], axis=-1
    )
    return quads.reshape(-1, 4)


def turned(profile_m: Float[np.ndarray, "p 2"], *, corners: int, material: str) -> Piece:
    """A profile of (radius, height), from below on the outside to the end, turned about the y axis; ends are capped.

    Its first and last points should have a small radius.
    """
    angle = 2 * np.pi * np.arange(corners) / corners
    radius, height = profile_m[:, 0, None], np.broadcast_to(profile_m[:, 1, None], (len(profile_m), corners))
    rings = np.stack([radius * np.sin(angle), height, radius * np.cos(angle)], axis=-1)
    quads = ring_quads(len(profile_m), corners, closed=False)
    cap = _cap(corners)
    quads = np.concatenate([quads, cap[:, ::-1], cap + (len(profile_m) - 1) * corners])
    return Piece(rings.reshape(-1, 3), quads, material)


def sheet(outline: Float[np.ndarray, "k 2"], *, cells: int, material: str) -> Piece:
    """A flat sheet (z = 0) inside an outline that is star-shaped about the origin, as a grid of quads."""
    axis = np.linspace(-1.0, 1.0, cells + 1)
    across, up = np.meshgrid(axis, axis)
    # Square to disc by squeezing each square ring onto a circle; the smooth map has no crease along the diagonals.
    disc = np.stack([across * np.sqrt(1 - up**2 / 2), up * np.sqrt(1 - across**2 / 2)], axis=-1).reshape(-1, 2)
    radius, angle = np.linalg.norm(disc, axis=1), np.arctan2(disc[:, 1], disc[:, 0])
    closed = np.concatenate([outline, outline[:1]])
    place = np.unwrap(np.arctan2(closed[:, 1], closed[:, 0]))
    reach = np.interp(angle, place, np.linalg.norm(closed, axis=1), period=2 * np.pi)
    flat = (radius * reach)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Piece(np.column_stack([flat, np.zeros(len(flat))]), grid_quads(cells + 1, cells + 1), material)


def grid_quads(rows: int, columns: int) -> Int[np.ndarray, "f 4"]:
    """Quads of a grid whose vertices run along columns first; counter-clockwise where columns run right, rows up."""
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    first = row * columns + column
    return np.stack([first, first + 1, first + columns + 1, first + columns], axis=-1).reshape(-1, 4)


def box(size_m: tuple[float, float, float], *, radius_m: float, bevel_m: float, material: str) -> Piece:
    """A slab about the origin: corners of its face (x, y) rounded by `radius_m`, edges towards z by `bevel_m`.

    Made of rounded rectangles stacked along z, so that subdivision keeps its shape.
    """
    half = np.array(size_m) / 2
    steps = np.linspace(0.0, np.pi / 2, 4)
    inset = bevel_m * (1 - np.sin(steps))
    level = half[2] - bevel_m * (1 - np.cos(steps))
    insets = np.concatenate(
        [
            [min(half[:2]) * 0.5],
            inset[:1] + bevel_m * 1.5,
            inset,
            inset[::-1],
            inset[:1] + bevel_m * 1.5,
            [min(half[:2]) * 0.5],
        ]
    )
    levels = np.concatenate([[level[0]] * 2, level, -level[::-1], [-level[0]] * 2])
    rings = [
        np.column_stack([rounded_rectangle(half[:2] - gap, max(radius_m - gap, 0.15 * radius_m)), np.full(32, z)])
        for gap, z in zip(insets, levels[::1], strict=True)
    ]
    points = np.concatenate(rings[::-1])
    quads = ring_quads(len(rings), 32, closed=False)
    cap = _cap(32)
    quads = np.concatenate([quads, cap[:, ::-1], cap + (len(rings) - 1) * 32])
    return Piece(points, quads, material)


def rounded_rectangle(half_m: Float[np.ndarray, "2"], radius_m: float) -> Float[np.ndarray, "32 2"]:
    """32 points of a rectangle with round corners, counter-clockwise, first the corner on the upper right."""
    radius = min(radius_m, float(half_m.min()))
    angles = np.linspace(0.0, np.pi / 2, 8)
    quarter = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius
    corners = []
    for turn in range(4):
        c, s = [(1, 0), (0, 1), (-1, 0), (0, -1)][turn]
        signs = [(1, 1), (-1, 1), (-1, -1), (1, -1)][turn]
        rotated = quarter @ np.array([[c, s], [-s, c]])
        corners.append(rotated + np.array(signs) * (half_m - radius))
    return np.concatenate(corners)


def _cap(corners: int) -> Int[np.ndarray, "f 4"]:
    """Quads that fill a ring of an even number of corners: strips from one side to the other."""
    half = corners // 2
    return np.array([[k, k + 1, corners - 2 - k, corners - 1 - k] for k in range(half - 1)])
