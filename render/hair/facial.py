"""Hair of the face: where beards and brows grow, how long and which way, and lashes along the lids."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from scipy.spatial import KDTree

from render.hair.curves import DOWN, grow, resampled, smooth_step, tangential
from render.hair.guides import Guides
from render.hair.styles import Finish
from render.hair.surface import HairSurface, Roots, Shell, roots_at, scatter_roots, spread_out


@dataclass(frozen=True)
class Beard:
    """Where a beard grows (shares of full density on lip, chin, cheeks and neck), its lengths in mm, and its finish."""

    lip: float
    chin: float
    cheeks: float
    lip_mm: float
    chin_mm: float
    cheeks_mm: float
    finish: Finish
    lift: float = 0.35
    weight: float = 0.2
    points: int = 6


BEARDS: dict[str, Beard] = {
    "stubble": Beard(1, 1, 0.9, 2.2, 2.4, 2.0, Finish(12000, 0.11, uneven=0.3), lift=0.6, points=3),
    "moustache": Beard(1, 0, 0, 13, 13, 3, Finish(2600, 0.085, clump=0.35, lock_mm=4, noise_mm=0.8)),
    "goatee": Beard(0.9, 1, 0, 9, 18, 6, Finish(4200, 0.085, clump=0.3, lock_mm=5, noise_mm=1.2)),
    "short_boxed": Beard(1, 1, 1, 7, 9, 7, Finish(11000, 0.085, clump=0.2, lock_mm=4, noise_mm=1.0)),
    "full": Beard(1, 1, 1, 11, 26, 16, Finish(11000, 0.09, clump=0.35, lock_mm=6, noise_mm=2.5, frizz_mm=0.6)),
    "long": Beard(
        1, 1, 1, 16, 95, 40, Finish(11000, 0.09, clump=0.5, lock_mm=8, noise_mm=6, frizz_mm=1.2), weight=0.5, points=10
    ),
}
BROW_FINISH = Finish(900, 0.075, noise_mm=0.5, uneven=0.25)
LASH_RADIUS_MM = 0.07
# Over this distance hair of the face rises to its layer.
_RISE_M = 0.022


def beard_zones(surface: HairSurface) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far each vertex belongs to lip, chin and cheeks (0..1 each), from the 68 landmarks alone."""
    marks, unit = surface.landmarks_m, surface.eye_distance_m
    points = surface.vertices_m
    axis_z = marks[[0, 16], 2].mean()

    def turn(where: np.ndarray) -> np.ndarray:
        """Angle about the head's upright axis, 0 in front, towards either ear."""
        return np.asarray(np.arctan2(np.abs(where[..., 0] - marks[27, 0]), where[..., 2] - axis_z))

    angle, height = turn(points), points[:, 1]
    corner, corner_turn = marks[[48, 54], 1].mean(), float(turn(marks[[48, 54]]).mean())
    nose = marks[31:36, 1].mean()
    ear, ear_turn = marks[[1, 15], 1].mean() + 0.25 * unit, float(turn(marks[[1, 15]]).mean())
    # The cheek line runs from the moustache in a bow up to the sideburn.
    line = np.interp(
        angle,
        [0.0, corner_turn, corner_turn + 0.45 * (ear_turn - corner_turn), ear_turn, ear_turn + 0.3],
        [nose - 0.10 * unit, corner + 0.16 * unit, corner + 0.22 * unit, ear, ear + 0.3 * unit],
    )
    chin = marks[8, 1]
    # Below, the beard ends on the neck a little under the jaw, higher towards the ears.
    jaw = np.interp(angle, [turn(marks[k]) for k in (8, 6, 4, 2)], [marks[[k, 16 - k], 1].mean() for k in (8, 6, 4, 2)])
    floor = np.minimum(jaw, chin + 0.6 * unit) - 0.30 * unit
    inside = smooth_step(line - height, -0.04 * unit, 0.08 * unit) * smooth_step(
        height - floor, -0.02 * unit, 0.12 * unit
    )
    inside = inside * smooth_step(angle, ear_turn + 0.16, ear_turn + 0.04)
    upper = smooth_step(height, corner - 0.02 * unit, corner + 0.10 * unit)
    middle = smooth_step(angle, corner_turn + 0.10, corner_turn)
    lip = inside * middle * upper
    # A moustache also hangs past the corners of the mouth.
    near_mouth = smooth_step(angle, corner_turn + 0.12, corner_turn + 0.02)
    below = smooth_step(height, marks[57, 1] + 0.02 * unit, marks[57, 1] - 0.10 * unit)
    side_of_chin = near_mouth * smooth_step(angle, corner_turn - 0.14, corner_turn - 0.05)
    chin_zone = inside * (1 - upper) * np.maximum(middle * below, side_of_chin)
    cheeks = inside * (1 - np.maximum(middle * np.maximum(upper, below), chin_zone))
    # Neither in the mouth nor on the lips.
    mouth = marks[48:60].mean(axis=0)
    reach = np.hypot(
        (points[:, 0] - mouth[0]) / (0.5 * np.ptp(marks[48:60, 0])),
        (height - mouth[1]) / (0.5 * np.ptp(marks[48:60, 1])),
    )
    free = smooth_step(reach, 1.0, 1.15)
    front = points[:, 2] > marks[[0, 16], 2].mean() - 0.1 * unit
    return lip * free * front, chin_zone * free * front, cheeks * free * front


