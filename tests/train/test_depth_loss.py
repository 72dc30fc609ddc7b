"""The depth loss: each term against closed forms, and the weighted sum."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.ndimage import sobel as scipy_sobel

from train.depth_spec import LossSpec
from train.losses.depth import (
    depth_loss,
    gradient_term,
    image_normals,
    l1_term,
    normal_term,
    sobel,
    ssim_term,
)
from train.losses.ssim import ssim_map


def _images(seed: int, shape: tuple[int, ...] = (2, 1, 19, 27)) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 4 + 1


def _ramp(slope_x: float, slope_y: float) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(14.0), torch.arange(21.0), indexing="ij")
    return (5 + slope_x * columns + slope_y * rows)[None, None]


def test_ssim_of_an_image_with_itself_is_one():
    """The upper bound is reached by equal images, at every pixel."""
    image = _images(0)
    torch.testing.assert_close(ssim_map(image, image, data_range=9.0), torch.ones(2, 1, 9, 17))


def test_ssim_of_constants_is_its_luminance():
    """For flat images a and b only (2ab + c1) / (a^2 + b^2 + c1) is left, c1 = (0.01 * range)^2. Source: Wang 2004."""
    a, b, data_range = 2.0, 3.0, 9.0
    c1 = (0.01 * data_range) ** 2
    found = ssim_map(torch.full((1, 1, 12, 15), a), torch.full((1, 1, 12, 15), b), data_range=data_range)
    torch.testing.assert_close(found, torch.full((1, 1, 2, 5), (2 * a * b + c1) / (a * a + b * b + c1)))


def test_ssim_agrees_with_scipy():
    """The same windows by scipy's Gaussian filter (sigma 1.5, cut at 5 pixels), in double precision."""
    first, second, data_range = _images(1), _images(2), 4.0
    x, y = first[0, 0].double().numpy(), second[0, 0].double().numpy()

    def mean(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(image, 1.5, radius=5)[5:-5, 5:-5]

    mean_x, mean_y = mean(x), mean(y)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    expected = ((2 * mean_x * mean_y + c1) * (2 * (mean(x * y) - mean_x * mean_y) + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (mean(x * x) - mean_x**2 + mean(y * y) - mean_y**2 + c2)
    )
    found = ssim_map(first, second, data_range=data_range)[0, 0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_data_range_is_not_guessed():
    """The same images under a larger range are more alike, because both constants grow with it."""
    first, second = _images(1), _images(2)
    assert ssim_map(first, second, data_range=50.0).mean() > ssim_map(first, second, data_range=1.0).mean()


def test_ssim_refuses_images_smaller_than_its_window():
    """An 11 x 11 window must fit; the message says so."""
    with pytest.raises(ValueError, match="11 pixels"):
        ssim_map(torch.ones(1, 1, 10, 30), torch.ones(1, 1, 10, 30), data_range=1.0)


def test_the_ssim_term_is_divided_as_asked():
    """(1 - SSIM) / divisor. Source: khan2021, section IV.B (Max Depth)."""
    first, second = _images(1), _images(2)
    plain = ssim_term(first, second, data_range=4.0, divisor=1.0)
    torch.testing.assert_close(ssim_term(first, second, data_range=4.0, divisor=5.0), plain / 5)


def test_sobel_of_a_ramp_is_eight_times_its_slope():
    """Integer taps (1, 2, 1) x (-1, 0, 1) give 8 * slope inside; x is to the right and y down."""
    along_x, along_y = sobel(_ramp(0.25, -0.5))
    torch.testing.assert_close(along_x[:, :, 1:-1, 1:-1], torch.full((1, 1, 12, 19), 2.0))
    torch.testing.assert_close(along_y[:, :, 1:-1, 1:-1], torch.full((1, 1, 12, 19), -4.0))


def test_sobel_agrees_with_scipy_to_the_border():
    """The border is repeated, as scipy's mode "nearest" does; no false edge appears there."""
    image = _images(4)
    along_x, along_y = sobel(image)
    pixels = image[1, 0].numpy()
    np.testing.assert_allclose(along_x[1, 0], scipy_sobel(pixels, axis=1, mode="nearest"), atol=1e-4)
    np.testing.assert_allclose(along_y[1, 0], scipy_sobel(pixels, axis=0, mode="nearest"), atol=1e-4)


def test_gradient_term_of_two_ramps():
    """Far from the border, an error that grows by 0.01 a pixel to the right and 0.02 down costs 8 * 0.03."""
    target = _ramp(0.0, 0.0) + 5
    predicted = target + _ramp(0.01, 0.02) - 5 + 1
    along_x, along_y = sobel(target - predicted)
    assert (along_x.abs() + along_y.abs())[0, 0, 5, 5].item() == pytest.approx(8 * 0.03, rel=1e-4)
    whole = (along_x.abs() + along_y.abs()).mean().item()
    assert gradient_term(predicted, target).item() == pytest.approx(whole, rel=1e-6)


def test_gradient_and_normal_terms_are_blind_to_a_constant():
    """An error that is the same everywhere costs neither term anything: without L1, scale is hardly pinned."""
    target = _images(5)
    assert gradient_term(target + 0.75, target).item() == pytest.approx(0.0, abs=1e-5)
    assert normal_term(target + 0.75, target, slope=3.0).item() == pytest.approx(0.0, abs=1e-5)
    assert l1_term(target + 0.75, target).item() == pytest.approx(0.75, rel=1e-5)


def test_normals_of_a_ramp():
    """[-8 sx, -8 sy, 1], normalised. Source: khan2021, section IV.B."""
    normal = image_normals(_ramp(0.25, -0.5))[0, :, 6, 9]
    torch.testing.assert_close(normal, torch.tensor([-2.0, 4.0, 1.0]) / math.sqrt(21))


def test_normal_term_is_one_minus_the_cosine():
    """Between a flat image and a ramp of slope 1/8 to the right the angle is 45 degrees (away from the border)."""
    flat, ramp = _ramp(0.0, 0.0), _ramp(0.125, 0.0)
    cosine = (image_normals(flat) * image_normals(ramp)).sum(dim=1)[:, 1:-1, 1:-1]
    torch.testing.assert_close(cosine, torch.full((1, 12, 19), math.sqrt(0.5)))
    expected = 1 - (19 * math.sqrt(0.5) + 2 / math.sqrt(1 + 0.25)) / 21
    assert normal_term(flat, ramp, slope=1.0).item() == pytest.approx(expected, rel=1e-5)


def test_the_normal_term_can_be_told_how_steep_a_slope_is():
    """With slope 4, slopes of a quarter cost what whole ones do with slope 1, also in the whole loss."""
    predicted, target = _images(6), _images(7)
    whole = normal_term(predicted, target, slope=1.0)
    torch.testing.assert_close(normal_term(predicted / 4, target / 4, slope=4.0), whole)
    steep = LossSpec(ssim=0.0, gradient=0.0, normal=1.0, normal_slope=4.0)
    torch.testing.assert_close(depth_loss(predicted / 4, target / 4, spec=steep, data_range=4.0)[0], whole)


def test_the_loss_is_the_weighted_sum_of_its_terms():
    """Weights multiply the terms that are reported unweighted."""
    predicted, target = _images(6), _images(7)
    spec = LossSpec(ssim=0.3, gradient=0.2, normal=2.0, l1=0.5, ssim_divisor=2.0)
    loss, terms = depth_loss(predicted, target, spec=spec, data_range=4.0)
    assert set(terms) == {"ssim", "gradient", "normal", "l1"}
    expected = 0.3 * terms["ssim"] + 0.2 * terms["gradient"] + 2.0 * terms["normal"] + 0.5 * terms["l1"]
    torch.testing.assert_close(loss, expected)


def test_every_term_is_zero_for_a_perfect_prediction():
    """Nothing is left to learn when the prediction is the target."""
    target = _images(8)
    loss, terms = depth_loss(target.clone(), target, spec=LossSpec(l1=0.1), data_range=4.0)
    assert loss.item() == pytest.approx(0.0, abs=1e-5)
    assert all(abs(term.item()) < 1e-5 for term in terms.values())


def test_the_gradient_of_the_loss_is_its_derivative():
    """Automatic differentiation agrees with finite differences, in double precision."""
    target = _images(9, (1, 1, 12, 13)).double()
    predicted = (_images(10, (1, 1, 12, 13)).double() + 0.5).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda image: depth_loss(image, target, spec=LossSpec(l1=0.1), data_range=4.0)[0], (predicted,), eps=1e-6
    )
