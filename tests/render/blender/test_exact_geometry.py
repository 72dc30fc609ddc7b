"""Ground truth against closed forms, through real renders of Cycles: a tilted plane and a sphere."""

from dataclasses import dataclass

import bpy
import numpy as np
import pytest
from scipy import ndimage

from render.blender.camera import place_camera
from render.blender.passes import HEAD, WORN, prepare_stage, render_surface, set_surface_labels
from render.blender.session import start_session
from render.dataset_format import GroundTruth, Label
from render.geometry.pinhole import camera_in_front, intrinsics_px, pixel_rays
from render.ground_truth.assemble import ground_truth
from render.parameters import Camera

# Nothing here is symmetric: the picture is not square, the target is off the axis, fx comes from odd numbers.
WIDTH, HEIGHT = 188, 116
CAMERA = Camera(
    distance_mm=853.0,
    sensor_width_mm=41.0,
    focal_length_mm=47.0,
    offset_x=0.11,
    offset_y=-0.07,
    width_px=WIDTH,
    height_px=HEIGHT,
    clip_near_m=0.01,
    clip_far_m=5.0,
)
LENS = {"focal_length_mm": 47.0, "sensor_width_mm": 41.0, "width_px": WIDTH, "height_px": HEIGHT}
CAM_FROM_WORLD = camera_in_front(np.array([0.02, 0.01, 0.03]), distance_m=0.853, offset_x=0.11, offset_y=-0.07, **LENS)
INTRINSICS = intrinsics_px(**LENS)
RAYS = pixel_rays(INTRINSICS, width_px=WIDTH, height_px=HEIGHT)


@dataclass(frozen=True)
class Truth:
    """Closed forms at the pixel centres: depth (0 = none) and the outward normal in the camera frame."""

    depth_m: np.ndarray
    normals_cam: np.ndarray


def plane_truth(point_world: np.ndarray, normal_world: np.ndarray, rays: np.ndarray = RAYS) -> Truth:
    point = CAM_FROM_WORLD[:3, :3] @ point_world + CAM_FROM_WORLD[:3, 3]
    normal = CAM_FROM_WORLD[:3, :3] @ normal_world
    return Truth(normal @ point / (rays @ normal), np.broadcast_to(normal, rays.shape))


def sphere_truth(centre_world: np.ndarray, radius_m: float, rays: np.ndarray = RAYS) -> Truth:
    centre = CAM_FROM_WORLD[:3, :3] @ centre_world + CAM_FROM_WORLD[:3, 3]
    a, b = (rays**2).sum(-1), rays @ centre
    discriminant = b * b - a * (centre @ centre - radius_m**2)
    depth = np.where(discriminant > 0, (b - np.sqrt(np.maximum(discriminant, 0))) / a, 0.0)
    return Truth(depth, (depth[..., None] * rays - centre) / radius_m)


def add_mesh(collection, vertices, faces, label: Label, *, smooth: bool) -> None:
    mesh = bpy.data.meshes.new("analytic")
    mesh.from_pydata([tuple(map(float, vertex)) for vertex in vertices], [], [tuple(map(int, face)) for face in faces])
    mesh.polygons.foreach_set("use_smooth", [smooth] * len(mesh.polygons))
    set_surface_labels(mesh, np.full(len(mesh.polygons), label, dtype=np.uint8))
    collection.objects.link(bpy.data.objects.new("analytic", mesh))


def icosphere(centre: np.ndarray, radius_m: float, subdivisions: int):
    import bmesh

    form = bmesh.new()
    bmesh.ops.create_icosphere(form, subdivisions=subdivisions, radius=1.0)
    vertices = np.array([vertex.co for vertex in form.verts], dtype=np.float64)
    vertices /= np.linalg.norm(vertices, axis=1, keepdims=True)
    faces = [[vertex.index for vertex in face.verts] for face in form.faces]
    form.free()
    return centre + radius_m * vertices, faces


def rendered(fill) -> GroundTruth:
    start_session(device="cpu")
    stage = prepare_stage(("gt",), device="cpu")
    fill(stage.collections)
    place_camera(stage, CAMERA, CAM_FROM_WORLD)
    head, worn = (render_surface(stage.scenes[name]) for name in ("gt_head", "gt_worn"))
    return ground_truth(head, worn, cam_from_world=CAM_FROM_WORLD, intrinsics=INTRINSICS)


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0, 1)))


PLANE_POINT = np.array([0.02, 0.05, 0.01])
PLANE_NORMAL = np.array([0.35, -0.8, 0.45]) / np.linalg.norm([0.35, -0.8, 0.45])
SPHERE_CENTRE, SPHERE_RADIUS_M = np.array([0.013, 0.004, 0.021]), 0.1037


