"""What a layer of ground truth should be: first hits of rays with everything that was rendered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from render.certification.errors import HAIR_UM, Bounds, surface_errors
from render.certification.ray_caster import Caster, RayHits, cast
from render.certification.strands import strand_hits
from render.dataset_format import Label, SurfaceLayer
from render.geometry.pinhole import pixel_rays

# The offsets at which answers are looked for, nearest first, as shares of the bound.
OFFSETS = [
    (share * x, share * y)
    for share in (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7), (-0.7, 0.7), (0.7, -0.7), (-0.7, -0.7))
]

# Where the normal turns by degrees within 1 um, as in the corner of a mouth, the right ray lies between those. A pixel
# that is nearly right (by its cost) is tried along a spiral too, whose points are the denser the nearer they are.
SPIRAL = [
    (share * np.cos(turn), share * np.sin(turn))
    for share, turn in zip(np.linspace(0.002, 1.0, 512), np.arange(512) * np.pi * (3 - 5**0.5), strict=True)
]
NEARLY = 50.0


@dataclass(frozen=True)
class Surfaces:
    """What rays may meet: triangles, and the spans of strands in the camera frame."""

    triangles: Caster
    spans_cam_m: Float[np.ndarray, "n 4 4"] | None = None


@dataclass(frozen=True)
class View:
    """The camera that looks."""

    cam_from_world: Float[np.ndarray, "4 4"]
    intrinsics: Float[np.ndarray, "3 3"]
    width_px: int
    height_px: int
    clip_m: tuple[float, float]


@dataclass(frozen=True)
class Reference:
    """Expected depth (0: nothing), normals and labels."""

    depth_m: Float[np.ndarray, "h w"]
    normals_cam: Float[np.ndarray, "h w 3"]
    labels: UInt8[np.ndarray, "h w"]


# Right answers for the wanted pixels, from rays that pass their centres' at an offset (right, down, where z = 1).
Candidates = Callable[[tuple[float, float], np.ndarray], Sequence[RayHits]]


def expected_layer(
    candidates: Candidates, view: View, layer: SurfaceLayer, labels: np.ndarray | None, bounds: Bounds
) -> Reference:
    """The hits that a layer should show. Where more than one answer is right, because a pixel is out of bounds for its
    centre's ray, the one nearest to what the layer shows: depth, normal and label of one and the same hit.

    `candidates(offset, wanted)` gives right answers for the wanted pixels, row by row. `labels` are those of the layer;
    None when it has none.
    """
    shape = (view.height_px, view.width_px)
    best = _Answer.nothing(view, layer, labels, bounds)
    best.take_nearer(candidates((0.0, 0.0), np.ones(shape, dtype=bool)), np.arange(best.cost.size))
    # A ray beside the centre that meets the surface at a grazing angle does not excuse the normal.
    best.frontal = surface_errors(best.shown_m, best.shown_normals, best.depth, best.normals, best.rays).frontal
    _take_beside(best, candidates, OFFSETS, shape, lambda: best.cost > 1.0)
    _take_beside(
        best, candidates, SPIRAL, shape, lambda: (best.cost > 1.0) & (best.cost < NEARLY) & (best.labels != Label.HAIR)
    )
    return Reference(
        depth_m=best.depth.reshape(shape),
        normals_cam=best.normals.reshape(*shape, 3),
        labels=best.labels.reshape(shape),
    )


def _take_beside(
    best: "_Answer",
    candidates: Candidates,
    offsets: Sequence[tuple[float, float]],
    shape: tuple[int, int],
    open_pixels: Callable[[], np.ndarray],
) -> None:
    """Take answers of rays beside the centres', one offset (a share of the bound) after the other, while any pixel is
    open to them."""
    for x, y in offsets:
        wanted = open_pixels()
        if not wanted.any():
            return
        offset = (1e-6 * best.bounds.beside_um * x, 1e-6 * best.bounds.beside_um * y)
        best.take_nearer(candidates(offset, wanted.reshape(shape)), np.flatnonzero(wanted))


@dataclass
class _Answer:
    """The answer so far for every pixel, and its cost: how far it is from what is shown (up to 1: within bounds)."""

    rays: np.ndarray
    bounds: Bounds
    shown_m: np.ndarray
    shown_normals: np.ndarray
    shown_labels: np.ndarray | None
    cost: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    labels: np.ndarray
    frontal: np.ndarray

    @staticmethod
    def nothing(view: View, layer: SurfaceLayer, labels: np.ndarray | None, bounds: Bounds) -> "_Answer":
        count = layer.depth_m.size
        return _Answer(
            rays_beside_centres(view, (0.0, 0.0)).reshape(-1, 3),
            bounds,
            layer.depth_m.reshape(-1).astype(np.float64),
            layer.normals_cam.reshape(-1, 3).astype(np.float64),
            None if labels is None else labels.reshape(-1),
            np.full(count, np.inf),
            np.zeros(count),
            np.zeros((count, 3)),
            np.zeros(count, np.uint8),
            np.zeros(count, dtype=bool),
        )

    def take_nearer(self, candidates: Sequence[RayHits], pixels: Int[np.ndarray, " n"]) -> None:
        """Take a candidate for these pixels where it is nearer to what is shown than the answer so far."""
        for hits in candidates:
            cost = self._cost(hits, pixels)
            better = cost < self.cost[pixels]
            taken = pixels[better]
            self.cost[taken] = cost[better]
            self.depth[taken] = hits.depth_m[better]
            self.normals[taken] = hits.normals_cam[better]
            self.labels[taken] = hits.labels[better]

    def _cost(self, hits: RayHits, pixels: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        shown_m = self.shown_m[pixels]
        errors = surface_errors(shown_m, self.shown_normals[pixels], hits.depth_m, hits.normals_cam, self.rays[pixels])
        over = errors.over(self.bounds, also=self.frontal[pixels])
        cost = np.where(hits.labels == Label.HAIR, errors.distance_um / HAIR_UM, over)
        cost += np.where((hits.depth_m > 0) == (shown_m > 0), 0.0, 1e9)
        if self.shown_labels is not None:
            cost += np.where(hits.labels == self.shown_labels[pixels], 0.0, 1e6)
        return cost


def rays_beside_centres(view: View, offset: tuple[float, float]) -> Float[np.ndarray, "h w 3"]:
    """Rays (camera frame, z = 1) that pass those through the pixels' centres at this offset, right and down."""
    return pixel_rays(view.intrinsics, width_px=view.width_px, height_px=view.height_px) + np.array([*offset, 0.0])


