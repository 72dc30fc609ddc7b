"""Light: one of the environment maps, turned and scaled, and the lamps of a rig."""

import colorsys
import math

from render.draws import Draws
from render.parameters import Lamp, Lighting
from render.ranges.lighting import NO_ENVIRONMENT, Lightings
from render.sampling.flash_rig import FLASH_DISTANCE_M, FLASH_SIZE_M, FLASH_TEMPERATURE_K, FLASHES, NO_FLASH

# Where the other lamps of three-point lighting stand, with the key on the right; a key on the left mirrors it (ours,
# after what books on portrait light draw).
_FILL = {"azimuth_deg": (-55.0, -20.0), "elevation_deg": (-5.0, 20.0), "distance_m": (1.2, 2.0), "size_m": (0.5, 1.2)}
_RIM = {"azimuth_deg": (-165.0, -125.0), "elevation_deg": (20.0, 50.0), "distance_m": (1.0, 1.6), "size_m": (0.15, 0.5)}


def draw_lighting(lightings: Lightings, draw: Draws) -> Lighting:
    """A rig by its share, then each of its numbers uniform in its range."""
    rig = draw.weighted("lighting.rig", lightings.rigs)
    environment = draw.one("lighting.environment", lightings.environments)
    sky = draw.between_jointly(
        "lighting.environment",
        {"rotation_deg": lightings.environment_rotation_deg, "strength": lightings.environment_strength},
    )
    strength = sky["strength"]
    lamps: tuple[Lamp, ...] = ()
    if rig == "key":
        lamps = (_key(lightings, draw),)
    elif rig == "three_point":
        lamps = _three_point(lightings, draw)
        strength = round(strength * draw.between("lighting.studio_ambient", lightings.studio_ambient), 9)
    elif rig == "points":
        low, high = lightings.point_count
        count = low + int(draw.share("lighting.point_count") * (high - low + 1))
        lamps = tuple(_point(lightings, draw, number) for number in range(count))
    elif rig == "flash":
        # Flashes take turns: the lights of one instant are as many different ones.
        number = lightings.flash_numbers[draw.index % len(lightings.flash_numbers)]
        if number != NO_FLASH:
            lamps = (_flash(lightings, draw, number),)
            if draw.share("lighting.flash_room") >= lightings.flash_room_share:
                environment = NO_ENVIRONMENT
    return Lighting(
        rig=rig,
        environment=environment,
        environment_rotation_deg=sky["rotation_deg"],
        environment_strength=strength,
        lamps=lamps,
        exposure_ev=draw.between("lighting.exposure_ev", lightings.exposure_ev),
    )


def _key(lightings: Lightings, draw: Draws) -> Lamp:
    place = {
        "azimuth_deg": lightings.key_azimuth_deg,
        "elevation_deg": lightings.key_elevation_deg,
        "distance_m": lightings.key_distance_m,
        "power_w": lightings.key_power_w,
    }
    return Lamp(
        role="key",
        **draw.between_jointly("lighting.key", place),
        size_m=draw.between("lighting.key_size_m", lightings.key_size_m),
        rgb=black_body_rgb(draw.between("lighting.key_temperature_k", lightings.key_temperature_k)),
    )


def _three_point(lightings: Lightings, draw: Draws) -> tuple[Lamp, Lamp, Lamp]:
    key = _key(lightings, draw)

    def opposite(role: str, place: dict[str, tuple[float, float]], ratio: float) -> Lamp:
        drawn = draw.between_jointly(f"lighting.{role}", place)
        # As much light at the eyes as the ratio asks for: it falls with the square of the distance.
        power_w = round(ratio * key.power_w * (drawn["distance_m"] / key.distance_m) ** 2, 9)
        azimuth_deg = drawn.pop("azimuth_deg") * (1.0 if key.azimuth_deg >= 0 else -1.0)
        return Lamp(role=role, azimuth_deg=azimuth_deg, power_w=power_w, rgb=key.rgb, **drawn)

    fill = opposite("fill", _FILL, draw.between("lighting.fill_ratio", lightings.fill_ratio))
    rim = opposite("rim", _RIM, draw.between("lighting.rim_ratio", lightings.rim_ratio))
    return key, fill, rim


def _point(lightings: Lightings, draw: Draws, number: int) -> Lamp:
    name = f"lighting.point_{number}"
    place = {
        "azimuth_deg": lightings.point_azimuth_deg,
        "elevation_deg": lightings.point_elevation_deg,
        "distance_m": lightings.point_distance_m,
        "power_w": lightings.point_power_w,
    }
    if draw.share(f"{name}.coloured") < lightings.point_coloured_share:
        hue, saturation = (float(value) for value in draw.stream(f"{name}.hue").random(2))
        red, green, blue = (round(value, 6) for value in colorsys.hsv_to_rgb(hue, 0.5 + 0.45 * saturation, 1.0))
        rgb = (red, green, blue)
    else:
        rgb = black_body_rgb(draw.between(f"{name}.temperature_k", lightings.point_temperature_k))
    return Lamp(
        role="point",
        **draw.between_jointly(name, place),
        size_m=draw.between(f"{name}.size_m", lightings.point_size_m),
        rgb=rgb,
    )


def _flash(lightings: Lightings, draw: Draws, number: int) -> Lamp:
    azimuth_deg, elevation_deg = FLASHES[number]
    return Lamp(
        role=f"flash_{number:02d}",
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation_deg,
        distance_m=FLASH_DISTANCE_M,
        size_m=FLASH_SIZE_M,
        power_w=draw.between("lighting.flash_power_w", lightings.flash_power_w),
        rgb=black_body_rgb(FLASH_TEMPERATURE_K),
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
