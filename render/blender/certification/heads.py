"""Heads of people, with all they wear, against the independent ray caster."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from render.blender.certification.landmarks import landmark_checks
from render.blender.measured_head import HeadPicture, MeasuredHead, measure_head
from render.blender.measured_scene import RenderedMesh
from render.blender.passes import Stage
from render.certification.certificate import Check
from render.certification.compare import Comparison, compare_layer
from render.certification.errors import Bounds
from render.certification.ray_caster import Caster, build_caster
from render.certification.reference import Surfaces, View, expected_layer, surface_candidates
from render.certification.stored import stored
from render.certification.strands import spans_of
from render.config import Recipe
from render.geometry.frames import transform_points
from render.geometry.pinhole import pixel_rays
from render.heads.model import HeadModel
from render.parameters import FrameParameters

# Single precision leaves 0.3 um of distance at a metre (errors.NEAR_CENTRE_UM), which the slope of a surface seen at 78
# degrees makes 1 um of depth or more, and a pixel's pitch of 0.7 mm (1024 px) a slope of 0.001. A normal is stored to
# 0.0036 degrees; where it turns by 40 degrees over a triangle of 1 mm, as in a lip, 0.3 um are 0.012 degrees.
HEAD_BOUNDS = Bounds(depth_um=1.0, distance_um=0.5, normal_deg=0.02, slope=0.002)


def compare_head(
    stage: Stage,
    model: HeadModel,
    parameters: FrameParameters,
    recipe: Recipe,
    sizes_px: tuple[tuple[int, int], ...],
    *,
    scene: str,
) -> Iterator[tuple[list[Comparison], list[Check]]]:
    """Render a person in one pose in each size; comparisons of both layers, and finished checks of the landmarks."""
    head = measure_head(stage, model, parameters, recipe, sizes_px)
    casters = head_casters(head)
    for picture in head.pictures:
        yield compare_picture(picture, head, *casters, scene=scene)


def compare_picture(
    picture: HeadPicture, head: MeasuredHead, bare: Caster, worn: Caster, *, scene: str
) -> tuple[list[Comparison], list[Check]]:
    """One picture of a measured head. `bare` holds the head alone, `worn` also what it wears, but for strands."""
    geometry, truth = picture.geometry, stored(picture.truth)
    view = View(
        cam_from_world=np.array(geometry.cam_from_world),
        intrinsics=np.array(geometry.intrinsics_px),
        width_px=geometry.width_px,
        height_px=geometry.height_px,
        clip_m=(picture.camera.clip_near_m, picture.camera.clip_far_m),
    )
    rays = pixel_rays(view.intrinsics, width_px=view.width_px, height_px=view.height_px)
    strands = _spans(head, view) if len(head.strands.points_m) else None
    bare_rays, all_rays = (partial(surface_candidates, one, view) for one in (Surfaces(bare), Surfaces(worn, strands)))
    head_expected = expected_layer(bare_rays, view, truth.head, None, HEAD_BOUNDS)
    visible_expected = expected_layer(all_rays, view, truth.visible, truth.labels, HEAD_BOUNDS)
    comparisons = [
        *compare_layer("head", truth.head, None, head_expected, rays, HEAD_BOUNDS),
        *compare_layer("visible", truth.visible, truth.labels, visible_expected, rays, HEAD_BOUNDS),
    ]
    points = transform_points(view.cam_from_world, head.head.triangles_m.reshape(-1, 3).astype(np.float64))
    return comparisons, landmark_checks(picture, points, bare, visible_expected, scene)


def head_casters(head: MeasuredHead) -> tuple[Caster, Caster]:
    """The head alone, and with the meshes that are worn."""
    return _caster(head.head), _caster(head.head, head.worn)


def _caster(*meshes: RenderedMesh) -> Caster:
    names = ("triangles_m", "corner_normals", "labels")
    return build_caster(*(np.concatenate([getattr(mesh, name) for mesh in meshes]) for name in names))


def _spans(head: MeasuredHead, view: View) -> np.ndarray:
    strands = head.strands
    spans = spans_of(strands.points_m, strands.radii_m, strands.points_of_strand)
    spans[..., :3] = transform_points(view.cam_from_world, spans[..., :3].reshape(-1, 3)).reshape(-1, 4, 3)
    return spans
