"""The reference: one surface beside another, and how near a ray must pass to decide which of them a pixel shows."""

import dataclasses
from functools import partial

import numpy as np
import pytest

from render.certification.compare import checked, compare_layer
from render.certification.errors import NEAR_CENTRE_UM, Bounds
from render.certification.ray_caster import RayHits, build_caster
from render.certification.reference import Surfaces, View, expected_layer, surface_candidates
from render.dataset_format import Label, SurfaceLayer
from render.geometry.pinhole import pixel_rays
from render.geometry.surface import gradient_magnitude

INTRINSICS = np.array([[90.0, 0, 16.0], [0, 90.0, 11.0], [0, 0, 1]])
VIEW = View(np.eye(4), INTRINSICS, 32, 22, (0.01, 5.0))
RAYS = pixel_rays(INTRINSICS, width_px=32, height_px=22)
BOUNDS = Bounds(depth_um=1.0, distance_um=0.5, normal_deg=0.02, slope=0.002)
NEAR_CENTRE = 1e-6 * NEAR_CENTRE_UM
# A ridge: two planes that meet at column 20's centres, facing left and right.
RIDGE_X = float(RAYS[0, 20, 0])
SLANT = 0.8


def ridge(shift: float) -> tuple[SurfaceLayer, Surfaces]:
    """A picture of a ridge that lies `shift` (at z = 1) right of the column's centres, and the ridge without shift."""
    edge = 0.9 * np.array([[RIDGE_X, -2.0, 1.0], [RIDGE_X, 2.0, 1.0]])
    normals = np.array([[-SLANT, 0.0, -1.0], [SLANT, 0.0, -1.0]]) / np.hypot(SLANT, 1.0)
    triangles = []
    for side in (-1.0, 1.0):
        foot = edge + np.array([side, 0.0, SLANT])
        both = [[edge[0], edge[1], foot[1]], [edge[0], foot[1], foot[0]]]
        triangles += both if side > 0 else [corners[::-1] for corners in both]
    corners = np.repeat(normals, 2, axis=0)[:, None].repeat(3, axis=1)
    labels = np.full(4, Label.GLASSES, dtype=np.uint8)
    caster = build_caster(np.array(triangles, np.float32), corners.astype(np.float32), labels)
    left = (RAYS[..., 0] < RIDGE_X + shift)[..., None]
    shown = np.where(left, normals[0], normals[1])
    depth = (shown @ edge[0] / (shown * RAYS).sum(axis=-1)).astype(np.float32)
    slopes = gradient_magnitude(depth, focal_length_px=90.0)
    return SurfaceLayer(depth, shown.astype(np.float32), slopes), Surfaces(caster)


def failed(layer: SurfaceLayer, surfaces: Surfaces) -> set[str]:
    labels = np.full(layer.depth_m.shape, Label.GLASSES, dtype=np.uint8)
    expected = expected_layer(partial(surface_candidates, surfaces, VIEW), VIEW, layer, labels, BOUNDS)
    comparisons = compare_layer("visible", layer, labels, expected, RAYS, BOUNDS)
    return {one.quantity for one in comparisons if not checked(one, "ridge").passed}


@pytest.mark.parametrize("shift", [-0.5 * NEAR_CENTRE, 0.5 * NEAR_CENTRE])
def test_either_side_of_a_crease_may_be_shown(shift: float):
    """Where two surfaces meet in a pixel's centre, depth is the same for both, and the normal may be of either."""
    assert failed(*ridge(shift)) == set()


def test_nothing_further_off_is_forgiven():
    """A pixel with the normal of a surface one pixel away fails, and so does a depth 2 um off beside the crease."""
    layer, surfaces = ridge(-1.0 / 90.0)
    assert "normals" in failed(layer, surfaces)
    layer, surfaces = ridge(0.5 * NEAR_CENTRE)
    depth = layer.depth_m.copy()
    depth[7, 24] += 2e-6
    assert {"depth", "distance"} <= failed(dataclasses.replace(layer, depth_m=depth), surfaces)


def test_slopes_are_compared_with_the_stored_depth_too():
    """A gradient magnitude that is 1e-5 off its definition fails, though no ray tells depth that well."""
    layer, surfaces = ridge(0.5 * NEAR_CENTRE)
    slopes = layer.gradient_magnitude + np.float32(1e-5)
    assert failed(dataclasses.replace(layer, gradient_magnitude=slopes), surfaces) == {"gradient of depth"}


@pytest.mark.parametrize(("turned_deg", "fails"), [(0.21, set()), (4.0, {"normals"})])
def test_where_the_normal_turns_by_degrees_within_a_micrometre_the_ray_between_is_found(turned_deg: float, fails: set):
    """The normal of a wall turns by 3 degrees for every micrometre that a ray passes beside the centre, down right:
    0.21 degrees are those of some ray within the bound, 4 degrees of none."""
    shape = (VIEW.height_px, VIEW.width_px)

    def normal(angle_deg: float) -> np.ndarray:
        return np.array([np.sin(np.radians(angle_deg)), 0.0, -np.cos(np.radians(angle_deg))])

    def candidates(offset: tuple[float, float], wanted: np.ndarray) -> list[RayHits]:
        count = int(wanted.sum())
        turned = normal(3.0 * (0.6 * offset[0] + 0.8 * offset[1]) * 1e6)
        return [RayHits(np.full(count, 0.9), np.tile(turned, (count, 1)), np.full(count, Label.SKIN, np.uint8))]

    shown = np.tile(normal(0.0), (*shape, 1))
    shown[3, 5] = normal(turned_deg)
    depth, labels = np.full(shape, np.float32(0.9)), np.full(shape, Label.SKIN, np.uint8)
    layer = SurfaceLayer(depth, shown.astype(np.float32), np.zeros(shape, np.float32))
    comparisons = compare_layer(
        "visible", layer, labels, expected_layer(candidates, VIEW, layer, labels, BOUNDS), RAYS, BOUNDS
    )
    assert {one.quantity for one in comparisons if not checked(one, "wall").passed} == fails
