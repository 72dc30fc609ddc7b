"""The key light, and the exposure: how much of all light a photographer would let in.

`exposure_gain` multiplies key light and environment alike, so the scene-linear picture is exposed already, and what the
camera sees as a backdrop keeps the colours it was given.
"""

import math
from dataclasses import dataclass

import bpy
import mathutils
import numpy as np
from jaxtyping import Float

from render.parameters import Lighting


@dataclass(frozen=True)
class EnvironmentLight:
    """How an environment map lights an upright surface that faces the horizon.

    Irradiance / pi (what a white diffuse surface would show) is close to
    mean * (1 + contrast * cos(azimuth - brightest_deg)), where azimuth is that of the surface's normal, measured from
    Blender's x axis towards its y axis in the unrotated map.
    """

    mean: float
    contrast: float
    brightest_deg: float


# Measured once on the files that bpy 4.5.15 ships: luminance (Rec. 709 weights) times clamped cosine, integrated over
# the sphere for 24 azimuths in steps of 15 degrees, then mean and first harmonic. A test measures them again.
ENVIRONMENT_LIGHTS: dict[str, EnvironmentLight] = {
    "city": EnvironmentLight(0.829, 0.72, -34),
    "courtyard": EnvironmentLight(0.904, 0.60, 22),
    "forest": EnvironmentLight(0.771, 0.75, -53),
    "interior": EnvironmentLight(0.958, 0.48, -1),
    "night": EnvironmentLight(0.195, 0.55, 115),
    "studio": EnvironmentLight(0.935, 0.12, -30),
    "sunrise": EnvironmentLight(0.785, 1.23, -37),
    "sunset": EnvironmentLight(0.532, 0.62, -27),
}

# Irradiance / pi of the face after full compensation: 1 shows albedo as it is, as a grey card asks for.
EXPOSED_IRRADIANCE_OVER_PI = 1.0
# A camera follows the light, but not all the way: dim scenes stay a little dim (ours).
EXPOSURE_COMPENSATION = 0.8
# The camera's white balance takes this share of the key light's tint away (ours).
WHITE_BALANCE = 0.5
# A face is round: this share of a light arrives whatever its direction, the rest as on a plane facing the camera.
_ROUND_SHARE = 0.25
_FACE_AZIMUTH_DEG = -90.0


def environment_light(name: str) -> EnvironmentLight:
    """The measured light of one environment map. Raises: ValueError when the name is none of the eight."""
    try:
        return ENVIRONMENT_LIGHTS[name]
    except KeyError:
        raise ValueError(
            f"lighting.environment is {name!r}, but bpy ships only {', '.join(ENVIRONMENT_LIGHTS)}; take one of these"
        ) from None


def exposure_gain(lighting: Lighting) -> float:
    """Factor on all light that brings the face near a photographic exposure; above 0, 1 in a dark room."""
    incoming = _environment_irradiance(lighting) + _key_irradiance(lighting)
    if incoming <= 0:
        return 1.0
    return (EXPOSED_IRRADIANCE_OVER_PI / incoming) ** EXPOSURE_COMPENSATION


def environment_radiance_scale(lighting: Lighting) -> float:
    """Factor on the environment map's pixels: strength 1 gives every map the same mean light on a face."""
    return lighting.environment_strength / environment_light(lighting.environment).mean * exposure_gain(lighting)


def add_key_light(
    scene: bpy.types.Scene, lighting: Lighting, eyes_midpoint_world: Float[np.ndarray, "3"]
) -> bpy.types.Object | None:
    """Add a round area light that points at the eyes; None when its power is 0.

    World axes: z up, the frontal face looks along -y, x to the image right. Azimuth 0 is the camera's side.
    """
    if lighting.key_power_w == 0:
        return None
    azimuth, elevation = math.radians(lighting.key_azimuth_deg), math.radians(lighting.key_elevation_deg)
    towards_light = mathutils.Vector(
        (
            math.sin(azimuth) * math.cos(elevation),
            -math.cos(azimuth) * math.cos(elevation),
            math.sin(elevation),
        )
    )
    data = bpy.data.lights.new("key", "AREA")
    data.shape = "DISK"
    data.size = lighting.key_size_m
    data.energy = lighting.key_power_w * exposure_gain(lighting)
    data.color = tuple(channel**WHITE_BALANCE for channel in lighting.key_rgb)
    light = bpy.data.objects.new("key", data)
    target = mathutils.Vector([float(value) for value in eyes_midpoint_world])
    light.location = target + lighting.key_distance_m * towards_light
    light.rotation_euler = (-towards_light).to_track_quat("-Z", "Y").to_euler()
    # Seen only by its light: a bright disc beside the head would not be in the photograph.
    light.visible_camera = False
    scene.collection.objects.link(light)
    return light


def _environment_irradiance(lighting: Lighting) -> float:
    light = environment_light(lighting.environment)
    # The map turns with the rotation, and its brightest side with it.
    turned_deg = light.brightest_deg + lighting.environment_rotation_deg
    directed = max(0.2, 1.0 + light.contrast * math.cos(math.radians(_FACE_AZIMUTH_DEG - turned_deg)))
    return lighting.environment_strength * (_ROUND_SHARE + (1.0 - _ROUND_SHARE) * directed)


def _key_irradiance(lighting: Lighting) -> float:
    """Irradiance / pi at the eyes: a Lambertian disc of power P has radiance P / (pi area), so E = P / (pi d^2)."""
    tint = float(np.array([0.2126, 0.7152, 0.0722]) @ np.array(lighting.key_rgb) ** WHITE_BALANCE)
    frontal = math.cos(math.radians(lighting.key_azimuth_deg)) * math.cos(math.radians(lighting.key_elevation_deg))
    directed = _ROUND_SHARE + (1.0 - _ROUND_SHARE) * max(0.0, frontal)
    return tint * directed * lighting.key_power_w / (math.pi * lighting.key_distance_m) ** 2
