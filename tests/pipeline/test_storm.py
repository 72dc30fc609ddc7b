"""A storm over the local engine: processes are killed, disks fill, files are damaged, clocks move; whatever happens,
nothing is lost, nothing is torn, every failure is told in plain words, and the dataset is that of a quiet run."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from pipeline.luigi_defaults import EXIT_CODES
from render.dataset_format import file_sha256, read_records

HERE = Path(__file__).resolve().parent
KILLS = 50
STORM_FRAMES = ("RenderDataset", "--frames", "120", "--set", "structure.shard_size=2")
SMALL = ("RenderDataset", "--frames", "24", "--set", "structure.shard_size=4")
WORDS_OF_A_PIPELINE = ("render:", "certificate:", "element", "process", "ERROR:", "  ", "log:", "stopped", "local:")


@dataclass(frozen=True)
class Nursery:
    """A process that starts runs by forking."""

    process: subprocess.Popen[str]

    def ask(self, **order: object) -> int:
        """Send one order and read its answer."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture
def nursery(runs) -> Iterator[Nursery]:
    """Runs start in the folder of `runs`."""
    command = [sys.executable, str(HERE / "storm_nursery.py")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LUIGI", "HEADROOM"))}
    with subprocess.Popen(
        command, cwd=runs.folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Nursery(process)
        assert process.stdin
        process.stdin.close()


def content(store: Path) -> dict[str, str]:
    """Path to sha256 of everything in a store that must not differ between two runs: datasets and shards, but for the
    facts of each shard's run."""
    return {
        str(path.relative_to(store)): file_sha256(path)
        for kind in ("datasets", "shards")
        for path in sorted((store / kind).rglob("*"))
        if path.is_file() and path.name != "run.json" and ".tmp-" not in str(path)
    }


def check_whole(store: Path) -> None:
    """Every published shard has its records, and every file the hash that its record says."""
    for shard in (store / "shards").glob("*/[!.]*"):
        for record in read_records(shard):
            assert file_sha256(shard / record.file) == record.file_sha256, shard


@pytest.fixture
def quiet(runs, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, str]]:
    """What the same run leaves in an empty store when nothing happens."""

    def run(*arguments: str) -> dict[str, str]:
        elsewhere = type(runs)(tmp_path_factory.mktemp("quiet"))
        done = elsewhere.finish(elsewhere.command(*arguments))
        assert done.returncode == 0, done.stderr
        return content(elsewhere.store)

    return run


def is_alive(pid: int) -> bool:
    """Whether a child of the nursery runs; one that ended waits there to be asked about."""
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def victims(run: int, choice: random.Random) -> list[psutil.Process]:
    """Whom a kill hits: the controller, a worker, any of them, or all at once."""
    try:
        controller = psutil.Process(run)
        workers = [child for child in controller.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return []
    aim = choice.choices(("controller", "worker", "any", "all"), weights=(2, 5, 2, 1))[0]
    if aim == "controller" or not workers:
        return [controller]
    if aim == "all":
        return [controller, *workers]
    return [choice.choice(workers if aim == "worker" else [controller, *workers])]


def test_fifty_kills_lose_nothing_and_tear_nothing(runs, quiet: Callable, nursery: Nursery):
    """SIGKILL of controllers and workers at fifty random moments: at each of them every published shard is whole, what
    was published once stays, and in the end shards and dataset are byte-equal to those of a quiet run."""
    command = runs.command(*STORM_FRAMES, "--LocalEngine-workers", "2", render=("--pause-s", "0.03"))[1:]
    choice, log = random.Random(20), runs.folder / "storm.log"
    killed, published, ends, run = 0, {}, [], 0
    while killed < KILLS or run:
        if not run:
            run = nursery.ask(start=command, output=str(log))
        # Kills by the clock alone would nearly all hit processes that are just starting.
        lines, deadline_s = len(runs.diary("render")) + choice.randrange(9), time.monotonic() + choice.choice((0.2, 9))
        while (lives := is_alive(run)) and len(runs.diary("render")) < lines and time.monotonic() < deadline_s:
            time.sleep(0.005)
        time.sleep(0.05 * choice.random())
        if lives and killed < KILLS:
            for process in victims(run, choice):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            killed += 1
            if killed % 5 == 0:
                check_whole(runs.store)
                now = content(runs.store)
                assert published.items() <= now.items(), "something that was published has changed or gone"
                published = now
        if not lives or killed == KILLS:
            ends.append(nursery.ask(wait=run))
            run = 0
            if ends[-1] == 0:
                break
    told = log.read_text()
    assert killed == KILLS, f"the storm was too gentle: all was rendered after {killed} kills"
    assert set(ends) <= {0, -signal.SIGKILL, EXIT_CODES["task_failed"]}, (ends, told)
    while ends[-1] != 0:
        ends.append(nursery.ask(wait=nursery.ask(start=command, output=str(log))))
        assert len(ends) < 2 * KILLS
    assert ends.count(-signal.SIGKILL) > 3 and "is tried again, its process ended with SIGKILL" in told
    assert "Traceback" not in told, told
    assert content(runs.store) == quiet(*STORM_FRAMES)
    assert not list(runs.store.rglob(".tmp-*"))
