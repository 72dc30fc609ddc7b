"""`python -m pipeline status`: what it reads is what is there, at any time, and looking changes nothing."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import luigi
import pytest

from pipeline.__main__ import main
from pipeline.engines.local import LocalEngineSettings, local_engine
from pipeline.engines.shard_work import note_shard_work, shard_work
from pipeline.engines.work import Work
from pipeline.luigi_progress import told_to_luigi
from pipeline.planning import plan_dataset, shards_to_render
from pipeline.status_page import CELLS, element_cells, status_page
from pipeline.status_text import status_text
from pipeline.store_status import newest_pictures, read_status
from render.shard_plan import ShardPlan, write_plan

NOTHING: dict[str, tuple] = {"gt": (), "rgb": ()}
NOW_S = 2_000_000_000.0


@pytest.fixture
def begun(runs, small_recipe: Callable, asset_hashes: dict[str, str]) -> tuple[ShardPlan, Work]:
    """Six elements of 16 frames in an empty store; a run of them began 100 s before NOW_S."""
    dataset = plan_dataset(small_recipe(), asset_hashes)
    shards = shards_to_render(dataset.frames, NOTHING, NOTHING, shard_size=3)
    plan = ShardPlan(recipe=dataset.recipe, store=str(runs.store), assets=asset_hashes, elements=shards)
    path = runs.folder / "plan.json"
    write_plan(path, plan)
    folder = runs.store / "logs" / "4f00"
    work = shard_work(plan, path, command=runs.renderer(), options=("--device", "cpu"), folder=folder)
    note_shard_work(plan, work)
    note = json.loads((folder / "work.json").read_text())
    (folder / "work.json").write_text(json.dumps({**note, "started_s": NOW_S - 100}))
    return plan, work


def report(work: Work, name: str, *, element: int, seconds: tuple[float, ...], ago_s: float, end: str = "") -> None:
    """A worker's progress file: one frame after each of `seconds` of its element, the last `ago_s` before NOW_S."""
    path = work.folder / f"{name}.progress"
    lines: list[dict] = [
        {"element": element, "done": done, "total": 3, "stage": "rendering", "seconds": second}
        for done, second in enumerate(seconds, start=1)
    ]
    lines += [{"ended": end}] if end else []
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    os.utime(path, (NOW_S - ago_s, NOW_S - ago_s))


def test_a_store_where_nothing_was_begun_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """An empty folder and one that does not exist; the command that fills it is named, and the page says the same."""
    assert main(["status", "--store", str(tmp_path / "new")]) == 0
    assert "it does not exist yet; `luigi --module pipeline FullRun --store" in capsys.readouterr().out
    assert main(["status", "--store", str(tmp_path), "--html", str(tmp_path / "page.html")]) == 0
    assert "it holds nothing yet" in capsys.readouterr().out
    assert "It holds nothing yet" in (tmp_path / "page.html").read_text()
    assert not (tmp_path / "new").exists()


def test_frames_rate_and_time_left_of_a_run_that_is_at_work(begun: tuple[ShardPlan, Work]):
    """Frames of shards under way count for the rate, 4 in 100 s; the 12 others take 300 s. Nothing is published yet."""
    report(begun[1], "a", element=0, seconds=(9.0, 18.0), ago_s=3)
    report(begun[1], "b", element=2, seconds=(8.0, 17.0), ago_s=5)
    (work,) = read_status(Path(begun[0].store), now_s=NOW_S).works
    assert (work.frames, work.published, work.unfinished, work.at_work) == (16, 0, 4, True)
    assert (work.silent_s, work.seconds) == (3, 100)
    assert work.frames_a_second == pytest.approx(0.04) and work.left_s == pytest.approx(300)
    assert work.elements == ("working", "waiting", "working", "waiting", "waiting", "waiting")
    assert [(worker.what, worker.done, worker.straggles) for worker in work.workers] == [
        ("frames train/0 to train/2", 2, ""),
        ("frames train/6 to validation/0", 2, ""),
    ]
    text = status_text(read_status(Path(begun[0].store), now_s=NOW_S))
    assert "quick on the cpu: 0 of 16 frames published (0 %), 4 more in shards under way" in text
    assert "25 s a frame, about 5:00 min left, at it for 1:40 min, last sign of life 3 s ago" in text
    assert "▒·▒···" in text


