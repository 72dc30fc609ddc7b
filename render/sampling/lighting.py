"""Light: one of the environment maps, turned and scaled, and a key light."""

import math

from render.config import Lightings
from render.draws import draw_one, field_drawer, random_stream
from render.parameters import Lighting


def draw_lighting(lightings: Lightings, seed: int, split: str, index: int) -> Lighting:
    """Each number uniform in its range; the colour of the key light follows its temperature."""
    draw = field_drawer(lightings, "lighting", seed, split, index)
    return Lighting(
        environment=draw_one(random_stream(seed, split, "lighting.environment", index), lightings.environments),
        environment_rotation_deg=draw("environment_rotation_deg"),
        environment_strength=draw("environment_strength"),
        key_azimuth_deg=draw("key_azimuth_deg"),
        key_elevation_deg=draw("key_elevation_deg"),
        key_distance_m=draw("key_distance_m"),
        key_size_m=draw("key_size_m"),
        key_power_w=draw("key_power_w"),
        key_rgb=black_body_rgb(draw("key_temperature_k")),
    )


def black_body_rgb(temperature_k: float) -> tuple[float, float, float]:
    """Linear sRGB colour of a black body, brightest channel 1, 1667 to 15000 kelvin.

    Source: Kim et al. 2002 (cubic fit of the Planckian locus in CIE xy), then the IEC 61966-2-1 matrix.
    """
    t = min(max(temperature_k, 1667.0), 15000.0)
    if t <= 4000:
        x = -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910
    else:
        x = -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390
    if t <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif t <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    big_x, big_z = x / y, (1 - x - y) / y
    rgb = (
        3.2404542 * big_x - 1.5371385 - 0.4985314 * big_z,
        -0.9692660 * big_x + 1.8760108 + 0.0415560 * big_z,
        0.0556434 * big_x - 0.2040259 + 1.0572252 * big_z,
    )
    brightest = max(rgb)
    red, green, blue = (round(max(channel, 0.0) / brightest, 6) for channel in rgb)
    if not math.isfinite(red + green + blue):
        raise ValueError(f"no black body colour at {temperature_k} K; give 1667 to 15000 K")
    return red, green, blue
