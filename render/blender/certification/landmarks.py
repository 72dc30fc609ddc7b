"""Landmarks against the rendered surface: where they are, where they fall in the picture, and whether they are seen."""

import numpy as np
from jaxtyping import Float

from render.blender.measured_head import HeadPicture
from render.certification.certificate import Check, Unit
from render.certification.ray_caster import Caster, cast
from render.certification.reference import Reference
from render.dataset_format import Label

PLACE_UM, PROJECTION_PX = 1.0, 0.01
# A landmark is hidden by what is nearer by more than this (render/blender/head.py, render/ground_truth/landmarks.py).
HIDES_M = 0.001
# Rays to a landmark that end this near to each other may disagree where one of them grazes.
GRAZES_PX, GRAZES_M = 0.02, 0.00005


def landmark_checks(
    picture: HeadPicture,
    surface_points_cam_m: Float[np.ndarray, "v 3"],
    head: Caster,
    visible: Reference,
    scene: str,
) -> list[Check]:
    """Place in 3D, projection in pixels, and visibility of the 68 landmarks of a picture."""
    geometry = picture.geometry
    points, pixels = np.array(geometry.landmarks_cam_m), np.array(geometry.landmarks_2d_px)
    gaps_um = np.array([np.linalg.norm(surface_points_cam_m - point, axis=1).min() for point in points]) * 1e6
    apart_px = np.linalg.norm(pixels - picture.blender_landmarks_px, axis=1)
    wrong, sure = _wrong_visibility(picture, head, visible)

    def check(quantity: str, rule: str, unit: Unit, bound: float, errors: np.ndarray) -> Check:
        total = unit == "landmarks"
        worst = float(errors.sum() if total else errors.max(initial=0.0))
        return Check(
            scene=scene,
            layer="visible",
            quantity=quantity,
            rule=rule,
            unit=unit,
            width_px=geometry.width_px,
            height_px=geometry.height_px,
            compared=int(errors.size),
            median=float(np.median(errors)) if errors.size else 0.0,
            percentile_99=float(np.percentile(errors, 99)) if errors.size else 0.0,
            worst=worst,
            worst_at=(int(errors.argmax()),) if errors.size else None,
            bound=bound,
            passed=bool(errors.size) and worst <= bound,
        )

    return [
        check("landmark places", "distance to a vertex of the rendered surface", "um", PLACE_UM, gaps_um),
        check("landmark pixels", "distance to Blender's own projection", "px", PROJECTION_PX, apart_px),
        check("landmark visibility", "seen, or hidden by what rays meet first", "landmarks", 0.0, wrong[sure]),
    ]


def _wrong_visibility(picture: HeadPicture, head: Caster, visible: Reference) -> tuple[np.ndarray, np.ndarray]:
    """Which landmarks say something else than rays do, and of which rays can be sure."""
    geometry = picture.geometry
    points, states = np.array(geometry.landmarks_cam_m), geometry.landmarks_visibility
    focal_px = geometry.intrinsics_px[0][0]
    answers = []
    for x, y in ((0.0, 0.0), (GRAZES_PX, 0.0), (-GRAZES_PX, 0.0), (0.0, GRAZES_PX), (0.0, -GRAZES_PX)):
        rays = points / points[:, 2:] + np.array([x, y, 0.0]) / focal_px
        clip_m = (picture.camera.clip_near_m, picture.camera.clip_far_m)
        hits = cast(head, rays, np.array(geometry.cam_from_world), clip_m=clip_m)
        before_m = np.where(hits.depth_m > 0, points[:, 2] - hits.depth_m, -1.0) * np.linalg.norm(rays, axis=1)
        answers += [before_m > HIDES_M + GRAZES_M, before_m > HIDES_M - GRAZES_M]
    hidden, sure = answers[0], np.ptp(np.array(answers, dtype=int), axis=0) == 0
    wrong = np.zeros(len(points), dtype=float)
    for number, (point, pixel, state) in enumerate(zip(points, geometry.landmarks_2d_px, states, strict=True)):
        inside = 0 <= pixel[0] < geometry.width_px and 0 <= pixel[1] < geometry.height_px
        if not inside:
            wrong[number] = state != "outside_image"
            continue
        column, row = int(pixel[0]), int(pixel[1])
        label = Label(int(visible.labels[row, column]))
        # Of strands, rays are not sure: the check of hair counts this pixel, and the landmark only follows it.
        sure[number] &= (label == Label.HAIR) == (picture.truth.labels[row, column] == Label.HAIR)
        worn = label in (Label.HAIR, Label.GLASSES, Label.CLOTHING, Label.OCCLUDER)
        behind_worn = worn and visible.depth_m[row, column] < point[2] - HIDES_M
        if hidden[number] and label == Label.BACKGROUND:
            label = Label.SKIN  # an outline runs through the pixel, and its centre is on the far side
        expected = f"occluded_by_{label.name.lower()}" if behind_worn or hidden[number] else "visible"
        wrong[number] = state != expected
    return wrong, sure
