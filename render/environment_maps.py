"""Environment maps as arrays, smoothed once a process rather than again at every ray (6 MB each, eight maps)."""

import functools

import numpy as np
import OpenEXR
from jaxtyping import Float32
from scipy.ndimage import gaussian_filter1d

from render.bundled_assets import environment_path

# A row beside a pole is so short a circle that no finer structure is left after a blur this wide.
_WIDEST_BLUR_PX = 100.0


def environment_radiance(name: str) -> Float32[np.ndarray, "h w 3"]:
    """Scene-linear radiance of a map that comes with Blender: equirectangular, first row up, twice as wide as high.

    Raises: AssetError when there is no such map.
    """
    with OpenEXR.File(str(environment_path(name))) as file:
        return np.array(file.channels()["RGB"].pixels, dtype=np.float32)


@functools.cache
def defocused_radiance(name: str, *, radius_rad: float, ceiling: float) -> Float32[np.ndarray, "h w 3"]:
    """The map as seen by a lens that blurs a far point to a disc of this radius (radians on the sphere).

    The disc is drawn as the Gaussian of the same spread. Radiance above `ceiling` is cut before. The array is shared
    and cannot be written to.
    """
    radiance = np.minimum(environment_radiance(name), np.float32(ceiling)).astype(np.float64)
    height, width = radiance.shape[:2]
    # The variance of a disc along an axis is a quarter of its squared radius.
    sigma_px = 0.5 * radius_rad * width / (2.0 * np.pi)
    blurred = gaussian_filter1d(radiance, sigma_px, axis=0, mode="nearest")
    elevation_rad = np.pi * (0.5 - (np.arange(height) + 0.5) / height)
    for row, elevation in enumerate(elevation_rad):
        sigma = min(sigma_px / np.cos(elevation), _WIDEST_BLUR_PX)
        blurred[row] = gaussian_filter1d(blurred[row], sigma, axis=0, mode="wrap")
    return _shared(blurred)


@functools.cache
def lighting_radiance(name: str) -> Float32[np.ndarray, "h w 3"]:
    """The map as it lights: every point the mean of its neighbourhood (weights 1 2 1 both ways).

    So a sun of one pixel cannot hide between the points by which a renderer looks for bright directions. The array is
    shared and cannot be written to.
    """
    radiance = environment_radiance(name).astype(np.float64)
    across = 0.25 * (np.roll(radiance, 1, axis=1) + 2.0 * radiance + np.roll(radiance, -1, axis=1))
    padded = np.concatenate([across[:1], across, across[-1:]])
    return _shared(0.25 * (padded[:-2] + 2.0 * padded[1:-1] + padded[2:]))


def _shared(radiance: np.ndarray) -> Float32[np.ndarray, "h w 3"]:
    result = np.ascontiguousarray(radiance, dtype=np.float32)
    result.setflags(write=False)
    return result
