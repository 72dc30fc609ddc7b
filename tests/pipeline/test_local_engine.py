"""The local engine: what is published is true, children do not outlive the run, failures are told in full."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.engines import local
from pipeline.engines.local import LocalEngineSettings, local_engine
from pipeline.engines.seats import core_shares, deal_seats, visible_gpus
from pipeline.engines.shard_work import FRAMES_OF_A_PROCESS, are_published, shard_work
from pipeline.errors import PipelineError
from pipeline.planning import plan_dataset, shards_to_render
from pipeline.stage_command import run_stage_command
from render.shard_plan import ShardPlan, shard_folder, write_plan

NOTHING: dict[str, tuple] = {"gt": (), "rgb": ()}


@pytest.fixture
def plan(runs, small_recipe: Callable, asset_hashes: dict[str, str]) -> tuple[ShardPlan, Path]:
    """A plan of six elements in an empty store, and its file."""
    dataset = plan_dataset(small_recipe(), asset_hashes)
    shards = shards_to_render(dataset.frames, NOTHING, NOTHING, shard_size=3)
    made = ShardPlan(recipe=dataset.recipe, store=str(runs.store), assets=asset_hashes, elements=shards)
    path = runs.folder / "plan.json"
    write_plan(path, made)
    return made, path


def render(plan: tuple[ShardPlan, Path], command: list[str], **settings: float) -> None:
    """Render a plan with the stand-in."""
    work = shard_work(*plan, command=command, options=("--device", "cpu"), folder=plan[1].parent / "logs")
    local_engine(LocalEngineSettings(**settings))(work)  # pyright: ignore[reportArgumentType]


def all_published(plan: ShardPlan) -> bool:
    """Whether every element is published."""
    return all(elements_published(plan))


def elements_published(plan: ShardPlan) -> list[bool]:
    """Of each element, whether it is published."""
    store = Path(plan.store)
    return [are_published([shard_folder(store, one, name) for name in one.products]) for one in plan.elements]


def wait_for(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait until something is so."""
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Whether a process runs (one that has ended and was not yet asked about does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_one_child_renders_several_elements(plan: tuple[ShardPlan, Path], runs):
    """Starting a renderer is dear: six elements are rendered by one process, and a second call starts none."""
    render(plan, runs.renderer())
    assert all_published(plan[0])
    render(plan, runs.renderer())
    assert sum(line.startswith("start") for line in runs.diary("render")) == 1


def test_an_element_that_failed_is_tried_once_more(plan: tuple[ShardPlan, Path], runs):
    """A renderer that ends early is started again; nothing that was published is rendered again."""
    render(plan, runs.renderer("--fail-once", str(runs.folder / "failed")))
    assert all_published(plan[0])
    lines = runs.diary("render")
    assert sum(line.startswith("start") for line in lines) == 2
    drawn = [line for line in lines if line.startswith("render")]
    assert len(drawn) == len(set(drawn)) == 32


def test_a_killed_worker_costs_no_more_than_its_shard(plan: tuple[ShardPlan, Path], runs):
    """kill -9 of a renderer amid its work: another takes over at the shard that was lost, and nothing is torn."""
    script = f"""
        import os, signal, subprocess, sys, time
        child = subprocess.Popen(sys.argv[1:])
        if not os.path.exists({str(runs.folder / "killed")!r}):
            open({str(runs.folder / "killed")!r}, "w").close()
            while True:
                try:
                    lines = open({str(runs.folder / "render.txt")!r}).read().splitlines()
                except OSError:
                    lines = []
                if len(lines) > 17:
                    child.kill()
                    break
                time.sleep(0.005)
        sys.exit(child.wait())
    """
    wrapper = runs.folder / "wrapper.py"
    wrapper.write_text(textwrap.dedent(script))
    render(plan, [sys.executable, str(wrapper), *runs.renderer("--pause-s", "0.03")])
    assert all_published(plan[0])
    lines = runs.diary("render")
    assert sum(line.startswith("start") for line in lines) == 2
    for position, line in enumerate(lines):
        if line.startswith("publish"):
            assert line.replace("publish", "render") not in lines[position:]


def test_an_element_that_fails_for_good_is_named_with_its_log(plan: tuple[ShardPlan, Path], runs):
    """Element, frames, exit code, log and its last words; what other elements published is kept."""
    with pytest.raises(PipelineError) as told:
        render(plan, runs.renderer("--fail-element", "2"))
    message = str(told.value)
    assert "render: element 2 (frames train/6 to validation/0)" in message
    assert "not published in 2 attempts" in message and "exit code 1" in message
    assert "  the lamp broke at element 2" in message
    log = Path(message.split("log: ")[1].split(",")[0])
    assert "the lamp broke" in log.read_text()
    assert elements_published(plan[0]) == [True, True] + [False] * 4


def test_success_without_a_shard_is_a_failure(plan: tuple[ShardPlan, Path]):
    """Exit code 0 counts for nothing when nothing was published."""
    with pytest.raises(PipelineError, match=r"element 0 .* exit code 0"):
        render(plan, [sys.executable, "-c", ""])


def test_a_renderer_that_cannot_be_started_is_named(plan: tuple[ShardPlan, Path]):
    """A wrong command is told at once."""
    with pytest.raises(PipelineError, match=r"cannot be started: '/no/such/program': No such file"):
        render(plan, ["/no/such/program"])


def test_two_workers_share_elements_and_cores(plan: tuple[ShardPlan, Path], runs):
    """Two work at once, on batches that get smaller; no core belongs to two workers while there are enough."""
    render(plan, runs.renderer(), workers=2)
    assert all_published(plan[0])
    assert sum(line.startswith("start") for line in runs.diary("render")) == 3
    shares = core_shares(min(2, len(os.sched_getaffinity(0))))
    assert sorted(core for share in shares for core in share) == sorted(os.sched_getaffinity(0))
    assert all(core_shares(64))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_renderers_die_with_their_parent(plan: tuple[ShardPlan, Path], runs, number: signal.Signals):
    """However the run ends, no renderer goes on in the background."""
    script = f"""
        from pathlib import Path
        from pipeline.engines.local import LocalEngineSettings, local_engine
        from pipeline.engines.shard_work import shard_work
        from render.shard_plan import read_plan
        path = Path({str(plan[1])!r})
        command = {runs.renderer("--pause-s", "5")!r}
        work = shard_work(read_plan(path), path, command=command, options=(), folder=path.parent / "logs")
        local_engine(LocalEngineSettings())(work)
    """
    with runs.start([sys.executable, "-c", textwrap.dedent(script)]) as parent:
        wait_for(lambda: bool(runs.diary("render")))
        renderer = int(runs.diary("render")[0].split()[1])
        assert lives(renderer)
        parent.send_signal(number)
        parent.communicate(timeout=20)
    wait_for(lambda: not lives(renderer))


def test_a_renderer_that_hangs_is_killed_and_its_element_tried_again(
    plan: tuple[ShardPlan, Path], runs, capfd: pytest.CaptureFixture[str]
):
    """No progress and no word for the time that was set: what hangs is killed, and told; another does its work."""
    # Long enough for the stand-in to start where other work keeps all cores busy.
    render(plan, runs.renderer("--hang-once", str(runs.folder / "hung")), silence_s=6)
    assert all_published(plan[0])
    pids = [int(line.split()[1]) for line in runs.diary("render") if line.startswith("start")]
    assert len(pids) == 2 and not lives(pids[0])
    told = capfd.readouterr().err
    assert f"stopped process {pids[0]}: no progress and no word for " in told
    assert "element 0 (frames train/0 to train/2) is tried again" in told


def test_a_renderer_that_always_hangs_fails_with_the_setting_to_change(plan: tuple[ShardPlan, Path], runs):
    """The error says for how long it was silent, and what to set where frames take that long."""
    with pytest.raises(PipelineError, match=r"element 0 .* taken to hang and killed .*--LocalEngine-silence-s"):
        render(plan, runs.renderer("--pause-s", "99"), silence_s=1, retries=0)


def test_a_renderer_that_grew_is_replaced_between_two_shards(
    plan: tuple[ShardPlan, Path], runs, monkeypatch: pytest.MonkeyPatch
):
    """Above the ceiling it works on until its shard is published, then another takes over: this is no failed attempt,
    and next to nothing is rendered twice."""
    monkeypatch.setattr(local, "SECONDS_BETWEEN_CHECKS", 0.05)
    render(plan, runs.renderer("--pause-s", "0.1"), memory_gb=0.001, retries=0)
    assert all_published(plan[0])
    lines = runs.diary("render")
    assert sum(line.startswith("start") for line in lines) > 2
    drawn = [line for line in lines if line.startswith("render")]
    assert len(set(drawn)) == 32
    for position, line in enumerate(lines):
        if line.startswith("publish"):
            assert line.replace("publish", "render") not in lines[position:]


def test_a_renderer_that_published_all_but_does_not_end_is_stopped(
    plan: tuple[ShardPlan, Path], runs, monkeypatch: pytest.MonkeyPatch
):
    """bpy may wait for ever when it exits; nothing is lost, nothing is tried again."""
    monkeypatch.setattr(local, "SECONDS_TO_END", 1.0)
    render(plan, runs.renderer("--linger-s", "99"), retries=0)
    assert all_published(plan[0])
    assert sum(line.startswith("start") for line in runs.diary("render")) == 1


def test_a_torn_line_of_progress_is_passed_over(plan: tuple[ShardPlan, Path], runs):
    """A disk that was full, or a kill, leaves half a line; it ends no run."""
    render(plan, runs.renderer("--torn-progress"))
    assert all_published(plan[0])


def test_each_gpu_has_one_worker():
    """Of two GPUs each worker sees one, by the name that the environment gave it; further workers share; without a
    name nothing is set, and no GPU is dealt to work for the CPU."""
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "GPU-8f1, 3"}) == [
        {"CUDA_VISIBLE_DEVICES": "GPU-8f1"},
        {"CUDA_VISIBLE_DEVICES": "3"},
    ]
    assert visible_gpus({"ROCR_VISIBLE_DEVICES": "1"}) == [{"ROCR_VISIBLE_DEVICES": "1"}]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == visible_gpus({"CUDA_VISIBLE_DEVICES": "-1"}) == []


