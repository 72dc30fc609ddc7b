"""From scene-linear radiance to the 8-bit sRGB picture that is stored."""

import numpy as np
from jaxtyping import Float32, UInt8


def srgb_picture(rgb_linear: Float32[np.ndarray, "h w 3"], *, exposure_ev: float) -> UInt8[np.ndarray, "h w 3"]:
    """Exposed by 2**exposure_ev, clipped to [0, 1], encoded with the sRGB curve, rounded to 8 bits.

    Raises: ValueError when a pixel is not finite. Source: IEC 61966-2-1 (Blender's "Standard" view transform).
    """
    if not np.isfinite(rgb_linear).all():
        row, column = (int(index) for index in np.argwhere(~np.isfinite(rgb_linear).all(axis=-1))[0])
        raise ValueError(f"the rendered picture is not finite, first at row {row}, column {column}")
    linear = np.clip(rgb_linear.astype(np.float64) * 2.0**exposure_ev, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)
