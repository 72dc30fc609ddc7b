"""Exact first hits of rays with hair: a strand is a chain of cone-spheres (hulls of two spheres), open at its ends."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int

from render.certification.ray_caster import RayHits
from render.dataset_format import Label
from render.geometry.pinhole import project_px

# A spline is cut into so many straight pieces that none lies further from it than this.
CHORD_M = 0.05e-6
MOST_STEPS = 128
# Spans, and pairs of a pixel and a piece, that are computed at a time: what fits into some hundred megabytes.
SPANS_AT_ONCE, PAIRS_AT_ONCE = 20_000, 1_000_000


def spans_of(
    points_m: Float[np.ndarray, "p 3"], radii_m: Float[np.ndarray, " p"], points_of_strand: Int[np.ndarray, " s"]
) -> Float[np.ndarray, "n 4 4"]:
    """The four control points (x, y, z, radius) of every span between neighbouring points of a strand.

    Strands lie one after the other in `points_m`. They are uniform Catmull-Rom splines through their points, in place
    and in radius, with the points at the ends counted twice, as Cycles draws them.
    """
    stops = np.cumsum(points_of_strand)
    strand = np.repeat(np.arange(len(stops)), points_of_strand)
    first, last = (stops - points_of_strand)[strand], stops[strand] - 1
    here = np.flatnonzero(np.arange(len(points_m)) < last)
    keys = np.concatenate([points_m, radii_m[:, None]], axis=1).astype(np.float64)
    before, after = np.maximum(here - 1, first[here]), np.minimum(here + 2, last[here])
    return np.stack([keys[before], keys[here], keys[here + 1], keys[after]], axis=1)


def strand_hits(
    spans_cam_m: Float[np.ndarray, "n 4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    rays: Float[np.ndarray, "h w 3"],
    wanted: Bool[np.ndarray, "h w"],
) -> RayHits:
    """First hits of the wanted pixels' rays with spans in the camera frame (the other pixels meet nothing).

    A piece of a strand is tried only with the pixels of the rectangle that bounds it in the picture.
    """
    height, width = wanted.shape
    depth, normals = np.full(height * width, np.inf), np.zeros((height * width, 3))
    sums = np.pad(wanted.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    flat_rays = rays.reshape(-1, 3)
    for pieces, cuts in _pieces_near(spans_cam_m, intrinsics, sums):
        low, high = _rectangles(pieces, intrinsics, sums)
        sizes = high - low
        counts = sizes.prod(axis=1)
        for chosen in _portions(counts):
            number = np.repeat(chosen, counts[chosen])
            place = np.arange(len(number)) - np.repeat(np.cumsum(counts[chosen]) - counts[chosen], counts[chosen])
            row, column = low[number, 1] + place // sizes[number, 0], low[number, 0] + place % sizes[number, 0]
            kept = wanted[row, column]
            number, pixel = number[kept], (row * width + column)[kept]
            t, normal = cone_sphere_hits(
                pieces[number, :, :3], pieces[number, :, 3], flat_rays[pixel], cuts=cuts[number]
            )
            order = np.argsort(t)[::-1]  # of several hits of a pixel the last one written is the nearest
            nearer = order[t[order] < depth[pixel[order]]]
            depth[pixel[nearer]], normals[pixel[nearer]] = t[nearer], normal[nearer]
    found = np.isfinite(depth)
    labels = np.where(found, np.uint8(Label.HAIR), np.uint8(0))
    return RayHits(np.where(found, depth, 0.0), normals, labels)


def cone_sphere_hits(
    ends_m: Float[np.ndarray, "n 2 3"],
    radii_m: Float[np.ndarray, "n 2"],
    rays: Float[np.ndarray, "n 3"],
    *,
    cuts: Float[np.ndarray, "n 2 4"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 3"]]:
    """Where ray i first meets cone-sphere i (infinity: nowhere), in multiples of the ray, and the outward unit normal.
    Only points x with x . c[:3] >= c[3] for both cuts c are there (zeros cut nothing off).

    The hull of two spheres is the union of all spheres between: centre a + s d, radius r - s e, 0 <= s <= 1. A point x
    is on the mantle where |x - a - s d|^2 = (r - s e)^2 and the derivative of that by s is 0, so that
    s = ((x - a) . d - r e) / (d . d - e e); elsewhere an end sphere is the surface.
    """
    a, b, r = ends_m[:, 0], ends_m[:, 1], radii_m[:, 0]
    d, e = b - a, radii_m[:, 0] - radii_m[:, 1]
    length2 = _dot(d, d) - e * e
    best, normal = np.full(len(rays), np.inf), np.zeros((len(rays), 3))
    has_mantle = length2 > 0
    safe = np.where(has_mantle, length2, 1.0)
    # |x - a|^2 - r^2 - ((x - a) . d - r e)^2 / length2 = 0 with x = t ray: a quadratic of t.
    across, start = _dot(rays, d), -_dot(a, d) - r * e
    t, inside_root = _first_root(
        _dot(rays, rays) - across**2 / safe,
        -_dot(rays, a) - across * start / safe,
        _dot(a, a) - r * r - start**2 / safe,
    )
    share = (t * across + start) / safe
    on_mantle = has_mantle & inside_root & (share >= 0) & (share <= 1) & (t > 0) & _uncut(t[:, None] * rays, cuts)
    best[on_mantle] = t[on_mantle]
    normal[on_mantle] = (t[:, None] * rays - a - share[:, None] * d)[on_mantle]
    for centre, radius in ((a, r), (b, radii_m[:, 1])):
        t, inside_root = _first_root(_dot(rays, rays), -_dot(rays, centre), _dot(centre, centre) - radius**2)
        nearer = inside_root & (t > 0) & (t < best) & _uncut(t[:, None] * rays, cuts)
        best[nearer] = t[nearer]
        normal[nearer] = (t[:, None] * rays - centre)[nearer]
    return best, normal / np.linalg.norm(normal, axis=1, keepdims=True).clip(1e-12)


def _first_root(
    q2: Float[np.ndarray, " n"], q1: Float[np.ndarray, " n"], q0: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Where q2 t^2 + 2 q1 t + q0 falls through 0, and whether it does: a ray enters there. It is the smaller root where
    q2 is above 0, and the larger one where it is below (the ray runs within the opening of the double cone)."""
    inside_root = q1 * q1 - q2 * q0
    root = (-q1 - np.sqrt(np.maximum(inside_root, 0.0))) / np.where(q2 == 0, 1.0, q2)
    return root, (inside_root > 0) & (q2 != 0)


