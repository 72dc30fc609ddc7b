"""A storm over the local engine: processes are killed, disks fill, files are damaged, clocks move; whatever happens,
nothing is lost, nothing is torn, every failure is told in plain words, and the dataset is that of a quiet run."""

import json
import os
import random
import shutil
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
FAILED = EXIT_CODES["task_failed"]


@dataclass(frozen=True)
class Nursery:
    """A process that starts runs by forking."""

    process: subprocess.Popen[str]
    folder: Path

    def run(self, command: list[str]) -> tuple[int, str]:
        """Run a command to its end; its exit code and what it said."""
        output = self.folder / "told.log"
        output.unlink(missing_ok=True)
        code = self.ask(wait=self.ask(start=command[1:], output=str(output)))
        return code, output.read_text()

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
        yield Nursery(process, runs.folder)
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


@pytest.fixture
def disk(runs) -> Iterator[Callable[[str], None]]:
    """A small disk at `store`, and how to change it: `disk("size=64k")`. Only root may mount one."""
    runs.store.mkdir()

    def mount(*options: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["mount", *options, str(runs.store)], capture_output=True, check=False)

    if os.geteuid() != 0:
        pytest.skip("mounts a small disk, which only root may")
    mounted = mount("-t", "tmpfs", "-o", "size=16k", "tmpfs")
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield lambda options: mount("-o", f"remount,{options}").check_returncode()
    finally:
        subprocess.run(["umount", "--lazy", str(runs.store)], check=True)


def shards(store: Path, product: str) -> list[Path]:
    """The published shards of a product, by name."""
    return sorted((store / "shards" / product).glob("[!.]*"))


def flip(path: Path, after: bytes) -> None:
    """Change one bit of a file, behind the first `after`."""
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(after) + len(after)] ^= 1
    path.write_bytes(damaged)


