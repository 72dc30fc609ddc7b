"""Structured light: what a camera like the first Kinect would have measured of a frame's ground truth.

A projector stands beside the camera. Depth comes from the disparity of its pattern, found in windows and in steps of an
eighth of a pixel; what the projector does not light, or what gives too little light back, stays a hole.

Sources: Khoshelham and Elberink 2012 (Accuracy and Resolution of Kinect Depth Data for Indoor Mapping Applications):
depth from disparity, error growing with the square of the depth, gaps by shadow and by grazing angles. Baseline 7.5 cm,
focal length 580 px and steps of 1/8 px: the ROS technical description of the Kinect calibration. The rest is ours.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt16
from scipy.ndimage import median_filter

from render.dataset_format import SurfaceLayer
from render.geometry.pinhole import pixel_rays


@dataclass(frozen=True)
class StructuredLight:
    """A projector `baseline_m` to the right of the camera, seen in the picture (negative: to the left).

    `disparity_noise_px` is the standard deviation of the disparity before rounding; `window_px` the width of the
    correlation window (odd; 1 looks at single pixels). A surface turned away by more than `grazing_deg` from camera or
    projector gives no depth, nor one that returns less than `darkest` of what a white one at 1 m would.
    """

    baseline_m: float = 0.075
    steps_per_px: int = 8
    disparity_noise_px: float = 0.05
    window_px: int = 5
    grazing_deg: float = 78.0
    darkest: float = 0.01
    nearest_m: float = 0.4
    farthest_m: float = 8.0


def measure_structured_light(
    surface: SurfaceLayer,
    intrinsics: Float[np.ndarray, "3 3"],
    albedo: Float[np.ndarray, "h w"],
    sensor: StructuredLight,
    *,
    stream: np.random.Generator,
) -> UInt16[np.ndarray, "h w"]:
    """Depth in millimetres, 0 where nothing was measured. `albedo` (0..1) is that of the infrared light."""
    depth = surface.depth_m.astype(np.float64)
    valid = depth > 0
    seen = valid & ~projector_shadow(surface.depth_m, intrinsics, baseline_m=sensor.baseline_m)
    seen &= _lit(surface, intrinsics, albedo, sensor)
    scale = float(intrinsics[0, 0]) * abs(sensor.baseline_m)
    disparity = np.divide(scale, depth, out=np.zeros_like(depth), where=valid)
    if sensor.window_px > 1:
        disparity = np.where(seen, median_filter(np.where(valid, disparity, 0.0), sensor.window_px), 0.0)
        seen &= disparity > 0
    noisy = disparity + sensor.disparity_noise_px * stream.standard_normal(depth.shape)
    stepped = np.rint(noisy * sensor.steps_per_px) / sensor.steps_per_px
    measured = np.divide(scale, stepped, out=np.zeros_like(depth), where=seen & (stepped > 0))
    in_range = (measured >= sensor.nearest_m) & (measured <= min(sensor.farthest_m, 65.535))
    return np.where(in_range, np.rint(1000 * measured), 0).astype(np.uint16)


def projector_shadow(
    depth_m: Float32[np.ndarray, "h w"], intrinsics: Float[np.ndarray, "3 3"], *, baseline_m: float
) -> Bool[np.ndarray, "h w"]:
    """Which pixels the projector cannot light because something nearer stands in its way, row by row.

    An edge at depth z1 before a wall at z2 casts a shadow f b (1/z1 - 1/z2) pixels wide, on the side away from the
    projector.
    """
    height, width = depth_m.shape
    columns = np.arange(width) + 0.5 - float(intrinsics[0, 2])
    depth = np.where(depth_m > 0, depth_m, np.inf).astype(np.float64)
    # Column in the projector's picture: a nearer surface is shifted farther.
    place = columns - float(intrinsics[0, 0]) * baseline_m / depth
    if baseline_m < 0:
        place = -place[:, ::-1]
    # Seen from the left, whatever lies at or beyond a column already passed is behind it.
    limit = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    hidden = place > np.concatenate([limit[:, 1:], np.full((height, 1), np.inf)], axis=1)
    if baseline_m < 0:
        hidden = hidden[:, ::-1]
    return hidden & (depth_m > 0)


def _lit(
    surface: SurfaceLayer,
    intrinsics: Float[np.ndarray, "3 3"],
    albedo: Float[np.ndarray, "h w"],
    sensor: StructuredLight,
) -> Bool[np.ndarray, "h w"]:
    height, width = surface.depth_m.shape
    points = pixel_rays(intrinsics, width_px=width, height_px=height) * surface.depth_m[..., None]
    cosines = []
    for origin in (np.zeros(3), np.array([sensor.baseline_m, 0.0, 0.0])):
        towards = origin - points
        length = np.maximum(np.linalg.norm(towards, axis=-1), 1e-9)
        cosines.append((towards * surface.normals_cam).sum(axis=-1) / length)
    grazing = np.minimum(cosines[0], cosines[1]) < np.cos(np.radians(sensor.grazing_deg))
    returned = albedo * np.maximum(cosines[1], 0.0) / np.maximum(surface.depth_m.astype(np.float64), 1e-9) ** 2
    return ~grazing & (returned >= sensor.darkest)
