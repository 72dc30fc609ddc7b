"""`python -m benchmarks.pipeline`: what the pipeline itself costs, with a renderer that renders nothing.

Each step is a command as a user types it, in a process of its own: planning, a first run, a run that changes nothing,
and a run with twice the frames. Their seconds of processor time (user and system, of all their processes) tell more
than the clock where a machine has other work. The largest resident memory is that of the largest process.
"""

import argparse
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processor import processor_name

RECIPE = "quick"
LUIGI = Path(sys.executable).with_name("luigi")


@dataclass(frozen=True)
class Cost:
    """What a command cost: the clock, the processor time of all its processes, memory of the largest of them."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main(arguments: list[str] | None = None) -> int:
    """Run the steps and print a line for each."""
    options = _options(arguments)
    cores = len(os.sched_getaffinity(0))
    print(f"{platform.machine()}, {cores} cores of {processor_name()}; recipe {RECIPE}", flush=True)
    with tempfile.TemporaryDirectory(prefix="headroom-benchmark-", dir=options.folder) as folder:
        for frames in options.frames:
            _measure(frames, Path(folder) / str(frames), options)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument(
        "--frames", type=int, nargs="+", default=[10_000], metavar="N", help="frames of the dataset (10000)"
    )
    parser.add_argument("--shard-size", type=int, default=100, metavar="N", help="frames of a shard (100)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="renderers at once (1)")
    parser.add_argument(
        "--plan-only", action="store_true", help="plan twice (drawn, then kept), and neither render nor publish"
    )
    parser.add_argument(
        "--made-up", action="store_true", help="a run without changes alone, on a dataset whose keys are made up"
    )
    parser.add_argument("--no-doubling", action="store_true", help="leave out the run with twice the frames")
    parser.add_argument("--folder", type=Path, help="where the stores are made, and deleted again (the system's own)")
    return parser.parse_args(arguments)


def _measure(frames: int, folder: Path, options: argparse.Namespace) -> None:
    folder.mkdir()
    if options.plan_only:
        _step("plan, drawn", frames, _module("plan_once", frames, folder, options))
        _step("plan, kept", frames, _module("plan_once", frames, folder, options))
        return
    if options.made_up:
        _step("made up", frames, _module("made_up_dataset", frames, folder, options))
        _step("no change", frames, _run(frames, folder, options))
        return
    _step("first run", frames, _run(frames, folder, options))
    _step("no change", frames, _run(frames, folder, options))
    if not options.no_doubling:
        _step("doubling", 2 * frames, _run(2 * frames, folder, options))
        _step("no change", 2 * frames, _run(2 * frames, folder, options))


def _module(name: str, frames: int, folder: Path, options: argparse.Namespace) -> list[str]:
    """A module of this package that takes recipe, frames, shard size and store."""
    return [
        sys.executable,
        "-m",
        f"benchmarks.{name}",
        RECIPE,
        str(frames),
        str(options.shard_size),
        str(folder / "store"),
    ]


def _run(frames: int, folder: Path, options: argparse.Namespace) -> list[str]:
    renderer = shlex.join([sys.executable, "-m", "benchmarks.stand_in_renderer"])
    words = [str(LUIGI), "--module", "pipeline", "RenderDataset", "--recipe", RECIPE, "--frames", str(frames)]
    words += ["--set", f"structure.shard_size={options.shard_size}", "--store", str(folder / "store")]
    words += ["--device", "cpu"]
    return [*words, "--LocalEngine-render-command", renderer, "--LocalEngine-workers", str(options.workers)]


def _step(what: str, frames: int, command: list[str]) -> None:
    """Run a command and print what it cost. Raises: SystemExit with its output when it failed."""
    cost = measure_command(command)
    print(
        f"{what:12} {frames:>9} frames  {cost.cpu_s:8.1f} s of processor  {cost.wall_s:8.1f} s by the clock  "
        f"{cost.peak_mb:6.0f} MB",
        flush=True,
    )


def measure_command(command: list[str]) -> Cost:
    """Run a command to its end. Its memory counts as no less than that of this process, which it is forked from.

    Raises: SystemExit with its output when it failed.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        # Of this command and all that it waited for, not of the commands before it, as `getrusage` would say.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            text = output.read().decode(errors="replace")
            sys.exit(f"{shlex.join(command)} ended with {process.returncode}:\n{text}")
    wall_s, cpu_s = time.monotonic() - started, usage.ru_utime + usage.ru_stime
    return Cost(wall_s=wall_s, cpu_s=cpu_s, peak_mb=usage.ru_maxrss / 1024)


if __name__ == "__main__":
    sys.exit(main())
