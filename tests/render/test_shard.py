"""Shards: the same bytes whatever the grouping, published whole or not at all, never rendered twice."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_shards import make_plan, render, tiny_recipe

from render.dataset_format import (
    SHARD_RECIPE,
    SHARD_RUN,
    read_ground_truth,
    read_records,
    read_rgb,
    read_shard_manifest,
)
from render.image_folder import ImageFolderError
from render.parameters import FACTORS_OF_PRODUCT
from render.shard_frames import ShardError
from render.shard_plan import PlannedShard, ShardPlan, read_plan, shard_folder, write_plan
from render.side_by_side import Crew


def frame_bytes(shards: list[Path], product: str) -> dict[str, bytes]:
    """Bytes of every frame by key, over all shards of a product."""
    return {
        record.key: (shard / record.file).read_bytes()
        for shard in shards
        for record in read_records(shard)
        if record.product == product
    }


@pytest.fixture(scope="module")
def together(tmp_path_factory, asset_cache) -> tuple[ShardPlan, list[Path]]:
    """Four frames of two people in one element."""
    plan = make_plan(tmp_path_factory.mktemp("together"), asset_cache, groups=[[0, 1, 2, 3]])
    return plan, render(plan, 0, asset_cache)


def test_a_shard_holds_what_it_promises(together):
    """Records match files, keys match the plan, both products decode, and volatile facts are in run.json alone."""
    plan, (gt, rgb) = together
    planned = plan.elements[0].frames
    for shard, product in ((gt, "gt"), (rgb, "rgb")):
        assert shard == shard_folder(Path(plan.store), plan.elements[0], product)
        assert read_shard_manifest(shard).frame_keys == tuple(frame.keys[product] for frame in planned)
    for record in read_records(gt):
        truth = read_ground_truth(gt / record.file)
        assert truth.labels.shape == (36, 48) and (truth.head.depth_m > 0).any()
        assert record.geometry is not None and len(record.geometry.landmarks_2d_px) == 68
        assert set(record.drawn) == set(FACTORS_OF_PRODUCT["gt"]) and "lighting" not in record.drawn
    for record in read_records(rgb):
        assert read_rgb(rgb / record.file).shape == (36, 48, 3)
        assert record.geometry is None and "lighting" in record.drawn
    run = json.loads((gt / SHARD_RUN).read_text())
    assert run["frames"] == 4 and run["seconds"]["cycles_gt"] > 0 and run["retried"] == []
    assert not (gt / SHARD_RECIPE).exists()
    assert not list(gt.parent.glob(".tmp-*"))


def test_the_same_frames_in_other_shards_have_the_same_bytes(together, tmp_path, asset_cache):
    """Another grouping, order, process state and product set: equal keys, equal ground-truth bytes and records."""
    _, shards = together
    split = make_plan(tmp_path, asset_cache, groups=[[2, 3], [1]])
    others = [*render(split, 0, asset_cache), *render(split, 1, asset_cache)]
    alone = make_plan(tmp_path / "gt", asset_cache, groups=[[0]], products=("gt",))
    others += render(alone, 0, asset_cache)
    reference, again = frame_bytes(shards, "gt"), frame_bytes(others, "gt")
    assert again == reference and len(reference) == 4
    records = {record.key: record for shard in shards for record in read_records(shard)}
    for shard in others:
        for record in read_records(shard):
            if record.product == "gt":
                assert record.model_copy(update={"file": ""}) == records[record.key].model_copy(update={"file": ""})


def test_two_processes_render_the_bytes_of_one(tmp_path, asset_cache):
    """Three frames of two people with hair, shared by two processes: ground truth, pictures, records and their order
    are those of one process; run.json tells how many there were, and its stages add up to less than theirs together."""
    recipe = tiny_recipe(**{"hairs.styles": {"buzz": 1}, "rgb.samples": 2})
    one, two = (make_plan(tmp_path / name, asset_cache, groups=[[0, 1, 2]], recipe=recipe) for name in ("one", "two"))
    alone = render(one, 0, asset_cache)
    progress: list[int] = []
    with Crew(2) as crew:
        together = render(two, 0, asset_cache, crew, lambda done, *_: progress.append(done))
    for ours, theirs in zip(together, alone, strict=True):
        assert read_records(ours) == read_records(theirs)
        for record in read_records(ours):
            assert (ours / record.file).read_bytes() == (theirs / record.file).read_bytes()
        assert json.loads((ours / SHARD_RUN).read_text())["processes"] == 2
        assert json.loads((theirs / SHARD_RUN).read_text())["processes"] == 1
    assert progress == [1, 2, 3]


def test_a_bad_plan_fails_in_a_crew_as_it_does_alone(tmp_path, asset_cache):
    """The error of a process of the crew is the error of the command, and no draft is left."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "torn.jpg").write_bytes(b"no picture")
    recipe = tiny_recipe(**{"backdrops.shares": {"image": 1}, "backdrops.image_folder": str(pictures)})
    plan = make_plan(tmp_path / "store", asset_cache, groups=[[0, 1]], recipe=recipe)
    with Crew(2) as crew, pytest.raises(ImageFolderError, match=r"torn\.jpg"):
        render(plan, 0, asset_cache, crew)
    assert not list((tmp_path / "store").rglob(".tmp-*"))


