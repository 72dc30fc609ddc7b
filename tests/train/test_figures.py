"""Rules of train.figures: which colour stands for which value."""

import matplotlib
import numpy as np
import pytest

from render.dataset_format import Label
from train.figures import (
    NO_VALUE_SRGB,
    ColourScale,
    colour_depth,
    colour_error,
    colour_gradient,
    colour_labels,
    colour_normals,
    depth_scale,
    error_scale,
    gradient_scale,
    legend_image,
    position_on_scale,
    tick_text,
    ticks,
    with_legend,
)


def luminance(srgb: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB bytes (IEC 61966-2-1)."""
    share = srgb / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def test_the_standard_colours_of_normals():
    """Frontal is lavender, right is red, up (camera y negative) is green, and no normal is grey."""
    normals = np.array([[[0, 0, -1], [1, 0, 0], [0, -1, 0]], [[0, 1, 0], [0, 0, 0], [-0.6, 0, -0.8]]], dtype=float)
    expected = np.array(
        [[[128, 128, 255], [255, 128, 128], [128, 255, 128]], [[128, 0, 128], NO_VALUE_SRGB, [51, 128, 230]]]
    )
    np.testing.assert_allclose(colour_normals(normals).astype(int), expected, atol=1)


def test_depth_gets_darker_with_distance_and_background_is_grey():
    """Luminance falls strictly from near to far; depth 0 takes the colour of no value."""
    depth_m = np.concatenate([[0.0], np.linspace(0.7, 1.0, 60)])[None]
    coloured = colour_depth(depth_m, depth_scale("depth", low=0.7, high=1.0))
    assert tuple(coloured[0, 0]) == NO_VALUE_SRGB
    assert np.all(np.diff(luminance(coloured[0, 1:])) < 0)


def test_values_beyond_a_scale_take_the_colour_of_its_end():
    """Nothing wraps around."""
    scale = depth_scale("depth", low=0.7, high=1.0)
    coloured = colour_depth(np.array([[0.2, 0.7, 1.0, 4.0]]), scale)
    np.testing.assert_array_equal(coloured[0, 0], coloured[0, 1])
    np.testing.assert_array_equal(coloured[0, 2], coloured[0, 3])


def test_the_gradient_magnitude_is_spread_by_its_logarithm():
    """0.1, 1 and 10 take the first, middle and last colour of magma."""
    coloured = colour_gradient(np.array([[0.0, 0.1, 1.0, 10.0, 99.0]]), valid=np.array([[True] * 5]))[0]
    magma = (np.array(matplotlib.colormaps["magma"]([0.0, 0.5, 1.0]))[:, :3] * 255).astype(int)
    np.testing.assert_allclose(coloured[[1, 2, 3]].astype(int), magma, atol=2)
    np.testing.assert_array_equal(coloured[0], coloured[1])
    np.testing.assert_array_equal(coloured[4], coloured[3])


def test_errors_are_signed_and_symmetric():
    """No error is nearly white, too far is reddish, too near is bluish; without truth there is no error."""
    true_m = np.array([[0.8, 0.8, 0.8, 0.0]])
    coloured = colour_error(true_m + np.array([[0.0, 0.02, -0.02, 0.5]]), true_m, error_scale("e", limit_mm=20))[0]
    assert coloured[0].min() > 240
    assert coloured[1, 0] > coloured[1, 2] + 50
    assert coloured[2, 2] > coloured[2, 0] + 50
    assert tuple(coloured[3]) == NO_VALUE_SRGB


def test_every_label_has_its_own_colour_and_unknown_labels_are_refused():
    """The palette is complete and distinct; label 9 raises a message that names it."""
    labels = np.array([[int(label) for label in Label]], dtype=np.uint8)
    assert len({tuple(colour) for colour in colour_labels(labels)[0]}) == len(Label)
    with pytest.raises(ValueError, match=r"also holds \[9\]"):
        colour_labels(np.array([[0, 9]], dtype=np.uint8))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (depth_scale("d", low=0.69, high=0.91), [0.7, 0.75, 0.8, 0.85, 0.9]),
        (depth_scale("d", low=0, high=160, unit="mm"), [0, 50, 100, 150]),
        (error_scale("e", limit_mm=12), [-10, -5, 0, 5, 10]),
        (gradient_scale(), [0.1, 0.3, 1, 3, 10]),
    ],
)
def test_ticks_are_round_numbers_inside_the_scale(scale: ColourScale, expected: list[float]):
    """Expected numbers are chosen by hand."""
    np.testing.assert_allclose(ticks(scale), expected, atol=1e-9)


def test_tick_texts_have_no_needless_zeros_and_a_true_minus():
    """Formatting by hand-picked examples."""
    assert [tick_text(value) for value in (0.1, 1.0, -5.0, -0.0, 1500.0)] == ["0.1", "1", "\u22125", "0", "1500"]


def test_the_bar_of_a_legend_has_the_colours_of_its_scale():
    """At the middle of the bar stands the colour of the middle value."""
    scale = depth_scale("depth", low=0.5, high=1.5)
    legend = legend_image(scale, width_px=301)
    assert legend.shape == (62, 301, 3)
    expected = colour_depth(np.array([[1.0]]), scale)[0, 0].astype(int)
    np.testing.assert_allclose(legend[30, 150].astype(int), expected, atol=3)
    assert position_on_scale(1.0, gradient_scale()) == pytest.approx(0.5)


def test_a_picture_keeps_its_pixels_above_its_legend():
    """Wide pictures are unchanged, narrow ones are centred."""
    scale = depth_scale("depth", low=0.5, high=1.5)
    picture = np.random.default_rng(0).integers(0, 255, (11, 100, 3), dtype=np.uint8)
    canvas = with_legend(picture, scale)
    assert canvas.shape == (73, 240, 3)
    np.testing.assert_array_equal(canvas[:11, 70:170], picture)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (float("nan"), 1.0)])
def test_a_scale_without_extent_is_refused(low: float, high: float):
    """The message names the scale and the bounds."""
    with pytest.raises(ValueError, match="'depth' needs low < high"):
        depth_scale("depth", low=low, high=high)


def test_a_logarithmic_scale_must_be_positive():
    """Zero has no logarithm."""
    with pytest.raises(ValueError, match="needs low > 0"):
        ColourScale(title="g", unit="", low=0.0, high=1.0, colour_map="magma", logarithmic=True)