def test_seats_follow_the_gpus(monkeypatch: pytest.MonkeyPatch):
    """0 workers are one for each GPU; five share three GPUs in turn; on a CPU one worker has every core."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,7")
    assert [seat.environment["CUDA_VISIBLE_DEVICES"] for seat in deal_seats("gpu", workers=0)] == ["4", "5", "7"]
    five = [seat.environment["CUDA_VISIBLE_DEVICES"] for seat in deal_seats("gpu", workers=5)]
    assert five == ["4", "5", "7", "4", "5"]
    (seat,) = deal_seats("cpu", workers=0)
    assert seat.cores == tuple(sorted(os.sched_getaffinity(0))) and seat.environment == {}


def test_a_worker_sees_its_gpu_and_its_cores(plan: tuple[ShardPlan, Path], runs, monkeypatch: pytest.MonkeyPatch):
    """What the engine dealt out reaches the process: one GPU each, and the mask of its cores."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6,9")
    work = shard_work(*plan, command=runs.renderer(), options=("--device", "gpu"), folder=runs.folder / "logs")
    assert (work.device, work.together) == ("gpu", FRAMES_OF_A_PROCESS // 3)
    local_engine(LocalEngineSettings())(work)
    shares = core_shares(2)
    seen = {line for line in runs.diary("render") if line.startswith("seat")}
    assert seen == {f"seat {list(shares[0])} 6", f"seat {list(shares[1])} 9"}


def test_a_failed_command_is_told_with_its_last_words(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Output is seen while it comes and is kept in the log; the error has exit code, command, log and last lines."""
    code = "import sys; print('step 1'); print('no paper', file=sys.stderr); sys.exit(3)"
    with pytest.raises(PipelineError, match=r"(?s)pack failed with exit code 3.*pack.log.*  step 1\n  no paper"):
        run_stage_command([sys.executable, "-c", code], stage="pack", log=tmp_path / "logs" / "pack.log")
    assert capfd.readouterr().err == "step 1\nno paper\n"
    assert (tmp_path / "logs" / "pack.log").read_text() == "step 1\nno paper\n"


def test_a_command_on_a_terminal_gets_a_terminal(tmp_path: Path):
    """Where standard error is a terminal the child sees one and draws its bar; the log is written all the same."""
    code = f"""
        import sys
        from pathlib import Path
        from pipeline.stage_command import run_stage_command
        ask = "import sys; print('terminal', sys.stdout.isatty(), sys.stderr.isatty())"
        run_stage_command([sys.executable, "-c", ask], stage="pack", log=Path({str(tmp_path / "log")!r}))
    """
    master, slave = os.openpty()
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stderr=slave)
    os.close(slave)
    assert child.wait(timeout=20) == 0
    assert b"terminal True True" in os.read(master, 4096)
    os.close(master)
    assert (tmp_path / "log").read_bytes() == b"terminal True True\r\n"
