"""One picture of many people: each in colour, with depth and normals of everything visible beneath."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from render.dataset_format import GroundTruth
from render.preview import depth_picture, normals_picture

GAP_PX = 6
PAPER = 255


@dataclass(frozen=True)
class Portrait:
    """The picture of one person and its ground truth."""

    rgb_srgb: UInt8[np.ndarray, "h w 3"]
    truth: GroundTruth


def gallery_picture(portraits: Sequence[Portrait], *, columns: int, cell_width_px: int) -> UInt8[np.ndarray, "h w 3"]:
    """A grid of people, row by row, on white; the last row may be short.

    Each cell shows the picture at `cell_width_px`, and beneath it depth and normals at half that width.
    Raises: ValueError when there is nobody, or when pictures differ in size.
    """
    sizes = {portrait.rgb_srgb.shape for portrait in portraits}
    if len(sizes) != 1:
        raise ValueError(f"a gallery wants pictures of one size, but got {sorted(sizes) or 'no picture at all'}")
    cells = [_cell(portrait, width_px=cell_width_px) for portrait in portraits]
    height, width, _ = cells[0].shape
    rows = -(-len(cells) // columns)
    paper = np.full((rows * (height + GAP_PX) - GAP_PX, columns * (width + GAP_PX) - GAP_PX, 3), PAPER, dtype=np.uint8)
    for position, cell in enumerate(cells):
        row, column = divmod(position, columns)
        top, left = row * (height + GAP_PX), column * (width + GAP_PX)
        paper[top : top + height, left : left + width] = cell
    return paper


def _cell(portrait: Portrait, *, width_px: int) -> UInt8[np.ndarray, "h w 3"]:
    half = width_px // 2
    beneath = [
        _scaled(depth_picture(portrait.truth.visible.depth_m), half),
        _scaled(normals_picture(portrait.truth.visible.normals_cam), width_px - half),
    ]
    # An odd width makes halves of different height.
    height = min(len(picture) for picture in beneath)
    return np.concatenate(
        [
            _scaled(portrait.rgb_srgb, width_px),
            np.concatenate([picture[:height] for picture in beneath], axis=1),
        ]
    )


def _scaled(picture: UInt8[np.ndarray, "h w 3"], width_px: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    height, width, _ = picture.shape
    size = (width_px, max(1, round(height * width_px / width)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
