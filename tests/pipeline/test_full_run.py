"""FullRun as typed, with stand-ins for the renderer and the training tool."""

import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.luigi_defaults import EXIT_CODES
from render.dataset_format import file_sha256, read_records
from render.shard_plan import read_plan

SMALL = ("--frames", "12")


def published_keys(store: Path) -> Counter:
    """How often each frame product is published; reading checks every shard against its hash."""
    return Counter(
        record.key
        for product in ("gt", "rgb")
        for shard in (store / "shards" / product).iterdir()
        if not shard.name.startswith(".")
        for record in read_records(shard)
    )


def test_a_full_run_and_what_later_runs_use_again(runs):
    """From nothing to a report; unchanged, nothing runs; twice the frames, the new half; other shards, nothing;
    another light, pictures alone; and `latest` is always the report of the run just asked for."""
    first = runs.finish(runs.command("FullRun", *SMALL))
    assert first.returncode == 0, first.stderr
    scores = (
        "scores   khan2021_unet_simple, split test\n"
        "         head: abs_rel 0.0321, rmse_m 0.0123 (paper: 0.0143), delta_1 0.9876\n"
        "         full image: abs_rel 0.0321 (paper: 0.0103), rmse_m 0.0456, delta_1 0.9876\n"
    )
    assert scores in first.stdout and scores.replace("simple", "simple_l1") in first.stdout
    # Off a terminal: a first and a last line, and one a minute between (tests/train/test_progress.py).
    assert "render: 0/12 frames\n" in first.stderr and "render: 12/12 frames, " in first.stderr
    assert "\r" not in first.stderr
    latest = runs.store / "reports" / "latest"
    assert f"report   {latest / 'index.html'}" in first.stdout
    inputs = json.loads((latest / "report_inputs.json").read_text())
    assert list(inputs["timings"]) == ["certificate", "render", "pack", "floor", "training", "evaluation"]
    for path in (inputs["dataset"], inputs["pack"], *inputs["trainings"], *inputs["evaluations"]):
        assert Path(path).is_absolute() and Path(path).is_dir()
    assert inputs["render_runs"] and all(Path(path).is_file() for path in inputs["render_runs"])
    assert [asset["id"] for asset in inputs["assets"]] == ["blender_studiolights"]
    assert inputs["versions"]["bpy"].startswith("4.5")
    report = latest.resolve()

    def rendered(*arguments: str) -> tuple[int, int]:
        before = len(runs.diary("render"))
        done = runs.finish(runs.command("FullRun", *arguments))
        assert done.returncode == 0, done.stderr
        new = [line for line in runs.diary("render")[before:] if line.startswith("render")]
        return sum(" gt " in line for line in new), sum(" rgb " in line for line in new)

    trained = len(runs.diary("train"))
    started_s = time.monotonic()
    assert rendered(*SMALL) == (0, 0)
    # What a run with nothing to do costs is real here: it starts neither stand-in. The promise is 10 s.
    assert time.monotonic() - started_s < 10
    assert len(runs.diary("train")) == trained
    assert rendered("--frames", "24") == (12, 12)
    assert latest.resolve() != report
    trained = len(runs.diary("train"))
    assert rendered(*SMALL, "--set", "structure.shard_size=5") == (0, 0)
    assert (len(runs.diary("train")), latest.resolve()) == (trained, report)
    assert rendered(*SMALL, "--set", "lightings.key_power_w=[50, 60]") == (0, 12)
    assert set(published_keys(runs.store).values()) == {1}


def test_a_dry_run_says_what_would_be_done_and_does_nothing(runs):
    """Before, everything is to do; after a run, nothing; with other trainings, these and what follows from them."""
    before = runs.finish(runs.command("FullRun", *SMALL, "--dry-run"))
    assert before.returncode == 0, before.stderr
    assert "gt: 12 of 12 to render, 0 reused; rgb: 12 of 12 to render, 0 reused" in before.stdout
    assert "to make beside it: certificate, pack, floor of distance, training of khan2021_unet_simple" in before.stdout
    assert not runs.store.exists() and not runs.diary("render") and not runs.diary("train")
    assert runs.finish(runs.command("FullRun", *SMALL)).returncode == 0
    kept = sorted(runs.store.rglob("*"))
    after = runs.finish(runs.command("FullRun", *SMALL, "--dry-run"))
    assert "gt: 0 of 12 to render, 12 reused" in after.stdout
    assert "0 shards to render\nto make beside it: nothing, all is there\n" in after.stdout
    other = runs.finish(runs.command("FullRun", *SMALL, "--dry-run", "--seed", "1"))
    assert "to make beside it: training of" in other.stdout and "pack" not in other.stdout
    assert sorted(runs.store.rglob("*")) == kept