def _pieces_near(
    spans: Float[np.ndarray, "n 4 4"], intrinsics: Float[np.ndarray, "3 3"], sums: Int[np.ndarray, "h1 w1"]
) -> Iterator[tuple[Float[np.ndarray, "m 2 4"], Float[np.ndarray, "m 2 4"]]]:
    """Straight pieces (both ends: x, y, z, radius) of the spans that may cover a wanted pixel, before the camera; and
    where they are cut off: Cycles draws a strand as a tube that is open at root and tip, square to its course there."""
    spans = spans[(spans[..., 2] > 1.1 * spans[..., 3]).all(axis=1)]
    # A cubic lies within a tenth of its longest second difference of its chord, cut in n pieces within 1 / n^2 of that.
    bows = np.linalg.norm(np.diff(spans[..., :3], n=2, axis=1), axis=-1).max(axis=1, initial=0.0) / 4
    steps = np.exp2(np.ceil(0.5 * np.log2(np.maximum(bows / CHORD_M, 1.0)))).clip(1, MOST_STEPS).astype(int)
    chords = spans[:, 1:3].copy()
    chords[..., 3] = spans[..., 3].max(axis=1, keepdims=True) + bows[:, None]
    low, high = _rectangles(chords, intrinsics, sums)
    near = (high > low).all(axis=1)
    for count in np.unique(steps[near]):
        chosen = np.flatnonzero(near & (steps == count))
        at_once = max(1, 2 * SPANS_AT_ONCE // int(count))
        for start in range(0, len(chosen), at_once):
            some = spans[chosen[start : start + at_once]]
            pieces = _cut(some, int(count))
            yield pieces, np.repeat(_open_ends(some), int(count), axis=0)


def _open_ends(spans: Float[np.ndarray, "n 4 4"]) -> Float[np.ndarray, "n 2 4"]:
    """The planes that cut off what lies beyond root and tip of the strands whose first or last span this is."""
    cuts = np.zeros((len(spans), 2, 4))
    # The course of a Catmull-Rom spline at its end, where the end point counts twice.
    for number, (twice, end, inwards) in enumerate(((0, 1, 1), (3, 2, -1))):
        is_end = (spans[:, twice] == spans[:, end]).all(axis=-1)
        course = spans[is_end, end + inwards, :3] - spans[is_end, end, :3]
        cuts[is_end, number, :3] = course
        cuts[is_end, number, 3] = _dot(course, spans[is_end, end, :3])
    return cuts


def _uncut(points: Float[np.ndarray, "n 3"], cuts: Float[np.ndarray, "n 2 4"]) -> Bool[np.ndarray, " n"]:
    return ((cuts[..., :3] * points[:, None]).sum(axis=-1) >= cuts[..., 3]).all(axis=1)


def _cut(spans: Float[np.ndarray, "n 4 4"], steps: int) -> Float[np.ndarray, "m 2 4"]:
    t = np.linspace(0.0, 1.0, steps + 1)
    weights = 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], axis=1
    )
    curve = weights @ spans
    return np.stack([curve[:, :-1], curve[:, 1:]], axis=2).reshape(-1, 2, 4)


