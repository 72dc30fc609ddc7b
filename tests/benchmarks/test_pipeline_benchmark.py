"""The benchmark of the pipeline measures true runs: its stand-ins publish what the pipeline takes for published."""

import sys
from pathlib import Path

import pytest

from benchmarks.made_up_dataset import made_up_plan
from benchmarks.made_up_dataset import main as make_up
from benchmarks.pipeline import measure_command
from benchmarks.stand_in_renderer import FILE, publish_element
from pipeline.dataset_index import publish_dataset
from pipeline.frame_counts import with_total_frames
from pipeline.frame_lookup import look_up_frames
from pipeline.planning import plan_dataset, shards_to_render
from pipeline.store import is_published
from render.config import load_recipe
from render.frame_keys import asset_hashes
from render.shard_plan import ShardPlan


def test_the_stand_in_publishes_what_a_dataset_is_made_of(tmp_path: Path):
    """True records without pictures: nothing is left to render, and a dataset is made of them. Twice does no harm."""
    recipe = with_total_frames(load_recipe("quick"), 24)
    dataset = plan_dataset(recipe, asset_hashes(recipe, source=None))
    nothing: dict[str, tuple[str, ...]] = {"gt": (), "rgb": ()}
    shards = shards_to_render(dataset.frames, nothing, nothing, shard_size=10)
    plan = ShardPlan(recipe=recipe, store=str(tmp_path), assets=dataset.assets, elements=shards)
    for element in (0, 1, 2, 1):
        publish_element(plan, element)
    found = look_up_frames(tmp_path)
    assert shards_to_render(dataset.frames, found.published, found.quarantined, shard_size=10) == ()
    assert len(list(tmp_path.glob(f"shards/*/*/{FILE}"))) == 6
    (tmp_path / "proof.json").write_text("{}")
    publish_dataset(dataset, tmp_path, certificate=tmp_path / "proof.json")
    assert is_published(tmp_path, "datasets", dataset.dataset_id)


def test_a_made_up_dataset_is_planned_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The keys that it keeps are taken for drawn ones, and its dataset counts as published until a shard is gone."""
    monkeypatch.setattr(sys, "argv", ["made_up_dataset", "quick", "240", "7", str(tmp_path)])
    assert make_up() == 0
    recipe = with_total_frames(load_recipe("quick"), 240)
    plan = plan_dataset(recipe, asset_hashes(recipe, source=None), store=tmp_path)
    assert plan == made_up_plan(recipe)
    assert is_published(tmp_path, "datasets", plan.dataset_id)
    (next(tmp_path.glob("shards/rgb/*")) / "shard.json").unlink()
    assert not is_published(tmp_path, "datasets", plan.dataset_id)


def test_a_command_is_charged_for_all_its_processes():
    """Processor time of children counts, and so does their memory; the clock is no less than what it waited for."""
    child = "import time; x = bytearray(90_000_000); t = time.process_time()\nwhile time.process_time() < t + 0.3: pass"
    cost = measure_command(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"]
    )
    assert cost.cpu_s >= 0.3 and cost.wall_s >= 0.3 and cost.peak_mb > 90


def test_a_command_that_fails_ends_the_benchmark():
    """Its output is the message: numbers of a failed run would be no numbers."""
    with pytest.raises(SystemExit, match="ended with 3:\nno such luck"):
        measure_command([sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"])
