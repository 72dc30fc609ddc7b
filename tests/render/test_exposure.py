"""Exposure follows the light, whatever the number of lamps; the table of environments is what the files measure."""

import math
from dataclasses import replace

import numpy as np
import pytest

from render.environment_maps import environment_radiance
from render.exposure import (
    ENVIRONMENT_LIGHTS,
    environment_radiance_scale,
    exposure_gain,
    lamp_irradiance_over_pi,
    towards_lamp,
)
from render.parameters import Lamp, Lighting
from render.ranges.lighting import ENVIRONMENTS

WHITE = Lamp("key", azimuth_deg=0.0, elevation_deg=0.0, distance_m=2.0, size_m=0.1, power_w=9.0, rgb=(1.0, 1.0, 1.0))
LIGHTING = Lighting("key", "city", 25.0, 0.8, (WHITE, replace(WHITE, azimuth_deg=-50.0, rgb=(1.0, 0.6, 0.3))), 0.0)


def test_light_of_a_lamp_falls_with_the_square_of_its_distance():
    """E / pi = P / (pi d)^2: 9 W at 2 m give 9 / (2 pi)^2, at 4 m a quarter of it."""
    assert lamp_irradiance_over_pi(WHITE) == pytest.approx(9 / (2 * math.pi) ** 2)
    assert lamp_irradiance_over_pi(replace(WHITE, distance_m=4.0)) == pytest.approx(9 / (4 * math.pi) ** 2)


def test_a_face_before_one_lamp_is_exposed_by_the_law_of_the_gain():
    """In a dark room with one frontal lamp the gain is (1 / E)^0.8, E its irradiance / pi."""
    alone = replace(LIGHTING, environment="none", lamps=(WHITE,))
    assert exposure_gain(alone) == pytest.approx((1 / lamp_irradiance_over_pi(WHITE)) ** 0.8)


def test_exposure_follows_all_light_most_of_the_way():
    """Doubling environment and every lamp multiplies the gain by 2 ** -0.8, so the picture gets 2 ** 0.2 brighter."""
    lamps = tuple(replace(lamp, power_w=2 * lamp.power_w) for lamp in LIGHTING.lamps)
    doubled = replace(LIGHTING, environment_strength=1.6, lamps=lamps)
    assert exposure_gain(doubled) / exposure_gain(LIGHTING) == pytest.approx(2**-0.8)


def test_two_lamps_at_one_place_are_one_of_twice_the_power():
    """Exposure does not care how power is divided among lamps of the same side of the face."""
    frontal = replace(LIGHTING, lamps=(WHITE, WHITE))
    assert exposure_gain(frontal) == pytest.approx(
        exposure_gain(replace(LIGHTING, lamps=(replace(WHITE, power_w=18.0),)))
    )


def test_a_lamp_from_the_side_does_not_blow_out_the_side_it_lights():
    """At 90 degrees in a dark room, the lit side gets less than 2.1 times full exposure; a rim light hardly counts."""
    side = replace(LIGHTING, environment="none", lamps=(replace(WHITE, azimuth_deg=90.0, power_w=40.0),))
    assert exposure_gain(side) * lamp_irradiance_over_pi(side.lamps[0]) < 2.1
    rim = replace(LIGHTING, lamps=(replace(WHITE, azimuth_deg=180.0),))
    assert exposure_gain(rim) == pytest.approx(exposure_gain(replace(LIGHTING, lamps=())), rel=0.1)


def test_darkness_is_not_amplified():
    """Without any light the gain is 1, not infinite."""
    assert exposure_gain(replace(LIGHTING, environment="none", lamps=())) == 1.0
    assert exposure_gain(replace(LIGHTING, environment_strength=0.0, lamps=())) == 1.0


def test_strength_one_gives_every_map_the_same_mean_light():
    """Radiance scale times the map's mean is strength times gain."""
    for name in ENVIRONMENTS:
        lighting = replace(LIGHTING, environment=name, lamps=())
        light = environment_radiance_scale(lighting) * ENVIRONMENT_LIGHTS[name].mean
        assert light == pytest.approx(0.8 * exposure_gain(lighting))


def test_lamps_stand_on_the_sphere_about_the_eyes():
    """Azimuth 0 is before the face (-y), 90 the image right (+x), elevation 90 above."""
    for azimuth, elevation, expected in (
        (0, 0, (0, -1, 0)),
        (90, 0, (1, 0, 0)),
        (-90, 0, (-1, 0, 0)),
        (33, 90, (0, 0, 1)),
    ):
        lamp = replace(WHITE, azimuth_deg=float(azimuth), elevation_deg=float(elevation))
        assert towards_lamp(lamp) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_table_of_environment_light_is_what_the_file_measures(name):
    """Mean, first harmonic and brightest azimuth of luminance times cosine over the sphere, to the digits given."""
    radiance = environment_radiance(name)
    height, width, _ = radiance.shape
    luminance = radiance.astype(np.float64) @ [0.2126, 0.7152, 0.0722]
    latitude = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    # Blender puts its x axis in the middle of the map and turns towards y to the left.
    azimuth = (0.5 - (np.arange(width) + 0.5) / width) * 2 * np.pi
    solid = luminance * np.cos(latitude)[:, None] ** 2 * (np.pi / height) * (2 * np.pi / width) / np.pi
    normals = np.radians(np.arange(0, 360, 15))
    cosines = np.clip(np.cos(azimuth[:, None] - normals), 0, None)
    irradiance = solid.sum(axis=0) @ cosines
    harmonic = 2 * (irradiance * np.exp(1j * normals)).mean()
    light = ENVIRONMENT_LIGHTS[name]
    assert light.mean == pytest.approx(irradiance.mean(), abs=6e-4)
    assert light.contrast == pytest.approx(abs(harmonic) / irradiance.mean(), abs=6e-3)
    assert light.brightest_deg == pytest.approx(math.degrees(np.angle(harmonic)), abs=0.6)
