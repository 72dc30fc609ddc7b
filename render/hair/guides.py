"""Guide hairs of the scalp: a few hundred curves that a style's flow, gravity and the head's own shape bend."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from render.hair.braid import bundle_of
from render.hair.curves import DOWN, FORWARDS, cut_below, draped, grow, resampled, smooth_step, tangential
from render.hair.styles import Style
from render.hair.surface import HairSurface, Roots, Shell, scatter_roots, spread_out
from render.hair.tied import tie_point, tied_guides

GUIDES = 420
# How far from the middle hair is parted, in half widths of the head.
_PARTINGS = (0.04, 0.30, 0.38, 0.45)
# Over this distance from the root hair rises to its layer; parted hair does so slowly, or it would stand up in horns.
_RISE_M, _RISE_FROM_PARTING_M = 0.022, 0.070
# Hair of this weight and more hangs over ears in one sweep.
_DRAPES = 0.3
# How far from its middle no parted hair crosses the face, in eye distances: nearly to the outer corners of the eyes.
_MIDDLE_OF_FACE = 0.6


@dataclass(frozen=True)
class Layout:
    """Where things are on this head, and what the seed made of the style: head frame, metres."""

    centre_m: Float[np.ndarray, "3"]
    whorl_m: Float[np.ndarray, "3"]
    part_x_m: float
    length_scale: float
    volume_scale: float


@dataclass(frozen=True)
class Guides:
    """Curves in the head frame, root first, with the roots they start from."""

    points_m: Float[np.ndarray, "g k 3"]
    roots: Roots


def scalp_density(surface: HairSurface, style: Style, layout: Layout) -> Float[np.ndarray, " n"]:
    """0..1 at the vertices: where on the scalp this style grows, thinning out over the hairline."""
    density = smooth_step(surface.scalp, 0.42, 0.62)
    place = surface.vertices_m - layout.centre_m
    direction = place / np.maximum(np.linalg.norm(place, axis=1, keepdims=True), 1e-9)
    if style.flow == "part":
        # All hair leaves a parting and the whorl where it ends, and none comes there: only dense roots cover the skin.
        behind_m = np.minimum(surface.vertices_m[:, 2] - layout.whorl_m[2], 0.0)
        apart_m = np.hypot(surface.vertices_m[:, 0] - layout.part_x_m, behind_m)
        density = density * (0.55 + 0.45 * np.exp(-((apart_m / 0.014) ** 2)))
    if style.area == "horseshoe":
        density = density * smooth_step(direction[:, 1], 0.72, 0.36) * smooth_step(direction[:, 2], 0.8, 0.35)
    if style.area == "receding":
        # Temples draw back first: two bays beside a forelock, and a thin crown.
        bays = np.exp(-(((np.abs(direction[:, 0]) - 0.42) / 0.2) ** 2)) * smooth_step(direction[:, 2], 0.15, 0.5)
        bays = bays * smooth_step(direction[:, 1], 0.35, 0.6)
        density = density * np.clip(1 - 1.6 * bays, 0, 1)
        density = density * (1 - 0.65 * np.exp(-((surface.vertices_m - layout.whorl_m) ** 2).sum(1) / 0.045**2))
    return density


def lay_out(surface: HairSurface, stream: np.random.Generator) -> Layout:
    """Centre of the skull, crown whorl and parting of one person.

    Raises: ValueError when the head has no scalp.
    """
    grown = surface.vertices_m[surface.scalp > 0.5]
    if len(grown) == 0:
        raise ValueError(
            "this head has no scalp: no vertex lies above the hairline that its 68 landmarks give. Hair of the head "
            "needs a whole skull; draw the style 'bald' for this head family (hairs.styles)"
        )
    low, high = grown.min(axis=0), grown.max(axis=0)
    centre = np.array([0.5 * (low[0] + high[0]), surface.landmarks_m[27, 1], 0.5 * (low[2] + high[2])])
    half_width = 0.5 * (high[0] - low[0])
    side = 1.0 if stream.random() < 0.5 else -1.0
    whorl = centre + np.array([side * 0.1 * half_width, high[1] - centre[1], 0.55 * (low[2] - centre[2])])
    return Layout(
        centre_m=centre,
        whorl_m=whorl,
        part_x_m=float(centre[0] + side * half_width * stream.choice(_PARTINGS)),
        length_scale=float(stream.uniform(0.82, 1.2)),
        volume_scale=float(stream.uniform(0.75, 1.25)),
    )


def scalp_guides(
    surface: HairSurface, shell: Shell, style: Style, layout: Layout, stream: np.random.Generator
) -> Guides:
    """Guides of one style, outside of skin and cloth but for their roots."""
    density = scalp_density(surface, style, layout)
    roots = spread_out(scatter_roots(surface, np.minimum(4 * density, 1.0), 6 * GUIDES, stream), GUIDES)
    if style.flow == "tie":
        return Guides(tied_guides(surface, shell, style, roots, layout.centre_m, stream), roots)
    count = len(roots.points_m)
    lengths = _lengths(style, roots, layout) * stream.uniform(0.9, 1.1, count) * layout.length_scale
    layers = 0.001 * style.volume_mm * layout.volume_scale * stream.uniform(0.35, 1.0, count)
    curves = grow(
        shell,
        roots,
        _flow(style, roots, layout, stream),
        lengths,
        lift=_lift(style, roots, layout),
        weight=style.weight,
        layers_m=np.minimum(layers, 0.45 * lengths + 0.0005),
        rise_m=_RISE_FROM_PARTING_M if style.flow == "part" else _RISE_M,
        steps=16 if lengths.max() < 0.06 else 48,
        free=style.flow == "out",
        forwards=np.where(roots.points_m[:, 2] > layout.centre_m[2] + 0.025, 1.0, -1.0),
    )
    if style.weight >= _DRAPES:
        curves = draped(shell, curves, times=16)
    if style.cut is not None:
        height = surface.landmarks_m[27, 1] - style.cut * surface.eye_distance_m
        curves = cut_below(curves, height + 0.004 * stream.standard_normal(count))
    return Guides(resampled(curves, style.points), roots)


def sides_of(surface: HairSurface, x_m: float) -> Int[np.ndarray, " t"]:
    """1 for triangles to the left of the plane x = x_m, 0 for those to the right."""
    return (surface.vertices_m[surface.triangles, 0].mean(axis=1) > x_m).astype(np.int64)


def islands_of(surface: HairSurface, style: Style, layout: Layout) -> Int[np.ndarray, " t"]:
    """Which triangles' hair keeps together: the sides of a parting and what is behind it, the bundles of a braid; else
    all."""
    if style.flow == "part":
        # The parting ends at the whorl; hair behind it is one piece, or bare skin would run on down the back.
        behind = surface.vertices_m[surface.triangles, 2].mean(axis=1) < layout.whorl_m[2]
        return np.where(behind, 2, sides_of(surface, layout.part_x_m))
    if style.tail == "braid":
        tie = tie_point(surface, style, layout.centre_m)
        return bundle_of(surface.vertices_m[surface.triangles].mean(axis=1), tie)
    return np.zeros(len(surface.triangles), dtype=np.int64)


def across_the_face(surface: HairSurface, strands_m: Float[np.ndarray, "s k 3"]) -> Bool[np.ndarray, " s"]:
    """Which strands hang over the middle of the face, below the brows, or over the throat."""
    marks = surface.landmarks_m
    middle = np.abs(strands_m[..., 0] - marks[27, 0]) < _MIDDLE_OF_FACE * surface.eye_distance_m
    front = strands_m[..., 2] > marks[[0, 16], 2].mean()
    low = strands_m[..., 1] < marks[17:27, 1].mean() + 0.1 * surface.eye_distance_m
    return (middle & front & low).any(axis=1)


def _lengths(style: Style, roots: Roots, layout: Layout) -> np.ndarray:
    offset = roots.points_m - layout.centre_m
    direction = offset / np.linalg.norm(offset, axis=1, keepdims=True)
    # The crown is what lies on top of the skull; the nape what lies behind and below.
    top = smooth_step(direction[:, 1], 0.45, 0.68)
    nape = smooth_step(direction[:, 1], 0.15, -0.35) * smooth_step(direction[:, 2], 0.2, -0.2)
    side = np.maximum(1.0 - top - nape, 0.0)
    total = top * style.top_mm + side * style.side_mm + nape * style.nape_mm
    return 0.001 * total / (top + side + nape)


def _lift(style: Style, roots: Roots, layout: Layout) -> np.ndarray:
    """How upright hair leaves the skin at each root: as the style says, but flat beside a parting."""
    lift = np.full(len(roots.points_m), style.lift)
    if style.flow == "part":
        beside = smooth_step(np.abs(roots.points_m[:, 0] - layout.part_x_m), 0.05, 0.0)
        before_whorl_m = roots.points_m[:, 2] - layout.whorl_m[2]
        lift *= 0.9 - 0.8 * beside * smooth_step(before_whorl_m, 0.005, 0.03)
    return lift


def _flow(style: Style, roots: Roots, layout: Layout, stream: np.random.Generator) -> np.ndarray:
    """Where hair is combed to at each root: unit vectors along the skin."""
    points, normals = roots.points_m, roots.normals
    offset = points - layout.centre_m
    low = smooth_step(offset[:, 1] / np.linalg.norm(offset, axis=1), 0.55, 0.2)[:, None]
    away = tangential(points - layout.whorl_m, normals)
    if style.flow == "whorl":
        wanted = away + 0.45 * np.cross(normals, away)
    elif style.flow == "forward":
        front = np.array([0.0, 0.0, 1.0]) + 0.25 * np.sign(layout.part_x_m) * np.array([1.0, 0.0, 0.0])
        behind = smooth_step(points[:, 2], layout.whorl_m[2] + 0.01, layout.whorl_m[2] - 0.02)[:, None]
        wanted = (1 - np.maximum(low, behind)) * front + low * (DOWN + 0.35 * FORWARDS) + 1.2 * behind * away
    elif style.flow == "back":
        wanted = (1 - low) * np.array([0.0, 0.25, -1.0]) + low * np.array([0.0, -0.45, -1.0])
        wanted = wanted + 0.25 * np.sign(offset[:, :1]) * np.array([1.0, 0.0, 0.0]) * (1 - low)
        behind = smooth_step(points[:, 2], layout.whorl_m[2] + 0.01, layout.whorl_m[2] - 0.03)[:, None]
        wanted = wanted * (1 - behind) + behind * DOWN
    elif style.flow == "part":
        line = points.copy()
        line[:, 0] = layout.part_x_m
        line[:, 2] = np.maximum(points[:, 2], layout.whorl_m[2])
        line[:, 1] = np.maximum(points[:, 1], layout.whorl_m[1])
        wanted = tangential(points - line, normals) + 0.15 * np.array([0.0, 0.0, -1.0])
        # At the parting itself, which ends at the whorl, hair goes to its own side; the more so over the forehead.
        before = smooth_step(points[:, 2], layout.whorl_m[2] - 0.01, layout.whorl_m[2] + 0.03)
        over_forehead = smooth_step(offset[:, 2] / np.linalg.norm(offset, axis=1), 0.2, 0.6)
        aside = before * (0.6 + 0.9 * over_forehead) * (1 - low[:, 0])
        wanted[:, 0] += aside * np.sign(points[:, 0] - layout.part_x_m)
        # Off the face: what grows at the forehead goes back past the temples.
        wanted[:, 2] -= 1.1 * smooth_step(offset[:, 2] / np.linalg.norm(offset, axis=1), 0.35, 0.75)
    else:
        wanted = away
    wanted = tangential(wanted, normals)
    turn = np.radians(9.0) * stream.standard_normal((len(points), 1))
    return wanted * np.cos(turn) + np.cross(normals, wanted) * np.sin(turn)
