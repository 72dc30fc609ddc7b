"""Any photograph as 8-bit sRGB pixels the right way up, fitted into the frame of a network."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageCms, ImageOps

from train.errors import InputError

# What shines through transparent pixels: middle grey, which favours neither light nor dark hair.
UNDER_TRANSPARENCY_SRGB = (128, 128, 128)
SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class Photo:
    """sRGB pixels, the right way up, and sentences on what was decided while reading them."""

    rgb_srgb: UInt8[np.ndarray, "h w 3"]
    decisions: tuple[str, ...]


@dataclass(frozen=True)
class FittedPhoto:
    """A photograph inside the frame of a network. Its own pixels are `rgb_srgb[top:top+height, left:left+width]`.

    One pixel of the photograph is `scale` pixels of the frame; what lies around it repeats its border.
    """

    rgb_srgb: UInt8[np.ndarray, "h w 3"]
    left_px: int
    top_px: int
    width_px: int
    height_px: int
    scale: float


def read_photo(path: Path) -> Photo:
    """Read a picture file of any kind that Pillow knows: EXIF orientation is applied, a colour profile is converted
    to sRGB, transparency is laid over grey, and 16 bits become 8; of an animation the first picture is taken.

    Raises: InputError when the file is missing, is no picture, is cut, is enormous, or holds floating-point pixels.
    """
    decisions: list[str] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                if getattr(image, "n_frames", 1) > 1:
                    decisions.append(f"the file holds {getattr(image, 'n_frames', 1)} pictures; the first was taken")
                upright = ImageOps.exif_transpose(image)
                return Photo(np.asarray(_srgb(upright, path, decisions)), tuple(decisions))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path} is too large to be read safely ({error}); scale it down first") from error
    except FileNotFoundError as error:
        raise InputError(f"no photograph at {path}") from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} cannot be read as a picture ({error}). Expected a whole JPEG, PNG, WebP, TIFF, BMP or GIF file"
        ) from error


def fit_photo(rgb_srgb: UInt8[np.ndarray, "h w 3"], *, width_px: int, height_px: int) -> FittedPhoto:
    """The photograph as large as fits into width_px x height_px, aspect ratio kept, in the middle.

    Shrinking averages areas, as packing the training frames did; enlarging is bicubic.
    """
    photo_height_px, photo_width_px = rgb_srgb.shape[:2]
    scale = min(width_px / photo_width_px, height_px / photo_height_px)
    inner_width_px = min(width_px, max(1, round(photo_width_px * scale)))
    inner_height_px = min(height_px, max(1, round(photo_height_px * scale)))
    resampling = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    inner = np.asarray(Image.fromarray(rgb_srgb).resize((inner_width_px, inner_height_px), resampling))
    left_px, top_px = (width_px - inner_width_px) // 2, (height_px - inner_height_px) // 2
    right_px, bottom_px = width_px - inner_width_px - left_px, height_px - inner_height_px - top_px
    framed = np.pad(inner, ((top_px, bottom_px), (left_px, right_px), (0, 0)), mode="edge")
    return FittedPhoto(framed, left_px, top_px, inner_width_px, inner_height_px, scale)


def without_frame(values: Shaped[np.ndarray, "h w ..."], fitted: FittedPhoto) -> Shaped[np.ndarray, "h2 w2 ..."]:
    """Of an array over the frame, the part that the photograph fills."""
    rows = slice(fitted.top_px, fitted.top_px + fitted.height_px)
    columns = slice(fitted.left_px, fitted.left_px + fitted.width_px)
    return np.ascontiguousarray(values[rows, columns])


def _srgb(image: Image.Image, path: Path, decisions: list[str]) -> Image.Image:
    if image.mode == "F":
        raise InputError(f"{path} holds floating-point pixels, whose white is unknown; save it with 8 or 16 bits")
    if image.mode in SIXTEEN_BIT_MODES:
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise InputError(
                f"{path} holds values from {values.min()} to {values.max()}; expected 0 to 65535 (16 bits)"
            )
        decisions.append("16-bit grey values were divided by 257")
        return Image.fromarray(np.rint(values / 257).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        decisions.append(f"transparent pixels were laid over grey {UNDER_TRANSPARENCY_SRGB}")
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (*UNDER_TRANSPARENCY_SRGB, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            converted = ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError) as error:
            decisions.append(f"the colour profile of the file cannot be used ({error}); its values were read as sRGB")
        else:
            assert converted is not None
            return converted
    return image.convert("RGB")
