"""Glasses: rims, bridge, pads, temples and lenses of one pair, fitted to one face; quads in the head frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from render.accessories.envelope import height_at
from render.accessories.glasses_fit import (
    GlassesFit,
    bridge_path_m,
    bridge_v_m,
    edge_u_m,
    fit_glasses,
    front_depth_m,
    placed,
)
from render.accessories.glasses_styles import GLASSES, GlassesStyle
from render.accessories.head_shape import HeadShape
from render.accessories.pieces import Piece, ring_quads, sheet, sweep
from render.accessories.temples import temple

METAL, ACETATE, LENS, SILICONE = "metal", "acetate", "lens", "silicone"
_UP = np.array([0.0, 1.0, 0.0])
_LENS_CELLS = 24
# Pads are ovals of this size (along, across, thick) that touch the nose, where it is this far behind the rim.
_PAD_M, _PAD_BEHIND_M, _PAD_GAP_M = (0.0062, 0.0038, 0.0012), 0.0050, 0.0002


@dataclass(frozen=True)
class GlassesMesh:
    """Pieces of metal, acetate, silicone and lens; `lens_height` is, for each vertex of all pieces in their order,
    -1 at the lower to 1 at the upper end of the lens (0 on the frame)."""

    pieces: tuple[Piece, ...]
    lens_height: Float[np.ndarray, " n"]


def glasses_mesh(shape: HeadShape, *, style: str, seed: int) -> GlassesMesh:
    """A pair of glasses for a neutral person; `seed` draws sizes near the style's.

    Raises: ValueError on an unknown style.
    """
    if style not in GLASSES:
        raise ValueError(f"unknown style of glasses {style!r}; known are none, {', '.join(sorted(GLASSES))}")
    kind = GLASSES[style]
    fit = fit_glasses(kind, shape, stream=np.random.default_rng(seed))
    frame = METAL if kind.metal else ACETATE
    lenses = [_lens(fit, side) for side in (1.0, -1.0)]
    pieces = [piece for piece, _ in lenses]
    heights = [height for _, height in lenses]
    for number, side in enumerate((1.0, -1.0)):
        pieces.append(_rim(fit, kind, side, frame))
        pieces.append(temple(fit, kind, shape.sides[number], side, frame))
        pieces += _pad(fit, kind, shape, side, frame)
    pieces.append(_bridge(fit, kind, frame))
    if kind.top_bar:
        pieces.append(_top_bar(fit, kind, frame))
    rest = np.zeros(sum(len(piece.vertices_m) for piece in pieces) - sum(map(len, heights)))
    return GlassesMesh(tuple(pieces), np.concatenate([*heights, rest]))


def _lens(fit: GlassesFit, side: float) -> tuple[Piece, Float[np.ndarray, " n"]]:
    flat = sheet(fit.outline_m, cells=_LENS_CELLS, material=LENS)
    uv = flat.vertices_m[:, :2] + [fit.lens_centre_u_m, 0.0]
    points = np.column_stack([side * uv[:, 0], uv[:, 1], front_depth_m(fit, uv) - 0.0010])
    quads = flat.quads if side > 0 else flat.quads[:, ::-1]
    height = flat.vertices_m[:, 1] / np.abs(fit.outline_m[:, 1]).max()
    return Piece(placed(fit, points), quads, LENS), height


def _rim(fit: GlassesFit, style: GlassesStyle, side: float, material: str) -> Piece:
    """The rim around a lens, or its upper part alone; it overlaps the lens by half its own thickness."""
    half = style.rim_m * fit.stoutness
    outline = fit.outline_m
    if style.open_below:
        # From the nasal end over the top to the outer end.
        start = int(np.argmin(np.hypot(*(outline / np.abs(outline).max(axis=0) - [1.0, -0.05]).T)))
        stop = int(np.argmin(np.hypot(*(outline / np.abs(outline).max(axis=0) - [-1.0, -0.25]).T)))
        outline = np.roll(outline, -start, axis=0)[: (stop - start) % len(outline) + 1]
    upper = np.clip(outline[:, 1] / np.abs(fit.outline_m[:, 1]).max(), 0.0, 1.0) ** 1.5
    tall = half * (1 + (style.brow - 1) * upper)
    closed = not style.open_below
    along = np.roll(outline, -1, axis=0) - np.roll(outline, 1, axis=0) if closed else np.gradient(outline, axis=0)
    outward = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    centre = np.array([fit.lens_centre_u_m, 0.0])
    middle = outline + outward * (tall - 0.4 * half)[:, None] + centre
    depth = front_depth_m(fit, outline + centre) - style.rim_depth_m * fit.stoutness * 0.9
    mirror = np.array([side, 1.0, 1.0])
    path = placed(fit, np.column_stack([middle, depth]) * mirror)
    up = (np.column_stack([outward, np.zeros(len(outward))]) * mirror) @ fit.turn.T
    return sweep(
        path,
        up=up,
        half_height_m=tall,
        half_width_m=style.rim_depth_m * fit.stoutness,
        material=material,
        closed=closed,
        squareness=1.0 if style.metal else 1.9,
    )


def _bridge(fit: GlassesFit, style: GlassesStyle, material: str) -> Piece:
    path = bridge_path_m(fit, style, v_m=bridge_v_m(fit, style), rise_m=0.0015)
    share = np.abs(np.linspace(-1.0, 1.0, len(path)))
    half = style.rim_m * fit.stoutness * (1.15 + (0.9 if not style.metal else 0.15) * share**3)
    return sweep(
        placed(fit, path),
        up=fit.turn @ _UP,
        half_height_m=half,
        half_width_m=style.rim_depth_m * fit.stoutness * 0.9,
        material=material,
        squareness=1.0 if style.metal else 1.6,
    )


def _top_bar(fit: GlassesFit, style: GlassesStyle, material: str) -> Piece:
    top = 0.80 * float(fit.outline_m[:, 1].max())
    path = bridge_path_m(fit, style, v_m=top, rise_m=0.0012)
    return sweep(
        placed(fit, path),
        up=fit.turn @ _UP,
        half_height_m=style.rim_m * fit.stoutness,
        half_width_m=style.rim_m * fit.stoutness,
        material=material,
    )


def _pad(fit: GlassesFit, style: GlassesStyle, shape: HeadShape, side: float, frame: str) -> list[Piece]:
    """A pad on the flank of the nose, and the wire (or the acetate's own foot) that holds it."""
    v = -0.18 * float(fit.outline_m[:, 1].max())
    edge = fit.lens_centre_u_m + edge_u_m(fit, v, outer=False)
    rim = np.array([edge - 0.4 * style.rim_m, v, float(front_depth_m(fit, np.array([[edge, v]]))[0])])
    rim[2] -= style.rim_depth_m * fit.stoutness
    start = placed(fit, (rim * [side, 1.0, 1.0])[None])[0]
    # The flank: from the rim towards the nose, the first place that is not farther behind than a pad's arm reaches.
    across = np.arange(edge - 0.001, 0.003, -0.0005)
    flank = height_at(shape.face, np.column_stack([side * across, np.full(len(across), start[1] - 0.002)]))
    reached = np.flatnonzero(flank > start[2] - _PAD_BEHIND_M)
    u = float(across[reached[0]]) if len(reached) else float(across[-1])
    place = np.array([side * u, start[1] - 0.002, 0.0])
    normal = _normal_of_face(shape, place)
    place[2] = float(height_at(shape.face, place[None, :2])[0])
    centre = place + normal * (_PAD_M[2] + _PAD_GAP_M)
    down = _UP * -1.0 - normal * float(-_UP @ normal)
    down /= np.linalg.norm(down)
    pad = _oval(centre, down, np.cross(normal, down), normal, ACETATE if frame == ACETATE else SILICONE)
    arm = np.linspace(0.0, 1.0, 7)[:, None]
    bend = centre + normal * _PAD_M[2] * 0.6
    path = (1 - arm) * start + arm * bend + (arm * (1 - arm)) * np.array([0.0, 0.0, -0.004])
    stout = 0.0006 if frame == METAL else 0.0016
    return [pad, sweep(path, up=_UP, half_height_m=stout, half_width_m=stout, material=frame)]


def _normal_of_face(shape: HeadShape, place: Float[np.ndarray, "3"], reach_m: float = 0.003) -> Float[np.ndarray, "3"]:
    """Unit normal of the face about a place, from its reach forward 3 mm to each side."""
    steps = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) * reach_m
    z = height_at(shape.face, place[:2] + steps)
    normal = np.array([z[1] - z[0], z[3] - z[2], 2 * reach_m])
    return normal / np.linalg.norm(normal)


def _oval(centre: np.ndarray, along: np.ndarray, across: np.ndarray, out: np.ndarray, material: str) -> Piece:
    """A flattened ball: rings about its short axis."""
    latitude = np.linspace(-0.46 * np.pi, 0.46 * np.pi, 7)
    angle = 2 * np.pi * np.arange(16) / 16
    ring = np.cos(angle)[:, None] * along * _PAD_M[0] + np.sin(angle)[:, None] * across * _PAD_M[1]
    points = [centre + np.cos(turn) * ring + np.sin(turn) * _PAD_M[2] * out for turn in latitude]
    quads = ring_quads(len(latitude), 16, closed=False)
    cap = np.array([[k, k + 1, 14 - k, 15 - k] for k in range(7)])
    quads = np.concatenate([quads, cap[:, ::-1], cap + 16 * (len(latitude) - 1)])
    return Piece(np.concatenate(points), quads, material)
