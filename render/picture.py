"""From scene-linear radiance to the 8-bit sRGB picture that is stored."""

import numpy as np
from jaxtyping import Float32, UInt8

from render.bad_frame import BadFrameError

# A channel value of a picture below the first is as good as black, above the second as good as white.
BLACK, WHITE = 4, 251
LEAST_SHARE_SHOWN = 0.01


class PictureError(BadFrameError):
    """A picture cannot be used: it is not finite, or shows nothing but black and white."""

    product = "rgb"


def srgb_picture(rgb_linear: Float32[np.ndarray, "h w 3"], *, exposure_ev: float) -> UInt8[np.ndarray, "h w 3"]:
    """Exposed by 2**exposure_ev, clipped to [0, 1], encoded with the sRGB curve, rounded to 8 bits.

    Raises: PictureError when a pixel is not finite. Source: IEC 61966-2-1 (Blender's "Standard" view transform).
    """
    if not np.isfinite(rgb_linear).all():
        row, column = (int(index) for index in np.argwhere(~np.isfinite(rgb_linear).all(axis=-1))[0])
        raise PictureError(f"the rendered picture is not finite, first at row {row}, column {column}")
    linear = np.clip(rgb_linear.astype(np.float64) * 2.0**exposure_ev, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def check_picture(rgb_srgb: UInt8[np.ndarray, "h w 3"]) -> None:
    """Raise PictureError unless at least a hundredth of the pixels are neither black nor blown out."""
    black = (rgb_srgb < BLACK).all(axis=-1)
    blown = (rgb_srgb > WHITE).all(axis=-1)
    if 1.0 - black.mean() - blown.mean() < LEAST_SHARE_SHOWN:
        raise PictureError(
            f"expected that the picture shows something, but {black.mean():.1%} of it is black and {blown.mean():.1%} "
            "blown out; check lightings (environment_strength, key_power_w) and rgb.exposure_ev of the recipe"
        )
