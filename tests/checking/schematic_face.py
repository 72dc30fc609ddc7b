"""The 68 landmarks of a schematic face, and points by their coordinates."""

import numpy as np
from jaxtyping import Float, Float32


def at(*points: tuple[float, float, float]) -> Float32[np.ndarray, "n 3"]:
    """Points as an array."""
    return np.array(points, dtype=np.float32)


def schematic_landmarks_m() -> Float[np.ndarray, "68 3"]:
    """A symmetric face, 62 mm between the eyes, in the iBUG order; flat, but the jaw runs back to the ears."""
    landmarks = np.zeros((68, 3))
    turns = np.linspace(np.pi, 2 * np.pi, 17)
    landmarks[0:17] = _ring((0, 0, 0.0), (0.075, 0.10), turns) + np.outer(-0.09 * np.sin(turns), (0, 0, 1))
    side = np.linspace(0, 1, 5)
    landmarks[17:22] = np.stack([-0.055 + 0.04 * side, 0.025 + 0.006 * np.sin(np.pi * side), 0 * side + 0.085], axis=1)
    landmarks[22:27] = landmarks[17:22][::-1] * np.array([-1, 1, 1])
    landmarks[27:31] = np.stack([np.zeros(4), np.linspace(0.005, -0.03, 4), np.linspace(0.09, 0.11, 4)], axis=1)
    landmarks[31:36] = np.stack([np.linspace(-0.015, 0.015, 5), np.full(5, -0.04), np.full(5, 0.095)], axis=1)
    corners = np.array([np.pi, 2 * np.pi / 3, np.pi / 3, 0, -np.pi / 3, -2 * np.pi / 3])
    landmarks[36:42] = _ring((-0.031, 0, 0.08), (0.014, 0.006), corners)
    landmarks[42:48] = _ring((0.031, 0, 0.08), (0.014, 0.006), corners)
    landmarks[48:60] = _ring((0, -0.065, 0.095), (0.025, 0.010), np.pi - np.arange(12) * np.pi / 6)
    landmarks[60:68] = _ring((0, -0.065, 0.093), (0.020, 0.003), np.pi - np.arange(8) * np.pi / 4)
    return landmarks


def _ring(centre: tuple[float, float, float], radii: tuple[float, float], turns: np.ndarray) -> np.ndarray:
    """Points on an upright ellipse."""
    return np.array(centre) + np.stack([radii[0] * np.cos(turns), radii[1] * np.sin(turns), 0 * turns], axis=1)
