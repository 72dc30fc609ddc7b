"""Depth as sensors deliver it: a 16-bit PNG of whole millimetres, 0 where nothing was measured."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt16
from PIL import Image

from render.dataset_format import DatasetError


def write_millimetres(path: Path, depth_mm: UInt16[np.ndarray, "h w"]) -> None:
    """Write one measured depth map; the suffix must be .png. Raises: ValueError on any other."""
    if path.suffix != ".png":
        raise ValueError(f"measured depth is written as .png, but {path.name!r} came")
    Image.fromarray(depth_mm).save(path, compress_level=6)


def read_millimetres(path: Path) -> UInt16[np.ndarray, "h w"]:
    """Read what `write_millimetres` wrote. Raises: DatasetError when the file is no 16-bit greyscale picture."""
    try:
        with Image.open(path) as image:
            if not image.mode.startswith("I"):
                raise DatasetError(f"{path} holds {image.mode} pixels, but 16-bit greyscale was expected")
            return np.asarray(image).astype(np.uint16)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read as a picture ({error})") from error
