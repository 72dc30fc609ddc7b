"""Rules of train.photo: any kind of picture file becomes the same 8-bit sRGB pixels, the right way up."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.errors import InputError
from train.photo import fit_photo, read_photo

WIDTH_PX, HEIGHT_PX = 23, 14


def picture() -> np.ndarray:
    """A smooth, asymmetric picture."""
    y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    return np.stack([x * 10, y * 15, 255 - x * 5 - y * 5], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation: int, tmp_path: Path):
    """A picture stored turned or mirrored, with the EXIF tag that says so, is read the right way up."""
    upright = Image.fromarray(picture())
    stored = {
        1: lambda image: image,
        2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
        4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
        6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
        7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
        8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
    }[orientation](upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_photo(tmp_path / "turned.png").rgb_srgb, picture())


def test_transparent_pixels_lie_over_grey(tmp_path: Path):
    """Alpha 0 gives the grey, alpha 255 the picture; the decision is told. Palettes with transparency likewise."""
    alpha = np.where(np.arange(WIDTH_PX) < 10, 0, 255).astype(np.uint8)
    rgba = np.dstack([picture(), np.broadcast_to(alpha, (HEIGHT_PX, WIDTH_PX))])
    Image.fromarray(rgba).save(tmp_path / "alpha.png")
    read = read_photo(tmp_path / "alpha.png")
    assert np.all(read.rgb_srgb[:, :10] == 128)
    np.testing.assert_array_equal(read.rgb_srgb[:, 10:], picture()[:, 10:])
    assert "transparent" in read.decisions[0]
    palette = Image.fromarray(np.tile(np.arange(WIDTH_PX, dtype=np.uint8) % 3, (HEIGHT_PX, 1)), mode="P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.save(tmp_path / "palette.png", transparency=1)
    np.testing.assert_array_equal(
        read_photo(tmp_path / "palette.png").rgb_srgb[0, :3], [[255, 0, 0], [128, 128, 128], [0, 0, 255]]
    )


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bit_grey_keeps_its_meaning(suffix: str, tmp_path: Path):
    """65535 is white, 257 times a byte is that byte, and all three channels are equal."""
    grey = picture()[..., 0].astype(np.uint16) * 257
    grey[0, 0] = 65535
    Image.fromarray(grey).save(tmp_path / f"deep.{suffix}")
    read = read_photo(tmp_path / f"deep.{suffix}").rgb_srgb
    assert tuple(read[0, 0]) == (255, 255, 255)
    np.testing.assert_array_equal(read[1:, :, 0], picture()[1:, :, 0])
    np.testing.assert_array_equal(read[..., 0], read[..., 2])


@pytest.mark.parametrize("mode", ["L", "CMYK", "1", "P", "LA", "YCbCr"])
def test_other_colour_modes_are_read(mode: str, tmp_path: Path):
    """Whatever the mode, the result is uint8 RGB of the same size, close to what Pillow shows."""
    image = Image.fromarray(picture()).convert(mode)
    path = tmp_path / {"CMYK": "m.jpg", "YCbCr": "m.jpg", "L": "m.jpg"}.get(mode, "m.png")
    image.save(path)
    read = read_photo(path).rgb_srgb
    assert read.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert np.abs(read.astype(int) - np.asarray(image.convert("RGB")).astype(int)).mean() < 8


def test_the_first_picture_of_an_animation_is_taken_and_told(tmp_path: Path):
    """A GIF of two pictures gives the first."""
    first, second = Image.new("RGB", (8, 6), (255, 0, 0)), Image.new("RGB", (8, 6), (0, 0, 255))
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    read = read_photo(tmp_path / "moving.gif")
    assert tuple(read.rgb_srgb[3, 3]) == (255, 0, 0)
    assert read.decisions == ("the file holds 2 pictures; the first was taken",)


def test_what_is_no_photograph_is_refused_with_a_remedy(tmp_path: Path):
    """Missing, a text, cut, floating point and enormous: each message names the file and the matter."""
    with pytest.raises(InputError, match=r"no photograph at .*nowhere.jpg"):
        read_photo(tmp_path / "nowhere.jpg")
    (tmp_path / "text.jpg").write_text("not a picture")
    with pytest.raises(InputError, match=r"text.jpg cannot be read as a picture .* Expected a whole JPEG"):
        read_photo(tmp_path / "text.jpg")
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:3000])
    with pytest.raises(InputError, match=r"cut\.jpg cannot be read as a picture"):
        read_photo(tmp_path / "cut.jpg")
    Image.fromarray(np.ones((4, 5), np.float32)).save(tmp_path / "float.tiff")
    with pytest.raises(InputError, match="floating-point"):
        read_photo(tmp_path / "float.tiff")
    Image.new("1", (15000, 15000)).save(tmp_path / "huge.png")
    with pytest.raises(InputError, match="too large"):
        read_photo(tmp_path / "huge.png")
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_photo(tmp_path)


@pytest.mark.parametrize(
    ("size", "inside"),
    [((64, 40), (0, 0, 32, 20)), ((10, 40), (13, 0, 5, 20)), ((400, 10), (0, 9, 32, 1)), ((3, 2), (1, 0, 30, 20))],
)
def test_a_photo_is_fitted_whole_into_the_frame(size: tuple[int, int], inside: tuple[int, int, int, int]):
    """Width, height and place inside a frame of 32 x 20, worked out by hand; what lies around repeats the border."""
    width_px, height_px = size
    rgb = np.random.default_rng(1).integers(0, 255, (height_px, width_px, 3), dtype=np.uint8)
    fitted = fit_photo(rgb, width_px=32, height_px=20)
    assert (fitted.left_px, fitted.top_px, fitted.width_px, fitted.height_px) == inside
    assert fitted.rgb_srgb.shape == (20, 32, 3)
    inner = fitted.rgb_srgb[
        fitted.top_px : fitted.top_px + fitted.height_px, fitted.left_px : fitted.left_px + fitted.width_px
    ]
    if fitted.left_px:
        np.testing.assert_array_equal(fitted.rgb_srgb[fitted.top_px, 0], inner[0, 0])
    if width_px == 64:
        np.testing.assert_allclose(
            inner, rgb.reshape(20, 2, 32, 2, 3).mean(axis=(1, 3)), atol=1.01
        )  # two passes, each rounded
