"""Blender's camera from our pinhole camera."""

import bpy
import mathutils
import numpy as np
from jaxtyping import Float

from render.blender.passes import RIG, Stage
from render.geometry.pinhole import blender_camera_matrix
from render.parameters import Camera


def place_camera(stage: Stage, camera: Camera, cam_from_world: Float[np.ndarray, "4 4"]) -> None:
    """Add the camera to every scene of the stage and make it the one that renders; also sets the picture's size."""
    data = bpy.data.cameras.new("camera")
    data.type = "PERSP"
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = camera.sensor_width_mm
    data.lens = camera.focal_length_mm
    data.clip_start = camera.clip_near_m
    data.clip_end = camera.clip_far_m
    data.dof.use_dof = False  # depth of field corrupts depth and normals
    placed = bpy.data.objects.new("camera", data)
    placed.matrix_world = mathutils.Matrix(blender_camera_matrix(cam_from_world).tolist())
    stage.collections[RIG].objects.link(placed)
    for scene in stage.scenes.values():
        scene.camera = placed
        scene.render.resolution_x = camera.width_px
        scene.render.resolution_y = camera.height_px