def surface_candidates(
    surfaces: Surfaces, view: View, offset: tuple[float, float], wanted: Bool[np.ndarray, "h w"]
) -> list[RayHits]:
    """Right answers by casting rays: the first hit of a triangle or strand; and, of rays beside the centres, where the
    centre's own ray meets the plane of that triangle, for Cycles too measures along one ray to one plane."""
    rays = rays_beside_centres(view, offset)
    chosen = np.flatnonzero(wanted)
    some, centre = rays.reshape(-1, 3)[chosen], rays_beside_centres(view, (0.0, 0.0)).reshape(-1, 3)[chosen]
    first = cast(surfaces.triangles, some, view.cam_from_world, clip_m=view.clip_m)
    answers = [first]
    if offset != (0.0, 0.0):
        answers.append(cast(surfaces.triangles, some, view.cam_from_world, clip_m=view.clip_m, measured_along=centre))
    if surfaces.spans_cam_m is not None:
        hair = strand_hits(surfaces.spans_cam_m, _shifted(view.intrinsics, offset), rays, wanted)
        hair = RayHits(hair.depth_m[chosen], hair.normals_cam[chosen], hair.labels[chosen])
        before = (hair.depth_m > 0) & ((hair.depth_m < first.depth_m) | (first.depth_m == 0))
        answers = [_choose(before, hair, answer) for answer in answers]
    return answers


def _shifted(intrinsics: Float[np.ndarray, "3 3"], offset: tuple[float, float]) -> Float[np.ndarray, "3 3"]:
    shifted = intrinsics.copy()
    shifted[:2, 2] -= intrinsics[0, 0] * np.array(offset)
    return shifted


def _choose(where: np.ndarray, hits: RayHits, otherwise: RayHits) -> RayHits:
    return RayHits(
        np.where(where, hits.depth_m, otherwise.depth_m),
        np.where(where[:, None], hits.normals_cam, otherwise.normals_cam),
        np.where(where, hits.labels, otherwise.labels),
    )
