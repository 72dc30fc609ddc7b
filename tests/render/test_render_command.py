"""`python -m render`: what it prints and how it exits when something is wrong, and what one frame leaves behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from render.__main__ import BAD_INPUT, FAILED, main
from render.config import recipe_names

TINY = {"cameras.width_px": 48, "cameras.height_px": 36, "rgb.samples": 1, "heads.subdivision_level": 0}


def tiny_frame(out: Path, cache: Path, *more: str) -> list[str]:
    overrides = [part for key, value in TINY.items() for part in ("--set", f"{key}={value}")]
    return ["frame", "--recipe", "quick", *overrides, "--out", str(out), "--cache", str(cache), *more]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "khan2012"], r"no recipe 'khan2012'.*Known names: .*khan2021"),
        (["--recipe", "quick", "--set", "cameras.width_px=8"], r"cameras\.width_px: .*\(came: 8\)"),
        (
            ["--recipe", "quick", "--set", "cameras.lens=8"],
            r"cameras\.lens is no setting; known here are aim, azimuth_deg, clip_m",
        ),
        (["--recipe", "quick", "--set", "width"], r"expected --set key=value"),
    ],
)
def test_a_bad_recipe_ends_with_one_message(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Exit code 2; standard error names the field and what is allowed; no folder is made."""
    assert main(["frame", *arguments, "--out", str(tmp_path / "out")]) == BAD_INPUT
    error = capsys.readouterr().err
    assert error.startswith("python -m render frame: ")
    assert re.search(message, error, re.DOTALL), error
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_left_alone(tmp_path: Path, asset_cache: Path, capsys: pytest.CaptureFixture[str]):
    """`frame` writes into a new folder only."""
    (tmp_path / "kept.txt").write_text("mine")
    assert main(tiny_frame(tmp_path, asset_cache)) == BAD_INPUT
    assert re.search(r"exists already; name one that does not exist", capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_a_file_that_is_no_plan_ends_with_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`shard` names the plan and what to do, with exit code 2."""
    (tmp_path / "plan.json").write_text("{}")
    assert main(["shard", "--plan", str(tmp_path / "plan.json"), "--element", "0"]) == BAD_INPUT
    assert re.search(r"plan\.json cannot be used as a plan .*Plan again", capsys.readouterr().err, re.DOTALL)


def test_recipes_are_listed_with_family_number_and_size(capsys: pytest.CaptureFixture[str]):
    """Each recipe has its line."""
    assert main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == recipe_names()
    assert "khan2021     ict              500 frames  640x480" in lines


def test_a_wanted_gpu_that_is_missing_is_an_error(tmp_path: Path, asset_cache: Path, capsys, monkeypatch):
    """`--device gpu` where Cycles finds none: exit code 1, a message with remedies, and no frame from the CPU."""
    monkeypatch.setattr("render.blender.session.GPU_BACKENDS", ("ABSENT",))
    assert main(tiny_frame(tmp_path / "out", asset_cache, "--device", "gpu")) == FAILED
    error = capsys.readouterr().err
    assert re.search(r"DeviceError: device 'gpu' was asked for, but Cycles finds none of ABSENT.*--device cpu", error)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_frame_that_fails_its_check_is_an_error_and_leaves_no_shard(tmp_path: Path, asset_cache: Path, capsys):
    """Without any light: exit code 1, the message names the settings, nothing is published."""
    out = tmp_path / "out"
    dark = ["--set", "lightings.environment_strength=[0, 0]", "--set", "lightings.key_power_w=[0, 0]"]
    dark += ["--set", "rgb.denoise=false"]  # the denoiser makes single levels out of nothing
    assert main(tiny_frame(out, asset_cache, *dark, "--set", "backdrops.shares={environment: 1}")) == FAILED
    assert re.search(r"PictureError: .* 100\.0% of it is black.*check lightings", capsys.readouterr().err)
    assert not out.exists()


def test_one_frame_ends_well_in_a_process_of_its_own(tmp_path: Path, asset_cache: Path):
    """`python -m render frame` exits with 0, prints the path of a sheet of 3 x 3 pictures, and 3 of what the sensor
    measured, and nothing of Blender's."""
    sensor = ("--set", "sensor.kind=time_of_flight")
    command = [sys.executable, "-m", "render", *tiny_frame(tmp_path / "out", asset_cache, *sensor)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [str(tmp_path / "out" / "sheet.png")]
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.size == (3 * 48, 4 * 36)
        assert len(sheet.getcolors(maxcolors=1 << 20) or []) > 100
