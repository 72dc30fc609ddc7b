"""Closed forms: hits lie on the shape, nothing lies before them, and normals and slopes are those of the shape."""

import numpy as np
import pytest

from render.certification.closed_forms import Cone, Plane, Shape, Sphere, closed_form
from render.geometry.frames import head_rotation, rigid
from render.geometry.pinhole import pixel_rays

INTRINSICS = np.array([[130.0, 0, 37.3], [0, 130.0, 21.8], [0, 0, 1]])
HEIGHT, WIDTH = 44, 71
RAYS = pixel_rays(INTRINSICS, width_px=WIDTH, height_px=HEIGHT)
CAM_FROM_WORLD = rigid(head_rotation(20.0, -15.0, 35.0), np.array([0.02, -0.03, 0.8]))
AXIS = np.array([0.3, 0.9, 0.2]) / np.linalg.norm([0.3, 0.9, 0.2])
NORMAL = np.array([0.2, 0.4, -0.9]) / np.linalg.norm([0.2, 0.4, -0.9])
SHAPES = {
    "plane": Plane(np.array([0.01, 0.02, 0.03]), NORMAL),
    "sphere": Sphere(np.array([0.03, -0.01, 0.02]), 0.11),
    "cone": Cone(np.array([-0.05, -0.2, 0.0]), AXIS, 19.0, 0.08, 0.35),
}


def outside(shape: Shape, points: np.ndarray) -> np.ndarray:
    """A function of world points that is 0 on the shape's surface and has another sign on either side."""
    if isinstance(shape, Plane):
        return (points - shape.point_m) @ shape.normal
    if isinstance(shape, Sphere):
        return np.linalg.norm(points - shape.centre_m, axis=-1) - shape.radius_m
    from_apex = points - shape.apex_m
    along = from_apex @ shape.axis
    across = np.linalg.norm(from_apex - along[..., None] * shape.axis, axis=-1)
    return across - along * np.tan(np.radians(shape.half_angle_deg))


def in_world(depth_m: np.ndarray) -> np.ndarray:
    return (RAYS * depth_m[..., None] - CAM_FROM_WORLD[:3, 3]) @ CAM_FROM_WORLD[:3, :3]


@pytest.mark.parametrize("name", SHAPES)
def test_hits_lie_on_the_shape_and_nothing_before_them(name: str):
    """The implicit equation holds to a picometre at every hit, and keeps its sign from the camera to there (a cone is
    open, so a ray may come in through its end)."""
    shape = SHAPES[name]
    hits = closed_form(shape, RAYS, CAM_FROM_WORLD)
    found = hits.depth_m > 0
    assert found.sum() > 400
    assert np.abs(outside(shape, in_world(hits.depth_m))[found]).max() < 1e-12
    if name != "cone":
        for share in np.linspace(0.05, 0.999, 9):
            signs = np.sign(outside(shape, in_world(share * hits.depth_m)))[found]
            assert (signs == signs[0]).all()
    far = np.linspace(0.3, 1.3, 200)
    for row, column in np.argwhere(~found)[::97]:
        values = np.array([outside(shape, in_world(np.full((HEIGHT, WIDTH), one))[row, column]) for one in far])
        if name != "cone":
            assert (np.sign(values) == np.sign(values[0])).all()


@pytest.mark.parametrize("name", SHAPES)
def test_normals_are_those_of_the_surface_and_face_the_camera(name: str):
    """They are unit and parallel to the numerical gradient of the implicit equation."""
    shape = SHAPES[name]
    hits = closed_form(shape, RAYS, CAM_FROM_WORLD)
    found = hits.depth_m > 0
    points, step = in_world(hits.depth_m)[found], 1e-5
    gradient = np.stack(
        [outside(shape, points + step * axis) - outside(shape, points - step * axis) for axis in np.eye(3)], axis=-1
    )
    gradient = (gradient / np.linalg.norm(gradient, axis=-1, keepdims=True)) @ CAM_FROM_WORLD[:3, :3].T
    normals = hits.normals_cam[found]
    np.testing.assert_allclose(np.abs((normals * gradient).sum(axis=-1)), 1.0, atol=1e-8)
    assert ((normals * RAYS[found]).sum(axis=-1) < 0).all()


def test_half_a_plane_ends_at_its_edge():
    """Only the side that `inward` points to is there."""
    inward = np.cross(NORMAL, [0.0, 0.0, 1.0])
    inward /= np.linalg.norm(inward)
    whole = closed_form(SHAPES["plane"], RAYS, CAM_FROM_WORLD)
    half = closed_form(Plane(np.array([0.01, 0.02, 0.03]), NORMAL, inward=inward), RAYS, CAM_FROM_WORLD)
    inside = (in_world(whole.depth_m) - np.array([0.01, 0.02, 0.03])) @ inward > 0
    np.testing.assert_array_equal(half.depth_m, np.where(inside, whole.depth_m, 0.0))
    assert 0.2 < inside.mean() < 0.8
