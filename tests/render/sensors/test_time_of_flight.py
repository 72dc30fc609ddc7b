"""A simulated second Kinect: exact without noise, flying pixels between two depths, noise that follows the light."""

import dataclasses

import numpy as np

from render.dataset_format import SurfaceLayer
from render.geometry.pinhole import pixel_rays
from render.sensors.time_of_flight import TimeOfFlight, measure_time_of_flight, returned_light

HEIGHT, WIDTH, FOCAL_PX = 40, 120, 365.0
INTRINSICS = np.array([[FOCAL_PX, 0.0, WIDTH / 2], [0.0, FOCAL_PX, HEIGHT / 2], [0.0, 0.0, 1.0]])
RAYS = pixel_rays(INTRINSICS, width_px=WIDTH, height_px=HEIGHT)
EXACT = TimeOfFlight(noise_m=0.0, footprint_px=0.0)
WHITE = np.ones((HEIGHT, WIDTH))


def wall(depth_m: np.ndarray) -> SurfaceLayer:
    normals = (-RAYS / np.linalg.norm(RAYS, axis=-1, keepdims=True)).astype(np.float32)
    return SurfaceLayer(depth_m.astype(np.float32), normals, np.zeros_like(depth_m, dtype=np.float32))


def measured(surface: SurfaceLayer, sensor: TimeOfFlight, albedo: np.ndarray = WHITE, *, seed: int = 0) -> np.ndarray:
    return measure_time_of_flight(surface, INTRINSICS, albedo, sensor, stream=np.random.default_rng(seed))


def test_without_noise_and_footprint_depth_is_exact():
    """Every pixel of a slanted wall reads its planar depth, rounded to millimetres."""
    depth = np.broadcast_to(np.linspace(0.6, 3.9, WIDTH), (HEIGHT, WIDTH))
    np.testing.assert_array_equal(measured(wall(depth), EXACT), np.rint(1000 * depth.astype(np.float32)))


def test_only_edges_have_flying_pixels_and_they_lie_between_both_depths():
    """A board before a wall: within 3 px of its edge depths lie strictly between, elsewhere they are exact."""
    depth = np.full((HEIGHT, WIDTH), 1.2)
    depth[:, 50:] = 0.8
    found = measured(wall(depth), dataclasses.replace(EXACT, footprint_px=0.7))
    edge = found[:, 47:53]
    flying = (edge > 805) & (edge < 1195)
    assert flying.any(axis=1).all() and (edge >= 799).all() and (edge <= 1201).all()
    assert (np.abs(found[:, :45] - 1200.0) <= 1).all() and (np.abs(found[:, 55:] - 800.0) <= 1).all()


def test_noise_grows_with_the_square_of_the_distance_and_as_the_light_falls():
    """Its standard deviation is noise_m d^2 / (albedo cos): times 4 at twice the distance, times 4 on a quarter of the
    albedo, within 10 %; the same seed repeats it."""
    sensor = TimeOfFlight(noise_m=0.004, footprint_px=0.0)
    middle = np.s_[10:30, 40:80]

    def spread(depth_m: float, albedo: float) -> float:
        surface = wall(np.full((HEIGHT, WIDTH), depth_m))
        first = measured(surface, sensor, albedo * WHITE, seed=3)
        np.testing.assert_array_equal(first, measured(surface, sensor, albedo * WHITE, seed=3))
        return float(first[middle].astype(float).std())

    assert 3.6 < spread(2.0, 1.0) / spread(1.0, 1.0) < 4.4
    assert 3.6 < spread(1.0, 0.25) / spread(1.0, 1.0) < 4.4
    assert abs(spread(1.0, 1.0) - 4.0) < 0.4


def test_returned_light_is_albedo_times_cosine_over_distance_squared():
    """At the middle of the picture, half albedo, 60 degrees, 2 m: 0.5 * 0.5 / 4."""
    surface = wall(np.full((HEIGHT, WIDTH), 2.0))
    normals = np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32)
    normals[:] = [np.sin(np.pi / 3), 0.0, -np.cos(np.pi / 3)]
    light = returned_light(dataclasses.replace(surface, normals_cam=normals), RAYS, 0.5 * WHITE)
    assert abs(light[20, 60] - 0.0625) < 0.0008


def test_multipath_pulls_depth_towards_the_neighbourhood_and_dark_pixels_are_holes():
    """A near board beside a far one reads farther with stray light than without; what returns nothing reads 0."""
    depth = np.full((HEIGHT, WIDTH), 1.4)
    depth[:, :60] = 0.9
    clean, stray = (measured(wall(depth), dataclasses.replace(EXACT, multipath=share)) for share in (0.0, 0.1))
    assert (stray[:, 57].astype(int) > clean[:, 57]).all()
    black = WHITE.copy()
    black[:, 100:] = 0.0
    assert (measured(wall(depth), EXACT, black)[:, 100:] == 0).all()
