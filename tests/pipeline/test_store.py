"""The store: what counts as published, and what is cleaned up."""

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.identity import key_of
from pipeline.results import produce
from pipeline.store import (
    is_published,
    point_latest_at,
    prepare_store,
    published_folder,
    recorded_seconds,
    remove_stale_temporaries,
    work_folder,
)
from train.unpublished import unpublished_folder

INPUTS = {"dataset": "d", "width_px": 40, "height_px": 30, "epoch": 1}


def fill(folder: Path) -> None:
    """Make a result of one file."""
    folder.mkdir(exist_ok=True)
    (folder / "numbers.txt").write_text("1 2 3")


def test_a_result_is_made_once_and_found_by_what_it_was_made_of(tmp_path: Path):
    """The second request for the same inputs returns the published folder and makes nothing."""
    made = []
    folder = produce(tmp_path, "packs", INPUTS, stage="pack", make=lambda out: (made.append(out), fill(out)))
    again = produce(tmp_path, "packs", dict(reversed(INPUTS.items())), stage="pack", make=made.append)
    assert folder == again == published_folder(tmp_path, "packs", key_of(INPUTS))
    assert len(made) == 1 and (folder / "numbers.txt").read_text() == "1 2 3"
    assert recorded_seconds(tmp_path, "packs", key_of(INPUTS))["stage"] == "pack"
    assert not list((tmp_path / "packs").glob(".*"))


@pytest.mark.parametrize("stamp", [None, "", "{}", '{"kind": "packs", "key": "another", "inputs": {}}'])
def test_a_folder_without_its_stamp_is_not_published(tmp_path: Path, stamp: str | None):
    """A partial folder under the right name does not count; making the result says that it is in the way."""
    folder = published_folder(tmp_path, "packs", key_of(INPUTS))
    fill_with_parents = folder.parent
    fill_with_parents.mkdir()
    fill(folder)
    if stamp is not None:
        (folder / "stage.json").write_text(stamp)
    assert not is_published(tmp_path, "packs", key_of(INPUTS))
    with pytest.raises(PipelineError, match=r"exists, but is no published result .* move it away"):
        produce(tmp_path, "packs", INPUTS, stage="pack", make=fill)
    assert (folder / "numbers.txt").exists()


def test_a_failed_stage_leaves_nothing_but_its_time(tmp_path: Path):
    """When the maker fails, no folder remains; its seconds are added to those of the attempt that succeeds."""

    def fail(folder: Path) -> None:
        fill(folder)
        raise RuntimeError("out of paper")

    with pytest.raises(RuntimeError, match="out of paper"):
        produce(tmp_path, "packs", INPUTS, stage="pack", make=fail)
    assert list((tmp_path / "packs").iterdir()) == []
    before = recorded_seconds(tmp_path, "packs", key_of(INPUTS))
    produce(tmp_path, "packs", INPUTS, stage="pack", make=fill)
    after = recorded_seconds(tmp_path, "packs", key_of(INPUTS))
    assert (before["finished"], after["finished"]) == (False, True)
    assert after["seconds"] >= before["seconds"]


def test_a_resumable_stage_finds_what_it_left(tmp_path: Path):
    """A training that failed is given the same folder again, with its checkpoint in it."""
    seen = []

    def make(folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        seen.append(sorted(path.name for path in folder.iterdir()))
        (folder / "checkpoint.pt").touch()
        if len(seen) == 1:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        produce(tmp_path, "trainings", INPUTS, stage="training", make=make, resumable=True)
    folder = produce(tmp_path, "trainings", INPUTS, stage="training", make=make, resumable=True)
    assert seen == [[], ["checkpoint.pt"]]
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.pt", "stage.json"]
    assert not work_folder(tmp_path, "trainings", key_of(INPUTS)).exists()


def test_only_temporaries_of_dead_processes_of_this_machine_are_removed(tmp_path: Path):
    """What belongs to a living process, to another host, or is published, stays."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = socket.gethostname()
    names = {f".tmp-ab12-{host}-{dead.pid}", f".tmp-ab12-{host}-{os.getpid()}", f".tmp-ab12-x{host}-{dead.pid}", "cd34"}
    for parent in ("shards/gt", "shards/rgb", "packs", "datasets"):
        for name in names:
            (tmp_path / parent / name).mkdir(parents=True)
            (tmp_path / parent / name / "part").touch()
    removed = remove_stale_temporaries(tmp_path)
    assert len(removed) == 4
    assert {path.name for path in removed} == {f".tmp-ab12-{host}-{dead.pid}"}
    assert {path.name for path in (tmp_path / "shards/gt").iterdir()} == names - {f".tmp-ab12-{host}-{dead.pid}"}


def test_what_a_killed_pack_leaves_in_the_store_is_removed(tmp_path: Path):
    """`python -m train` fills a folder beside its result; killed, it leaves one that the next run finds by its name,
    also when the result's own name holds hyphens."""
    code = f"""
        import os
        from pathlib import Path
        from train.unpublished import unpublished_folder
        with unpublished_folder(Path({str(tmp_path / "packs" / "faces-64-48")!r})) as folder:
            (folder / "rgb.npy").touch()
            os.kill(os.getpid(), 9)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False).returncode == -9
    (left,) = (tmp_path / "packs").iterdir()
    assert (left / "rgb.npy").exists()
    with unpublished_folder(tmp_path / "packs" / "faces-64-48") as living:
        assert remove_stale_temporaries(tmp_path) == [left]
        assert list((tmp_path / "packs").iterdir()) == [living]
    assert list((tmp_path / "packs").iterdir()) == []


def test_latest_is_a_relative_link_that_moves(tmp_path: Path):
    """The link survives moving the store, is replaced by the next report, and never replaces a real folder."""
    for name in ("one", "two"):
        (tmp_path / "reports" / name).mkdir(parents=True)
        latest = point_latest_at(tmp_path / "reports" / name)
        assert latest.readlink() == Path(name)
    latest.unlink()
    latest.mkdir()
    with pytest.raises(PipelineError, match="move it away"):
        point_latest_at(tmp_path / "reports" / "one")


def test_a_store_that_cannot_be_made_is_refused(tmp_path: Path):
    """The message names the store and the option."""
    (tmp_path / "file").touch()
    with pytest.raises(PipelineError, match=r"the store .*file/store cannot be made \(Not a directory\).*--store"):
        prepare_store(tmp_path / "file" / "store")
