"""Trainings through engines: together, one a GPU; stopped on request they go on later; another farm may run them."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path

from pipeline.luigi_defaults import EXIT_CODES
from pipeline.training_plan import read_training_plan

SMALL = ("FullRun", "--frames", "12")
DONE = len(("khan2021_unet_simple_l1", "khan2021_unet_simple"))


def training_plan(store: Path) -> Path:
    """The one plan of trainings of a store."""
    (path,) = (store / "plans").glob("trainings-*.json")
    return path


def published(store: Path) -> int:
    """How many trainings are published."""
    return len(list((store / "trainings").glob("[!.]*")))


def test_networks_are_trained_at_once_each_on_its_own_gpu(runs, monkeypatch):
    """Each of two trainings waits for the other, so a run that started one after the other would fail."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    run = type(runs)(runs.folder, {"CUDA_VISIBLE_DEVICES": "3,5"})
    done = run.finish(run.command(*SMALL, "--device", "gpu", train=("--meet", "2")))
    assert done.returncode == 0, done.stderr
    gpus = [path.read_text() for path in (runs.folder / "train.meet").iterdir()]
    assert sorted(gpus) == ["3", "5"]
    assert published(runs.store) == 2 and "scores   khan2021_unet_simple_l1" in done.stdout
    assert "train: 2/2 networks" in done.stderr


def test_a_training_that_fails_is_named_with_its_last_words(runs):
    """Through the engine as well as in sight: the stand-in's own words reach the user."""
    done = runs.finish(runs.command(*SMALL, "--LocalEngine-workers", "2", train=("--fail", "fit")))
    assert done.returncode == EXIT_CODES["task_failed"] and "Traceback" not in done.stderr
    assert "(training of khan2021_unet_simple" in done.stderr
    assert "the fit machine is out of paper" in done.stderr.split("which ends with")[1]


def test_another_farm_may_run_the_trainings(runs):
    """`none` names a command for each; when these were run anywhere, it goes on to the report."""
    rendered = runs.finish(runs.command("RenderDataset", *SMALL[1:]))
    assert rendered.returncode == 0, rendered.stderr
    asked = runs.finish(runs.command(*SMALL, "--engine", "none"))
    assert asked.returncode == EXIT_CODES["task_failed"]
    assert f"train: {DONE} of {DONE} elements are not published" in asked.stderr
    commands = (runs.store / "logs" / training_plan(runs.store).stem / "commands.txt").read_text().splitlines()
    for command in commands:
        subprocess.run(shlex.split(command), cwd=runs.folder, check=True, capture_output=True, timeout=60)
    assert published(runs.store) == DONE
    done = runs.finish(runs.command(*SMALL, "--engine", "none"))
    assert done.returncode == 0, done.stderr
    assert "scores   khan2021_unet_simple" in done.stdout


def test_a_training_that_is_asked_to_stop_leaves_with_75_and_goes_on_later(runs):
    """SIGTERM reaches the training tool, which saves its state; what lies there is found by the next attempt."""
    for arguments in (("RenderDataset", *SMALL[1:]), (*SMALL, "--engine", "none")):
        runs.finish(runs.command(*arguments))
    plan = training_plan(runs.store)
    tool = runs.folder / "tool.py"
    tool.write_text(TOOL)
    command = [sys.executable, "-m", "pipeline", "train", "--plan", str(plan), "--element", "1"]
    command += ["--train-command", f"{sys.executable} {tool}"]
    with subprocess.Popen(command, cwd=runs.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr and "at work" in run.stderr.readline()
        run.send_signal(signal.SIGTERM)
        told = run.communicate(timeout=30)[1]
    assert run.returncode == 75 and "asked to stop: training 1 is not published" in told
    assert published(runs.store) == 0
    progress = runs.folder / "progress"
    done = subprocess.run([*command, "--progress", str(progress)], cwd=runs.folder, check=True, capture_output=True)
    assert b"goes on from step 7" in done.stderr
    assert published(runs.store) == 1 and progress.read_text().count("\n") == 2
    assert read_training_plan(plan).trainings[1].experiment in ("khan2021_unet_simple", "khan2021_unet_simple_l1")


# A training tool that works until it is asked to stop, and finishes what it finds begun.
TOOL = """
import pathlib, signal, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
out.mkdir(exist_ok=True)
if (out / "state").exists():
    print("goes on from step", (out / "state").read_text(), file=sys.stderr)
    sys.exit(0)
def stop(*_):
    (out / "state").write_text("7")
    sys.exit(75)
signal.signal(signal.SIGTERM, stop)
print("at work", file=sys.stderr, flush=True)
time.sleep(60)
"""
