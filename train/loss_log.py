"""Loss log: the losses of every step, read from the device, shown, and added up over the epoch."""

import math
from collections import deque

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from train.errors import InputError
from train.processes import Processes, summed
from train.progress import Progress


class LossLog:
    """Takes the losses of each step and reads them: at once on a CPU, one step later on a GPU.

    Reading makes the processor wait for the GPU; a step later the next one is already in the queue, so the GPU never
    waits in turn. With the losses goes the question of whether any process was asked to stop, so all learn it after
    the same step. `sums` adds up, over the images of the epoch, each loss times its images.
    """

    def __init__(
        self,
        board: SummaryWriter | None,
        bar: Progress | None,
        processes: Processes,
        *,
        sums: dict[str, float],
        images: int,
    ) -> None:
        self.sums, self.images = dict(sums), images
        self.stop_asked = False
        self._board, self._bar, self._processes = board, bar, processes
        self._unread: deque[tuple[int, int, tuple[str, ...], Tensor]] = deque()

    def add(self, losses: dict[str, Tensor], *, step: int, images: int, stop_asked: bool) -> None:
        """Take this process's part of the losses of a step over that many images.

        Raises: InputError when a loss that is read is no finite number.
        """
        values = torch.stack([*losses.values(), torch.full_like(losses["total"], float(stop_asked))])
        self._unread.append((step, images, tuple(losses), summed(values, self._processes)))
        while len(self._unread) > (1 if values.is_cuda else 0):
            self._read_oldest()

    def read_all(self) -> None:
        """Read what is still unread. Raises: as `add`."""
        while self._unread:
            self._read_oldest()

    def means_of_epoch(self) -> dict[str, float]:
        """Read what is left, and return each loss as the mean over the images since the last call, or the start."""
        self.read_all()
        means = {name: total / self.images for name, total in self.sums.items()}
        self.sums, self.images = {}, 0
        return means

    def _read_oldest(self) -> None:
        step, images, names, tensor = self._unread.popleft()
        *values, stops = tensor.tolist()  # one transfer for all of them
        self.stop_asked = self.stop_asked or stops > 0
        losses = dict(zip(names, values, strict=True))
        if not math.isfinite(losses["total"]):
            raise InputError(
                f"the loss became {losses['total']} at step {step} (terms {losses}). Try a smaller "
                "optimiser.learning_rate, or, if amp is fp16, bf16 or off"
            )
        for name, value in losses.items():
            if self._board is not None:
                self._board.add_scalar(f"train/{name}", value, step)
            self.sums[name] = self.sums.get(name, 0.0) + value * images
        self.images += images
        if self._bar is not None:
            self._bar.advance(images, note=f"loss {losses['total']:.4f}")