@pytest.fixture(scope="module")
def plane() -> GroundTruth:
    across = np.cross(PLANE_NORMAL, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    up = np.cross(across, PLANE_NORMAL)
    corners = [PLANE_POINT + 0.9 * (x * across + y * up) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return rendered(lambda found: add_mesh(found[HEAD], corners, [(0, 1, 2, 3)], Label.SKIN, smooth=False))


@pytest.fixture(scope="module")
def sphere() -> GroundTruth:
    vertices, faces = icosphere(SPHERE_CENTRE, SPHERE_RADIUS_M, 8)
    return rendered(lambda found: add_mesh(found[HEAD], vertices, faces, Label.SKIN, smooth=True))


def test_a_tilted_plane_has_its_closed_form_depth(plane):
    """Planar depth of a plane agrees with the ray-plane intersection within 0.05 mm at every pixel centre."""
    expected = plane_truth(PLANE_POINT, PLANE_NORMAL).depth_m
    assert np.abs(plane.head.depth_m - expected).max() < 5e-5


def test_a_tilted_plane_has_one_normal(plane):
    """Every normal is the plane's, within 0.02 degrees, unit, and facing the camera."""
    expected = plane_truth(PLANE_POINT, PLANE_NORMAL).normals_cam
    assert degrees_between(plane.head.normals_cam, expected).max() < 0.02
    assert ((plane.head.normals_cam * RAYS).sum(-1) < 0).all()


def test_a_tilted_plane_has_its_closed_form_gradient_magnitude(plane):
    """On a plane the slope is |n_xy| / |n . ray|; central differences reach it within 0.2 %, borders within 2 %."""
    normal = plane_truth(PLANE_POINT, PLANE_NORMAL).normals_cam
    expected = np.hypot(normal[..., 0], normal[..., 1]) / np.abs((normal * RAYS).sum(-1))
    relative = np.abs(plane.head.gradient_magnitude / expected - 1)
    assert relative[1:-1, 1:-1].max() < 2e-3
    assert relative.max() < 2e-2


@pytest.mark.parametrize("shift_px", [(0.5, 0.0), (0.0, 0.5), (-0.5, 0.0)], ids=["x", "y", "-x"])
def test_half_a_pixel_would_be_noticed(plane, shift_px):
    """A principal point that is off by half a pixel, as (W - 1) / 2 is, breaks the bound on depth by far."""
    moved = INTRINSICS.copy()
    moved[:2, 2] += shift_px
    rays = pixel_rays(moved, width_px=WIDTH, height_px=HEIGHT)
    assert np.abs(plane.head.depth_m - plane_truth(PLANE_POINT, PLANE_NORMAL, rays).depth_m).max() > 5e-4


def test_a_sphere_has_its_closed_form_depth_and_outline(sphere):
    """The outline is that of the sphere to the pixel; depth agrees within 0.05 mm but for the last 12 degrees."""
    expected = sphere_truth(SPHERE_CENTRE, SPHERE_RADIUS_M)
    assert ((sphere.head.depth_m > 0) != (expected.depth_m > 0)).sum() <= 2
    unit_rays = RAYS / np.linalg.norm(RAYS, axis=-1, keepdims=True)
    seen = (expected.depth_m > 0) & ((expected.normals_cam * unit_rays).sum(-1) < -0.2)
    error = np.abs(sphere.head.depth_m - expected.depth_m)[seen]
    assert seen.sum() > 2000
    assert error.max() < 5e-5
    assert error.mean() < 5e-6


def test_a_sphere_has_its_closed_form_normals(sphere):
    """Every normal agrees within 0.02 degrees but for the last 12 degrees, where the facets of the mesh show, and 99 %
    of all do; they face the camera everywhere."""
    expected = sphere_truth(SPHERE_CENTRE, SPHERE_RADIUS_M)
    both = (sphere.head.depth_m > 0) & (expected.depth_m > 0)
    unit_rays = RAYS / np.linalg.norm(RAYS, axis=-1, keepdims=True)
    error = degrees_between(sphere.head.normals_cam, expected.normals_cam)
    assert error[both & ((expected.normals_cam * unit_rays).sum(-1) < -0.2)].max() < 0.02
    assert np.percentile(error[both], 99) < 0.02
    assert ((sphere.head.normals_cam * RAYS).sum(-1)[both] < 1e-6).all()


def test_a_sphere_has_its_closed_form_gradient_magnitude(sphere):
    """Slope agrees with |n_xy| / |n . ray| within 0.5 % + 0.003 up to 45 degrees, where central differences suffice,
    and up to 78 degrees with the same differences of the closed-form depth within 0.003 + 0.2 %."""
    expected = sphere_truth(SPHERE_CENTRE, SPHERE_RADIUS_M)
    unit_rays = RAYS / np.linalg.norm(RAYS, axis=-1, keepdims=True)
    cosine = -(expected.normals_cam * unit_rays).sum(-1)
    normal = expected.normals_cam
    slope = np.hypot(normal[..., 0], normal[..., 1]) / np.abs((normal * RAYS).sum(-1)).clip(1e-9)
    error = np.abs(sphere.head.gradient_magnitude - slope)
    frontal = (expected.depth_m > 0) & (cosine > 0.7)
    assert (error[frontal] < 0.005 * slope[frontal] + 0.003).all()
    down, right = np.gradient(expected.depth_m)
    differences = np.hypot(down, right) * INTRINSICS[0, 0] / expected.depth_m.clip(1e-9)
    inside = ndimage.binary_erosion((expected.depth_m > 0) & (cosine > 0.2))
    error = np.abs(sphere.head.gradient_magnitude - differences)
    assert (error[inside] < 0.002 * differences[inside] + 0.003).all()


def test_the_head_layer_looks_through_what_is_worn():
    """A plane that is worn hides the sphere in `visible`, with its own label, and is absent from `head`."""
    vertices, faces = icosphere(SPHERE_CENTRE, SPHERE_RADIUS_M, 6)
    veil = [(x, -0.3, z) for x, z in ((-0.05, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.05, 0.5))]

    def fill(found):
        add_mesh(found[HEAD], vertices, faces, Label.SKIN, smooth=True)
        add_mesh(found[WORN], veil, [(0, 1, 2, 3)], Label.GLASSES, smooth=False)

    truth = rendered(fill)
    on_veil = truth.labels == Label.GLASSES
    expected_veil = plane_truth(np.array([0, -0.3, 0]), np.array([0, -1.0, 0])).depth_m
    assert on_veil.any() and (truth.labels == Label.SKIN).any() and (truth.labels == Label.BACKGROUND).any()
    assert np.abs(truth.visible.depth_m - expected_veil)[on_veil].max() < 5e-5
    hidden_head = on_veil & (truth.head.depth_m > 0)
    assert hidden_head.sum() > 500
    assert (truth.head.depth_m[hidden_head] > truth.visible.depth_m[hidden_head] + 0.05).all()
    np.testing.assert_array_equal(truth.head.depth_m[~on_veil], truth.visible.depth_m[~on_veil])


def test_a_hair_card_is_strands_and_gaps():
    """Rays pass between the strands of a card: every pixel is wholly the card or wholly the wall behind it, in depth,
    normal and label alike, and both occur."""
    card = [(x, -0.2, z) for x, z in ((-0.12, -0.08), (0.12, -0.08), (0.12, 0.1), (-0.12, 0.1))]
    wall_point, wall_normal = np.array([0.0, 0.1, 0.0]), np.array([0.0, -1.0, 0.0])
    wall = [(x, 0.1, z) for x, z in ((-1, -1), (1, -1), (1, 1), (-1, 1))]

    def fill(found):
        add_mesh(found[HEAD], wall, [(0, 1, 2, 3)], Label.SKIN, smooth=False)
        add_mesh(found[WORN], card, [(0, 1, 2, 3)], Label.HAIR, smooth=False)
        uvs = found[WORN].objects[0].data.uv_layers.new(name="UVMap")
        uvs.data.foreach_set("uv", [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0])

    truth = rendered(fill)
    on_card = truth.labels == Label.HAIR
    assert set(np.unique(truth.labels)) == {Label.SKIN, Label.HAIR}
    assert 200 < on_card.sum() < 0.5 * on_card.size
    in_front = plane_truth(np.array([0.0, -0.2, 0.0]), wall_normal).depth_m
    behind = plane_truth(wall_point, wall_normal).depth_m
    assert np.abs(truth.visible.depth_m - np.where(on_card, in_front, behind)).max() < 5e-5
    np.testing.assert_allclose(truth.visible.normals_cam, np.broadcast_to([0, 0, -1], (*on_card.shape, 3)), atol=1e-5)
    assert np.abs(truth.head.depth_m - behind).max() < 5e-5


def test_the_clip_range_is_the_cameras():
    """A wall just inside the far clip (5 m) is measured, one just beyond is nothing; one nearer than the near clip
    (0.01 m) is looked through."""

    def wall_at(depth_m: float):
        corners = CAM_FROM_WORLD[:3, :3].T @ (
            np.array([[-9, -9, depth_m], [9, -9, depth_m], [9, 9, depth_m], [-9, 9, depth_m]]).T
            - CAM_FROM_WORLD[:3, 3:]
        )
        return corners.T

    def measured(*depths_m: float) -> np.ndarray:
        def fill(found):
            for depth_m in depths_m:
                add_mesh(found[HEAD], wall_at(depth_m), [(0, 1, 2, 3)], Label.SKIN, smooth=False)

        return rendered(fill).head.depth_m

    np.testing.assert_allclose(measured(4.95), 4.95, atol=5e-5)
    assert not measured(5.05).any()
    np.testing.assert_allclose(measured(0.009, 0.7), 0.7, atol=5e-5)
