"""What a storm is measured against: the bytes of a dataset, and processes that are killed at random moments."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from luigi_runs import STAND_INS, Runs

from render.dataset_format import SHARD_RUN

# Shards of two frames: some ten elements.
DATASET = ("RenderDataset", "--frames", "20", "--set", "structure.shard_size=2")
RENDERER = STAND_INS / "fake_renderer.py"
MOMENT_S, END_S = 240.0, 300.0
# The same storms with the true renderer take minutes, so they are for those who ask.
if os.environ.get("HEADROOM_STORM") == "cycles":
    RENDERER = Path(__file__).with_name("cycles_renderer.py")
    MOMENT_S, END_S = 2 * MOMENT_S, 2 * END_S
    for setting in ("cameras.width_px=64", "cameras.height_px=48", "rgb.samples=2"):
        DATASET = (*DATASET, "--set", setting)


def dataset_bytes(store: Path) -> dict[str, bytes]:
    """Every file of every published shard but its facts about the run, and the manifest and index of the dataset."""
    (dataset,) = [folder for folder in (store / "datasets").iterdir() if not folder.name.startswith(".")]
    files = [dataset / "manifest.json", *dataset.glob("*.parquet")]
    for product in ("gt", "rgb"):
        for shard in (store / "shards" / product).iterdir():
            if not shard.name.startswith("."):
                files += [path for path in shard.iterdir() if path.name != SHARD_RUN]
    return {str(path.relative_to(store)): path.read_bytes() for path in files}


def progress_made(runs: Runs, count: int) -> Callable[[], bool]:
    """Whether so many frames were drawn."""
    return lambda: sum(line.startswith("render gt") for line in runs.diary("render")) >= count


def wait_for(condition: Callable[[], bool], *, seconds: float = MOMENT_S) -> None:
    """Wait until something is so."""
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.05)


def kill_a_renderer(runs: Runs, dice: random.Random) -> bool:
    """SIGKILL to one of the stand-ins that are at work for these runs; False when none is."""
    command = str(runs.folder / "render.txt").encode()
    pids: Sequence[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if command in words and b"shard" in words:
            pids = [*pids, int(path.parent.name)]
    if not pids:
        return False
    try:
        os.kill(dice.choice(sorted(pids)), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def kill_run(run: subprocess.Popen[str]) -> None:
    """SIGKILL to a run of luigi, and wait for its end."""
    run.kill()
    run.communicate()
