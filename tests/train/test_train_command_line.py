"""The command line of train: the whole way from dataset to evaluation, and its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from train.__main__ import main
from train.catalogue import experiments


def test_list_and_describe_show_the_catalogue(capsys: pytest.CaptureFixture[str]):
    """Every key is listed; describe shows a setting after it was changed."""
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(key in listed for key in experiments())
    assert main(["describe", "khan2021_unet_simple", "--set", "schedule.epochs=3"]) == 0
    told = capsys.readouterr().out
    assert "schedule.epochs = 3" in told
    assert "changed are schedule.epochs = 3 (there 20)" in told and "note: The loss has no L1 term" in told


def test_from_dataset_to_evaluation(ball_dataset_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """pack, fit and evaluate follow each other, each with exit code 0 and its results where they were asked for."""
    pack, training, out = (str(tmp_path / name) for name in ("pack", "training", "evaluation"))
    sizes = ["--width-px", "32", "--height-px", "20"]
    assert main(["pack", "--dataset", str(ball_dataset_folder), "--out", pack, *sizes]) == 0
    settings = ["--set", "network.width=2", "--set", "schedule.epochs=1"]
    chosen = ["--experiment", "khan2021_unet_simple", "--pack", pack, "--out", training]
    assert main(["fit", *chosen, "--device", "cpu", "--seed", "3", *settings]) == 0
    assert main(["evaluate", "--training", training, "--pack", pack, "--split", "test", "--out", out]) == 0
    assert json.loads((tmp_path / "evaluation" / "evaluation.json").read_text())["frames"] == 3
    told = capsys.readouterr().err
    assert "packing: 11/11 frames" in told
    assert "training khan2021_unet_simple: 6/6 images" in told
    assert "evaluating khan2021_unet_simple: 3/3 images" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["describe", "khan"], "no experiment 'khan'"),
        (["describe", "khan2021_unet_simple", "--set", "loss.l2=1"], "no setting 'loss.l2'"),
        (["pack", "--dataset", "nowhere", "--out", "p", "--width-px", "32", "--height-px", "20"], "is no dataset"),
        (["fit", "--experiment", "khan2021_unet_simple", "--pack", "nowhere", "--out", "t"], "pack: "),
        (["evaluate", "--training", "nowhere", "--pack", "p", "--split", "test", "--out", "o"], "is no training"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_two(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """No traceback: one error on stderr that names what is wrong; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.err.startswith("error: ")
    assert told in output.err
    assert not output.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", ["0", "-3", "12.5", "wide"])
def test_a_size_that_is_no_number_of_pixels_is_refused(size: str, capsys: pytest.CaptureFixture[str]):
    """argparse ends with exit code 2 and says what was expected."""
    with pytest.raises(SystemExit) as end:
        main(["pack", "--dataset", "d", "--out", "o", "--width-px", size, "--height-px", "20"])
    assert end.value.code == 2
    assert "--width-px: expected a whole number above 0" in capsys.readouterr().err


def test_listing_experiments_imports_no_torch():
    """The catalogue and the progress bar are light: others read them without paying for torch."""
    code = (
        "import sys, train.progress, train.catalogue as c; c.experiments(); "
        "import train.__main__; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