def test_relighting_leaves_ground_truth_where_it_is(together, asset_cache):
    """Another range of lights gives the same ground-truth keys, hence the same shard, and only rgb is rendered."""
    plan, (gt, rgb) = together
    before = (gt / SHARD_RUN).stat().st_mtime_ns
    relit = make_plan(
        Path(plan.store),
        asset_cache,
        groups=[[0, 1, 2, 3]],
        recipe=tiny_recipe(**{"lightings.key_power_w": [100, 200]}),
    )
    gt_again, rgb_again = render(relit, 0, asset_cache)
    assert gt_again == gt and (gt / SHARD_RUN).stat().st_mtime_ns == before
    assert rgb_again != rgb and rgb.exists()
    assert (read_rgb(rgb_again / "000000.png") != read_rgb(rgb / "000000.png")).any()


def test_what_is_published_is_not_rendered_again(together, asset_cache, monkeypatch):
    """A second run of the element returns the folders without so much as opening Blender's scenes."""
    plan, shards = together
    monkeypatch.setattr("render.blender.draw.open_stage", lambda **_: pytest.fail("rendered again"))
    assert render(plan, 0, asset_cache) == shards


def test_a_plan_of_another_version_is_refused(together, asset_cache, tmp_path):
    """When keys do not match what this code makes, the error says so and what to do; nothing is left behind."""
    plan, _ = together
    frame = plan.elements[0].frames[0]
    stale = frame.model_copy(update={"keys": {"gt": "0" * 32, "rgb": "1" * 32}})
    changed = replace(plan, store=str(tmp_path), elements=(PlannedShard(products=("gt",), frames=(stale,)),))
    with pytest.raises(ShardError, match=r"train/0: the plan was made by another version.*Plan again"):
        render(changed, 0, asset_cache)
    assert not list(tmp_path.rglob("*.exr"))


def test_an_element_that_does_not_exist_is_refused(together, asset_cache):
    """The error tells which elements there are."""
    with pytest.raises(ShardError, match="elements 0 to 0, but element 7"):
        render(together[0], 7, asset_cache)


def start(plan_file: Path, progress: Path, cache: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "render", "shard", "--plan", str(plan_file), "--element", "0"]
    return subprocess.Popen(
        [*command, "--progress", str(progress), "--cache", str(cache)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={key: value for key, value in os.environ.items() if key != "HEADROOM_ASSETS"},
    )


def test_kill_9_leaves_no_torn_shard_and_the_next_run_finishes(together, tmp_path, asset_cache):
    """Killed in the middle, nothing is published; run again, the shard has the bytes of an undisturbed run."""
    reference_plan, reference = together
    plan = make_plan(tmp_path / "store", asset_cache, groups=[[0, 1, 2, 3]])
    plan_file, progress = tmp_path / "plan.json", tmp_path / "progress.jsonl"
    write_plan(plan_file, plan)
    assert read_plan(plan_file) == plan
    process = start(plan_file, progress, asset_cache)
    deadline = time.monotonic() + 120
    while not progress.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, process.stderr.read().decode()
    published = [path for path in (tmp_path / "store").glob("shards/*/*") if not path.name.startswith(".tmp-")]
    assert published == []
    again = start(plan_file, progress, asset_cache)
    assert again.wait(timeout=180) == 0, again.stderr.read().decode()
    shards = [shard_folder(tmp_path / "store", plan.elements[0], product) for product in ("gt", "rgb")]
    assert frame_bytes(shards, "gt") == frame_bytes(reference, "gt")
    assert reference_plan.store != plan.store


def test_two_processes_on_one_element_publish_one_shard(tmp_path, asset_cache):
    """Both end well, one shard is there, whole, and no draft is left."""
    plan = make_plan(tmp_path / "store", asset_cache, groups=[[0]], products=("gt",))
    plan_file = tmp_path / "plan.json"
    write_plan(plan_file, plan)
    processes = [start(plan_file, tmp_path / f"progress{number}.jsonl", asset_cache) for number in (0, 1)]
    for process in processes:
        assert process.wait(timeout=180) == 0, process.stderr.read().decode()
    folders = list((tmp_path / "store" / "shards" / "gt").iterdir())
    assert folders == [shard_folder(tmp_path / "store", plan.elements[0], "gt")]
    assert len(read_records(folders[0])) == 1