def test_on_a_terminal_a_run_draws_a_bar(runs):
    """Where standard error is a terminal, frames are counted on one line with rate and time left."""
    master, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = runs.command("RenderDataset", *SMALL, render=("--pause-s", "0.05"))
    with subprocess.Popen(command, cwd=runs.folder, stdout=subprocess.DEVNULL, stderr=terminal) as run:
        os.close(terminal)
        told = b""
        while True:
            try:
                told += os.read(master, 65536)
            except OSError:  # nobody has the terminal any more
                break
    os.close(master)
    assert run.returncode == 0, told
    lines = told.decode().replace("\n", "\r").split("\r")
    bar = [line for line in lines if line.startswith("render: ") and "%|" in line]
    assert "0/12 [" in bar[0] and "frames/s" in bar[-1], lines
    assert "100%" in bar[-1] and "12/12 [" in bar[-1]


def test_a_run_reports_what_is_quarantined_and_goes_on(runs):
    """A frame that failed for good: the run ends well, says so loudly in its log and in its summary, and a second run
    with twice the frames does not ask for it again."""
    first = runs.finish(runs.command("FullRun", *SMALL, render=("--bad-frame", "train/3")))
    assert first.returncode == 0, first.stderr
    warning = "WARNING: 1 of 12 frames failed their checks and are not in the dataset"
    assert warning in first.stderr and warning in first.stdout
    again = runs.finish(runs.command("RenderDataset", "--frames", "24", render=("--bad-frame", "train/3")))
    assert again.returncode == 0 and "WARNING: 1 of 24 frames" in again.stderr
    drawn = [line for line in runs.diary("render") if line.startswith("render")]
    assert len(drawn) == len(set(drawn)) == 2 * 23


def test_every_dataset_carries_the_certificate_of_its_heads(runs):
    """The certificate is made once for all datasets of a head family, before anything is rendered; one that fails stops
    the run with its failed checks."""
    broken = runs.finish(runs.command("RenderDataset", *SMALL, render=("--fail-certificate",)))
    assert broken.returncode == EXIT_CODES["task_failed"]
    assert "certificate failed with exit code 1" in broken.stderr and "the plane is not plane" in broken.stderr
    assert not (runs.store / "shards").exists()
    assert runs.finish(runs.command("RenderDataset", *SMALL)).returncode == 0
    assert runs.finish(runs.command("RenderDataset", "--frames", "24")).returncode == 0
    assert [line for line in runs.diary("render") if line.startswith("certify")] == ["certify procedural"] * 2
    (certificate,) = (runs.store / "certificates").glob("*/certificate.json")
    datasets = list((runs.store / "datasets").iterdir())
    assert len(datasets) == 2
    for dataset in datasets:
        assert (dataset / "certificate.json").read_bytes() == certificate.read_bytes()
        assert json.loads((dataset / "manifest.json").read_text())["certificate_sha256"] == file_sha256(certificate)


@pytest.mark.ict
def test_ict_heads_another_recipe_store_and_profile_reach_every_stage(runs, assets_source: str, asset_cache: Path):
    """`--heads ict --recipe khan2021 --frames N --store S --assets A --set …` with a profile file: the asset is
    verified, the plan is of that recipe, and the report's command tells it all."""
    profile = runs.folder / "mine.yaml"
    profile.write_text(
        "recipe: quick\nexperiments: [{key: khan2021_unet_simple}]\n"
        "pack: {width_px: 64, height_px: 48}\ndevice: cpu\nseed: 4\n"
    )
    options = ("--heads", "ict", "--recipe", "khan2021", "--frames", "120", "--profile", str(profile))
    places = ("--store", "elsewhere", "--assets", assets_source)
    change = ("--set", "structure.frames_per_identity=4", "--set", "experiment.schedule.epochs=3")
    cache = ("env", f"HEADROOM_CACHE={asset_cache}")
    done = runs.finish([*cache, *runs.command("FullRun", *options, *places, *change)])
    assert done.returncode == 0, done.stderr
    assert not runs.store.exists()
    store = runs.folder / "elsewhere"
    (plan,) = map(read_plan, (store / "plans").glob("*.jsonl"))
    assert (plan.recipe.name, plan.recipe.heads.family) == ("khan2021", "ict")
    assert sum(len(element.frames) for element in plan.elements) == 120
    assert "ict_facekit" in plan.assets
    inputs = json.loads((store / "reports" / "latest" / "report_inputs.json").read_text())
    assert "ict_facekit" in [asset["id"] for asset in inputs["assets"]]
    assert inputs["command"] == (
        f"luigi --module pipeline FullRun --profile {profile} --recipe khan2021 --frames 120 --heads ict "
        "--set structure.frames_per_identity=4 --set experiment.schedule.epochs=3"
    )
    assert any("--set schedule.epochs=3" in line and "--seed 4" in line for line in runs.diary("train"))


