"""Datasets of a store as a run would leave them, made within a moment by the stand-in for the renderer."""

import importlib.util
import sys
from pathlib import Path
from unittest.mock import patch

from pipeline.dataset_index import publish_dataset
from pipeline.frame_lookup import look_up_frames
from pipeline.planning import DatasetPlan, plan_dataset, shards_to_render
from render.config import Recipe
from render.frame_keys import asset_hashes
from render.shard_plan import ShardPlan, plan_id, write_plan

FAKE_RENDERER = Path(__file__).resolve().parents[1] / "pipeline" / "fake_renderer.py"


def planned(recipe: Recipe) -> DatasetPlan:
    """The plan of a recipe's dataset with the real hashes of its assets."""
    return plan_dataset(recipe, asset_hashes(recipe, source=None))


def render_missing(recipe: Recipe, store: Path, *, bad: tuple[str, ...] = (), elements: int | None = None) -> list[str]:
    """Render what the store lacks, or only the first elements; returns `product key` of each frame that was drawn."""
    dataset, found = planned(recipe), look_up_frames(store)
    size = recipe.structure.shard_size
    shards = shards_to_render(dataset.frames, found.published, found.quarantined, shard_size=size)
    if not shards:
        return []
    plan = ShardPlan(recipe=recipe, store=str(store), assets=dataset.assets, elements=shards)
    path = store / "plans" / f"{plan_id(plan)}.jsonl"
    (store / "logs" / path.stem).mkdir(parents=True, exist_ok=True)
    write_plan(path, plan)
    diary = store / "logs" / path.stem / "diary.txt"
    chosen = range(len(shards) if elements is None else elements)
    words = ["fake_renderer.py", "--diary", str(diary), *(word for frame in bad for word in ("--bad-frame", frame))]
    words += ["shard", "--plan", str(path), "--progress", str(diary.with_name("progress"))]
    words += [word for element in chosen for word in ("--element", str(element))]
    specification = importlib.util.spec_from_file_location("fake_renderer", FAKE_RENDERER)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    with patch.object(sys, "argv", words):
        assert module.main() == 0
    return [line.removeprefix("render ") for line in diary.read_text().splitlines() if line.startswith("render ")]


def make_dataset(recipe: Recipe, store: Path, *, bad: tuple[str, ...] = ()) -> Path:
    """Render what is missing and publish the dataset; its folder."""
    store.mkdir(exist_ok=True)
    render_missing(recipe, store, bad=bad)
    (store / "proof.json").write_text("{}")
    return publish_dataset(planned(recipe), store, certificate=store / "proof.json")
