"""Inference: the one way from pictures to depth in metres, for evaluation, prediction and validation alike."""

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import nn

from train.data.batches import network_input
from train.encoding import decode_depth, focal_lengths_in_widths
from train.spec import Experiment


def predict_depth_m(
    network: nn.Module,
    experiment: Experiment,
    rgb_srgb: UInt8[np.ndarray, "b h w 3"],
    *,
    intrinsics_px: Float[np.ndarray, "b 3 3"],
) -> Float32[np.ndarray, "b h w"]:
    """Planar depth in metres, at most encoding.background_depth_m, for 8-bit sRGB pictures of one size.

    The intrinsics are those of the pictures at this size; they turn canonical depth back into metres. Runs where the
    network's weights are; batch norm uses its running statistics, and the network is left in the mode (training or not)
    that it came in.
    """
    device = next(network.parameters()).device
    focal_widths = focal_lengths_in_widths(intrinsics_px, width_px=rgb_srgb.shape[2])
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            pictures = network_input(torch.from_numpy(np.array(rgb_srgb)).to(device))
            depth_m = decode_depth(network(pictures), experiment.encoding, focal_widths=focal_widths)
    finally:
        network.train(was_training)
    return depth_m[:, 0].float().cpu().numpy()
