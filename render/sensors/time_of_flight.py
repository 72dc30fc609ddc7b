"""Time of flight: what a camera like the second Kinect would have measured of a frame's ground truth.

Each pixel adds up modulated light from all that its footprint sees. Its phase gives the distance along the ray; at an
edge, phases of two depths mix into one between them (flying pixels). Noise grows as the returned light falls.

Sources: Lange 2000 (3D Time-of-Flight Distance Measurement: phase and amplitude, noise inverse to the amplitude);
Sarbolandi, Lefloch and Kolb 2015 (Kinect Range Sensing: Structured-Light versus Time-of-Flight Kinect: flying pixels,
noise, multipath). Modulation frequency and amounts: the Kinect v2's highest of about 16, 80 and 120 MHz; the rest ours.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt16
from scipy.ndimage import gaussian_filter

from render.dataset_format import SurfaceLayer
from render.geometry.pinhole import pixel_rays

LIGHT_M_PER_S = 299_792_458.0


@dataclass(frozen=True)
class TimeOfFlight:
    """A camera with its light beside the lens.

    `footprint_px` is the standard deviation of a pixel's footprint (0 sees one point); `noise_m` that of the distance
    to a white surface seen squarely at 1 m; `multipath` the share of light that arrives from the neighbourhood instead
    of straight (0 none), blurred over `multipath_px`. Pixels that return less than `darkest` of what a white one at 1 m
    would stay holes.
    """

    modulation_hz: float = 80e6
    footprint_px: float = 0.6
    noise_m: float = 0.0012
    darkest: float = 0.03  # ours: noise of 4 cm, beyond which a real camera trusts no phase; lenses mostly drop out
    multipath: float = 0.0
    multipath_px: float = 25.0
    nearest_m: float = 0.4
    farthest_m: float = 4.5


def measure_time_of_flight(
    surface: SurfaceLayer,
    intrinsics: Float[np.ndarray, "3 3"],
    albedo: Float[np.ndarray, "h w"],
    sensor: TimeOfFlight,
    *,
    stream: np.random.Generator,
) -> UInt16[np.ndarray, "h w"]:
    """Planar depth in millimetres, 0 where nothing was measured. `albedo` (0..1) is that of the infrared light."""
    height, width = surface.depth_m.shape
    rays = pixel_rays(intrinsics, width_px=width, height_px=height)
    stretch = np.linalg.norm(rays, axis=-1)
    distance = surface.depth_m * stretch
    amplitude = returned_light(surface, rays, albedo)
    radians_per_m = 4 * np.pi * sensor.modulation_hz / LIGHT_M_PER_S
    phasor = amplitude * np.exp(1j * radians_per_m * distance)
    if sensor.footprint_px > 0:
        phasor = _blurred(phasor, sensor.footprint_px)
    if sensor.multipath > 0:
        phasor = phasor + sensor.multipath * _blurred(phasor, sensor.multipath_px)
    strength = np.abs(phasor)
    # Phase repeats; the Kinect tells its periods apart by other frequencies, here the true depth tells them apart.
    near = _nearest_distance(distance, amplitude, sensor.footprint_px)
    phase = np.angle(phasor * np.exp(-1j * radians_per_m * near))
    noise = sensor.noise_m / np.maximum(strength, 1e-9) * stream.standard_normal(strength.shape)
    depth = (near + phase / radians_per_m + noise) / stretch
    seen = (strength >= sensor.darkest) & (near > 0) & (depth >= sensor.nearest_m) & (depth <= sensor.farthest_m)
    return np.where(seen, np.rint(1000 * depth), 0).astype(np.uint16)


def returned_light(
    surface: SurfaceLayer, rays: Float[np.ndarray, "h w 3"], albedo: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """Light that comes back, 1 from a white surface seen squarely at 1 m: albedo times cosine over distance squared."""
    length = np.linalg.norm(rays, axis=-1)
    facing = np.maximum(-(rays * surface.normals_cam).sum(axis=-1) / length, 0.0)
    distance = surface.depth_m * length
    return np.divide(albedo * facing, distance**2, out=np.zeros_like(facing), where=surface.depth_m > 0)


def _blurred(phasor: np.ndarray, sigma_px: float) -> np.ndarray:
    return gaussian_filter(phasor.real, sigma_px) + 1j * gaussian_filter(phasor.imag, sigma_px)


def _nearest_distance(
    distance: Float[np.ndarray, "h w"], amplitude: Float[np.ndarray, "h w"], footprint_px: float
) -> Float[np.ndarray, "h w"]:
    """Mean distance of what a pixel sees, weighted by light; 0 where it sees nothing."""
    if footprint_px <= 0:
        return np.where(amplitude > 0, distance, 0.0)
    light = gaussian_filter(amplitude, footprint_px)
    return np.divide(
        gaussian_filter(amplitude * distance, footprint_px), light, out=np.zeros_like(light), where=light > 1e-9
    )
