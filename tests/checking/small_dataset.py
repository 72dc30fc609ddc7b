"""A small published dataset of every product, made by the stand-in for the renderer, for what reads datasets."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pipeline.dataset_index import publish_dataset
from pipeline.frame_lookup import look_up_frames
from pipeline.planning import DatasetPlan, plan_dataset, shards_to_render
from render.certification.certificate import CERTIFICATE_VERSION, Certificate, Check
from render.config import load_recipe
from render.frame_keys import asset_hashes, product_epochs, software_versions
from render.shard_plan import ShardPlan, write_plan

FAKE_RENDERER = Path(__file__).parents[1] / "pipeline" / "fake_renderer.py"
SETTINGS = {
    "structure.frames": {"train": 6, "validation": 2, "test": 2},
    "structure.frames_per_identity": 2,
    "structure.shard_size": 4,
    "sensor.kind": "structured_light",
    "rgb.file_format": "png",  # what the stand-in writes
}


@dataclass(frozen=True)
class SmallDataset:
    """A dataset's plan, the store it lies in, and its folder."""

    plan: DatasetPlan
    store: Path
    folder: Path


def publish_small_dataset(folder: Path, *, bad_frames: tuple[str, ...] = (), **settings: object) -> SmallDataset:
    """Publish a dataset below a folder; settings of the recipe with __ for dots; `bad_frames` are quarantined."""
    overrides = SETTINGS | {name.replace("__", "."): value for name, value in settings.items()}
    recipe = load_recipe("quick", overrides=overrides)
    plan = plan_dataset(recipe, asset_hashes(recipe, source=None))
    store = folder / "store"
    store.mkdir()
    found = look_up_frames(store)
    shards = shards_to_render(plan.frames, found.published, found.quarantined, shard_size=recipe.structure.shard_size)
    shard_plan = ShardPlan(recipe=recipe, store=str(store), assets=plan.assets, elements=shards)
    path = folder / "plan.json"
    write_plan(path, shard_plan)
    command = [sys.executable, str(FAKE_RENDERER), "--diary", str(folder / "diary.txt")]
    command += [word for frame in bad_frames for word in ("--bad-frame", frame)]
    command += ["shard", "--plan", str(path), "--progress", str(folder / "progress.jsonl")]
    command += [word for element in range(len(shards)) for word in ("--element", str(element))]
    subprocess.run(command, check=True, timeout=120)
    (folder / "certificate.json").write_text(certificate().model_dump_json())
    published = publish_dataset(plan, store, certificate=folder / "certificate.json")
    return SmallDataset(plan, store, published)


def certificate() -> Certificate:
    """A certificate of procedural heads with one check, which passed: 1.25 of 2 micrometres."""
    check = Check(
        scene="plane", layer="head", quantity="depth", rule="planar depth", unit="um", width_px=8, height_px=6,
        compared=48, median=0.5, percentile_99=1.0, worst=1.25, worst_at=(2, 3), bound=2.0, passed=True,
    )  # fmt: skip
    return Certificate(
        version=CERTIFICATE_VERSION,
        mode="quick",
        device="cpu",
        families=("procedural",),
        assets={},
        epochs=product_epochs("gt"),
        software=software_versions(),
        engine={},
        passed=True,
        checks=(check,),
    )
