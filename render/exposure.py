"""Exposure: how much of all light a photographer would let in, from what lamps and environment throw on a face.

`exposure_gain` multiplies lamps and environment alike, so the scene-linear picture is exposed already, and what the
camera sees as a painted backdrop keeps the colours it was given.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from render.parameters import Lamp, Lighting
from render.ranges.lighting import NO_ENVIRONMENT


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
# The camera's white balance takes this share of each lamp's tint away (ours).
WHITE_BALANCE = 0.5
# The part of a face that looks straight at a light may get this much more than the face as a whole (ours: skin of
# albedo 0.5 then just stays below white).
_PEAK_OVER_MEAN = 2.0
# A face is round: this share of a light arrives whatever its direction, the rest as on a plane facing the camera.
_ROUND_SHARE = 0.25
_FACE_AZIMUTH_DEG = -90.0
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def environment_light(name: str) -> EnvironmentLight:
    """The measured light of one environment map. Raises: ValueError when the name is none of the eight."""
    try:
        return ENVIRONMENT_LIGHTS[name]
    except KeyError:
        raise ValueError(
            f"lighting.environment is {name!r}, but bpy ships only {', '.join(ENVIRONMENT_LIGHTS)}; take one of these"
        ) from None


def exposure_gain(lighting: Lighting) -> float:
    """Factor on all light that brings the face near a photographic exposure; above 0, 1 in a dark room.

    It meters the whole face, or, where one light comes from the side, half of what the lit side gets.
    """
    mean = environment = _environment_irradiance(lighting)
    peak = 0.0
    for lamp in lighting.lamps:
        facing = lamp_irradiance_over_pi(lamp)
        frontal = math.cos(math.radians(lamp.azimuth_deg)) * math.cos(math.radians(lamp.elevation_deg))
        mean += facing * (_ROUND_SHARE + (1.0 - _ROUND_SHARE) * max(0.0, frontal))
        # Of a lamp behind the head the camera sees only the grazed edge.
        peak = max(peak, facing * (1.0 if frontal >= 0 else math.sqrt(1.0 - frontal**2)))
    metered = max(mean, (environment + peak) / _PEAK_OVER_MEAN)
    if metered <= 0:
        return 1.0
    return (EXPOSED_IRRADIANCE_OVER_PI / metered) ** EXPOSURE_COMPENSATION


def environment_radiance_scale(lighting: Lighting) -> float:
    """Factor on the environment map's pixels: strength 1 gives every map the same mean light on a face."""
    return lighting.environment_strength / environment_light(lighting.environment).mean * exposure_gain(lighting)


def lamp_irradiance_over_pi(lamp: Lamp) -> float:
    """Irradiance / pi (luminance, before exposure) at the eyes of a plane that faces the lamp.

    A Lambertian disc of power P has radiance P / (pi area), so far away E = P / (pi d^2); size is neglected.
    """
    tint = float(_LUMINANCE @ balanced_rgb(lamp.rgb))
    return tint * lamp.power_w / (math.pi * lamp.distance_m) ** 2


def towards_lamp(lamp: Lamp) -> Float[np.ndarray, "3"]:
    """Unit vector from the eyes to the lamp in the world (z up, the frontal face looks along -y, x to image right)."""
    azimuth, elevation = math.radians(lamp.azimuth_deg), math.radians(lamp.elevation_deg)
    return np.array(
        [math.sin(azimuth) * math.cos(elevation), -math.cos(azimuth) * math.cos(elevation), math.sin(elevation)]
    )


def balanced_rgb(rgb: tuple[float, float, float]) -> Float[np.ndarray, "3"]:
    """The colour of a lamp after the camera's white balance."""
    return np.array(rgb) ** WHITE_BALANCE


def _environment_irradiance(lighting: Lighting) -> float:
    if lighting.environment == NO_ENVIRONMENT:
        return 0.0
    light = environment_light(lighting.environment)
    # The map turns with the rotation, and its brightest side with it.
    turned_deg = light.brightest_deg + lighting.environment_rotation_deg
    directed = max(0.2, 1.0 + light.contrast * math.cos(math.radians(_FACE_AZIMUTH_DEG - turned_deg)))
    return lighting.environment_strength * (_ROUND_SHARE + (1.0 - _ROUND_SHARE) * directed)
