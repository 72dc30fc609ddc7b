"""A simulated first Kinect: steps, shadows, holes and noise by their closed forms, and the same from the same seed."""

import dataclasses

import numpy as np
import pytest

from render.dataset_format import DatasetError, SurfaceLayer
from render.geometry.pinhole import pixel_rays
from render.sensors.millimetre_png import read_millimetres, write_millimetres
from render.sensors.structured_light import (
    StructuredLight,
    measure_structured_light,
    projector_shadow,
)

HEIGHT, WIDTH, FOCAL_PX = 30, 200, 580.0
INTRINSICS = np.array([[FOCAL_PX, 0.0, WIDTH / 2], [0.0, FOCAL_PX, HEIGHT / 2], [0.0, 0.0, 1.0]])
EXACT = StructuredLight(disparity_noise_px=0.0, window_px=1)
WHITE = np.ones((HEIGHT, WIDTH))


def wall(depth_m: np.ndarray) -> SurfaceLayer:
    """A surface seen squarely at every pixel."""
    rays = pixel_rays(INTRINSICS, width_px=WIDTH, height_px=HEIGHT)
    normals = (-rays / np.linalg.norm(rays, axis=-1, keepdims=True)).astype(np.float32)
    return SurfaceLayer(depth_m.astype(np.float32), normals, np.zeros_like(depth_m, dtype=np.float32))


def test_depth_comes_in_steps_of_z_squared_over_eight_f_b():
    """Along a ramp about 1 m neighbouring measured depths differ by z^2 / (8 f b) (2.9 mm), to the last millimetre."""
    ramp = np.broadcast_to(np.linspace(0.9, 1.1, WIDTH), (HEIGHT, WIDTH))
    measured = measure_structured_light(wall(ramp), INTRINSICS, WHITE, EXACT, stream=np.random.default_rng(0))
    levels = np.unique(measured[measured > 0]) / 1000
    middles = (levels[1:] + levels[:-1]) / 2
    np.testing.assert_allclose(np.diff(levels), middles**2 / (8 * 580 * 0.075), atol=0.0011)
    # No depth is farther from the truth than half a step, rounded to millimetres.
    seen = measured > 0
    assert np.abs(measured[seen] / 1000 - ramp[seen]).max() < 0.5 * 1.1**2 / (8 * 580 * 0.075) + 0.0006


@pytest.mark.parametrize("baseline_m", [0.075, -0.075])
def test_an_edge_casts_a_shadow_of_f_b_times_the_difference_of_inverse_depths(baseline_m):
    """A board at 0.8 m before a wall at 1.3 m: a band of 580 * 0.075 * (1/0.8 - 1/1.3) = 20.9 px beside it is unlit."""
    depth = np.full((HEIGHT, WIDTH), 1.3, dtype=np.float32)
    depth[5:, 80:130] = 0.8
    shadow = projector_shadow(depth, INTRINSICS, baseline_m=baseline_m)
    assert not shadow[:5].any()
    width = FOCAL_PX * 0.075 * (1 / 0.8 - 1 / 1.3)
    for row in shadow[5:]:
        columns = np.flatnonzero(row)
        assert abs(len(columns) - width) <= 1
        assert columns[-1] == 79 if baseline_m > 0 else columns[0] == 130


def test_dark_and_grazing_surfaces_leave_holes():
    """Black paint returns too little light; a wall turned away by 80 degrees is grazed; both read 0."""
    surface = wall(np.full((HEIGHT, WIDTH), 1.0))
    albedo = WHITE.copy()
    albedo[:, :50] = 0.001
    tilted = surface.normals_cam.copy()
    turn = np.radians(80.0)
    tilted[:, 150:] = [np.sin(turn), 0.0, -np.cos(turn)]
    measured = measure_structured_light(
        dataclasses.replace(surface, normals_cam=tilted), INTRINSICS, albedo, EXACT, stream=np.random.default_rng(0)
    )
    assert (measured[:, :50] == 0).all() and (measured[:, 150:] == 0).all()
    assert (measured[:, 60:140] > 0).all()


def test_noise_grows_with_the_square_of_the_depth_and_repeats_with_its_seed():
    """The standard deviation at 2 m is four times that at 1 m (within 15 %); the same seed gives the same pixels."""
    sensor = StructuredLight(disparity_noise_px=0.6, window_px=1)
    spread = {}
    for depth in (1.0, 2.0):
        surface = wall(np.full((HEIGHT, WIDTH), depth))
        first, second = (
            measure_structured_light(surface, INTRINSICS, WHITE, sensor, stream=np.random.default_rng(seed))
            for seed in (7, 7)
        )
        np.testing.assert_array_equal(first, second)
        spread[depth] = first.astype(float).std()
    assert 3.4 < spread[2.0] / spread[1.0] < 4.6


def test_millimetres_survive_the_file_and_other_pictures_are_refused(tmp_path):
    """16 bits come back as they went, on a picture that is not square."""
    depth = np.random.default_rng(1).integers(0, 65535, size=(7, 13)).astype(np.uint16)
    write_millimetres(tmp_path / "depth.png", depth)
    np.testing.assert_array_equal(read_millimetres(tmp_path / "depth.png"), depth)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_millimetres(tmp_path / "broken.png")
    with pytest.raises(ValueError, match=r"\.png"):
        write_millimetres(tmp_path / "depth.jpg", depth)
