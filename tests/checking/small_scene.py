"""A small Cycles scene with a camera that looks along +y, and the picture it gives."""

import math
from pathlib import Path

import bpy
import numpy as np
import OpenEXR

from render.blender.backdrop import build_world
from render.blender.session import temporary_datablocks
from render.parameters import Backdrop, Lamp, Lighting

WIDTH, HEIGHT = 40, 24
LAMP = Lamp(
    role="key", azimuth_deg=-40.0, elevation_deg=20.0, distance_m=1.3, size_m=0.3, power_w=20.0, rgb=(1.0, 0.8, 0.6)
)
LIGHTING = Lighting(
    rig="key",
    environment="city",
    environment_rotation_deg=25.0,
    environment_strength=0.8,
    lamps=(LAMP,),
    exposure_ev=0.0,
)
PLAIN = Backdrop(
    kind="plain",
    rgb=(0.21, 0.43, 0.07),
    second_rgb=(0.5, 0.1, 0.3),
    pattern="noise",
    pattern_scale=5.0,
    seed=3,
    image="",
    image_sha256="",
    image_blur=0.0,
)


def new_scene() -> bpy.types.Scene:
    """An empty session's scene of 40 x 24 pixels at 8 samples; the camera stands at the origin."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.render.use_persistent_data = True
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = 8, False, False
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.rotation_euler = (math.pi / 2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return scene


def picture(scene: bpy.types.Scene, folder: Path) -> np.ndarray:
    """Scene-linear picture, rows x columns x RGB."""
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth = "32"
    scene.render.filepath = str(folder / "picture.exr")
    bpy.ops.render.render(write_still=True)
    with OpenEXR.File(scene.render.filepath, separate_channels=True) as file:
        channels = file.channels()
        return np.stack([np.asarray(channels[axis].pixels, dtype=np.float32) for axis in "RGB"], axis=-1)


def world_of(lighting: Lighting, backdrop: Backdrop, *, image_folder: Path | None = None) -> bpy.types.World:
    """The world for a camera of this scene's size."""
    folder = str(image_folder) if image_folder else None
    return build_world(lighting, backdrop, width_px=WIDTH, height_px=HEIGHT, image_folder=folder)


def seen(
    scene: bpy.types.Scene, folder: Path, lighting: Lighting, backdrop: Backdrop, *, image_folder: Path | None = None
) -> np.ndarray:
    """The picture under a world that is removed again."""
    with temporary_datablocks():
        scene.world = world_of(lighting, backdrop, image_folder=image_folder)
        return picture(scene, folder)
