"""`python -m pipeline plan`, the fetching of assets, and what importing the pipeline costs."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.tasks.fetch_assets import FetchAssets, shown_progress


def test_a_plan_counts_what_would_be_rendered_and_renders_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Frames by split, frames to render and to use again by product, the number of shards, and what comes after."""
    arguments = ["plan", "--frames", "24", "--set", "structure.shard_size=10", "--store", str(tmp_path / "store")]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "16 train, 4 validation, 4 test frames" in told
    assert "gt: 24 of 24 to render, 0 reused; rgb: 24 of 24 to render, 0 reused" in told
    assert "why: no dataset is in the store yet\n3 shards to render\ntime: no frame of this kind is on record" in told
    assert "\nspace: about 9.0 MB (by bytes a pixel as other recipes needed them)\n" in told
    assert "\nto make beside it: certificate, pack, floor of distance, training of" in told
    assert told.endswith(", report\n")
    assert list(tmp_path.iterdir()) == []


def test_a_plan_of_an_unknown_recipe_fails_in_plain_words(capsys: pytest.CaptureFixture[str]):
    """Exit code 2, and the recipes that there are."""
    assert main(["plan", "--recipe", "nope"]) == 2
    error = capsys.readouterr().err
    assert "Known names: " in error and "khan2021" in error and "quick" in error


def test_importing_the_pipeline_loads_neither_bpy_nor_torch():
    """A run with nothing to do takes seconds, because the heavy modules stay in child processes."""
    code = "import sys, pipeline.__main__; sys.exit(bool({'bpy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_asset_that_cannot_be_had_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder without the archive: the task is incomplete, and running it says what is missing where."""
    monkeypatch.setenv("HEADROOM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "empty").mkdir()
    fetch = FetchAssets(heads="ict", assets=str(tmp_path / "empty"))
    assert not fetch.complete()
    with pytest.raises(Exception, match=r"asset ict_facekit is not in .*empty.*HEADROOM_ASSETS"):
        fetch.run()
    assert FetchAssets(heads="procedural", assets=str(tmp_path / "empty")).complete()


def test_bytes_are_shown_in_megabytes(capsys: pytest.CaptureFixture[str]):
    """A bar counts from where a broken download goes on to its full size."""
    with shown_progress("ict_facekit") as report:
        report("download", 2_500_000, 9_100_000)
        report("download", 9_100_000, 9_100_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("download ict_facekit: 3/10 MB")
    assert lines[-1].startswith("download ict_facekit: 10/10 MB")
