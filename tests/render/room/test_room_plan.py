"""Rooms surround the head, keep clear of it, and face it; their light follows closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest

from render.exposure import ENVIRONMENT_LIGHTS, balanced_rgb, exposure_gain
from render.parameters import Lamp, Lighting
from render.ranges.lighting import ENVIRONMENTS
from render.room.light import corner_light, environment_irradiance_over_pi, irradiance_over_pi, lamp_light_over_pi
from render.room.plan import LEAST_CLEARANCE_M, furnish_room
from render.room.quads import Quads

RGB, SECOND_RGB = (0.3, 0.5, 0.2), (0.1, 0.05, 0.4)
DEEPEST_THING_M = 0.3
LAMP = Lamp("key", azimuth_deg=30.0, elevation_deg=10.0, distance_m=1.5, size_m=0.2, power_w=20.0, rgb=(1.0, 0.8, 0.6))
EYES = np.array([0.1, -0.2, 0.05])


@pytest.mark.parametrize("seed", range(12))
def test_nothing_of_a_room_comes_near_the_head(seed):
    """Walls are LEAST_CLEARANCE_M from the eyes or farther on all sides, things no deeper than a bookcase."""
    room = furnish_room(rgb=RGB, second_rgb=SECOND_RGB, seed=seed)
    low, high = np.array(room.low_m), np.array(room.high_m)
    assert (low[:2] <= -LEAST_CLEARANCE_M).all() and (high[:2] >= LEAST_CLEARANCE_M).all()
    assert room.eye_height_m > 1.0 and high[2] - room.eye_height_m > 0.7
    corners = room.quads.tiled(0.2).corners_m.reshape(-1, 3)
    assert (corners >= low - 0.01).all() and (corners <= high + 0.01).all()
    upright = corners[(corners[:, 2] > 0.1) & (corners[:, 2] < high[2] - 0.1)]
    inside = np.minimum(upright - low, high - upright)[:, :2].min(axis=1)
    assert inside.max() <= DEEPEST_THING_M


@pytest.mark.parametrize("seed", range(4))
def test_every_ray_from_the_eyes_meets_a_face_that_looks_at_it(seed):
    """Walls, floor and ceiling face inwards and cover the whole box: their areas are those of the six sides."""
    room = furnish_room(rgb=RGB, second_rgb=SECOND_RGB, seed=seed)
    tiles = room.quads.tiled(10.0)
    low, high = np.array(room.low_m), np.array(room.high_m)
    middle = (low + high) / 2
    normals, centres = tiles.normals(), tiles.corners_m.mean(axis=1)
    first, second = tiles.corners_m[:, 1] - tiles.corners_m[:, 0], tiles.corners_m[:, 3] - tiles.corners_m[:, 0]
    areas = np.linalg.norm(np.cross(first, second), axis=-1)
    size = high - low
    for axis in range(3):
        for side, inward in ((low, 1.0), (high, -1.0)):
            depth = 0.003 if axis == 2 else 1e-6
            on_side = (np.abs(centres[:, axis] - side[axis]) < depth) & (np.abs(normals[:, axis] - inward) < 1e-5)
            assert areas[on_side].sum() >= np.delete(size, axis).prod() * 0.999
            largest = np.flatnonzero(on_side)[areas[on_side].argmax()]
            assert normals[largest] @ (middle - centres[largest]) > 0


def test_rooms_differ_by_seed_and_repeat():
    """The same seed makes the same room; other seeds make other walls and things."""
    one, again, other = (furnish_room(rgb=RGB, second_rgb=SECOND_RGB, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.quads.tiled(1.0).corners_m, again.quads.tiled(1.0).corners_m)
    assert one.high_m != other.high_m and one.wall != other.wall
    assert all(0 < channel < 0.9 for channel in one.wall)


def test_tiles_cover_what_they_are_cut_from():
    """A 1 x 0.5 m panel in tiles of at most 0.12 m: 9 x 5 of them, the same area, colour and normal."""
    quads = Quads()
    quads.panel(np.eye(4), (0.0, 0.0), (1.0, 0.5), 0.25, (0.1, 0.2, 0.3), glow=0.5)
    tiles = quads.tiled(0.12)
    assert tiles.corners_m.shape == (45, 4, 3)
    sides = tiles.corners_m[:, 2] - tiles.corners_m[:, 0]
    assert np.abs(sides[:, 0] * sides[:, 2]).sum() == pytest.approx(0.5, rel=1e-6)
    assert tiles.normals() == pytest.approx(np.tile([0, 1, 0], (45, 1)), abs=1e-6)
    assert (tiles.colours == np.float32([0.1, 0.2, 0.3])).all() and (tiles.glows == 0.5).all()


def test_a_box_has_the_volume_and_the_outward_faces_of_a_box():
    """The flux of x through its faces is three times its volume (divergence theorem): 0.2 x 0.3 x 0.5 m."""
    quads = Quads()
    quads.box(np.eye(4), (1.0, 2.0, 3.0), (1.2, 2.3, 3.5), (0.5, 0.5, 0.5))
    tiles = quads.tiled(9.0)
    first, second = tiles.corners_m[:, 1] - tiles.corners_m[:, 0], tiles.corners_m[:, 3] - tiles.corners_m[:, 0]
    flux = np.einsum("ni,ni->", tiles.corners_m.mean(axis=1), np.cross(first, second))
    assert flux == pytest.approx(3 * 0.2 * 0.3 * 0.5, rel=1e-3)


def test_light_of_a_lamp_on_a_wall_is_the_closed_form():
    """A point aside on a wall behind the head gets P cos cos' / (pi d)^2, both cosines and the distance by hand."""
    point, normal = np.array([1.4, 2.0, 0.5]), np.array([0.0, -1.0, 0.0])
    lamp = replace(LAMP, size_m=0.0001, rgb=(1.0, 1.0, 1.0))
    azimuth, elevation = math.radians(30), math.radians(10)
    towards = np.array(
        [math.sin(azimuth) * math.cos(elevation), -math.cos(azimuth) * math.cos(elevation), math.sin(elevation)]
    )
    away = EYES + 1.5 * towards - point
    distance = np.linalg.norm(away)
    expected = 20 * (away @ towards / distance) * (away @ normal / distance) / (math.pi * distance) ** 2
    light = lamp_light_over_pi(lamp, point[None], normal[None], EYES)
    assert light == pytest.approx(np.full((1, 3), expected), rel=1e-6)


