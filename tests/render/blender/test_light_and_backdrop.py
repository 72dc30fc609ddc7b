"""Light and backdrop: exact where they can be, measured where they stand for files."""

import math
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
import pytest
from jaxtyping import Float32

from render.blender.backdrop import HIGHLIGHT_SHOULDER, build_world
from render.blender.backdrop_patterns import PATTERN_MAKERS
from render.blender.lights import ENVIRONMENT_LIGHTS, add_key_light, environment_radiance_scale, exposure_gain
from render.blender.session import temporary_datablocks
from render.bundled_assets import environment_path
from render.config import ENVIRONMENTS
from render.parameters import Backdrop, Lighting
from render.sampling.scene import PATTERNS

LIGHTING = Lighting(
    environment="city",
    environment_rotation_deg=25.0,
    environment_strength=0.8,
    key_azimuth_deg=-40.0,
    key_elevation_deg=20.0,
    key_distance_m=1.3,
    key_size_m=0.3,
    key_power_w=20.0,
    key_rgb=(1.0, 0.8, 0.6),
)
PLAIN = Backdrop(
    kind="plain", rgb=(0.21, 0.43, 0.07), second_rgb=(0.5, 0.1, 0.3), pattern="noise", pattern_scale=5.0, seed=3
)
WIDTH, HEIGHT = 40, 24
KINDS = ("worlds", "images", "lights", "objects", "materials", "node_groups")


@pytest.fixture
def scene():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.render.use_persistent_data = True
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = 8, False, False
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.rotation_euler = (math.pi / 2, 0, 0)  # looks along +y
    scene.collection.objects.link(camera)
    scene.camera = camera
    return scene


def picture(scene, folder: Path) -> Float32[np.ndarray, "24 40 3"]:
    """Scene-linear picture."""
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth = "32"
    scene.render.filepath = str(folder / "picture.exr")
    bpy.ops.render.render(write_still=True)
    with OpenEXR.File(scene.render.filepath, separate_channels=True) as file:
        channels = file.channels()
        return np.stack([np.asarray(channels[axis].pixels, dtype=np.float32) for axis in "RGB"], axis=-1)


def seen(scene, folder: Path, lighting: Lighting, backdrop: Backdrop) -> Float32[np.ndarray, "24 40 3"]:
    """The picture under a world that is removed again."""
    with temporary_datablocks():
        scene.world = build_world(lighting, backdrop)
        return picture(scene, folder)


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


def test_the_backdrop_lights_nothing(scene, tmp_path):
    """A ball looks the same before a black and a white backdrop."""
    add_grey_ball()
    middle = (slice(HEIGHT // 2 - 2, HEIGHT // 2 + 2), slice(WIDTH // 2 - 2, WIDTH // 2 + 2))
    black = seen(scene, tmp_path, LIGHTING, replace(PLAIN, rgb=(0.0, 0.0, 0.0)))[middle]
    white = seen(scene, tmp_path, LIGHTING, replace(PLAIN, rgb=(1.0, 1.0, 1.0)))[middle]
    assert black == pytest.approx(white, abs=1e-6)
    assert black.min() > 0.05


def test_the_key_light_brightens_its_side(scene, tmp_path):
    """With negative azimuth the image left of a ball is brighter, with positive azimuth its image right."""
    add_grey_ball()
    balance = []
    for azimuth in (-70.0, 70.0):
        lighting = replace(LIGHTING, key_azimuth_deg=azimuth, environment_strength=0.01)
        with temporary_datablocks():
            add_key_light(scene, lighting, np.array([0.0, 1.0, 0.0]))
            shown = seen(scene, tmp_path, lighting, replace(PLAIN, rgb=(0.0, 0.0, 0.0))).sum(axis=(0, 2))
        balance.append(shown[: WIDTH // 2].sum() - shown[WIDTH // 2 :].sum())
    assert balance[0] > 1 > -1 > balance[1]


def test_a_key_light_without_power_adds_nothing(scene):
    """Power 0 means no light at all, not a dark one."""
    assert add_key_light(scene, replace(LIGHTING, key_power_w=0.0), np.zeros(3)) is None


def test_removal_leaves_nothing_behind(scene):
    """Worlds, maps and lights are gone after removal, for every kind of backdrop."""
    before = {kind: len(getattr(bpy.data, kind)) for kind in KINDS}
    for kind in ("plain", "gradient", "texture", "environment"):
        with temporary_datablocks():
            scene.world = build_world(LIGHTING, replace(PLAIN, kind=kind))
            add_key_light(scene, LIGHTING, np.zeros(3))
    assert {kind: len(getattr(bpy.data, kind)) for kind in KINDS} == before


def test_exposure_follows_the_light_most_of_the_way():
    """Doubling all light multiplies the gain by 2 ** -0.8, so the picture gets 2 ** 0.2 brighter."""
    doubled = replace(LIGHTING, environment_strength=1.6, key_power_w=40.0)
    assert exposure_gain(doubled) / exposure_gain(LIGHTING) == pytest.approx(2**-0.8)


def test_darkness_is_not_amplified():
    """Without any light the gain is 1, not infinite."""
    assert exposure_gain(replace(LIGHTING, environment_strength=0.0, key_power_w=0.0)) == 1.0


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_table_of_environment_light_is_what_the_file_measures(name):
    """Mean, first harmonic and brightest azimuth of luminance times cosine over the sphere, to the digits given."""
    image = bpy.data.images.load(str(environment_path(name)))
    width, height = image.size
    pixels = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    luminance = pixels.reshape(height, width, 4)[..., :3].astype(np.float64) @ [0.2126, 0.7152, 0.0722]
    latitude = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    # Blender puts its x axis in the middle of the map and turns towards y to the left.
    azimuth = (0.5 - (np.arange(width) + 0.5) / width) * 2 * np.pi
    radiance = luminance * np.cos(latitude)[:, None] ** 2 * (np.pi / height) * (2 * np.pi / width) / np.pi
    normals = np.radians(np.arange(0, 360, 15))
    cosines = np.clip(np.cos(azimuth[:, None] - normals), 0, None)
    irradiance = radiance.sum(axis=0) @ cosines
    harmonic = 2 * (irradiance * np.exp(1j * normals)).mean()
    light = ENVIRONMENT_LIGHTS[name]
    assert light.mean == pytest.approx(irradiance.mean(), abs=6e-4)
    assert light.contrast == pytest.approx(abs(harmonic) / irradiance.mean(), abs=6e-3)
    assert light.brightest_deg == pytest.approx(math.degrees(np.angle(harmonic)), abs=0.6)


@pytest.mark.usefixtures("scene")
def test_unknown_names_are_errors():
    """The message names the field, what came and what is known."""
    with pytest.raises(ValueError, match=r"lighting\.environment is 'moon'.*city"):
        build_world(replace(LIGHTING, environment="moon"), PLAIN)
    with pytest.raises(ValueError, match=r"backdrop\.kind is 'photo'.*plain"):
        build_world(LIGHTING, replace(PLAIN, kind="photo"))
    with pytest.raises(ValueError, match=r"backdrop\.pattern is 'tartan'.*brick"):
        build_world(LIGHTING, replace(PLAIN, kind="texture", pattern="tartan"))
