"""Coordinate frames: head frame, Blender's world and the camera, and the rotations between them."""

import numpy as np
from jaxtyping import Float

# Head frame (x to the person's left, y up, z out of the face) to Blender's world (z up, the face looks along -y).
WORLD_FROM_HEAD_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
# Blender's camera looks along -z with y up; OpenCV's looks along +z with y down.
OPENCV_FROM_BLENDER_CAMERA = np.diag([1.0, -1.0, -1.0])


def head_rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Float[np.ndarray, "3 3"]:
    """R = Ry(yaw) Rx(pitch) Rz(roll), acting on head-frame vectors.

    Positive yaw turns the face to the person's left, positive pitch nods down, positive roll tilts the crown to the
    person's right.
    """
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


def head_angles_deg(rotation: Float[np.ndarray, "3 3"]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees; the inverse of `head_rotation` for |pitch| < 90."""
    pitch = np.arcsin(np.clip(-rotation[1, 2], -1.0, 1.0))
    yaw = np.arctan2(rotation[0, 2], rotation[2, 2])
    roll = np.arctan2(rotation[1, 0], rotation[1, 1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def rigid(rotation: Float[np.ndarray, "3 3"], translation: Float[np.ndarray, "3"]) -> Float[np.ndarray, "4 4"]:
    """The 4x4 matrix that rotates, then translates."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = translation
    return matrix


def rotation_about(point: Float[np.ndarray, "3"], rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "4 4"]:
    """The 4x4 matrix that rotates about a point."""
    return rigid(rotation, point - rotation @ point)


def rigid_inverse(matrix: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """Inverse of a rotation with translation."""
    rotation = matrix[:3, :3]
    return rigid(rotation.T, -rotation.T @ matrix[:3, 3])


def transform_points(matrix: Float[np.ndarray, "4 4"], points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Points moved by a 4x4 matrix."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]