def test_the_head_throws_its_shadow_on_the_wall_behind_it():
    """On the line from lamp through eyes there is no light; a metre aside there is; turned away there is none."""
    lamp = replace(LAMP, azimuth_deg=0.0, elevation_deg=0.0)
    points = EYES + np.array([[0.0, 1.5, 0.0], [1.0, 1.5, 0.0], [1.0, 1.5, 0.0]])
    normals = np.array([[0.0, -1.0, 0.0], [0.0, -1.0, 0.0], [0.0, 1.0, 0.0]])
    light = lamp_light_over_pi(lamp, points, normals, EYES)
    assert light[0].max() == 0 and light[1].min() > 0.05 and light[2].max() == 0


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_walls_get_the_light_that_exposure_reckons_with(name):
    """Mean luminance over 24 upright walls is that of the table, within 2.5 % (the map is taken in blocks); turning map
    and wall together changes nothing."""
    azimuth = np.radians(np.arange(0, 360, 15))
    walls = np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=-1)
    light = environment_irradiance_over_pi(name, walls, rotation_deg=0.0)
    assert (light @ [0.2126, 0.7152, 0.0722]).mean() == pytest.approx(ENVIRONMENT_LIGHTS[name].mean, rel=0.025)
    turned = environment_irradiance_over_pi(name, walls, rotation_deg=30.0)
    assert turned == pytest.approx(np.roll(light, 2, axis=0), rel=1e-9)


def test_lamps_add_up_and_are_exposed():
    """Without an environment two lamps give the sum of their light times the gain."""
    points, normals = np.array([[0.9, 1.8, 0.3]]), np.array([[0.0, -1.0, 0.0]])
    both = Lighting("points", "none", 0.0, 1.0, (LAMP, replace(LAMP, azimuth_deg=-20.0)), 0.0)
    expected = exposure_gain(both) * sum(lamp_light_over_pi(lamp, points, normals, EYES) for lamp in both.lamps)
    assert irradiance_over_pi(points, normals, both, EYES) == pytest.approx(expected)
    colour = lamp_light_over_pi(LAMP, points, normals, EYES)[0]
    assert colour / colour[0] == pytest.approx(balanced_rgb(LAMP.rgb))


def test_corners_are_darker_than_the_middle_of_a_wall():
    """All light in the middle of a wall, less along an edge, least in a corner."""
    low, high = np.array([-2.0, -3.0, 0.0]), np.array([2.0, 2.5, 2.6])
    middle, edge, corner = corner_light(np.array([[0.0, 2.5, 1.3], [0.0, 2.5, 0.0], [2.0, 2.5, 0.0]]), low, high)
    assert middle == pytest.approx(1.0, abs=0.02) and 0.5 < edge < 0.6 and 0.28 < corner < edge