def beard_density(surface: HairSurface, beard: Beard) -> Float[np.ndarray, " n"]:
    """0..1 at the vertices: where this beard grows."""
    lip, chin, cheeks = beard_zones(surface)
    return np.clip(beard.lip * lip + beard.chin * chin + beard.cheeks * cheeks, 0.0, 1.0)


def beard_guides(surface: HairSurface, shell: Shell, beard: Beard, stream: np.random.Generator) -> Guides:
    """Guides of a beard: down and a little outwards, on the lip aside."""
    density = beard_density(surface, beard)
    roots = spread_out(scatter_roots(surface, density, 1500, stream), 300)
    zones = [
        (values[surface.triangles[roots.triangles]] * roots.corner_weights).sum(1) for values in beard_zones(surface)
    ]
    total = np.maximum(np.sum(zones, axis=0), 1e-6)
    lengths = 0.001 * (zones[0] * beard.lip_mm + zones[1] * beard.chin_mm + zones[2] * beard.cheeks_mm) / total
    lengths = lengths * stream.uniform(0.85, 1.15, len(lengths)) * stream.uniform(0.85, 1.2)
    aside = np.sign(roots.points_m[:, :1] - surface.landmarks_m[27, 0]) * np.array([1.0, 0.0, 0.0])
    on_lip = (zones[0] / total)[:, None]
    flow = (1 - 0.45 * on_lip) * DOWN + (0.15 + 0.85 * on_lip) * aside + 0.1 * np.array([0.0, 0.0, 1.0])
    flow = tangential(flow, roots.normals)
    curves = grow(
        shell,
        roots,
        flow,
        np.maximum(lengths, 0.0008),
        lift=np.full(len(lengths), beard.lift),
        weight=beard.weight,
        layers_m=np.minimum(0.35 * lengths, 0.010) * stream.uniform(0.5, 1.0, len(lengths)),
        rise_m=_RISE_M,
        steps=14,
        free=False,
        forwards=np.ones(len(lengths)),
    )
    return Guides(resampled(curves, beard.points), roots)


def brow_density(surface: HairSurface, thickness: float) -> Float[np.ndarray, " n"]:
    """0..1 at the vertices: dense along the middle line, thin at the edges; `thickness` 1 is an average brow."""
    return np.clip(thickness * surface.brow[:, 2] + 0.35 * (thickness - 1.0), 0.0, 1.0) ** 0.7


