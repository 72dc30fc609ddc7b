"""The gallery: every person in their cell, colour above depth and normals."""

import numpy as np
import pytest

from render.dataset_format import GroundTruth, SurfaceLayer
from render.gallery import GAP_PX, PAPER, Portrait, gallery_picture


def portrait(colour: tuple[int, int, int], *, width: int = 8, height: int = 4) -> Portrait:
    """A picture of one colour; near on its left half, far on its right, all of it facing the camera."""
    depth = np.full((height, width), 0.8, dtype=np.float32)
    depth[:, width // 2 :] = 0.9
    normals = np.zeros((height, width, 3), dtype=np.float32)
    normals[..., 2] = -1
    layer = SurfaceLayer(depth_m=depth, normals_cam=normals, gradient_magnitude=np.zeros_like(depth))
    truth = GroundTruth(visible=layer, head=layer, labels=np.ones((height, width), dtype=np.uint8))
    return Portrait(np.full((height, width, 3), colour, dtype=np.uint8), truth)


def test_every_person_has_a_cell_with_colour_above_depth_and_normals():
    """Three people in two columns: cells of 8x4 above 8x2, white between and where the fourth would be."""
    colours = [(200, 10, 20), (30, 180, 40), (50, 60, 170)]
    picture = gallery_picture([portrait(colour) for colour in colours], columns=2, cell_width_px=8)
    assert picture.shape == (2 * 6 + GAP_PX, 2 * 8 + GAP_PX, 3)
    for (row, column), colour in zip([(0, 0), (0, 1), (1, 0)], colours, strict=True):
        cell = picture[row * (6 + GAP_PX) :, column * (8 + GAP_PX) :][:6, :8]
        assert (cell[:4] == colour).all()
        assert (cell[4:, 0] == 255).all()  # nearest of the depth picture
        assert (cell[4:, 3] < 60).all()  # farthest
        assert (cell[4:, 5] == (127, 127, 255)).all()  # the normal that faces the camera
    assert (picture[6 + GAP_PX :, 8:] == PAPER).all()
    assert (picture[6 : 6 + GAP_PX] == PAPER).all()


def test_an_odd_cell_still_is_a_rectangle():
    """Halves of 4 and 5 pixels are cut to one height."""
    picture = gallery_picture([portrait((1, 2, 3))], columns=1, cell_width_px=9)
    assert picture.shape == (4 + 2, 9, 3)


@pytest.mark.parametrize("widths", [[], [8, 10]])
def test_people_of_different_sizes_or_nobody_are_refused(widths: list[int]):
    """The message tells the sizes that came."""
    with pytest.raises(ValueError, match="pictures of one size, but got"):
        gallery_picture([portrait((1, 2, 3), width=width) for width in widths], columns=2, cell_width_px=8)
