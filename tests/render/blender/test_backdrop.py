"""Backdrops: exact where they can be, and always what the drawn values ask for."""

import hashlib
import math
from dataclasses import replace

import bpy
import numpy as np
import pytest
from PIL import Image
from small_scene import HEIGHT, LIGHTING, PLAIN, WIDTH, new_scene, picture, seen, world_of

from render.blender.backdrop import HIGHLIGHT_SHOULDER
from render.blender.backdrop_patterns import PATTERN_MAKERS
from render.blender.lights import add_lamps
from render.blender.room import add_room
from render.blender.session import temporary_datablocks
from render.exposure import environment_radiance_scale
from render.ranges.backdrops import BACKDROP_KINDS
from render.sampling.scene import PATTERNS

KINDS = ("worlds", "images", "lights", "cameras", "objects", "meshes", "materials", "node_groups")


@pytest.fixture
def scene():
    return new_scene()


def add_grey_ball() -> None:
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.12, location=(0, 1, 0))


def test_plain_colour_reaches_every_pixel_exactly(scene, tmp_path):
    """Whatever the light, the camera sees the backdrop's own colour."""
    assert seen(scene, tmp_path, LIGHTING, PLAIN) == pytest.approx(
        np.broadcast_to(PLAIN.rgb, (HEIGHT, WIDTH, 3)), abs=1e-3
    )


def test_gradient_stays_between_its_colours_and_covers_most_of_the_way(scene, tmp_path):
    """No pixel leaves the range of the two colours, and opposite ends differ, for either kind of gradient."""
    for seed in range(4):
        shown = seen(scene, tmp_path, LIGHTING, replace(PLAIN, kind="gradient", seed=seed))
        low, high = np.minimum(PLAIN.rgb, PLAIN.second_rgb), np.maximum(PLAIN.rgb, PLAIN.second_rgb)
        assert (shown >= low - 1e-3).all()
        assert (shown <= high + 1e-3).all()
        assert (np.ptp(shown, axis=(0, 1)) > 0.5 * (high - low)).all()


