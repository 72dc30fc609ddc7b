"""Inference: the one way from pictures to what was learnt, for evaluation, prediction and validation alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from torch import nn

from train.data.batches import network_input
from train.depth_spec import DepthExperiment
from train.encoding import decode_depth, focal_lengths_in_widths
from train.normals_encoding import decode_normals
from train.normals_spec import NormalsExperiment


@dataclass(frozen=True)
class PredictedNormals:
    """Unit normals in the camera frame, (0, 0, 0) outside the mask; slope without a unit, 0 there; and the mask."""

    normals_cam: Float32[np.ndarray, "b h w 3"]
    gradient_magnitude: Float32[np.ndarray, "b h w"]
    mask: Bool[np.ndarray, "b h w"]


def predict_depth_m(
    network: nn.Module,
    experiment: DepthExperiment,
    rgb_srgb: UInt8[np.ndarray, "b h w 3"],
    *,
    intrinsics_px: Float[np.ndarray, "b 3 3"],
) -> Float32[np.ndarray, "b h w"]:
    """Planar depth in metres, at most encoding.background_depth_m, for 8-bit sRGB pictures of one size.

    The intrinsics are those of the pictures at this size; they turn canonical depth back into metres. Runs where the
    network's weights are; batch norm uses its running statistics, and the network is left in the mode (training or not)
    that it came in.
    """
    focal_widths = focal_lengths_in_widths(intrinsics_px, width_px=rgb_srgb.shape[2])
    with _answering(network):
        depth_m = decode_depth(_answer(network, rgb_srgb), experiment.encoding, focal_widths=focal_widths)
    return depth_m[:, 0].float().cpu().numpy()


def predict_normals(
    network: nn.Module, experiment: NormalsExperiment, rgb_srgb: UInt8[np.ndarray, "b h w 3"]
) -> PredictedNormals:
    """Decoded maps for 8-bit sRGB pictures of one size. Runs as `predict_depth_m` does."""
    with _answering(network):
        maps = decode_normals(_answer(network, rgb_srgb).float(), experiment.encoding)
    return PredictedNormals(
        normals_cam=maps.normals_cam.permute(0, 2, 3, 1).contiguous().cpu().numpy(),
        gradient_magnitude=maps.gradient_magnitude[:, 0].cpu().numpy(),
        mask=maps.mask[:, 0].cpu().numpy(),
    )


@contextmanager
def _answering(network: nn.Module) -> Iterator[None]:
    """Within the block the network predicts; after it, it is in the mode that it was in."""
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        network.train(was_training)


def _answer(network: nn.Module, rgb_srgb: UInt8[np.ndarray, "b h w 3"]) -> Float[torch.Tensor, "b c h w"]:
    device = next(network.parameters()).device
    return network(network_input(torch.from_numpy(np.array(rgb_srgb)).to(device)))