def cut(path: Path) -> None:
    """Lose the second half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


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
    assert set(ends) <= {0, -signal.SIGKILL, FAILED}, (ends, told)
    while ends[-1] != 0:
        ends.append(nursery.ask(wait=nursery.ask(start=command, output=str(log))))
        assert len(ends) < 2 * KILLS
    assert ends.count(-signal.SIGKILL) > 3 and "is tried again, its process ended with SIGKILL" in told
    assert "Traceback" not in told, told
    assert content(runs.store) == quiet(*STORM_FRAMES)
    assert not list(runs.store.rglob(".tmp-*"))


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(
    runs, quiet: Callable, nursery: Nursery, disk: Callable
):
    """From no room for a lock to room for all but the last shards: each run fails, says that the disk is full and what
    to do, and leaves nothing torn; with room, the rest is rendered."""
    command = runs.command(*SMALL)
    failures = 0
    for room in ("16k", "100k", "250k", "400k", "550k"):
        disk(f"size={room}")
        code, told = nursery.run(command)
        check_whole(runs.store)
        if code == 0:
            break
        failures += 1
        assert code == FAILED
        assert "No space left on device" in told and "free some space" in told, told
        assert "ERROR" in told and "Traceback" not in told.split("which ends with")[0], told
    assert failures >= 3 and len(content(runs.store)) > 0
    disk("size=20m")
    code, told = nursery.run(command)
    assert code == 0, told
    assert content(runs.store) == quiet(*SMALL)
    assert not list(runs.store.rglob(".tmp-*"))


def test_a_store_that_turns_read_only_is_named_and_a_finished_one_is_still_of_use(
    runs, quiet: Callable, nursery: Nursery, disk: Callable
):
    """Before anything, and in the middle of a run: the error names the store; what is all there needs no writing."""
    disk("size=20m")
    disk("ro")
    command = runs.command(*SMALL)
    code, told = nursery.run(command)
    assert code == FAILED and f"the store {runs.store} cannot be written to" in told and "Traceback" not in told
    disk("rw")
    run = nursery.ask(start=runs.command(*SMALL, render=("--pause-s", "0.05"))[1:], output=str(runs.folder / "told"))
    while not shards(runs.store, "rgb"):
        assert is_alive(run), (runs.folder / "told").read_text()
        time.sleep(0.01)
    # A disk in use cannot be mounted read-only, as a failing one would turn: its writers are stopped first.
    workers = psutil.Process(run).children()
    for process in (psutil.Process(run), *workers):
        process.kill()
    nursery.ask(wait=run)
    psutil.wait_procs(workers, timeout=20)
    disk("ro")
    code, told = nursery.run(command)
    assert code == FAILED and f"the store {runs.store} cannot be written to" in told and "Traceback" not in told
    disk("rw")
    assert nursery.run(command)[0] == 0
    assert content(runs.store) == quiet(*SMALL)
    disk("ro")
    assert nursery.run(command)[0] == 0


def test_a_damaged_shard_is_named_and_rendered_again_once_it_is_deleted(runs, quiet: Callable, nursery: Nursery):
    """Cut, lost, emptied and flipped: every run that meets the shard refuses it by name, before it renders or publishes
    more; a changed picture is refused by whoever reads it. Deleting what is named is all there is to do."""
    code, told = nursery.run(runs.command(*SMALL, render=("--fail-element", "5")))
    assert code == FAILED and "the lamp broke at element 5" in told
    gt, rgb = shards(runs.store, "gt"), shards(runs.store, "rgb")
    assert len(gt) == len(rgb) == 5
    cut(gt[0] / "shard.json")
    (rgb[0] / "shard.json").unlink()
    flip(gt[1] / "shard.json", b'"frame_keys":["')
    cut(rgb[1] / "records.jsonl")
    flip(gt[2] / "records.jsonl", b'"yaw_deg":')
    (rgb[2] / "000001.png").unlink()
    (gt[3] / "000002.exr").write_bytes(b"")
    damaged = {gt[0], rgb[0], gt[1], rgb[1], gt[2], rgb[2], gt[3]}
    while damaged:
        code, told = nursery.run(runs.command(*SMALL))
        error = told.partition("ERROR: ")[2]
        named = [shard for shard in damaged if str(shard) in error]
        assert code == FAILED and len(named) == 1 and "delete" in error and "Traceback" not in told, told
        shutil.rmtree(named[0])
        damaged.remove(named[0])
    assert nursery.run(runs.command(*SMALL))[0] == 0
    whole = quiet(*SMALL)
    assert content(runs.store) == whole

    from render.dataset_format import DatasetError
    from train.data.dataset import open_dataset, read_frame
    from train.errors import InputError

    (dataset,) = (runs.store / "datasets").iterdir()
    opened = open_dataset(dataset)
    flip(runs.store / opened.rows[0].rgb_shard / opened.rows[0].rgb_file, b"IDAT")
    with pytest.raises((InputError, DatasetError), match=r"was changed after it was published; delete shard"):
        read_frame(opened, opened.rows[0])
    shutil.rmtree(runs.store / opened.rows[0].rgb_shard)
    cut(dataset / "manifest.json")
    code, told = nursery.run(runs.command(*SMALL))
    assert code == FAILED and f"{dataset} exists, but is no published result" in told and "move it away" in told
    shutil.rmtree(dataset)
    assert nursery.run(runs.command(*SMALL))[0] == 0
    assert content(runs.store) == whole


def test_a_clock_that_moves_changes_nothing(runs, quiet: Callable, monkeypatch: pytest.MonkeyPatch):
    """A run whose clock is a year ahead, files dated ten years back, then a clock a year late: no frame is rendered
    twice, the dataset is the same, and the status can still be told."""
    from pipeline.status_text import status_text
    from pipeline.store_status import read_status

    (runs.folder / "clock").mkdir()
    clock = "import os, time\nreal = time.time\ntime.time = lambda: real() + float(os.environ['CLOCK_AHEAD_S'])\n"
    (runs.folder / "clock" / "sitecustomize.py").write_text(clock)
    paths = [str(runs.folder / "clock"), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    year_s = 365 * 86_400.0
    monkeypatch.setenv("CLOCK_AHEAD_S", str(year_s))
    first = runs.finish(runs.command(*SMALL, render=("--fail-element", "3")))
    assert first.returncode == FAILED and "the lamp broke at element 3" in first.stderr
    for path in runs.store.rglob("*"):
        os.utime(path, (time.time() - 10 * year_s,) * 2)
    assert "12 of 24 frames published (50 %)" in status_text(read_status(runs.store))
    monkeypatch.setenv("CLOCK_AHEAD_S", str(-year_s))
    last = runs.finish(runs.command(*SMALL))
    assert last.returncode == 0, last.stderr
    drawn = [line for line in runs.diary("render") if line.startswith("render")]
    assert len(drawn) == len(set(drawn)) == 48
    assert "finished" in status_text(read_status(runs.store))
    monkeypatch.setenv("CLOCK_AHEAD_S", "0")
    assert content(runs.store) == quiet(*SMALL)


def test_two_full_runs_on_one_store_of_which_one_is_killed(runs, quiet: Callable, nursery: Nursery):
    """The one that waits takes over from the one that is killed; both end well at last, and the store is that of one
    quiet run."""
    full = ("FullRun", *SMALL[1:], "--no-lock")
    logs = [runs.folder / "one.log", runs.folder / "two.log"]
    command = runs.command(*full, render=("--pause-s", "0.2"))[1:]
    for log in logs:
        log.touch()
    one, two = (nursery.ask(start=command, output=str(log)) for log in logs)
    waits = "is at work on the same; waiting for it"
    holder = 0
    while not (
        shards(runs.store, "rgb") and any(f"render: process {holder} {waits}" in log.read_text() for log in logs)
    ):
        if (runs.store / "locks" / "render.lock").exists():
            holder = int((runs.store / "locks" / "render.lock").read_text() or 0)
        assert is_alive(one) and is_alive(two), [log.read_text() for log in logs]
        time.sleep(0.01)
    assert holder in (one, two)
    psutil.Process(holder).kill()
    assert nursery.ask(wait=holder) == -signal.SIGKILL
    other = two if holder == one else one
    assert nursery.ask(wait=other) == 0, [log.read_text() for log in logs]
    assert nursery.ask(wait=nursery.ask(start=command, output=str(logs[0]))) == 0
    assert all("Traceback" not in log.read_text() for log in logs)
    assert content(runs.store) == quiet("FullRun", *SMALL[1:])
    assert not list(runs.store.rglob(".tmp-*"))
