"""`python -m benchmarks.train`: what `fit()` adds to the bare steps of a network, and how fast a pack is read.

It makes its own pack, so it needs no dataset. The bare loop is what anyone would write first: one batch that lies in
memory, forward, loss, backward, step. It and `fit()` take turns, so that whatever else the machine does hits both.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.made_up_pack import write_made_up_pack
from benchmarks.processor import processor_name
from train.catalogue import build_network, find_experiment
from train.data.batches import batch_on, epoch_batches, load_batch, read_rows
from train.data.pack import Pack, open_pack, rows_of_split
from train.device import choose_device, describe_device, use_allowed_cores
from train.fit import fit
from train.optimiser import build_optimiser
from train.quantities.table import quantity_of
from train.spec import Experiment, with_settings
from train.training_folder import rows_to_learn

SIZES_PX = ((128, 128), (320, 240))
READ_SIZE_PX = (128, 128)
MOST_RATIO, LEAST_SAMPLES_PER_S, MOST_WAITING = 1.10, 2000.0, 0.05


@dataclass(frozen=True)
class StepTimes:
    """Seconds a step by round, of the bare loop and of `fit()`, and the share of time that `fit()` waited for data."""

    bare_s: tuple[float, ...]
    fit_s: tuple[float, ...]
    waiting_shares: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """`fit()` over bare, of the medians over rounds."""
        return statistics.median(self.fit_s) / statistics.median(self.bare_s)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when every bar is met."""
    options = _parser().parse_args(arguments)
    use_allowed_cores()
    device = choose_device(options.device)
    print(f"{processor_name()}; {describe_device(device)}; torch {torch.__version__}")
    met = True
    with tempfile.TemporaryDirectory(prefix="headroom-benchmark-") as folder:
        for width_px, height_px in SIZES_PX:
            frames = options.steps * options.batch
            pack = Path(folder) / f"{width_px}x{height_px}"
            write_made_up_pack(pack, frames=frames, width_px=width_px, height_px=height_px)
            experiment = benchmark_experiment(width=options.width, batch=options.batch)
            times = step_times(experiment, pack, Path(folder), rounds=options.rounds, device=device)
            waiting = statistics.median(times.waiting_shares)
            print(
                f"{width_px} x {height_px}, width {options.width}, batch {options.batch}: "
                f"fit {statistics.median(times.fit_s):.4f} s a step, bare {statistics.median(times.bare_s):.4f} s, "
                f"ratio {times.ratio:.3f} (at most {MOST_RATIO}); waiting for data {waiting:.2%} "
                f"(at most {MOST_WAITING:.0%})"
            )
            met = met and times.ratio <= MOST_RATIO and waiting <= MOST_WAITING
            if (width_px, height_px) == READ_SIZE_PX:
                rate = samples_per_second(open_pack(pack), batch_size=options.batch, passes=options.rounds)
                print(f"reading the pack: {rate:.0f} samples a second (at least {LEAST_SAMPLES_PER_S:.0f})")
                met = met and rate >= LEAST_SAMPLES_PER_S
    return 0 if met else 1


def benchmark_experiment(*, width: int, batch: int) -> Experiment:
    """The simple U-Net with the whole loss. Its second epoch is timed, when everything is warm."""
    return with_settings(
        find_experiment("khan2021_unet_simple_l1"),
        {"network.width": str(width), "schedule.epochs": "2", "schedule.global_batch": str(batch)},
    )


def step_times(
    experiment: Experiment, pack_folder: Path, work: Path, *, rounds: int, device: torch.device
) -> StepTimes:
    """Time both loops in turn. Of `fit()` it is all between the ends of its two epochs, its checkpoint included."""
    pack = open_pack(pack_folder)
    rows = rows_to_learn(experiment, pack)
    steps = len(epoch_batches(rows, seed=0, epoch=0, batch_size=experiment.schedule.global_batch))
    bare_s, fit_s, waiting = [], [], []
    for number in range(rounds):
        bare_s.append(_bare_seconds_a_step(experiment, pack, steps=steps, device=device))
        out = work / f"training-{pack_folder.name}-{number}"
        fit(experiment, pack_folder, out, device=device.type, seed=number)
        first, second = (json.loads(line) for line in (out / "history.jsonl").read_text().splitlines())
        fit_s.append((second["seconds"] - first["seconds"]) / steps)
        waiting.append(second["waiting_share"])
    return StepTimes(tuple(bare_s), tuple(fit_s), tuple(waiting))


def samples_per_second(pack: Pack, *, batch_size: int, passes: int) -> float:
    """Frames a second that become a network's input and target in memory, shuffled, one batch after the other."""
    rows, cpu = rows_of_split(pack, "train"), torch.device("cpu")
    started_s = time.perf_counter()
    for epoch in range(passes):
        for batch in epoch_batches(rows, seed=0, epoch=epoch, batch_size=batch_size):
            batch_on(cpu, read_rows(pack, batch, layer="visible"))
    return passes * len(rows) / (time.perf_counter() - started_s)


def _bare_seconds_a_step(experiment: Experiment, pack: Pack, *, steps: int, device: torch.device) -> float:
    """Forward, loss, backward and step on one batch, over and over, after three steps that warm up."""
    torch.manual_seed(0)
    network = build_network(experiment.network).to(device).to(memory_format=torch.channels_last)
    optimiser = build_optimiser(network, experiment.optimiser)
    rows = rows_to_learn(experiment, pack)[: experiment.schedule.global_batch]
    batch = load_batch(pack, rows, layer=experiment.layer, device=device)
    rgb = batch.rgb.contiguous(memory_format=torch.channels_last)
    quantity = quantity_of(experiment)
    target = quantity.encode(batch, experiment)
    started_s = 0.0
    for step in range(-3, steps):
        if step == 0:
            _finish(device)
            started_s = time.perf_counter()
        loss, _ = quantity.loss(network(rgb), target, experiment)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    _finish(device)
    return (time.perf_counter() - started_s) / steps


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train", description=__doc__)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--width", type=int, default=16, help="feature maps of the U-Net's first level")
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--steps", type=int, default=20, help="steps that a round times")
    parser.add_argument("--rounds", type=int, default=3)
    return parser


if __name__ == "__main__":
    sys.exit(main())