def test_stragglers_are_the_slow_and_the_silent(begun: tuple[ShardPlan, Work]):
    """Frames of 9 s are usual: one of 40 s straggles, and so does who was last heard 50 s ago."""
    report(begun[1], "a", element=0, seconds=(9.0, 18.0), ago_s=3)
    report(begun[1], "b", element=1, seconds=(9.0,), ago_s=50)
    report(begun[1], "c", element=2, seconds=(40.0,), ago_s=4)
    (work,) = read_status(Path(begun[0].store), now_s=NOW_S).works
    assert [worker.straggles for worker in work.workers] == [
        "",
        "silent for 50 s, a frame takes 9.0 s",
        "4.4 times as slow as usual",
    ]
    assert "STRAGGLER   c: frames train/6" in status_text(read_status(Path(begun[0].store), now_s=NOW_S))


def test_workers_that_ended_or_were_relieved_are_not_at_work(begun: tuple[ShardPlan, Work]):
    """Of two that reported one element the last to write has it; one that ended has none, and how it ended is told;
    a file of an earlier run says nothing of this one."""
    report(begun[1], "a", element=0, seconds=(9.0, 18.0), ago_s=60)
    report(begun[1], "b", element=0, seconds=(9.0,), ago_s=3)
    report(begun[1], "c", element=1, seconds=(9.0,), ago_s=30, end="SIGKILL (out of memory?)")
    report(begun[1], "d", element=3, seconds=(9.0,), ago_s=3000)
    (work,) = read_status(Path(begun[0].store), now_s=NOW_S).works
    assert [worker.name for worker in work.workers] == ["b"] and work.unfinished == 1
    assert work.ends == {"SIGKILL (out of memory?)": 1}


@pytest.mark.parametrize(("seconds", "ago_s", "at_work"), [((9,), 59, True), ((9,), 61, False), ((20,), 99, True)])
def test_a_run_that_is_silent_for_long_has_stopped(
    begun: tuple[ShardPlan, Work], seconds: tuple[float, ...], ago_s: float, at_work: bool
):
    """A minute, or five of its slowest frames; what to do is said."""
    report(begun[1], "a", element=0, seconds=seconds, ago_s=ago_s)
    status = read_status(Path(begun[0].store), now_s=NOW_S)
    assert status.works[0].at_work == at_work
    assert ("run the same command again to go on" in status_text(status)) != at_work


def test_a_finished_run_with_a_quarantined_frame(begun: tuple[ShardPlan, Work], runs):
    """All published: finished, no time left; stages, the frame with its command, the newest pictures; and the page has
    it all in itself. Looking changes no file of the store."""
    plan, work = begun
    note_shard_work(plan, work)
    command = runs.renderer("--bad-frame", "train/3")
    work = shard_work(plan, runs.folder / "plan.json", command=command, options=(), folder=work.folder)
    local_engine(LocalEngineSettings())(work)
    before = {path: path.stat().st_mtime_ns for path in runs.store.rglob("*")}
    status = read_status(runs.store)
    text, page = status_text(status), status_page(status, refresh_s=None)
    assert {path: path.stat().st_mtime_ns for path in runs.store.rglob("*")} == before
    assert status.works[0].finished and status.works[0].left_s is None
    assert "16 of 16 frames published (100 %), finished" in text and "██████" in text
    assert status.works[0].stage_seconds == {"rendering": pytest.approx(0.1)}
    assert "quarantine  1 frame; run the command in" in text
    assert "train/3 (gt): the lamp fell over\n              python -m render frame" in text
    assert len(status.pictures) == 12 and all(path.suffix == ".png" for path in status.pictures)
    assert len({path.parent for path in status.pictures[:6]}) == 6
    assert page.count("data:image/jpeg;base64,") == 12 and "the lamp fell over" in page
    assert 'src="http' not in page and "<script" not in page and "<link" not in page
    assert 'http-equiv="refresh"' not in page
    assert 'http-equiv="refresh" content="5"' in status_page(status, refresh_s=5.0)


