"""Batches: which images make a step, as a function of seed and epoch alone, and their arrays."""

import hashlib

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from train.data.pack import Pack


def epoch_batches(rows: Int[np.ndarray, " n"], *, seed: int, epoch: int, batch_size: int) -> list[np.ndarray]:
    """All rows in an order that depends only on (seed, epoch), cut into batches; the last may be smaller."""
    digest = hashlib.sha256(f"headroom/order/{seed}/{epoch}".encode()).digest()
    generator = np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], dtype=np.uint64)))
    order = generator.permutation(rows)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def batches_in_order(rows: Int[np.ndarray, " n"], *, batch_size: int) -> list[np.ndarray]:
    """All rows as they come, cut into batches; the last may be smaller."""
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]


def load_batch(
    pack: Pack, rows: Int[np.ndarray, " b"], *, layer: str, device: torch.device
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]:
    """Pictures with values 0..1 and depth in metres (0 = invalid) of some rows, on the device."""
    rgb = torch.from_numpy(np.ascontiguousarray(pack.rgb[rows]))
    depth_m = torch.from_numpy(np.ascontiguousarray(pack.layers[layer].depth_m[rows]))
    return network_input(rgb.to(device)), depth_m[:, None].to(device)


def network_input(rgb_srgb: UInt8[Tensor, "b h w 3"]) -> Float[Tensor, "b 3 h w"]:
    """8-bit sRGB pictures as every network takes them: channels first, values 0..1."""
    return rgb_srgb.permute(0, 3, 1, 2).float() / 255.0
