"""`repro` and `plan --measure` with the real renderer, and what they say when pixels are not what was published."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_shards import TINY

from pipeline.__main__ import main
from pipeline.dataset_index import publish_dataset
from pipeline.planning import plan_dataset, shards_to_render
from pipeline.reproduction import compare_pictures, compare_truth
from render.config import load_recipe
from render.dataset_format import read_ground_truth, read_records, write_ground_truth
from render.frame_keys import EPOCHS, asset_hashes
from render.shard_plan import ShardPlan, write_plan

RENDER = [sys.executable, "-m", "render"]
SETTINGS = TINY | {
    "structure.frames": {"train": 2, "test": 2},
    "sensor.kind": "time_of_flight",
    "backdrops.shares": {"environment": 1},
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A dataset of four tiny frames with measured depth, rendered by the real renderer; its folder."""
    store = tmp_path_factory.mktemp("published") / "store"
    recipe = load_recipe("quick", overrides=SETTINGS)
    plan = plan_dataset(recipe, asset_hashes(recipe, source=None))
    shards = shards_to_render(
        plan.frames,
        dict.fromkeys(("gt", "rgb", "sensor"), ()),
        dict.fromkeys(("gt", "rgb", "sensor"), ()),
        shard_size=4,
    )
    shard_plan = ShardPlan(recipe=recipe, store=str(store), assets=plan.assets, elements=shards)
    path = store / "plans" / "plan.jsonl"
    write_plan(path, shard_plan)
    command = [*RENDER, "shard", "--plan", str(path), "--element", "0", "--processes", "1"]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    (store / "certificate.json").write_text("{}")
    return publish_dataset(plan, store, certificate=store / "certificate.json")


def test_a_published_frame_is_made_again_bit_for_bit(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Ground truth, measured depth and picture of one frame are those in the store; its scene lies beside them."""
    store = published.parent.parent
    assert main(["repro", "test/1", "--store", str(store), "--out", str(tmp_path / "again")]) == 0
    told = capsys.readouterr().out
    assert "ground truth: equal, bit for bit" in told and "measured depth: equal, bit for bit" in told
    assert "picture: equal, bit for bit" in told
    assert (tmp_path / "again" / "frame.blend").stat().st_size > 100_000
    assert main(["repro", "test/1", "--store", str(store), "--out", str(tmp_path / "again")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_other_ground_truth_in_the_store_is_found(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A published depth that was changed by 1 mm in one pixel: exit code 1, and array, amount and pixels are named."""
    store = Path(shutil.copytree(published.parent.parent, tmp_path / "store"))
    (shard,) = (store / "shards" / "gt").iterdir()
    key = read_records(shard)[3].key
    truth = read_ground_truth(shard / "000003.exr")
    row, column = np.argwhere(truth.head.depth_m > 0)[0]
    truth.head.depth_m[row, column] += 0.001
    write_ground_truth(shard / "000003.exr", truth)
    assert main(["repro", key[:12], "--store", str(store), "--out", str(tmp_path / "again")]) == 1
    told = capsys.readouterr().out
    assert "ground truth: differs: " in told and "head.depth_m by up to 0.001 in 1 of 1728 pixels" in told
    assert "visible.depth_m" not in told and "picture: equal, bit for bit" in told
    assert "test/1 of dataset" in told


def test_a_frame_of_another_version_is_refused_with_the_input_that_differs(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """When an epoch has been bumped since, nothing is rendered: the message names epoch and both values."""
    monkeypatch.setitem(EPOCHS, "ground_truth", 99)
    store = published.parent.parent
    assert main(["repro", "train/0", "--store", str(store), "--out", str(tmp_path / "again")]) == 2
    assert re.search(
        r"gt of train/0 cannot be rendered as published: epochs\.ground_truth: \d+ -> 99", capsys.readouterr().err
    )


def test_a_frame_that_no_dataset_has_is_refused(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """An index beyond the dataset, a name that is none, a dataset that is none: exit code 2 and what would do."""
    store = ["--store", str(published.parent.parent)]
    assert main(["repro", "test/7", *store]) == 2
    assert f"no frame test/7 in {published.name}" in capsys.readouterr().err
    assert main(["repro", "seven", *store]) == 2
    assert "split/index (test/3)" in capsys.readouterr().err
    assert main(["repro", "test/0", *store, "--dataset", "abcdef"]) == 2
    assert "abcdef is no dataset" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_differences_are_measured_in_their_own_units(published: Path, tmp_path: Path):
    """Two frames that are not the same: every array of ground truth is named, a picture's levels are counted, and
    another size is no difference of levels."""
    store = published.parent.parent
    (truth,), (picture,) = ([*(store / "shards" / name).iterdir()] for name in ("gt", "rgb"))
    found = list(compare_truth(truth / "000000.exr", truth / "000001.exr"))
    assert len(found) == 7 and found[0].startswith("labels by up to ")
    one = np.array(Image.open(picture / "000000.png"))
    other = one.copy()
    other[2, 5, 1] ^= 8
    Image.fromarray(other).save(tmp_path / "other.png")
    assert compare_pictures(picture / "000000.png", picture / "000000.png") == "picture: equal, bit for bit"
    expected = f"picture: largest difference 8 of 255 levels, mean {8 / one.size:.4f}"
    assert compare_pictures(picture / "000000.png", tmp_path / "other.png") == expected
    Image.fromarray(other[:, :-3]).save(tmp_path / "small.png")
    assert (
        compare_pictures(picture / "000000.png", tmp_path / "small.png") == "picture: 45 x 36 pixels instead of 48 x 36"
    )


def test_a_plan_measures_one_frame_where_nothing_is_on_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """With --measure one frame is rendered, elsewhere than in the store; time and space are estimated by it."""
    settings = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={json.dumps(value)}")]
    command = ["plan", *settings, "--store", str(tmp_path / "store")]
    assert main(command) == 0
    assert "time: no frame of this kind is on record" in capsys.readouterr().out
    assert main([*command, "--measure"]) == 0
    told = capsys.readouterr().out
    found = re.search(r"time: about ([\d.]+) s on all cores of this machine \(by one frame rendered just now\)\n", told)
    assert found and 0.5 < float(found[1]) < 200
    assert re.search(r"space: about \d+ kB \(by one frame rendered just now\)", told)
    assert not (tmp_path / "store").exists()
