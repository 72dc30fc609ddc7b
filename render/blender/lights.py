"""Lamps: discs of light about the head, all facing the eyes."""

import bpy
import mathutils
import numpy as np
from jaxtyping import Float

from render.exposure import balanced_rgb, exposure_gain, towards_lamp
from render.parameters import Lighting


def add_lamps(
    scene: bpy.types.Scene, lighting: Lighting, eyes_midpoint_world: Float[np.ndarray, "3"]
) -> list[bpy.types.Object]:
    """Add every lamp that has power as a round area light that points at the eyes."""
    gain = exposure_gain(lighting)
    lamps = []
    for lamp in lighting.lamps:
        if lamp.power_w == 0:
            continue
        towards = towards_lamp(lamp)
        data = bpy.data.lights.new(lamp.role, "AREA")
        data.shape = "DISK"
        data.size = lamp.size_m
        data.energy = lamp.power_w * gain
        data.color = balanced_rgb(lamp.rgb).tolist()
        light = bpy.data.objects.new(lamp.role, data)
        light.location = (eyes_midpoint_world + lamp.distance_m * towards).tolist()
        light.rotation_euler = mathutils.Vector((-towards).tolist()).to_track_quat("-Z", "Y").to_euler()
        # Seen only by its light: a bright disc beside the head would not be in the photograph.
        light.visible_camera = False
        scene.collection.objects.link(light)
        lamps.append(light)
    return lamps