def brow_guides(surface: HairSurface, shell: Shell, thickness: float, stream: np.random.Generator) -> Guides:
    """Guides of both brows: upright near the nose, then towards the temple; upper and lower hairs meet."""
    roots = spread_out(scatter_roots(surface, brow_density(surface, thickness), 900, stream), 160)
    marks = surface.landmarks_m
    along = np.zeros_like(roots.points_m)
    share = np.zeros(len(along))
    across = np.zeros(len(along))
    for corners in (marks[[21, 20, 19, 18, 17]], marks[22:27]):
        line = CubicSpline(np.arange(5.0), corners)(np.linspace(0.0, 4.0, 41))
        gaps = np.linalg.norm(roots.points_m[:, None, :2] - line[None, :, :2], axis=2)
        nearest = gaps.argmin(axis=1)
        mine = np.sign(roots.points_m[:, 0] - marks[27, 0]) == np.sign(corners[:, 0].mean() - marks[27, 0])
        tangents = np.gradient(line, axis=0)
        along[mine] = tangents[nearest[mine]]
        share[mine] = nearest[mine] / 40.0
        across[mine] = (roots.points_m[:, 1] - line[nearest, 1])[mine]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    upright = np.interp(share, [0.0, 0.12, 0.35, 0.7, 1.0], [1.6, 0.9, 0.4, 0.1, 0.0])
    meet = -np.clip(across / 0.004, -1.0, 1.0) * np.interp(share, [0.1, 0.4], [0.1, 0.55])
    flow = along + (upright + meet)[:, None] * np.array([0.0, 1.0, 0.0])
    flow = tangential(flow, roots.normals)
    lengths = (
        0.001 * np.interp(share, [0.0, 0.25, 0.7, 1.0], [6.5, 8.5, 7.5, 5.0]) * stream.uniform(0.8, 1.15, len(share))
    )
    curves = grow(
        shell,
        roots,
        flow,
        lengths,
        lift=np.full(len(lengths), 0.3),
        weight=0.0,
        layers_m=np.full(len(share), 0.0007),
        rise_m=_RISE_M,
        steps=12,
        free=False,
        forwards=np.ones(len(lengths)),
    )
    return Guides(resampled(curves, 5), roots)


def lash_strands(surface: HairSurface, stream: np.random.Generator) -> Guides:
    """Every lash of both eyes: from the rim of the lid away from the eyeball, upper ones curling up."""
    marks = surface.landmarks_m
    centres = surface.vertices_m[surface.triangles].mean(axis=1)
    growing = np.flatnonzero(surface.growing)
    tree = KDTree(centres[growing])
    strands, triangles = [], []
    for first, outer in ((36, marks[36]), (42, marks[45])):
        eye = marks[first : first + 6]
        inner = marks[39] if first == 36 else marks[42]
        lateral = (outer - inner) / np.linalg.norm(outer - inner)
        middle = eye.mean(axis=0)
        for upper in (True, False):
            corners = eye[:4] if upper else eye[[0, 5, 4, 3]]
            if first == 42:
                corners = corners[::-1]
            # From the outer corner (0) to the inner one (3); none grow at the very ends.
            count = 85 if upper else 55
            place = np.sort(stream.uniform(0.12, 2.6, count)) if upper else np.sort(stream.uniform(0.3, 2.5, count))
            roots = CubicSpline(np.arange(4.0), corners)(place)
            share = place / 3.0
            longest = 0.0092 if upper else 0.0055
            length = (
                longest
                * np.interp(share, [0, 0.25, 0.6, 0.9], [0.85, 1.0, 0.85, 0.5])
                * stream.uniform(0.75, 1.1, count)
            )
            forward = np.array([0.0, 0.0, 1.0]) + 0.9 * lateral * ((roots - middle) @ lateral / 0.015)[:, None]
            forward[:, 1] = 0.0
            forward /= np.linalg.norm(forward, axis=1, keepdims=True)
            start, end = (-0.25, 0.95) if upper else (-0.35, -0.75)
            bend = np.linspace(0.0, 1.0, 7)[None, :] ** 1.2
            angle = start + (end - start) * bend * stream.uniform(0.8, 1.15, (count, 1))
            steps = np.cos(angle)[..., None] * forward[:, None] + np.sin(angle)[..., None] * np.array([0.0, 1.0, 0.0])
            lean = 0.12 * stream.standard_normal((count, 1, 1)) * lateral
            steps = (steps + lean) * (length / 6)[:, None, None]
            curve = roots[:, None] + np.concatenate([np.zeros((count, 1, 3)), np.cumsum(steps[:, :-1], axis=1)], axis=1)
            strands.append(curve)
            triangles.append(growing[tree.query(roots)[1]])
    chosen = np.concatenate(triangles)
    curves = np.concatenate(strands)
    third = np.full((len(chosen), 3), 1 / 3)
    anchors = roots_at(surface, chosen, third)
    return Guides(curves, Roots(anchors.triangles, third, curves[:, 0], anchors.normals))