def _rectangles(
    pieces: Float[np.ndarray, "n 2 4"], intrinsics: Float[np.ndarray, "3 3"], sums: Int[np.ndarray, "h1 w1"]
) -> tuple[Int[np.ndarray, "n 2"], Int[np.ndarray, "n 2"]]:
    """First column and row, and the ones after the last, of the pixels whose centres a piece may cover; empty where
    none of them is wanted."""
    centres, radii = pieces[..., :3], pieces[..., 3]
    pixels = project_px(intrinsics, centres.reshape(-1, 3)).reshape(-1, 2, 2)
    # A sphere at depth z with radius r reaches about f r / (z - r) sideways of its centre, a bit more off the axis.
    off_axis = (centres**2).sum(axis=-1) / centres[..., 2] ** 2
    reach = intrinsics[0, 0] * radii * off_axis / (centres[..., 2] - radii) + 0.01
    limits = np.array(sums.shape[::-1]) - 1
    low = np.ceil((pixels - reach[..., None]).min(axis=1) - 0.5).astype(np.int64).clip(0, limits)
    high = np.floor((pixels + reach[..., None]).max(axis=1) + 0.5).astype(np.int64).clip(0, limits)
    high = np.maximum(low, high)
    (left, top), (right, bottom) = low.T, high.T
    wanted = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left] > 0
    return low, np.where(wanted[:, None], high, low)


def _portions(counts: Int[np.ndarray, " n"]) -> Iterator[Int[np.ndarray, " m"]]:
    """Indices of pieces that have pixels, in portions of about as many pairs as are computed at a time."""
    some = np.flatnonzero(counts)
    portion = np.cumsum(counts[some]) // PAIRS_AT_ONCE
    for number in np.unique(portion):
        yield some[portion == number]


def _dot(a: Float[np.ndarray, "n 3"], b: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    return (a * b).sum(axis=-1)
