"""Folds of a loose garment: hanging waves, creases that radiate from the armpits, and wrinkles across the sleeves.

Ours, from photographs; coordinates are those of render.heads.torso (metres, origin between the pupils).
"""

import numpy as np
from jaxtyping import Float

_ARMPIT_M = np.array([0.150, -0.285])
_SLEEVE_FROM_M = (0.165, 0.205)
_WAVES = ((0.30, 0.9), (0.19, 0.8), (0.12, 0.6), (0.08, 0.35), (0.05, 0.18))
_CREASES = 11.0


def fold_height(points_m: Float[np.ndarray, "*q 3"], stream: np.random.Generator) -> Float[np.ndarray, " *q"]:
    """Height of the folds at each point of the body, mostly between -1 and 1."""
    bend = np.zeros(points_m.shape[:-1])
    for _ in range(4):
        bend += 0.6 * np.sin(points_m @ (stream.normal(size=3) * 13.0) + stream.uniform(0, 2 * np.pi))
    hanging = np.zeros_like(bend)
    for wavelength_m, size in _WAVES:
        direction = stream.normal(size=3) * [1.0, 0.45, 1.0]
        direction *= 2 * np.pi / wavelength_m / np.linalg.norm(direction)
        hanging += size * _creased(points_m @ direction + stream.uniform(0, 2 * np.pi) + bend)
    x, y, z = np.moveaxis(points_m, -1, 0)
    on_sleeve = np.clip((np.abs(x) - _SLEEVE_FROM_M[0]) / (_SLEEVE_FROM_M[1] - _SLEEVE_FROM_M[0]), 0.0, 1.0)
    on_sleeve *= np.clip((-0.27 - y) / 0.06, 0.0, 1.0)
    phases = stream.uniform(0, 2 * np.pi, size=4)
    # Left and right, front and back have creases of their own.
    phase = phases[(x > 0).astype(int) + 2 * (z > -0.11)]
    across = _ARMPIT_M[0] - np.abs(x)
    down = y - _ARMPIT_M[1]
    away = np.hypot(across, down)
    fan = _creased(_CREASES * np.arctan2(down, across) + phase + 0.8 * bend)
    fan *= np.exp(-away / 0.075) * np.clip(away / 0.03, 0.0, 1.0) * (1.0 - on_sleeve)
    sleeve = _creased(2 * np.pi * y / 0.062 + 6.0 * (z + np.abs(x)) / 0.1 + phase + 1.6 * bend)
    return 0.5 * hanging + 0.8 * fan + 0.5 * on_sleeve * sleeve


def _creased(phase: np.ndarray) -> np.ndarray:
    """A wave whose crests are narrower than its troughs, as folds are."""
    wave = np.sin(phase)
    return wave + 0.45 * wave * np.abs(wave) - 0.25 * np.cos(2 * phase)
