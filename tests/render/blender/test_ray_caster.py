"""An independent ray caster on the exported, deformed mesh agrees with the `head` layer and the landmarks."""

from dataclasses import dataclass

import bpy
import mathutils
import numpy as np
import pytest
import trimesh
from bpy_extras.object_utils import world_to_camera_view
from trimesh.ray.ray_pyembree import RayMeshIntersector

from render.blender.draw import DrawnFrame, draw_frame, open_stage, person_on_stage
from render.blender.head import landmarks_world_m, surface_triangles
from render.blender.passes import HEAD
from render.config import Recipe, load_recipe
from render.geometry.frames import rigid_inverse, transform_points
from render.geometry.pinhole import pixel_rays
from render.heads.model import HeadModel
from render.heads.procedural import load_procedural
from render.parameters import FrameParameters
from render.sampling.frame import draw_frame as drawn_parameters

WIDTH, HEIGHT = 320, 240


@dataclass(frozen=True)
class Scene:
    """One rendered frame, the mesh that was rendered, and where Blender itself would put the landmarks."""

    parameters: FrameParameters
    drawn: DrawnFrame
    mesh: trimesh.Trimesh
    blender_landmarks_px: np.ndarray


def recipe(family: str) -> Recipe:
    return load_recipe(
        "khan2021",
        overrides={"heads.family": family, "cameras.width_px": WIDTH, "cameras.height_px": HEIGHT},
    )


def rendered(model: HeadModel, family: str, index: int) -> Scene:
    used = recipe(family)
    parameters = drawn_parameters(used, "test", index)
    stage = open_stage(device="cpu", products=("gt",))
    with person_on_stage(stage, model, parameters, level=used.heads.subdivision_level) as person:
        drawn = draw_frame(stage, person, parameters, used.rgb, noise_seed=0)
        vertices, triangles = surface_triangles(person.parts[HEAD])
        landmarks = landmarks_world_m(person)
        camera = bpy.data.cameras.new("check")
        camera.sensor_fit = "HORIZONTAL"
        camera.sensor_width, camera.lens = parameters.camera.sensor_width_mm, parameters.camera.focal_length_mm
        seen_from = bpy.data.objects.new("check", camera)
        pose = rigid_inverse(np.array(drawn.geometry.cam_from_world)) @ np.diag([1.0, -1, -1, 1])
        seen_from.matrix_world = mathutils.Matrix(pose.tolist())
        scene = stage.scenes["gt_head"]
        views = [world_to_camera_view(scene, seen_from, mathutils.Vector(point.tolist())) for point in landmarks]
        bpy.data.objects.remove(seen_from)
        bpy.data.cameras.remove(camera)
    pixels = np.array([(view.x * WIDTH, (1 - view.y) * HEIGHT) for view in views])
    return Scene(parameters, drawn, trimesh.Trimesh(vertices, triangles, process=False), pixels)


def cast(scene: Scene, directions_cam: np.ndarray) -> np.ndarray:
    """Planar depth of the first hit along each direction (z = 1) from the camera; 0 where nothing is hit."""
    world_from_cam = rigid_inverse(np.array(scene.drawn.geometry.cam_from_world))
    directions = directions_cam.reshape(-1, 3) @ world_from_cam[:3, :3].T
    origins = np.broadcast_to(world_from_cam[:3, 3], directions.shape)
    hits, rays, _ = RayMeshIntersector(scene.mesh).intersects_location(origins, directions, multiple_hits=False)
    depth = np.zeros(len(directions))
    depth[rays] = transform_points(np.array(scene.drawn.geometry.cam_from_world), hits)[:, 2]
    return depth.reshape(directions_cam.shape[:-1])


@pytest.fixture(
    scope="module",
    params=[
        ("procedural", 0),
        ("procedural", 12),
        pytest.param(("ict", 0), marks=pytest.mark.ict),
        pytest.param(("ict", 12), marks=pytest.mark.ict),
    ],
    ids=lambda value: f"{value[0]}-{value[1]}",
)
def scene(request) -> Scene:
    family, index = request.param
    model = request.getfixturevalue("ict_model") if family == "ict" else load_procedural()
    return rendered(model, family, index)


def test_the_ray_caster_sees_the_same_head(scene):
    """99.9 % of common pixels agree within 0.05 mm, and the masks differ in at most 0.1 % of the pixels."""
    geometry, depth = scene.drawn.geometry, scene.drawn.truth.head.depth_m
    expected = cast(scene, pixel_rays(np.array(geometry.intrinsics_px), width_px=WIDTH, height_px=HEIGHT))
    both = (depth > 0) & (expected > 0)
    assert both.sum() > 3000
    assert ((depth > 0) != (expected > 0)).mean() <= 1e-3
    assert (np.abs(depth - expected)[both] < 5e-5).mean() >= 0.999


def test_a_shift_of_half_a_pixel_would_be_noticed(scene):
    """The same comparison with rays through pixel corners fails by far: the bound above means something."""
    intrinsics = np.array(scene.drawn.geometry.intrinsics_px)
    intrinsics[:2, 2] += 0.5
    depth = scene.drawn.truth.head.depth_m
    expected = cast(scene, pixel_rays(intrinsics, width_px=WIDTH, height_px=HEIGHT))
    both = (depth > 0) & (expected > 0)
    assert (np.abs(depth - expected)[both] < 5e-5).mean() < 0.5


def test_landmarks_reproject_where_blenders_own_camera_puts_them(scene):
    """Recorded landmarks in pixels agree with Blender's projection of the posed vertices within 0.01 px."""
    recorded = np.array(scene.drawn.geometry.landmarks_2d_px)
    assert np.abs(recorded - scene.blender_landmarks_px).max() < 0.01


def test_landmarks_are_visible_exactly_when_a_ray_reaches_them(scene):
    """Cast through its recorded pixel, a ray meets nothing nearer than a visible landmark (by 0.3 mm; on an outline it
    may pass by), and something nearer than one that the head hides; one in 68 may differ, where a ray grazes."""
    geometry = scene.drawn.geometry
    points = np.array(geometry.landmarks_cam_m)
    depth = cast(scene, points / points[:, 2:])
    reached = (depth == 0) | (depth > points[:, 2] - 3.5e-4)
    states = np.array(geometry.landmarks_visibility)
    seen, hidden = states == "visible", np.isin(states, ["occluded_by_skin", "occluded_by_eyes"])
    assert seen.sum() > 30 and (np.abs(depth - points[:, 2])[seen] < 3.5e-4).mean() > 0.9
    assert (seen & ~reached).sum() + (hidden & reached).sum() <= 1


def test_recorded_angles_are_the_ones_drawn(scene):
    """Yaw, pitch and roll read back from head_from_world are those that the rig was asked for, to 1e-6 degrees."""
    geometry, asked = scene.drawn.geometry, scene.parameters.head_pose
    recorded = (geometry.yaw_deg, geometry.pitch_deg, geometry.roll_deg)
    np.testing.assert_allclose(recorded, (asked.yaw_deg, asked.pitch_deg, asked.roll_deg), atol=1e-6)
    assert abs(asked.yaw_deg) > 1