def test_the_sampled_patterns_are_those_that_can_be_painted():
    """Sampling and painting know the same names."""
    assert set(PATTERNS) == set(PATTERN_MAKERS)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_varies_and_depends_on_its_seed(scene, tmp_path, pattern):
    """A texture is no plain colour; the same seed gives the same picture, another seed another one."""
    first, again, other = (
        seen(scene, tmp_path, LIGHTING, replace(PLAIN, kind="texture", pattern=pattern, seed=seed))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert first.std(axis=(0, 1)).max() > 0.01
    assert np.abs(first - other).mean() > 0.01
    assert first.min() >= 0


def test_turning_the_environment_is_turning_the_camera_the_other_way(scene, tmp_path):
    """The map turned by +50 degrees about z looks as it does to a camera that turned by -50, up to the exposure."""

    def unexposed(rotation_deg: float, camera_deg: float) -> np.ndarray:
        lighting = replace(LIGHTING, environment_rotation_deg=rotation_deg)
        scene.camera.rotation_euler[2] = math.radians(camera_deg)
        shown = seen(scene, tmp_path, lighting, replace(PLAIN, kind="environment"))
        return shown / (1 - shown / HIGHLIGHT_SHOULDER) / environment_radiance_scale(lighting)

    turned_map, turned_camera, neither = unexposed(50, 0), unexposed(0, -50), unexposed(0, 0)
    assert turned_map == pytest.approx(turned_camera, rel=0.03, abs=0.01)
    assert np.abs(turned_map - neither).mean() > 0.05


def test_without_an_environment_its_backdrop_is_black(scene, tmp_path):
    """A dark room shows nothing behind the head, and a painted backdrop keeps its colours."""
    dark = replace(LIGHTING, environment="none")
    assert seen(scene, tmp_path, dark, replace(PLAIN, kind="environment")).max() == 0
    assert seen(scene, tmp_path, dark, PLAIN) == pytest.approx(np.broadcast_to(PLAIN.rgb, (24, 40, 3)), abs=1e-3)


def test_a_picture_stands_behind_the_head_pixel_by_pixel(scene, tmp_path):
    """Without filter over pixels, the rendered 8-bit picture is the source, bit for bit, upright and not mirrored."""
    pixels = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wall.png")
    sha256 = hashlib.sha256((tmp_path / "wall.png").read_bytes()).hexdigest()
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.filter_size = scene.cycles.filter_width = 0.01
    backdrop = replace(PLAIN, kind="image", image="wall.png", image_sha256=sha256)
    linear = seen(scene, tmp_path, LIGHTING, backdrop, image_folder=tmp_path).astype(np.float64)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    assert np.array_equal(np.rint(encoded * 255).astype(np.uint8), pixels)


def test_the_backdrop_lights_nothing(scene, tmp_path):
    """A ball looks the same before a black backdrop, before a white one, and in a room."""
    add_grey_ball()
    middle = (slice(HEIGHT // 2 - 2, HEIGHT // 2 + 2), slice(WIDTH // 2 - 2, WIDTH // 2 + 2))
    black = seen(scene, tmp_path, LIGHTING, replace(PLAIN, rgb=(0.0, 0.0, 0.0)))[middle]
    white = seen(scene, tmp_path, LIGHTING, replace(PLAIN, rgb=(1.0, 1.0, 1.0)))[middle]
    assert black == pytest.approx(white, abs=1e-6)
    assert black.min() > 0.05
    with temporary_datablocks():
        scene.world = world_of(LIGHTING, replace(PLAIN, kind="room", rgb=(0.0, 0.0, 0.0)))
        add_room(scene, replace(PLAIN, kind="room"), LIGHTING, np.array([0.0, 1.0, 0.0]))
        assert picture(scene, tmp_path)[middle] == pytest.approx(black, abs=1e-6)


def test_a_room_is_on_every_side_and_beyond_the_depth_range(scene, tmp_path):
    """From the front, from behind, from above and from afar (outside its walls) no pixel shows the world behind it."""
    nothing_else = replace(PLAIN, kind="room", rgb=(0.0, 0.0, 0.0))
    scene.camera.data.clip_end = 1.5
    # Where the camera stands (the eyes are at the origin) and how it is turned; the last is 6 m away.
    for position, rotation_deg in (((0, -0.9, 0), (90, 0, 0)), ((0, 0.9, 0), (90, 0, 180)), ((0, 0, 0.5), (20, 0, 0))):
        with temporary_datablocks():
            camera = scene.camera
            camera.location, camera.rotation_euler = position, [math.radians(angle) for angle in rotation_deg]
            scene.world = world_of(LIGHTING, nothing_else)
            add_room(scene, replace(PLAIN, kind="room"), LIGHTING, np.zeros(3))
            assert scene.camera.data.clip_end > 20 > camera.data.clip_end
            shown = picture(scene, tmp_path)
            assert shown.min() > 0.0005 and shown.std() > 0.01
        scene.camera = camera
    with temporary_datablocks():
        camera.location, camera.rotation_euler = (0, -6, 0), (math.pi / 2, 0, 0)
        scene.camera.data.lens = 120
        scene.world = world_of(LIGHTING, replace(nothing_else, rgb=(9.0, 0.0, 9.0)))
        add_room(scene, replace(PLAIN, kind="room"), LIGHTING, np.zeros(3))
        assert picture(scene, tmp_path)[HEIGHT // 2].max() < 4


def test_removal_leaves_nothing_behind(scene, tmp_path):
    """Worlds, maps, pictures, rooms and lights are gone after removal, for every kind of backdrop."""
    Image.new("RGB", (8, 5), (200, 100, 50)).save(tmp_path / "a.png")
    sha256 = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    before = {kind: len(getattr(bpy.data, kind)) for kind in KINDS}
    camera = scene.camera
    for kind in BACKDROP_KINDS:
        backdrop = replace(PLAIN, kind=kind, image="a.png", image_sha256=sha256)
        with temporary_datablocks():
            scene.camera = camera
            scene.world = world_of(LIGHTING, backdrop, image_folder=tmp_path)
            add_lamps(scene, LIGHTING, np.zeros(3))
            if kind == "room":
                add_room(scene, backdrop, LIGHTING, np.zeros(3))
    assert {kind: len(getattr(bpy.data, kind)) for kind in KINDS} == before


@pytest.mark.usefixtures("scene")
def test_unknown_names_are_errors():
    """The message names the field, what came and what is known."""
    with pytest.raises(ValueError, match=r"lighting\.environment is 'moon'.*city"):
        world_of(replace(LIGHTING, environment="moon"), PLAIN)
    with pytest.raises(ValueError, match=r"backdrop\.kind is 'photo'.*plain"):
        world_of(LIGHTING, replace(PLAIN, kind="photo"))
    with pytest.raises(ValueError, match=r"backdrop\.pattern is 'tartan'.*brick"):
        world_of(LIGHTING, replace(PLAIN, kind="texture", pattern="tartan"))
    with pytest.raises(ValueError, match=r"no backdrops\.image_folder"):
        world_of(LIGHTING, replace(PLAIN, kind="image"))
