"""Resizing: pictures by area, surfaces by what a camera of that resolution would have measured."""

import functools

import numpy as np
from jaxtyping import Bool, Float32, UInt8

# Neighbouring pixels belong to one surface when their depths differ by at most this share (17 mm at 0.85 m: from one
# pixel to the next at 640 x 480 that is a slope of 13, or 86 degrees). A hair in front of a cheek is farther off.
SAME_SURFACE_STEP = 0.02


def resize_rgb_area(
    rgb_srgb: UInt8[np.ndarray, "h w 3"], *, width_px: int, height_px: int
) -> UInt8[np.ndarray, "hr wr 3"]:
    """Average the light that falls on each new pixel: sRGB to linear, mean over the exact area, and back."""
    height, width = rgb_srgb.shape[:2]
    if (height, width) == (height_px, width_px):
        return rgb_srgb.copy()
    linear = _linear_of_srgb8()[rgb_srgb]
    down = _area_weights(height, height_px) @ linear.reshape(height, width * 3)
    across = np.einsum("ow,hwc->hoc", _area_weights(width, width_px), down.reshape(height_px, width, 3), optimize=True)
    return srgb8_of_linear(across)


def srgb8_of_linear(linear: Float32[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """8-bit sRGB of scene-linear values; outside 0..1 is cut. Source: IEC 61966-2-1."""
    clipped = np.clip(linear, 0.0, 1.0)
    curve = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return np.round(curve * 255.0).astype(np.uint8)


class SurfaceSampler:
    """Samples the arrays of one layer of one frame at the centres of larger pixels, without crossing an edge.

    A new pixel looks at the four source pixels around its centre, with bilinear weights. It is valid when at least
    half of the weight is on valid pixels. Its values come only from the valid pixels that lie on the same surface as
    the one of most weight (the nearest to the camera where weights are equal), so a face never mixes with what is
    behind it. At an odd ratio (640 to 128) a new centre is an old centre, and the value is copied unchanged.
    """

    def __init__(self, depth_m: Float32[np.ndarray, "h w"], *, width_px: int, height_px: int) -> None:
        height, width = depth_m.shape
        row, row_weight = _neighbours(height, height_px)
        column, column_weight = _neighbours(width, width_px)
        # Corner c of the four is (row c // 2, column c % 2); arrays below are (4, height_px, width_px).
        self._rows = row[[0, 0, 1, 1]][:, :, None]
        self._columns = column[[0, 1, 0, 1]][:, None, :]
        weights = row_weight[[0, 0, 1, 1]][:, :, None] * column_weight[[0, 1, 0, 1]][:, None, :]
        corners_m = depth_m[self._rows, self._columns]
        usable = np.where(corners_m > 0, weights, 0.0)
        self.valid: Bool[np.ndarray, "hr wr"] = usable.sum(axis=0) >= 0.5 - 1e-9
        # Depths are metres below 1e3, so this orders equal weights by nearness and changes no other order.
        reference = np.argmax(usable - 1e-9 * corners_m, axis=0)
        reference_m = np.take_along_axis(corners_m, reference[None], axis=0)
        same = np.abs(corners_m - reference_m) <= SAME_SURFACE_STEP * reference_m
        kept = np.where(same & self.valid, usable, 0.0)
        total = kept.sum(axis=0)
        self._weights = kept / np.where(total > 0, total, 1.0)
        inverse = np.where(corners_m > 0, 1.0 / np.where(corners_m > 0, corners_m, 1.0), 0.0)
        mean_inverse = (self._weights * inverse).sum(axis=0)
        single = self._weights.max(axis=0) == 1.0
        averaged_m = np.divide(1.0, mean_inverse, out=np.zeros_like(mean_inverse), where=mean_inverse > 0)
        # 1 / depth of a plane is affine in the pixel, so its mean is exact; a single source pixel is copied as it is.
        self.depth_m: Float32[np.ndarray, "hr wr"] = np.where(
            self.valid, np.where(single, reference_m[0], averaged_m), 0.0
        ).astype(np.float32)

    def normals(self, normals_cam: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "hr wr 3"]:
        """Unit normals at the new centres; (0, 0, 0) where invalid."""
        mean = (self._weights[..., None] * normals_cam[self._rows, self._columns]).sum(axis=0)
        length = np.linalg.norm(mean, axis=-1, keepdims=True)
        return np.divide(mean, length, out=np.zeros_like(mean), where=length > 0).astype(np.float32)

    def scalars(self, values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "hr wr"]:
        """Weighted values at the new centres; 0 where invalid."""
        return (self._weights * values[self._rows, self._columns]).sum(axis=0).astype(np.float32)

    def mask(self, mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "hr wr"]:
        """True where at least half of the weight of the valid surface is in the mask; False where invalid."""
        share = (self._weights * mask[self._rows, self._columns]).sum(axis=0)
        return self.valid & (share >= 0.5)


def _neighbours(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Along one axis: the two old pixels around each new centre (2, new), and their linear weights (2, new)."""
    position = (np.arange(new) + 0.5) * (old / new) - 0.5
    low = np.floor(position + 1e-9).astype(np.int64)
    share = np.clip(position - low, 0.0, 1.0)
    share[share < 1e-9] = 0.0
    indices = np.clip(np.stack([low, low + 1]), 0, old - 1)
    return indices, np.stack([1.0 - share, share])


@functools.cache
def _area_weights(old: int, new: int) -> Float32[np.ndarray, "new old"]:
    edges_new = np.arange(new + 1) * (old / new)
    overlap = np.minimum(edges_new[1:, None], np.arange(1, old + 1)) - np.maximum(edges_new[:-1, None], np.arange(old))
    weights = np.clip(overlap, 0.0, None)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@functools.cache
def _linear_of_srgb8() -> Float32[np.ndarray, "256"]:
    value = np.arange(256) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)
