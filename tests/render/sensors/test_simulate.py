"""One frame measured by either camera: by settings and key alone, and every setting counts."""

import numpy as np
import pytest

from render.dataset_format import GroundTruth, Label, SurfaceLayer
from render.geometry.pinhole import pixel_rays
from render.ranges.sensor import SensorSettings
from render.sensors.simulate import INFRARED_ALBEDO, simulate_sensor

HEIGHT, WIDTH = 24, 60
INTRINSICS = np.array([[180.0, 0.0, WIDTH / 2], [0.0, 180.0, HEIGHT / 2], [0.0, 0.0, 1.0]])
KEY = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def truth() -> GroundTruth:
    """A step of skin before cloth, nothing to the left of both."""
    depth = np.full((HEIGHT, WIDTH), 1.1, dtype=np.float32)
    depth[:, 30:] = 0.8
    depth[:, :6] = 0.0
    labels = np.full((HEIGHT, WIDTH), Label.CLOTHING, dtype=np.uint8)
    labels[:, 30:], labels[:, :6] = Label.SKIN, Label.BACKGROUND
    rays = pixel_rays(INTRINSICS, width_px=WIDTH, height_px=HEIGHT)
    normals = (-rays / np.linalg.norm(rays, axis=-1, keepdims=True)).astype(np.float32)
    normals[depth == 0] = 0.0
    surface = SurfaceLayer(depth, normals, np.zeros_like(depth))
    return GroundTruth(surface, surface, labels)


@pytest.mark.parametrize("kind", ["structured_light", "time_of_flight"])
def test_a_frame_is_measured_by_its_key(truth, kind):
    """The same key repeats every pixel, another changes the noise; nothing is measured where nothing is; most of the
    rest is within 3 cm of the truth."""
    settings = SensorSettings(kind=kind)
    first, again, other = (simulate_sensor(truth, INTRINSICS, settings, frame_key=key) for key in (KEY, KEY, KEY[::-1]))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and (first[:, :4] == 0).all()
    seen = first > 0
    near = np.abs(first / 1000 - truth.visible.depth_m) < 0.03
    assert seen.mean() > 0.6 and near[seen].mean() > 0.9


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("structured_light", {"baseline_mm": 120.0}),
        ("structured_light", {"disparity_noise_px": 0.8}),
        ("time_of_flight", {"noise_mm": 6.0}),
        ("time_of_flight", {"footprint_px": 1.5}),
        ("time_of_flight", {"multipath": 0.2}),
    ],
)
def test_every_setting_reaches_the_pixels(truth, kind, change):
    """Changing one setting changes what is measured."""
    usual, changed = (
        simulate_sensor(truth, INTRINSICS, SensorSettings(kind=kind, **more), frame_key=KEY) for more in ({}, change)
    )
    assert (usual != changed).any()


@pytest.mark.parametrize("label", [label for label in Label if label not in (Label.BACKGROUND, Label.SKIN)])
def test_each_label_has_the_noise_of_its_own_albedo(label):
    """On one wall, half skin and half something else, a time-of-flight camera's noise goes as one over the albedo: the
    ratio of both spreads within 15 %."""
    labels = np.full((HEIGHT, WIDTH), Label.SKIN, dtype=np.uint8)
    labels[:, 30:] = label
    depth = np.full((HEIGHT, WIDTH), 1.0, dtype=np.float32)
    rays = pixel_rays(INTRINSICS, width_px=WIDTH, height_px=HEIGHT)
    normals = (-rays / np.linalg.norm(rays, axis=-1, keepdims=True)).astype(np.float32)
    surface = SurfaceLayer(depth, normals, np.zeros_like(depth))
    settings = SensorSettings(kind="time_of_flight", noise_mm=3.0, footprint_px=0.0)
    noisy = simulate_sensor(GroundTruth(surface, surface, labels), INTRINSICS, settings, frame_key=KEY).astype(float)
    ratio = noisy[:, 30:].std() / noisy[:, :30].std()
    assert ratio == pytest.approx(INFRARED_ALBEDO[Label.SKIN] / INFRARED_ALBEDO[label], rel=0.15)


def test_no_sensor_is_an_error(truth):
    """Whoever asks for a measurement must say of what."""
    with pytest.raises(ValueError, match="structured_light or time_of_flight"):
        simulate_sensor(truth, INTRINSICS, SensorSettings(), frame_key=KEY)
