"""Encoding: depth in metres to the numbers a network is trained on, and exactly back."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from train.data.batches import Batch
from train.depth_spec import Encoding
from train.errors import InputError

# Focal lengths are stored as float32, and differ by less than this where they are meant to be one.
SAME_FOCAL_LENGTH = 1e-4


def with_background(depth_m: Float[Tensor, "*shape"], encoding: Encoding) -> Float[Tensor, "*shape"]:
    """The same depths, with every invalid pixel (0) put at encoding.background_depth_m."""
    return torch.where(depth_m > 0, depth_m, encoding.background_depth_m)


def focal_lengths_in_widths(
    intrinsics_px: Float[np.ndarray, "b 3 3"] | Float[Tensor, "b 3 3"], *, width_px: int
) -> Float[Tensor, " b"]:
    """Horizontal focal lengths of pictures `width_px` wide, in widths of the picture; where the intrinsics are."""
    if isinstance(intrinsics_px, np.ndarray):
        intrinsics_px = torch.from_numpy(np.array(intrinsics_px, dtype=np.float32))
    return intrinsics_px[:, 0, 0] / width_px


def target_of(batch: Batch, encoding: Encoding) -> Float[Tensor, "b 1 h w"]:
    """The network's target for a batch as seen by the cameras it has now: a crop is a longer lens."""
    focal_widths = focal_lengths_in_widths(batch.intrinsics_px, width_px=batch.rgb.shape[-1])
    return encode_depth(batch.depth_m, encoding, focal_widths=focal_widths)


def encode_depth(
    depth_m: Float[Tensor, "*shape"], encoding: Encoding, *, focal_widths: Float[Tensor, " b"] | None = None
) -> Float[Tensor, "*shape"]:
    """The network's target for depths in metres (0 = invalid, treated as background).

    `focal_widths` holds the focal length of each picture of the batch (`focal_lengths_in_widths`). Only the canonical
    camera needs it; background then gets one depth whatever the focal length, behind all that a surface can have.

    Raises: ValueError when the canonical camera is asked for without focal lengths.
    Source: khan2021, section IV.B (`reciprocal`: y = m / y_orig, with m the maximum depth); the canonical camera: ours.
    """
    learnt_m = with_background(depth_m, encoding)
    if encoding.camera == "canonical":
        scale = _canonical_scale(encoding, focal_widths, like=depth_m)
        learnt_m = torch.where(depth_m > 0, depth_m * scale, depth_limits_m(encoding)[1])
    if encoding.kind == "reciprocal":
        return encoding.background_depth_m / learnt_m
    return learnt_m


def decode_depth(
    target: Float[Tensor, "*shape"], encoding: Encoding, *, focal_widths: Float[Tensor, " b"] | None = None
) -> Float[Tensor, "*shape"]:
    """Depth in metres of a target or a prediction, limited to nearest_depth_m .. background_depth_m.

    The inverse of `encode_depth` for every depth within those limits, with the same focal lengths. What lies outside
    cannot be in the data (`fit` refuses such a pack), so a prediction beyond a limit is moved onto it. With the
    canonical camera the nearest limit is that of canonical depth, which is nearest_depth_m / focal_length_spread.

    Raises: ValueError when the canonical camera is asked for without focal lengths.
    """
    low, high = target_limits(encoding)
    limited = target.clamp(low, high)
    learnt_m = encoding.background_depth_m / limited if encoding.kind == "reciprocal" else limited
    if encoding.camera != "canonical":
        return learnt_m
    return (learnt_m / _canonical_scale(encoding, focal_widths, like=target)).clamp(max=encoding.background_depth_m)


def decoded_background_m(encoding: Encoding, *, focal_widths: float) -> float:
    """The depth in metres that background gets after decoding: background_depth_m, for every camera that `fit` takes.

    Less for a photograph whose focal length is shorter than any of the training's and a canonical camera.
    """
    if encoding.camera != "canonical":
        return encoding.background_depth_m
    scale = encoding.canonical_focal_widths / focal_widths
    return min(encoding.background_depth_m, depth_limits_m(encoding)[1] / scale)


def depth_limits_m(encoding: Encoding) -> tuple[float, float]:
    """The nearest and the farthest depth that is learnt: of the canonical camera where that is asked for, in metres."""
    spread = encoding.focal_length_spread if encoding.camera == "canonical" else 1.0
    return encoding.nearest_depth_m / spread, encoding.background_depth_m * spread


def target_limits(encoding: Encoding) -> tuple[float, float]:
    """The smallest and the largest target, of depths between the limits of `depth_limits_m`."""
    nearest_m, farthest_m = depth_limits_m(encoding)
    if encoding.kind == "reciprocal":
        return encoding.background_depth_m / farthest_m, encoding.background_depth_m / nearest_m
    return nearest_m, farthest_m


def target_range(encoding: Encoding) -> float:
    """Width of the interval that targets lie in: the dynamic range that SSIM is told."""
    low, high = target_limits(encoding)
    return high - low


def check_cameras(focal_widths: Float[Tensor, " n"], encoding: Encoding, *, where: str) -> None:
    """Raises: InputError when the frames' focal lengths do not suit encoding.camera; `where` names the frames."""
    low, high = float(focal_widths.min()), float(focal_widths.max())
    if encoding.camera == "fixed" and high > low * (1 + SAME_FOCAL_LENGTH):
        raise InputError(
            f"{where} has focal lengths of {low:.4g} to {high:.4g} picture widths, but encoding.camera = fixed needs "
            "one; render with one lens and sensor (recipe khan2021_fixed_sensor), or --set encoding.camera=canonical"
        )
    spread, middle = encoding.focal_length_spread * (1 + SAME_FOCAL_LENGTH), encoding.canonical_focal_widths
    if encoding.camera == "canonical" and (low * spread < middle or high > middle * spread):
        needed = max(middle / low, high / middle)
        raise InputError(
            f"{where} has focal lengths of {low:.4g} to {high:.4g} picture widths, but encoding.canonical_focal_widths "
            f"= {middle:g} with encoding.focal_length_spread = {encoding.focal_length_spread:g} allows "
            f"{middle / encoding.focal_length_spread:.4g} to {middle * encoding.focal_length_spread:.4g}. "
            f"Try --set encoding.focal_length_spread={needed * 1.01:.3g}"
        )


def _canonical_scale(
    encoding: Encoding, focal_widths: Float[Tensor, " b"] | None, *, like: Float[Tensor, "b ..."]
) -> Float[Tensor, "b ..."]:
    """Canonical over actual focal length, one number a picture, shaped to multiply a batch."""
    if focal_widths is None:
        raise ValueError("encoding.camera = canonical needs the focal length of every picture: pass focal_widths")
    scale = encoding.canonical_focal_widths / focal_widths
    return scale.to(device=like.device, dtype=like.dtype).reshape(-1, *[1] * (like.ndim - 1))
