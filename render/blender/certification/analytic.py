"""Scenes of known shape: a sphere, a plane slanted both ways, a cone, and a step between two layers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from render.blender.measured_scene import add_polygons, measured, sphere_polygons
from render.blender.passes import HEAD, WORN, Stage
from render.blender.session import temporary_datablocks
from render.certification.closed_forms import Cone, Plane, Shape, Sphere, closed_form
from render.certification.compare import Comparison, compare_layer
from render.certification.errors import Bounds
from render.certification.ray_caster import RayHits
from render.certification.reference import View, expected_layer, rays_beside_centres
from render.certification.stored import stored
from render.dataset_format import LAYERS, Label
from render.geometry.frames import head_rotation, rigid
from render.geometry.pinhole import intrinsics_px, pixel_rays
from render.parameters import Camera

# Stored normals are rounded to 2^-14: 0.0036 degrees at worst. The planes reach to 5 m, where single precision steps by
# 0.48 um: a few roundings make 1 um of distance, and over two pixels' pitch of some millimetres a slope of 0.0007.
FLAT = Bounds(depth_um=2.0, distance_um=1.5, normal_deg=0.004, slope=0.002)
# The triangles of the sphere span 0.0061 rad from centre to corner and so lie up to 0.1037 m * 0.0061^2 / 2 = 1.93 um
# below it: 9.3 um along a ray at 78 degrees, and over a pixel of 0.73 mm (1024 px) 0.003 of slope.
# Their outline lies as far within that of the sphere, beside the 1 um of single precision.
# The cone turns by 0.35 degrees from side to side, and normals between them are straight mixtures.
ROUND = Bounds(depth_um=10.0, distance_um=2.5, normal_deg=0.01, slope=0.003, beside_um=3.0)
SPHERE_SUBDIVISIONS = 8
# Many rings: single precision loses its way in long thin triangles.
CONE_SIDES, CONE_RINGS = 1024, 100
PLANE_REACH_M = 4.0


@dataclass(frozen=True)
class Part:
    """A shape in the collection of a layer."""

    collection: str
    shape: Shape
    label: Label


@dataclass(frozen=True)
class AnalyticScene:
    """Shapes with closed forms, and what may be lost on the way from shape to triangles to pixels."""

    name: str
    parts: tuple[Part, ...]
    bounds: Bounds


def analytic_scenes() -> tuple[AnalyticScene, ...]:
    """The scenes, about the origin of the world and some 0.2 m wide."""
    slanted, facing = _unit(0.35, -0.8, 0.45), _unit(0.05, -1.0, 0.1)
    edge = _unit(*np.cross(facing, [0.3, 0.0, 1.0]))
    return (
        AnalyticScene("sphere", (Part(HEAD, Sphere(np.array([0.013, 0.004, 0.021]), 0.1037), Label.SKIN),), ROUND),
        AnalyticScene("slanted plane", (Part(HEAD, Plane(np.array([0.02, 0.05, 0.01]), slanted), Label.SKIN),), FLAT),
        AnalyticScene(
            "cone",
            (Part(HEAD, Cone(np.array([0.05, -0.04, 0.24]), _unit(-0.2, 0.15, -1.0), 17.0, 0.05, 0.4), Label.SKIN),),
            ROUND,
        ),
        AnalyticScene(
            "step",
            (
                Part(HEAD, Plane(np.array([0.0, 0.12, 0.0]), facing), Label.SKIN),
                Part(WORN, Plane(np.array([0.013, -0.07, 0.01]), facing, inward=edge), Label.GLASSES),
            ),
            FLAT,
        ),
    )


def compare_analytic(
    stage: Stage, scene: AnalyticScene, sizes_px: tuple[tuple[int, int], ...]
) -> Iterator[list[Comparison]]:
    """Render a scene in each size and compare both layers with their closed forms."""
    cam_from_world = oblique_camera()
    with temporary_datablocks():
        for part in scene.parts:
            vertices, faces = _polygons(part.shape)
            smooth = not isinstance(part.shape, Plane)
            add_polygons(stage.collections[part.collection], vertices, faces, part.label, smooth=smooth)
        for width_px, height_px in sizes_px:
            camera = analytic_camera(width_px, height_px)
            view = analytic_view(camera, cam_from_world)
            truth = stored(measured(stage, camera, cam_from_world))
            rays = pixel_rays(view.intrinsics, width_px=width_px, height_px=height_px)
            found = []
            for name in LAYERS:
                parts = [part for part in scene.parts if name == "visible" or part.collection == HEAD]
                layer, labels = getattr(truth, name), truth.labels if name == "visible" else None
                expected = expected_layer(partial(_closed_candidates, parts, view), view, layer, labels, scene.bounds)
                found += compare_layer(name, layer, labels, expected, rays, scene.bounds)
            yield found


def oblique_camera() -> Float[np.ndarray, "4 4"]:
    """A camera 0.85 m before the scene, turned about all three axes, so that no error can hide in a symmetry."""
    upright = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    return rigid(head_rotation(7.0, -5.0, 11.0) @ upright, np.array([0.03, 0.02, 0.853]))


def analytic_camera(width_px: int, height_px: int) -> Camera:
    """A camera with odd numbers for a lens; where it stands is said elsewhere."""
    return Camera(
        distance_mm=853.0,
        sensor_width_mm=41.0,
        focal_length_mm=47.0,
        offset_x=0.0,
        offset_y=0.0,
        azimuth_deg=0.0,
        elevation_deg=0.0,
        roll_deg=0.0,
        width_px=width_px,
        height_px=height_px,
        clip_near_m=0.01,
        clip_far_m=5.0,
    )


def analytic_view(camera: Camera, cam_from_world: Float[np.ndarray, "4 4"]) -> View:
    """The pinhole of a camera."""
    clip_m = (camera.clip_near_m, camera.clip_far_m)
    return View(cam_from_world, intrinsics_px(camera), camera.width_px, camera.height_px, clip_m)


def _closed_candidates(parts: list[Part], view: View, offset: tuple[float, float], wanted: np.ndarray) -> list[RayHits]:
    rays = rays_beside_centres(view, offset)
    depth, normals, labels = np.full(wanted.size, np.inf), np.zeros((wanted.size, 3)), np.zeros(wanted.size, np.uint8)
    for part in parts:
        hits = closed_form(part.shape, rays, view.cam_from_world)
        found = hits.depth_m.ravel()
        nearer = (found > view.clip_m[0]) & (found < np.minimum(depth, view.clip_m[1]))
        depth[nearer], normals[nearer] = found[nearer], hits.normals_cam.reshape(-1, 3)[nearer]
        labels[nearer] = part.label
    chosen = wanted.ravel()
    return [RayHits(np.where(np.isfinite(depth), depth, 0.0)[chosen], normals[chosen], labels[chosen])]


def _polygons(shape: Shape) -> tuple[Float[np.ndarray, "v 3"], Int[np.ndarray, "f c"]]:
    if isinstance(shape, Sphere):
        return sphere_polygons(shape.centre_m, shape.radius_m, subdivisions=SPHERE_SUBDIVISIONS)
    if isinstance(shape, Plane):
        across = _unit(*np.cross(shape.normal, [0.0, 0.3, 1.0])) if shape.inward is None else shape.inward
        up = np.cross(shape.normal, across)
        start = -1.0 if shape.inward is None else 0.0
        corners = ((start, -1.0), (1.0, -1.0), (1.0, 1.0), (start, 1.0))
        vertices = [shape.point_m + PLANE_REACH_M * (x * across + y * up) for x, y in corners]
        return np.array(vertices), np.array([[0, 1, 2, 3]])
    side = _unit(*np.cross(shape.axis, [1.0, 0.0, 0.0]))
    other = np.cross(shape.axis, side)
    turns = np.linspace(0.0, 2 * np.pi, CONE_SIDES, endpoint=False)[:, None]
    radial = np.cos(turns) * side + np.sin(turns) * other
    spread = np.tan(np.radians(shape.half_angle_deg))
    heights = np.linspace(shape.from_m, shape.to_m, CONE_RINGS)[:, None, None]
    vertices = shape.apex_m + heights * (shape.axis + spread * radial)
    here = np.arange(CONE_SIDES)
    ring = np.stack([here, np.roll(here, -1), np.roll(here, -1) + CONE_SIDES, here + CONE_SIDES], axis=1)
    faces = ring + CONE_SIDES * np.arange(CONE_RINGS - 1)[:, None, None]
    return vertices.reshape(-1, 3), faces.reshape(-1, 4)


def _unit(*vector: float) -> Float[np.ndarray, "3"]:
    return np.array(vector) / np.linalg.norm(vector)
