"""The pinhole camera: intrinsics in pixels, projection and back-projection."""

import numpy as np
from jaxtyping import Float

from render.geometry.frames import (
    OPENCV_FROM_BLENDER_CAMERA,
    WORLD_FROM_HEAD_AXES,
    head_rotation,
    rigid,
    rigid_inverse,
    transform_points,
)
from render.parameters import Camera


def intrinsics_px(camera: Camera) -> Float[np.ndarray, "3 3"]:
    """Camera matrix of square pixels; pixel (row i, column j) is sampled at (j + 0.5, i + 0.5)."""
    focal_length_px = camera.focal_length_mm / camera.sensor_width_mm * camera.width_px
    return np.array(
        [[focal_length_px, 0, camera.width_px / 2], [0, focal_length_px, camera.height_px / 2], [0, 0, 1.0]]
    )


def aim_point_m(
    between_eyes_m: Float[np.ndarray, "3"], head_from_world: Float[np.ndarray, "4 4"], *, aim: str
) -> Float[np.ndarray, "3"]:
    """The point of the world that a camera looks at, from the point between the eyes in the head frame.

    With aim `frontal` it is where that point is at rest, with `posed` where the posed head has taken it.
    """
    if aim == "frontal":
        return WORLD_FROM_HEAD_AXES @ between_eyes_m
    return transform_points(rigid_inverse(head_from_world), between_eyes_m[None])[0]


def camera_around(
    target_world_m: Float[np.ndarray, "3"],
    *,
    distance_m: float,
    azimuth_deg: float = 0.0,
    elevation_deg: float = 0.0,
    roll_deg: float = 0.0,
    offset_x: float,
    offset_y: float,
    focal_length_mm: float,
    sensor_width_mm: float,
    width_px: int,
    height_px: int,
) -> Float[np.ndarray, "4 4"]:
    """cam_from_world of a camera at `distance_m` from the target, which it sees off centre by the offsets.

    With all angles 0 it is upright and looks along +y in the world (into a frontal face). Azimuth carries it around the
    target towards +x (to the right in its own first picture, the person's left), elevation upwards; both are angles of
    its optical axis. Roll turns the picture's content anticlockwise. So a camera at (azimuth, elevation, roll) sees a
    frontal head as the camera in front sees one turned by Rz(roll) Rx(elevation) Ry(-azimuth).

    The target appears (offset_x, offset_y) of the picture's width and height right of and below the centre: the camera
    moves sideways for that instead of turning, so that a frontal face stays frontal.
    """
    focal_length_px = focal_length_mm / sensor_width_mm * width_px
    ray = np.array([offset_x * width_px / focal_length_px, offset_y * height_px / focal_length_px, 1.0])
    target_cam = ray / np.linalg.norm(ray) * distance_m
    turned = head_rotation(azimuth_deg, -elevation_deg, -roll_deg)
    # In front, the camera's x, y, z are the head frame's x, -y, -z. Adding 0 turns -0.0 into 0.0.
    axes = WORLD_FROM_HEAD_AXES @ turned @ np.diag([1.0, -1.0, -1.0]) + 0.0
    return rigid_inverse(rigid(axes, target_world_m - axes @ target_cam)) + 0.0


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
