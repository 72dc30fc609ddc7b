"""Two workers of luigi's central scheduler share one dataset, and either may be killed."""

import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from farm_storm import DATASET, END_S, RENDERER, dataset_bytes, kill_run, progress_made, wait_for
from luigi_runs import Runs
from slurm_cluster import free_ports

SEED = 5
CONFIGURATION = Path(__file__).resolve().parents[2] / "docs" / "luigid.cfg"


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[int]:
    """The port of a central scheduler with the settings of docs/luigid.cfg."""
    (port,) = free_ports(1)
    luigid = Path(sys.executable).with_name("luigid")
    command = [str(luigid), "--port", str(port), "--address", "127.0.0.1", "--state-path", str(tmp_path / "state")]
    with (tmp_path / "luigid.log").open("wb") as log:
        daemon = subprocess.Popen(
            command, env={"LUIGI_CONFIG_PATH": str(CONFIGURATION)}, cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        wait_for(lambda: _answers(port))
        yield port
    finally:
        daemon.kill()
        daemon.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/task_list?data=%7B%7D", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def start_run(folder: Path, scheduler: int, *arguments: str) -> tuple[Runs, subprocess.Popen[str]]:
    """A host of its own that takes part in a run."""
    runs = Runs(folder, renderer_file=RENDERER)
    runs.folder.mkdir(exist_ok=True)
    options = ["--engine", "luigid", "--scheduler-host", "127.0.0.1", "--scheduler-port", str(scheduler)]
    return runs, runs.start(runs.command(*arguments, *options, render=("--pause-s", "0.5")))


def test_two_workers_share_a_dataset_and_either_may_die(scheduler: int, quiet_bytes: dict[str, bytes], tmp_path: Path):
    """Both render; the first is killed, and soon another one takes part; then the second is killed. What comes out is
    equal, byte for byte, to the ground truth, pictures, index and manifest of a quiet local run."""
    dice = random.Random(SEED)
    store = tmp_path / "store"

    def start(name: str) -> tuple[Runs, subprocess.Popen[str]]:
        return start_run(tmp_path / name, scheduler, *DATASET, "--store", str(store))

    (one, first), (two, second) = start("one"), start("two")
    wait_for(lambda: progress_made(one, 1)() and progress_made(two, 1)())
    time.sleep(dice.uniform(0, 0.5))
    kill_run(first)
    three, third = start("three")
    wait_for(progress_made(three, 1))
    time.sleep(dice.uniform(0, 0.5))
    kill_run(second)
    told = third.communicate(timeout=END_S)[1]
    assert third.returncode == 0, told
    assert dataset_bytes(store) == quiet_bytes
    assert not list((store / "plans").glob("*.open"))


def test_every_host_that_shares_a_run_ends_well(scheduler: int, tmp_path: Path):
    """Dataset, trainings and report, made by two hosts: whoever did the last step, both say that all is done."""
    arguments = ("FullRun", *DATASET[1:], "--store", str(tmp_path / "store"))
    hosts = [start_run(tmp_path / name, scheduler, *arguments) for name in ("one", "two")]
    ends = [host.communicate(timeout=END_S) for _, host in hosts]
    assert [host.returncode for _, host in hosts] == [0, 0], ends
    assert all(len(runs.diary("render")) > 0 for runs, _ in hosts)
    fits = [line for runs, _ in hosts for line in runs.diary("train") if line.startswith("fit")]
    assert len(fits) == 2
    assert (tmp_path / "store" / "reports" / "latest" / "index.html").exists()
