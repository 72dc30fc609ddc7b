"""How far a reconstructed head lies from the true mesh: along the true normals, and to the nearest true vertex.

Millimetres, after registration; distances also in percent of the true depth range. What the numbers mean and how
the published tables may be read: docs/reconstruction.md.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Bool, Float

from train.errors import InputError
from train.metrics.true_surface import TrueSurface

# Published tables have a column "90 %", said to be the "average ninety percent largest error". Source: SPEC B3.
SHARE_OF_90_PERCENT = 0.9


@dataclass(frozen=True)
class SurfaceDistances:
    """Errors of m points, millimetres; `beyond_border` marks points whose nearest true vertex lies on the mesh's rim.

    `normal_mm` is signed: above 0 outside the true surface.
    """

    normal_mm: Float[np.ndarray, " m"]
    distance_mm: Float[np.ndarray, " m"]
    beyond_border: Bool[np.ndarray, " m"]


@dataclass(frozen=True)
class DistanceSummary:
    """What tables give of absolute errors. Two readings of "90 %": the percentile, and the mean of the largest 90 %."""

    mean: float
    std: float
    median: float
    percentile_90: float
    mean_of_largest_90_percent: float


@dataclass(frozen=True)
class SurfaceScores:
    """Scores of one reconstruction. `normal_mean_mm` and `normal_variance_mm2` are ē and V of bouafif2020 equation 9;
    summaries are of distances to the nearest true vertex, and in percent of `depth_range_mm`."""

    points: int
    normal_mean_mm: float
    normal_variance_mm2: float
    depth_range_mm: float
    distance_mm: DistanceSummary
    distance_percent: DistanceSummary


def surface_distances(
    points_mm: Float[np.ndarray, "m 3"],
    surface: TrueSurface,
    *,
    matched_at_mm: Float[np.ndarray, "m 3"] | None = None,
) -> SurfaceDistances:
    """Distance of every point to its nearest true vertex, and along the normal there.

    With `matched_at_mm` the nearest vertices are those of other positions of the same points: shu2020 finds them for
    the registered points, and measures at the points before registration.
    Raises: InputError when there is no point, or one is not finite.
    Source: bouafif2020 equation 9; shu2020 section IV.B; SPEC B3 and B4.
    """
    if len(points_mm) == 0 or not np.isfinite(points_mm).all():
        raise InputError(
            f"expected one finite point or more to measure, but {len(points_mm)} came, "
            f"{int((~np.isfinite(points_mm)).any(axis=1).sum())} of them not finite; reconstruct inside the mask alone"
        )
    _, nearest = surface.tree.query(points_mm if matched_at_mm is None else matched_at_mm)
    offsets_mm = points_mm - surface.vertices_mm[nearest]
    return SurfaceDistances(
        normal_mm=np.einsum("ij,ij->i", offsets_mm, surface.normals[nearest]),
        distance_mm=np.linalg.norm(offsets_mm, axis=1),
        beyond_border=surface.on_border[nearest],
    )


def within_border(distances: SurfaceDistances) -> SurfaceDistances:
    """The points that have true surface on all sides: a head crops to the part that a scan of its face shows."""
    inside = ~distances.beyond_border
    return SurfaceDistances(
        normal_mm=distances.normal_mm[inside],
        distance_mm=distances.distance_mm[inside],
        beyond_border=distances.beyond_border[inside],
    )


def surface_scores(distances: SurfaceDistances, *, depth_range_mm: float) -> SurfaceScores:
    """Scores of one reconstruction. V divides by points - 1, as equation 9; the summary's std by points.

    Percentages are of `depth_range_mm`, usually that of the true surface; of a whole head's, pass that of its face.

    Raises: InputError for fewer than two points, or a depth range that is not above 0.
    Source: bouafif2020 equation 9; SPEC B3 and B4.
    """
    points = len(distances.normal_mm)
    if points < 2:
        raise InputError(
            f"a variance needs 2 points or more, but {points} came; did registration fail, or the crop leave nothing?"
        )
    if not (np.isfinite(depth_range_mm) and depth_range_mm > 0):
        raise InputError(f"the true depth range must be above 0 mm, but {depth_range_mm} came; is the mesh flat in z?")
    return SurfaceScores(
        points=points,
        normal_mean_mm=float(distances.normal_mm.mean()),
        normal_variance_mm2=float(distances.normal_mm.var(ddof=1)),
        depth_range_mm=float(depth_range_mm),
        distance_mm=distance_summary(distances.distance_mm),
        distance_percent=distance_summary(distances.distance_mm * (100 / depth_range_mm)),
    )


def distance_summary(errors: Float[np.ndarray, " m"]) -> DistanceSummary:
    """Mean, standard deviation, median and both readings of "90 %" of absolute errors, in their unit.

    The largest 90 % are all but the smallest tenth, rounded down. Raises: InputError when there is none, or one is
    below 0 or not finite. Source: SPEC B3.
    """
    if errors.size == 0 or not (np.isfinite(errors) & (errors >= 0)).all():
        raise InputError(f"expected one error or more, finite and not below 0, but {errors.size} came, not all such")
    smallest = int(errors.size * (1 - SHARE_OF_90_PERCENT) + 1e-9)
    return DistanceSummary(
        mean=float(errors.mean()),
        std=float(errors.std()),
        median=float(np.median(errors)),
        percentile_90=float(np.quantile(errors, SHARE_OF_90_PERCENT)),
        mean_of_largest_90_percent=float(np.sort(errors)[smallest:].mean()),
    )


def pooled_surface_scores(images: Sequence[SurfaceScores]) -> dict[str, float]:
    """Scores of several reconstructions, each weighing the same: means over images of everything, and
    `normal_sigma_mm` = √(mean of V), equation 9's σ. `images` says how many there were.

    Raises: InputError without images.
    """
    if not images:
        raise InputError("scores over images need one image or more, but none came; did every registration fail?")
    result = {
        "images": float(len(images)),
        "normal_mean_mm": float(np.mean([image.normal_mean_mm for image in images])),
        "normal_sigma_mm": float(np.sqrt(np.mean([image.normal_variance_mm2 for image in images]))),
    }
    for suffix, summaries in (
        ("mm", [asdict(image.distance_mm) for image in images]),
        ("percent", [asdict(image.distance_percent) for image in images]),
    ):
        for name in summaries[0]:
            result[f"distance_{name}_{suffix}"] = float(np.mean([summary[name] for summary in summaries]))
    return result