def test_the_newest_pictures_are_of_the_shards_published_last(tmp_path: Path):
    """By the time of their folders; when shards are few, several of each in turn; drafts are no shards."""
    for age, name in enumerate(("new", "old", "older", ".tmp-x")):
        folder = tmp_path / "shards" / "rgb" / name
        folder.mkdir(parents=True)
        for number in range(2):
            (folder / f"{number:06d}.png").touch()
        os.utime(folder, (NOW_S - age, NOW_S - age))
    found = [f"{path.parent.name}/{path.stem[-1]}" for path in newest_pictures(tmp_path, count=5)]
    assert found == ["new/0", "old/0", "older/0", "new/1", "old/1"]
    assert [path.parent.name for path in newest_pictures(tmp_path, count=2)] == ["new", "old"]


def test_what_cannot_be_read_is_a_problem_and_no_failure(begun: tuple[ShardPlan, Work], capsys):
    """A cut note, half a line of progress, a picture that is none, a dataset without a manifest: the rest is told."""
    store = Path(begun[0].store)
    (begun[1].folder / "a.progress").write_text('{"element": 1, "do')
    for name in ("logs/cut/work.json", "shards/rgb/aa/000000.png", "datasets/bb/x", "timings/render-x.json"):
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_text('{"recipe": "quick"')
    assert main(["status", "--store", str(store), "--html", str(store / "page.html")]) == 0
    text = capsys.readouterr().out
    assert f"PROBLEM     {store / 'logs/cut/work.json'} cannot be read" in text
    assert f"PROBLEM     {store / 'datasets/bb'} is no dataset" in text
    assert "0 of 16 frames published" in text


def test_a_page_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Exit code 2 and the reason."""
    (tmp_path / "file").touch()
    assert main(["status", "--store", str(tmp_path), "--html", str(tmp_path / "file" / "page.html")]) == 2
    assert "page.html cannot be written: " in capsys.readouterr().err


def test_many_shards_share_squares(begun: tuple[ShardPlan, Work]):
    """A page has at most so many squares; one of several shards is published when all of them are."""
    (work,) = read_status(Path(begun[0].store), now_s=NOW_S).works
    assert element_cells(work) == ["waiting"] * 6
    many = ("published",) * (2 * CELLS) + ("waiting",) + ("published",) * (2 * CELLS - 1)
    cells = element_cells(type(work)(**{**vars(work), "elements": many}))
    assert (len(cells), cells.count("waiting"), cells[CELLS // 2]) == (CELLS, 1, "waiting")


def test_the_status_of_a_run_while_it_runs(runs):
    """Read beside a real run: frames grow, a worker is named, and luigi's own calls disturb nothing."""
    command = runs.command("RenderDataset", "--frames", "12", render=("--pause-s", "0.2"))
    with runs.start(command) as run:
        works = ()
        while run.poll() is None and not (works and works[0].unfinished):
            works = read_status(runs.store).works
            time.sleep(0.02)
        assert works and works[0].at_work and works[0].workers[0].name.startswith("local-")
        assert works[0].unfinished == works[0].workers[0].done > 0
        _, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    assert "12 of 12 frames published (100 %), finished" in status_text(read_status(runs.store))


def test_luigi_is_told_and_can_fail_nothing():
    """The share arrives as a percentage; a scheduler that raises, and one that never answers, change nothing."""
    heard: list = []
    told = luigi.Task()
    told.set_progress_percentage, told.set_status_message = heard.append, heard.append
    with told_to_luigi(told, lambda: (0.304, "7 of 23")):
        deadline_s = time.monotonic() + 20
        while len(heard) < 2 and time.monotonic() < deadline_s:
            time.sleep(0.01)
    assert heard == [30, "7 of 23"]

    def fail(_: object) -> None:
        heard.append("asked")
        raise ConnectionError("no scheduler")

    for answer in (fail, lambda _: time.sleep(999), None):
        told.set_progress_percentage = answer
        started_s = time.monotonic()
        with told_to_luigi(told, lambda: (0.5, "half")):
            time.sleep(0.05)
        assert time.monotonic() - started_s < 5
    assert heard[2] == "asked"
