"""Rigid registration: the motion, and where asked for the scale, that lays points onto a true surface (ICP).

A start from points that correspond, then steps that bring each point closer to the plane through its nearest true
vertex, leaving out the worst points. Every rotation is proper: nothing is ever mirrored.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from train.errors import InputError
from train.metrics.true_surface import TrueSurface

# A direction of motion is undetermined when it changes distances this much less than the one that changes them most.
LEAST_STIFFNESS = 1e-3
# Points in a line leave a rotation undetermined: second over first singular value of their spread.
LEAST_FLATNESS = 1e-6
# A scale that leaves its start by more than this factor follows no head any more. Source: ours.
LARGEST_SCALE_CHANGE = 2.0
# Near the end, nearest vertices can change to and fro for ever. Steps that move no point by more than this, and do not
# shrink any more, are halved until they end in the middle of that flicker. Source: ours.
LARGEST_FLICKER_MM = 0.1


class RegistrationError(Exception):
    """Points could not be laid onto the surface; an evaluation leaves such an example out and counts it."""


@dataclass(frozen=True)
class Alignment:
    """target = scale · rotation @ source + translation_mm, with a proper rotation."""

    scale: float
    rotation: Float[np.ndarray, "3 3"]
    translation_mm: Float[np.ndarray, "3"]


@dataclass(frozen=True)
class Registration:
    """Where registration ended: `rms_mm` is of distances along the normal, over the `points_kept` after trimming."""

    alignment: Alignment
    rms_mm: float
    points_kept: int
    iterations: int


def aligned(alignment: Alignment, points_mm: Float[np.ndarray, "m 3"]) -> Float[np.ndarray, "m 3"]:
    """The points after the alignment."""
    return alignment.scale * points_mm @ alignment.rotation.T + alignment.translation_mm


def corresponding_alignment(
    source_mm: Float[np.ndarray, "k 3"], target_mm: Float[np.ndarray, "k 3"], *, with_scale: bool
) -> Alignment:
    """The alignment with the least squared distance of points to those that correspond to them, such as landmarks.

    Raises: InputError for fewer than three points, points in one line, or points that are not finite.
    Source: Umeyama 1991; Kabsch 1976 without scale.
    """
    if len(source_mm) < 3 or not (np.isfinite(source_mm).all() and np.isfinite(target_mm).all()):
        raise InputError(f"an alignment needs 3 finite corresponding points or more; {len(source_mm)} came")
    source_middle, target_middle = source_mm.mean(axis=0), target_mm.mean(axis=0)
    source, target = source_mm - source_middle, target_mm - target_middle
    for name, spread in (("source", source), ("target", target)):
        extents = np.linalg.svd(spread, compute_uv=False)
        if not extents[1] > LEAST_FLATNESS * extents[0]:
            raise InputError(f"all {len(spread)} {name} points lie in one line or place; add points beside it")
    left, values, right = np.linalg.svd(target.T @ source)
    # Where the best orthogonal map would mirror, the weakest axis is turned back. Source: Umeyama 1991, equation 39.
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * signs) @ right
    scale = float((values * signs).sum() / (source**2).sum()) if with_scale else 1.0
    return Alignment(scale, rotation, target_middle - scale * rotation @ source_middle)


def centroid_alignment(points_mm: Float[np.ndarray, "m 3"], surface: TrueSurface) -> Alignment:
    """The shift of the points' mean to that of the true vertices: a start for points of the same part, turned alike."""
    return Alignment(1.0, np.eye(3), surface.vertices_mm.mean(axis=0) - points_mm.mean(axis=0))


