"""Batches: which images make a step, as a function of seed and epoch alone, and their arrays."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from train.data.pack import Pack

Item = TypeVar("Item")


@dataclass(frozen=True)
class Batch:
    """Images of a pack as tensors on one device, with one layer of their ground truth.

    `rgb` has values 0..1; `depth_m` is planar (0 = invalid); `normals_cam` are unit vectors in the camera frame
    ((0, 0, 0) = invalid) and `gradient_magnitude` is a slope without a unit, both None unless they were asked for;
    intrinsics and the 68 landmarks are in pixels of `rgb`.
    """

    rgb: Float[Tensor, "b 3 h w"]
    depth_m: Float[Tensor, "b 1 h w"]
    normals_cam: Float[Tensor, "b 3 h w"] | None
    gradient_magnitude: Float[Tensor, "b 1 h w"] | None
    intrinsics_px: Float[Tensor, "b 3 3"]
    landmarks_2d_px: Float[Tensor, "b 68 2"]


def epoch_batches(rows: Int[np.ndarray, " n"], *, seed: int, epoch: int, batch_size: int) -> list[np.ndarray]:
    """All rows in an order that depends only on (seed, epoch), cut into batches; the last may be smaller."""
    digest = hashlib.sha256(f"headroom/order/{seed}/{epoch}".encode()).digest()
    generator = np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], dtype=np.uint64)))
    order = generator.permutation(rows)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def batches_in_order(rows: Int[np.ndarray, " n"], *, batch_size: int) -> list[np.ndarray]:
    """All rows as they come, cut into batches; the last may be smaller."""
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]


@dataclass(frozen=True)
class Portion:
    """What goes through the network at once: some rows of a global batch, and the share of its mean loss they carry."""

    rows: Int[np.ndarray, " n"]
    weight: float


def portions(batch: Int[np.ndarray, " n"], *, rank: int, world_size: int, micro_batch: int) -> list[Portion]:
    """The part of a global batch that process `rank` of `world_size` computes, at most `micro_batch` images at once.

    Over all processes every row comes once, and the weights add up to 1, so that the sum of weighted mean losses is
    the mean over the global batch. All processes get equally many portions, because networks that synchronise while
    they compute would wait for each other for ever. Where there are too few images for that, a portion is one image of
    the batch again, of weight 0.
    """
    largest_share = -(-len(batch) // world_size)
    count = -(-largest_share // micro_batch)
    share = np.array_split(batch, world_size)[rank]
    return [
        Portion(rows=part if len(part) else batch[:1], weight=len(part) / len(batch))
        for part in np.array_split(share, count)
    ]


def load_batch(
    pack: Pack, rows: Int[np.ndarray, " b"], *, layer: str, device: torch.device, with_normals: bool = False
) -> Batch:
    """Some rows of a pack on the device, in the order asked for; `with_normals` brings the gradient magnitude too."""
    return batch_on(device, read_rows(pack, rows, layer=layer, with_normals=with_normals))


def read_rows(
    pack: Pack, rows: Int[np.ndarray, " b"], *, layer: str, with_normals: bool = False, pinned: bool = False
) -> dict[str, Tensor]:
    """The arrays of some rows as the pack holds them, copied into memory; `pinned` lets a GPU fetch them by itself."""
    arrays = {
        "rgb": pack.rgb,
        "depth_m": pack.layers[layer].depth_m,
        "intrinsics_px": pack.intrinsics_px,
        "landmarks_2d_px": pack.landmarks_2d_px,
    }
    if with_normals:
        arrays["normals_cam"] = pack.layers[layer].normals_cam
        arrays["gradient_magnitude"] = pack.layers[layer].gradient_magnitude
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array[rows])) for name, array in arrays.items()}
    return {name: tensor.pin_memory() for name, tensor in tensors.items()} if pinned else tensors


def batch_on(device: torch.device, arrays: dict[str, Tensor]) -> Batch:
    """The arrays of `read_rows` as networks and losses take them, on the device."""
    there = {name: array.to(device, non_blocking=True) for name, array in arrays.items()}
    normals, slope = there.get("normals_cam"), there.get("gradient_magnitude")
    return Batch(
        rgb=network_input(there["rgb"]),
        depth_m=there["depth_m"][:, None],
        normals_cam=None if normals is None else normals.permute(0, 3, 1, 2).float(),
        gradient_magnitude=None if slope is None else slope[:, None].float(),
        intrinsics_px=there["intrinsics_px"],
        landmarks_2d_px=there["landmarks_2d_px"],
    )


def network_input(rgb_srgb: UInt8[Tensor, "b h w 3"]) -> Float[Tensor, "b 3 h w"]:
    """8-bit sRGB pictures as every network takes them: channels first, values 0..1."""
    return rgb_srgb.permute(0, 3, 1, 2).float() / 255.0


def read_ahead(jobs: Iterable[Callable[[], Item]]) -> Iterator[Item]:
    """What the jobs return, in their order; while one result is in use, a thread works at the next.

    One thread, and no process, because reading a pack is little more than copying memory, and NumPy copies without
    holding up Python: docs/training.md has the measurement.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        at_work: Future[Item] | None = None
        for job in jobs:
            following = reader.submit(job)
            if at_work is not None:
                yield at_work.result()
            at_work = following
        if at_work is not None:
            yield at_work.result()


class WaitingTime:
    """Seconds spent on waiting for items, added up while they are taken."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def measured(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items; the time until each comes is added to `seconds`."""
        iterator = iter(items)
        while True:
            started_s = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.seconds += time.perf_counter() - started_s
            yield item
