"""The pinhole camera: intrinsics in pixels, projection and back-projection."""

import numpy as np
from jaxtyping import Float

from render.geometry.frames import OPENCV_FROM_BLENDER_CAMERA, rigid, rigid_inverse


def intrinsics_px(
    *, focal_length_mm: float, sensor_width_mm: float, width_px: int, height_px: int
) -> Float[np.ndarray, "3 3"]:
    """Camera matrix of square pixels; pixel (row i, column j) is sampled at (j + 0.5, i + 0.5)."""
    focal_length_px = focal_length_mm / sensor_width_mm * width_px
    return np.array([[focal_length_px, 0, width_px / 2], [0, focal_length_px, height_px / 2], [0, 0, 1.0]])


def camera_in_front(
    target_world_m: Float[np.ndarray, "3"],
    *,
    distance_m: float,
    offset_x: float,
    offset_y: float,
    focal_length_mm: float,
    sensor_width_mm: float,
    width_px: int,
    height_px: int,
) -> Float[np.ndarray, "4 4"]:
    """cam_from_world of an upright camera that looks along +y in the world (into a frontal face).

    It stands at `distance_m` from the target, which appears (offset_x, offset_y) of the picture's width and height
    right of and below the centre. The camera moves sideways instead of turning, so that a frontal face stays frontal.
    """
    focal_length_px = focal_length_mm / sensor_width_mm * width_px
    ray = np.array([offset_x * width_px / focal_length_px, offset_y * height_px / focal_length_px, 1.0])
    target_cam = ray / np.linalg.norm(ray) * distance_m
    world_from_cam = rigid(
        np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),  # columns: x right, y down (-z), z forward (+y)
        np.zeros(3),
    )
    world_from_cam[:3, 3] = target_world_m - world_from_cam[:3, :3] @ target_cam
    return rigid_inverse(world_from_cam)


def blender_camera_matrix(cam_from_world: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """matrix_world of the Blender camera that sees what the OpenCV camera sees."""
    world_from_cam = rigid_inverse(cam_from_world)
    return rigid(world_from_cam[:3, :3] @ OPENCV_FROM_BLENDER_CAMERA, world_from_cam[:3, 3])


def project_px(
    intrinsics: Float[np.ndarray, "3 3"], points_cam_m: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "n 2"]:
    """Image positions in pixels of points in the camera frame; z must be positive."""
    homogeneous = points_cam_m @ intrinsics.T
    return homogeneous[:, :2] / homogeneous[:, 2:]


def pixel_rays(intrinsics: Float[np.ndarray, "3 3"], *, width_px: int, height_px: int) -> Float[np.ndarray, "h w 3"]:
    """Direction through each pixel centre in the camera frame, scaled to z = 1."""
    columns = (np.arange(width_px) + 0.5 - intrinsics[0, 2]) / intrinsics[0, 0]
    rows = (np.arange(height_px) + 0.5 - intrinsics[1, 2]) / intrinsics[1, 1]
    x, y = np.meshgrid(columns, rows)
    return np.stack([x, y, np.ones_like(x)], axis=-1)