def test_fetching_assets_compiles_the_head_once(runs, assets_source: str):
    """FetchAssets leaves the compiled ICT head in an empty cache; a second one, or a missing compiled file, does just
    what is left to do."""
    command = ["env", f"HEADROOM_CACHE={runs.folder / 'cache'}"]
    command += runs.command("FetchAssets", "--heads", "ict", "--recipe", "khan2021", "--assets", assets_source)
    first = runs.finish(command)
    assert first.returncode == 0, first.stderr
    (compiled,) = (runs.folder / "cache" / "compiled").glob("ict-*.npz")
    assert compiled.stat().st_size > 10_000_000
    made_ns = compiled.stat().st_mtime_ns
    assert runs.finish(command).returncode == 0
    assert compiled.stat().st_mtime_ns == made_ns
    compiled.unlink()
    assert runs.finish(command).returncode == 0
    assert compiled.exists()


def test_a_run_that_is_killed_at_any_moment_goes_on(runs):
    """kill -9 of the whole run, three times: nothing is torn, nothing that was published is rendered again, and no
    temporary folder stays."""
    command = runs.command("RenderDataset", *SMALL, "--set", "structure.shard_size=3", render=("--pause-s", "0.02"))
    for lines in (3, 14, 40):
        with runs.start(command) as run:
            deadline_s = time.monotonic() + 30
            while len(runs.diary("render")) < lines and run.poll() is None and time.monotonic() < deadline_s:
                time.sleep(0.003)
            os.kill(run.pid, signal.SIGKILL)
            run.communicate()
    last = runs.finish(command)
    assert last.returncode == 0, last.stderr
    assert set(published_keys(runs.store).values()) == {1} and len(published_keys(runs.store)) == 24
    assert not list(runs.store.rglob(".tmp-*"))
    diary = runs.diary("render")
    for position, line in enumerate(diary):
        if line.startswith("publish"):
            assert line.replace("publish", "render") not in diary[position:]


def test_two_runs_at_once_share_the_work(runs):
    """Two runs on one store, one a part of the other: both succeed, and each frame is rendered once."""
    slow = ("--pause-s", "0.05")
    with (
        runs.start(runs.command("FullRun", *SMALL, render=slow)) as one,
        runs.start(runs.command("FullRun", "--frames", "24", render=slow)) as two,
    ):
        told = [run.communicate(timeout=60) for run in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0), told
    assert any("is at work on the same; waiting for it" in err for _, err in told)
    drawn = [line for line in runs.diary("render") if line.startswith("render")]
    assert len(drawn) == len(set(drawn)) == 48


def test_the_same_command_twice_at_once_is_refused_and_an_interrupt_is_quiet(runs):
    """The second says that it runs already and fails; Ctrl-C ends the first and its renderer, with no traceback."""
    command = runs.command("FullRun", *SMALL, render=("--pause-s", "9"))
    with runs.start(command) as first:
        while not runs.diary("render"):
            time.sleep(0.02)
        second = runs.finish(command)
        first.send_signal(signal.SIGINT)
        out, err = first.communicate(timeout=20)
    assert second.returncode == EXIT_CODES["already_running"]
    assert "already running" in second.stdout
    assert first.returncode == -signal.SIGINT
    assert "run: interrupted; what is published is kept" in err and "Traceback" not in out + err
    assert not Path(f"/proc/{runs.diary('render')[0].split()[1]}").exists()


@pytest.mark.parametrize(
    ("arguments", "train", "code", "words"),
    [
        (("--recipe", "nope"), (), "unhandled_exception", "ERROR: no recipe 'nope'"),
        (("--set", "cameras.width=3"), (), "unhandled_exception", "cameras.width"),
        (SMALL, ("--fail", "fit"), "task_failed", "ERROR: TrainNetwork failed: training failed with exit code 7"),
    ],
)
def test_a_failed_run_says_why_in_plain_words(runs, arguments: tuple, train: tuple, code: str, words: str):
    """Bad input and a failing stage: a code that is not 0, the reason, and no traceback."""
    done = runs.finish(runs.command("FullRun", *arguments, train=train))
    assert done.returncode == EXIT_CODES[code]
    assert words in done.stderr and "Traceback" not in done.stderr
    if train:
        assert "the fit machine is out of paper" in done.stderr.split("which ends with")[1]
        assert not list((runs.store / "trainings").glob("[!.]*"))