def register(
    points_mm: Float[np.ndarray, "m 3"],
    surface: TrueSurface,
    *,
    start: Alignment,
    with_scale: bool,
    share_kept: float = 0.9,
    tolerance_mm: float = 1e-3,
    most_iterations: int = 100,
) -> Registration:
    """Register points to the surface from `start`, until one step moves no point by more than `tolerance_mm`.

    In each step the points nearest to the surface are kept, `share_kept` of all but those whose nearest vertex lies on
    the mesh's rim (they may have no true surface at all). `with_scale` also fits a scale, which errors along normals
    can shrink: use it where the scale is not known, never to improve a score.
    Raises: InputError for arguments out of range; RegistrationError when it does not settle, when too little of the
    points lies on the surface, when the surface leaves a motion open (a plane, a ball), or when the scale runs away.
    Source: point-to-plane (Chen and Medioni 1992), trimmed (Chetverikov et al. 2002), rim left out (Turk, Levoy 1994).
    """
    if len(points_mm) == 0 or not np.isfinite(points_mm).all():
        raise InputError(f"expected finite points to register, one or more; {len(points_mm)} came")
    if not (0 < share_kept <= 1 and tolerance_mm > 0 and most_iterations > 0):
        raise InputError(
            f"expected 0 < share_kept <= 1, tolerance_mm > 0 and most_iterations > 0; {share_kept}, {tolerance_mm} and "
            f"{most_iterations} came"
        )
    alignment, fraction, full_step_mm = start, 1.0, np.inf
    for iteration in range(1, most_iterations + 1):
        placed_mm = aligned(alignment, points_mm)
        step = _step(placed_mm, surface, with_scale=with_scale, share_kept=share_kept, fraction=fraction)
        alignment = _after(step, alignment)
        factor = max(alignment.scale / start.scale, start.scale / alignment.scale)
        if factor > LARGEST_SCALE_CHANGE:
            raise RegistrationError(
                f"the scale went from {start.scale:.4g} to {alignment.scale:.4g} in {iteration} steps; expected it to "
                f"stay within a factor {LARGEST_SCALE_CHANGE}. Start from landmarks, or register without scale"
            )
        placed_now_mm = aligned(alignment, points_mm)
        moved_mm = float(np.linalg.norm(placed_now_mm - placed_mm, axis=1).max())
        previous_mm, full_step_mm = full_step_mm, moved_mm / fraction
        if moved_mm <= tolerance_mm and full_step_mm <= max(LARGEST_FLICKER_MM, tolerance_mm):
            distances_mm = _matches(placed_now_mm, surface, share_kept=share_kept)[2]
            rms_mm = float(np.sqrt((distances_mm**2).mean()))
            return Registration(alignment, rms_mm, points_kept=len(distances_mm), iterations=iteration)
        if full_step_mm > LARGEST_FLICKER_MM:
            fraction = 1.0
        elif full_step_mm >= previous_mm:
            fraction /= 2
    raise RegistrationError(
        f"registration did not settle: step {most_iterations} would still move a point by {full_step_mm:.3g} mm. Start "
        "closer (landmarks), keep a smaller share of the points, or allow more steps"
    )


def _matches(
    placed_mm: Float[np.ndarray, "m 3"], surface: TrueSurface, *, share_kept: float
) -> tuple[Float[np.ndarray, "k 3"], Float[np.ndarray, "k 3"], Float[np.ndarray, " k"]]:
    """The points that are kept, the normals at their nearest vertices, and their signed distances along those, mm."""
    distances, nearest = surface.tree.query(placed_mm)
    candidates = np.flatnonzero(~surface.on_border[nearest])
    kept = candidates[np.argsort(distances[candidates], kind="stable")[: int(np.ceil(share_kept * len(candidates)))]]
    normals = surface.normals[nearest[kept]]
    offsets_mm = placed_mm[kept] - surface.vertices_mm[nearest[kept]]
    return placed_mm[kept], normals, np.einsum("ij,ij->i", offsets_mm, normals)


def _step(
    placed_mm: Float[np.ndarray, "m 3"],
    surface: TrueSurface,
    *,
    with_scale: bool,
    share_kept: float,
    fraction: float,
) -> Alignment:
    """A fraction of the small motion that makes squared distances along the normals least, to first order."""
    kept_mm, normals, distances_mm = _matches(placed_mm, surface, share_kept=share_kept)
    unknowns = 7 if with_scale else 6
    if len(kept_mm) < unknowns:
        raise RegistrationError(
            f"{len(kept_mm)} of {len(placed_mm)} points lie over the surface rather than beyond its rim, but "
            f"{unknowns} or more are needed; start closer (landmarks), and give both in millimetres and the same axes"
        )
    middle_mm = kept_mm.mean(axis=0)
    # In units of the points' own size, so that turning and shifting weigh alike.
    radius_mm = max(float(np.sqrt(((kept_mm - middle_mm) ** 2).sum(axis=1).mean())), np.finfo(np.float64).tiny)
    arms = (kept_mm - middle_mm) / radius_mm
    columns = [np.cross(arms, normals), normals]
    if with_scale:
        columns.append(np.einsum("ij,ij->i", arms, normals)[:, None])
    left, stiffness, right = np.linalg.svd(np.concatenate(columns, axis=1), full_matrices=False)
    if not stiffness[-1] > LEAST_STIFFNESS * stiffness[0]:
        raise RegistrationError(
            "the true surface leaves a motion open, along which it looks the same (a plane, a ball, a cylinder), or "
            "the points cover too little of it; register to a larger part of the head"
        )
    solution = fraction * right.T @ ((left.T @ (-distances_mm / radius_mm)) / stiffness)
    rotation = Rotation.from_rotvec(solution[:3]).as_matrix()
    scale = float(np.exp(solution[6])) if with_scale else 1.0
    return Alignment(scale, rotation, middle_mm + radius_mm * solution[3:6] - scale * rotation @ middle_mm)


def _after(second: Alignment, first: Alignment) -> Alignment:
    """One alignment that does what `first` and then `second` do."""
    return Alignment(
        scale=second.scale * first.scale,
        rotation=second.rotation @ first.rotation,
        translation_mm=second.scale * second.rotation @ first.translation_mm + second.translation_mm,
    )
