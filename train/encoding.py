"""Encoding: depth in metres to the numbers a network is trained on, and exactly back."""

import torch
from jaxtyping import Float
from torch import Tensor

from train.spec import Encoding


def with_background(depth_m: Float[Tensor, "*shape"], encoding: Encoding) -> Float[Tensor, "*shape"]:
    """The same depths, with every invalid pixel (0) put at encoding.background_depth_m."""
    return torch.where(depth_m > 0, depth_m, encoding.background_depth_m)


def encode_depth(depth_m: Float[Tensor, "*shape"], encoding: Encoding) -> Float[Tensor, "*shape"]:
    """The network's target for depths in metres (0 = invalid, treated as background).

    Source: khan2021, section IV.B (`reciprocal`: y = m / y_orig, with m the maximum depth).
    """
    filled_m = with_background(depth_m, encoding)
    if encoding.kind == "reciprocal":
        return encoding.background_depth_m / filled_m
    return filled_m


def decode_depth(target: Float[Tensor, "*shape"], encoding: Encoding) -> Float[Tensor, "*shape"]:
    """Depth in metres of a target or a prediction, limited to nearest_depth_m .. background_depth_m.

    The inverse of `encode_depth` for every depth within those limits. What lies outside cannot be in the data
    (`fit` refuses such a pack), so a prediction beyond a limit is moved onto it.
    """
    low, high = target_limits(encoding)
    limited = target.clamp(low, high)
    return encoding.background_depth_m / limited if encoding.kind == "reciprocal" else limited


def target_limits(encoding: Encoding) -> tuple[float, float]:
    """The smallest and the largest target of depths between nearest_depth_m and background_depth_m."""
    if encoding.kind == "reciprocal":
        return 1.0, encoding.background_depth_m / encoding.nearest_depth_m
    return encoding.nearest_depth_m, encoding.background_depth_m


def target_range(encoding: Encoding) -> float:
    """Width of the interval that targets lie in: the dynamic range that SSIM is told."""
    low, high = target_limits(encoding)
    return high - low
