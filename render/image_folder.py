"""A user's folder of pictures: which there are, what is in each, and how one fills a frame."""

import functools
import os
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFilter, ImageOps

from render.dataset_format import file_sha256

SUFFIXES = (".jpg", ".jpeg", ".png")


class ImageFolderError(Exception):
    """A folder of pictures, or one of its pictures, cannot be used; the message names it and what to do."""


@functools.cache
def image_names(folder: str) -> tuple[str, ...]:
    """Names of all pictures in a folder and below, relative to it, with `/`, in alphabetical order.

    The folder is read once a process. Raises: ImageFolderError when it is missing or holds no picture.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise ImageFolderError(
            f"backdrops.image_folder is {folder!r}, but {root.absolute()} is no folder; "
            "give one that holds .jpg or .png pictures (COCO's train2017, for example)"
        )
    names = [
        (Path(place) / name).relative_to(root).as_posix()
        for place, _, files in os.walk(root)
        for name in files
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    ]
    if not names:
        raise ImageFolderError(
            f"backdrops.image_folder is {folder!r}, but neither it nor any folder in it holds a file that ends in "
            f"{', '.join(SUFFIXES)}; name the folder into which the pictures were unpacked"
        )
    return tuple(sorted(names))


@functools.cache
def image_sha256(folder: str, name: str) -> str:
    """Hexadecimal sha256 of one picture of a folder, read once a process. Raises: ImageFolderError."""
    path = Path(folder).expanduser() / name
    try:
        return file_sha256(path)
    except OSError as error:
        raise ImageFolderError(f"the picture {path} cannot be read ({error}); restore or delete it") from error


def backdrop_pixels(
    folder: str, name: str, *, sha256: str, width_px: int, height_px: int, blur: float
) -> UInt8[np.ndarray, "h w 3"]:
    """The middle of a picture, cut to the frame's shape, as sRGB pixels of its size; blur as a share of the height.

    Raises: ImageFolderError when the file is not the one of this sha256, or no picture.
    """
    path = Path(folder).expanduser() / name
    found = image_sha256(folder, name)
    if found != sha256:
        raise ImageFolderError(
            f"the picture {path} has sha256 {found}, but the frame was drawn with {sha256}; "
            "restore the picture, or plan again with the folder as it is now"
        )
    try:
        with Image.open(path) as file:
            upright = ImageOps.exif_transpose(file).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ImageFolderError(
            f"{path} cannot be read as a picture ({error}); restore or delete it, then plan again"
        ) from error
    fitted = ImageOps.fit(upright, (width_px, height_px), method=Image.Resampling.LANCZOS)
    if blur > 0:
        fitted = fitted.filter(ImageFilter.GaussianBlur(blur * height_px))
    return np.asarray(fitted)
