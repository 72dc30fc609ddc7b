"""`python -m pipeline gc`: what is needed stays, what is not goes, and only when it is asked to."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from fake_store import make_dataset, planned, render_missing

from pipeline import removal
from pipeline.__main__ import main
from pipeline.kept_keys import kept_folder
from pipeline.planning import keep_plan
from pipeline.store import is_published, stamp_folder
from pipeline.store_lock import store_lock
from pipeline.unneeded import find_unneeded
from render.dataset_format import read_records
from render.frame_keys import asset_hashes

KIND_OF_SHARD = "shards"
RESULTS = ("packs", "floors", "trainings", "evaluations")


def unneeded(store: Path, *, days: float = 7.0) -> list[str]:
    """Paths in the store of what gc lists."""
    return [one.path.relative_to(store).as_posix() for one in find_unneeded(store, days=days)]


def collect(store: Path, *more: str) -> None:
    """Delete what is not needed."""
    assert main(["gc", "--store", str(store), "--yes", *more]) == 0


def make_result(store: Path, kind: str, key: str, **inputs: object) -> Path:
    """Publish a result of a file and a stamp."""
    folder = store / kind / key
    folder.mkdir(parents=True)
    (folder / "numbers.bin").write_bytes(bytes(1000))
    stamp_folder(folder, kind=kind, key=key, inputs=inputs)  # pyright: ignore[reportArgumentType]
    return folder


def make_old(paths: Iterable[Path], *, days: float) -> None:
    """Let files and folders, with all below, look as if nobody had touched them for days."""
    changed_s = time.time() - days * 86_400
    for top in paths:
        for path in [*top.rglob("*"), top]:
            os.utime(path, (changed_s, changed_s))


def test_what_two_datasets_share_stays_until_both_are_gone(small_recipe: Callable, tmp_path: Path, capsys):
    """Of a relit dataset that was deleted, the pictures go and the shared ground truth stays; nothing goes without
    --yes; afterwards the other dataset is whole and its run renders nothing."""
    store = tmp_path / "store"
    kept = make_dataset(small_recipe(), store)
    relit = make_dataset(small_recipe(lightings__key_power_w=[50, 60]), store)
    assert [path for path in unneeded(store) if path.startswith(KIND_OF_SHARD)] == []
    shutil.rmtree(relit)
    before = sorted(store.rglob("*"))
    assert main(["gc", "--store", str(store), "--days", "0"]) == 0
    told = capsys.readouterr().out
    assert sorted(store.rglob("*")) == before
    assert told.count("shards/rgb/") == 6 and "shards/gt/" not in told
    assert "6 of kind shard" in told
    assert "no dataset uses it" in told and "nothing was deleted; --yes deletes it" in told
    collect(store, "--days", "0")
    assert is_published(store, "datasets", kept.name)
    assert len(list((store / "shards" / "rgb").iterdir())) == 6
    assert all(read_records(shard) for shard in store.glob("shards/*/*"))
    assert render_missing(small_recipe(), store) == []
    assert unneeded(store, days=0) == []
    shutil.rmtree(kept)
    collect(store, "--days", "0")
    assert [*store.glob("shards/*/*"), *store.glob("plans/*"), *store.glob("logs/*"), *store.glob(".*")] == []


def test_a_run_without_a_dataset_is_gone_on_with_for_some_days(small_recipe: Callable, tmp_path: Path):
    """Shards of an interrupted run, and of one that a farm has finished while no controller ran, stay with plan and
    logs; after the days of grace they go, and only then."""
    store = tmp_path / "store"
    render_missing(small_recipe(), store, elements=2)
    assert unneeded(store) == []
    render_missing(small_recipe(seed=5), store)
    assert unneeded(store) == []
    collect(store)
    assert len(render_missing(small_recipe(), store)) == 2 * (16 - 6)
    make_old([store / "plans", store / "logs"], days=6)
    assert unneeded(store) == []
    make_old([store / "plans", store / "logs"], days=8)
    assert len([path for path in unneeded(store) if path.startswith(KIND_OF_SHARD)]) == 24
    make_dataset(small_recipe(), store)
    for path in list((store / "plans").glob("*.jsonl")):
        path.with_suffix(".open").write_text(f"{path.name}\n")
    collect(store)
    assert not list((store / "plans").iterdir())
    assert is_published(store, "datasets", planned(small_recipe()).dataset_id)
    assert len(list(store.glob("shards/*/*"))) == 12


def test_drawn_keys_stay_as_long_as_their_dataset(small_recipe: Callable, tmp_path: Path):
    """Keys that planning a dataset of the store again would use stay however old they are; those of another recipe go
    after the days of grace, and what was being written to either when its process died goes as well."""
    store = tmp_path / "store"
    make_dataset(small_recipe(), store)
    for recipe in (small_recipe(), small_recipe(seed=5)):
        keep_plan(planned(recipe), store)
    used = kept_folder(store, small_recipe(), asset_hashes(small_recipe(), source=None))
    (other,) = set(store.glob("plans/drawn-*")) - {used}
    assert [path for path in unneeded(store) if "drawn-" in path] == []
    (used / ".train-0-9.npz.7").write_bytes(bytes(10))
    make_old([used, other], days=8)
    assert [path for path in unneeded(store) if "drawn-" in path] == [
        path.relative_to(store).as_posix() for path in (other, used / ".train-0-9.npz.7")
    ]
    collect(store)
    assert list(store.glob("plans/drawn-*")) == [used] and len(list(used.iterdir())) == 3


def test_quarantine_stays_as_long_as_a_dataset_leaves_frames_out(small_recipe: Callable, tmp_path: Path):
    """A shard with nothing but quarantined frames is needed: without it the next run would render them again. It goes
    with its dataset."""
    store, bad = tmp_path / "store", ("test/0", "test/1", "test/2")
    recipe = small_recipe(structure__frames={"train": 3, "validation": 3, "test": 4}, structure__frames_per_identity=1)
    folder = make_dataset(recipe, store, bad=bad)
    empty = [path for path in store.glob("shards/*/*") if not read_records(path)]
    assert len(empty) == 2
    assert [path for path in unneeded(store, days=0) if path.startswith(KIND_OF_SHARD)] == []
    collect(store, "--days", "0")
    assert all(path.is_dir() for path in empty) and render_missing(recipe, store) == []
    shutil.rmtree(folder)
    listed = {one.path: one.why for one in find_unneeded(store, days=0)}
    assert {listed[path] for path in empty} == {"it holds quarantined frames of no dataset"}


def test_results_stay_as_long_as_their_dataset_or_a_report_needs_them(small_recipe: Callable, tmp_path: Path):
    """Packs, floors, trainings and evaluations of a dataset that is gone go, but for what a report refers to; when the
    report is gone too, they all go. What has no pack to tell of, and what is of another dataset, stays."""
    store = tmp_path / "store"
    here = make_dataset(small_recipe(), store).name
    make_result(store, "packs", "aa", dataset="gone")
    for training, evaluation in (("ba", "ca"), ("bb", "cb")):
        make_result(store, "trainings", training, pack="aa")
        make_result(store, "evaluations", evaluation, training=training, pack="aa")
    report = make_result(store, "reports", "dd", evaluations=["ca"], floor="fa", dataset="gone")
    make_result(store, "packs", "ab", dataset=here)
    for floor, dataset in (("fa", "gone"), ("fb", "gone"), ("fc", here)):
        make_result(store, "floors", floor, dataset=dataset, split="test")
    make_result(store, "trainings", "bc", pack="ab")
    make_result(store, "trainings", "bd", pack="deleted-by-hand")
    (store / "reports" / "latest").symlink_to("dd")
    (store / "timings").mkdir()
    (store / "timings" / "trainings-bb.json").write_text("{}")
    (store / "timings" / "trainings-bc.json").write_text("{}")
    (store / "logs" / "training-bb.log").write_text("epoch 1")

    def results() -> list[str]:
        return [path for path in unneeded(store) if path.partition("/")[0] in RESULTS]

    assert results() == ["floors/fb", "evaluations/cb", "trainings/bb"]
    assert {"timings/trainings-bb.json", "logs/training-bb.log"} <= set(unneeded(store))
    assert "timings/trainings-bc.json" not in unneeded(store)
    shutil.rmtree(report)
    everything = [
        "floors/fa",
        "floors/fb",
        "evaluations/ca",
        "evaluations/cb",
        "trainings/ba",
        "trainings/bb",
        "packs/aa",
    ]
    assert results() == everything
    collect(store)
    assert [path.name for path in sorted((store / "trainings").iterdir())] == ["bc", "bd"]
    assert [path.name for path in (store / "packs").iterdir()] == ["ab"]


def test_nothing_is_deleted_while_a_run_is_at_work(small_recipe: Callable, tmp_path: Path, capsys):
    """With the lock of rendering, or of any other stage, held by another process: exit code 2, the process is named,
    and everything is where it was. Listing is allowed, and says so."""
    store = tmp_path / "store"
    shutil.rmtree(make_dataset(small_recipe(), store))
    for name in ("render", "packs-aa"):
        with store_lock(store, name):
            before = sorted(store.rglob("*"))
            assert main(["gc", "--store", str(store), "--yes", "--days", "0"]) == 2
            error = capsys.readouterr().err
            assert f"process {os.getpid()} holds the lock {name!r}; nothing was deleted" in error
            assert sorted(store.rglob("*")) == before
            assert main(["gc", "--store", str(store)]) == 0
            assert f"a run is at work ({name})" in capsys.readouterr().out
    collect(store, "--days", "0")
    assert not list(store.glob("shards/*/*"))


def test_a_crash_while_deleting_leaves_no_half_of_anything(small_recipe: Callable, tmp_path: Path, monkeypatch):
    """Killed in the middle of a folder: what is in place is whole, the rest has a name that nothing reads; the next gc
    deletes that too."""
    store = tmp_path / "store"
    kept = make_dataset(small_recipe(), store)
    shutil.rmtree(make_dataset(small_recipe(seed=5), store))
    deleted = []

    def die(path: Path) -> None:
        deleted.append(path)
        if len(deleted) == 6:
            next(path.iterdir()).unlink()
            raise KeyboardInterrupt
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(removal, "_delete", die)
        main(["gc", "--store", str(store), "--yes", "--days", "0"])
    assert all(read_records(shard) for shard in store.glob("shards/*/*"))
    (trash,) = store.glob(".trash-*")
    assert len(deleted) == 6 and unneeded(store, days=0)[0] == trash.name
    collect(store, "--days", "0")
    assert not list(store.glob(".*")) and unneeded(store, days=0) == []
    assert is_published(store, "datasets", kept.name) and len(list(store.glob("shards/*/*"))) == 12


def test_temporaries_of_the_dead_go_and_those_of_the_living_stay(small_recipe: Callable, tmp_path: Path):
    """A dead process of this machine leaves rubbish at once, another machine's is given days, and a training that was
    interrupted can be resumed for as long."""
    store = tmp_path / "store"
    make_dataset(small_recipe(), store)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    dead = store / "shards" / "gt" / f".tmp-abc-{socket.gethostname()}-{ended.pid}"
    alive = store / "shards" / "gt" / f".tmp-abd-{socket.gethostname()}-{os.getpid()}"
    elsewhere, work = store / "shards" / "rgb" / ".tmp-abe-another-7", store / "trainings" / ".work-ab"
    for folder in (dead, alive, elsewhere, work):
        folder.mkdir(parents=True)
        (folder / "part.bin").write_bytes(bytes(10))
    leftovers = [path for path in unneeded(store) if "/." in path]
    assert leftovers == [dead.relative_to(store).as_posix()]
    make_old([elsewhere, work], days=8)
    assert [path for path in unneeded(store) if "/." in path] == [
        path.relative_to(store).as_posix() for path in (work, dead, elsewhere)
    ]


def test_a_dataset_that_cannot_be_read_stops_everything(small_recipe: Callable, tmp_path: Path, capsys):
    """What a damaged manifest lists is not known, so nothing at all is deleted."""
    store = tmp_path / "store"
    folder = make_dataset(small_recipe(), store)
    (folder / "manifest.json").write_text("{")
    assert main(["gc", "--store", str(store), "--yes", "--days", "0"]) == 2
    assert "manifest.json cannot be read" in capsys.readouterr().err
    assert len(list(store.glob("shards/*/*"))) == 12
    assert main(["gc", "--store", str(tmp_path / "nowhere")]) == 2
    assert "is no folder; name a store with --store" in capsys.readouterr().err


def test_a_long_list_is_cut_unless_all_of_it_is_wanted(small_recipe: Callable, tmp_path: Path, capsys):
    """Twenty lines of a kind, and how many more there are; --all shows every one."""
    store = tmp_path / "store"
    shutil.rmtree(make_dataset(small_recipe(structure__shard_size=1), store))
    assert main(["gc", "--store", str(store), "--days", "0"]) == 0
    told = capsys.readouterr().out
    assert told.count("  shards/") == 20 and "shard      and 12 more; --all shows them\n" in told
    assert main(["gc", "--store", str(store), "--days", "0", "--all"]) == 0
    assert capsys.readouterr().out.count("  shards/") == 32
