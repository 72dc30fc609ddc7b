"""Lamps throw the light that closed forms promise, each from its side."""

import math
from dataclasses import replace

import bpy
import numpy as np
import pytest
from small_scene import HEIGHT, LAMP, LIGHTING, PLAIN, WIDTH, new_scene, picture, seen, world_of

from render.blender import node_graph as graph
from render.blender.lights import add_lamps
from render.blender.session import temporary_datablocks
from render.exposure import exposure_gain, lamp_irradiance_over_pi

DARK = replace(LIGHTING, environment="none")
BLACK = replace(PLAIN, rgb=(0.0, 0.0, 0.0))


@pytest.fixture
def scene():
    return new_scene()


def add_white_wall(*, distance_m: float) -> None:
    """A white Lambertian plane that faces the camera."""
    bpy.ops.mesh.primitive_plane_add(size=0.5, location=(0, distance_m, 0), rotation=(math.pi / 2, 0, 0))
    material, tree = graph.empty_material("white")
    graph.finish(tree, graph.add_node(tree, "ShaderNodeBsdfDiffuse", inputs={"Color": (1.0, 1.0, 1.0)}).outputs[0])
    bpy.context.object.data.materials.append(material)


@pytest.mark.parametrize("power_w", [7.0, 30.0])
def test_a_lamp_throws_the_irradiance_of_its_closed_form(scene, tmp_path, power_w):
    """White paint shows E / pi = P tint / (pi d)^2 times the exposure, at the eyes, for a lamp before the face."""
    lamp = replace(LAMP, azimuth_deg=0.0, elevation_deg=0.0, distance_m=1.7, size_m=0.02, power_w=power_w)
    lighting = replace(DARK, lamps=(lamp,))
    add_white_wall(distance_m=1.0)
    scene.camera.data.lens = 400
    scene.cycles.max_bounces = 0
    with temporary_datablocks():
        scene.world = world_of(lighting, BLACK)
        add_lamps(scene, lighting, np.array([0.0, 1.0, 0.0]))
        shown = picture(scene, tmp_path)[HEIGHT // 2 - 1 : HEIGHT // 2 + 1, WIDTH // 2 - 1 : WIDTH // 2 + 1]
    gain = exposure_gain(lighting)
    expected = gain * power_w / (math.pi * 1.7) ** 2 * np.sqrt(LAMP.rgb)
    assert shown.mean(axis=(0, 1)) == pytest.approx(expected, rel=0.01)
    luminance = shown.mean(axis=(0, 1)) @ [0.2126, 0.7152, 0.0722]
    assert luminance == pytest.approx(gain * lamp_irradiance_over_pi(lamp), rel=0.01)


def test_a_lamp_brightens_its_side(scene, tmp_path):
    """With negative azimuth the image left of a ball is brighter, with positive azimuth its image right."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.12, location=(0, 1, 0))
    balance = []
    for azimuth in (-70.0, 70.0):
        lighting = replace(DARK, lamps=(replace(LAMP, azimuth_deg=azimuth),))
        with temporary_datablocks():
            add_lamps(scene, lighting, np.array([0.0, 1.0, 0.0]))
            shown = seen(scene, tmp_path, lighting, BLACK).sum(axis=(0, 2))
        balance.append(shown[: WIDTH // 2].sum() - shown[WIDTH // 2 :].sum())
    assert balance[0] > 1 > -1 > balance[1]


def test_lamps_stand_where_they_are_asked_for_and_face_the_eyes(scene):
    """Distance, direction and aim of each of several lamps; the camera sees none of them."""
    eyes = np.array([0.1, 0.2, 0.3])
    lamps = tuple(replace(LAMP, azimuth_deg=angle, distance_m=1 + angle / 100) for angle in (0.0, 90.0, 150.0))
    placed = add_lamps(scene, replace(DARK, lamps=lamps), eyes)
    bpy.context.view_layer.update()
    assert len(placed) == 3
    for lamp, light in zip(lamps, placed, strict=True):
        away = np.array(light.matrix_world.translation) - eyes
        assert np.linalg.norm(away) == pytest.approx(lamp.distance_m, rel=1e-5)
        assert math.degrees(math.atan2(away[0], -away[1])) == pytest.approx(lamp.azimuth_deg, abs=1e-3)
        assert math.degrees(math.asin(away[2] / lamp.distance_m)) == pytest.approx(20.0, abs=1e-3)
        aim = -np.array(light.matrix_world.to_3x3().col[2])
        assert aim == pytest.approx(-away / lamp.distance_m, abs=1e-5)
        assert not light.visible_camera


def test_a_lamp_without_power_adds_nothing(scene):
    """Power 0 means no light at all, not a dark one; no lamps are no lights."""
    assert add_lamps(scene, replace(DARK, lamps=(replace(LAMP, power_w=0.0),)), np.zeros(3)) == []
    assert add_lamps(scene, replace(DARK, lamps=()), np.zeros(3)) == []
