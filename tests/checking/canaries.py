"""Canary frames: tiny pictures kept in the repository, so that a change of pixels cannot pass without a bumped epoch.

`make canaries` rewrites them, after an epoch in render/frame_keys.py was bumped on purpose.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from render.asset_library import assets_source, cache_folder
from render.config import load_recipe
from render.dataset_format import read_records
from render.frame_keys import EPOCHS, assets_of, plan_frame
from render.shard import render_element
from render.shard_plan import PlannedShard, ShardPlan

FOLDER = Path(__file__).resolve().parents[1] / "render" / "canaries"
# Name to (head family, index of the test frame). Indices were picked so that together they show all five expressions.
CANARIES = {"procedural": ("procedural", 3), "procedural_other": ("procedural", 21), "ict": ("ict", 8)}
SETTINGS = {
    "cameras.width_px": 80,
    "cameras.height_px": 60,
    "rgb.samples": 8,
    "rgb.denoise": False,
    "rgb.file_format": "png",
    "heads.subdivision_level": 1,
}


def render_canary(name: str, folder: Path, *, source: str | None, cache: Path) -> tuple[Path, Path]:
    """Render one canary below a folder; paths of its ground truth and its picture."""
    family, index = CANARIES[name]
    recipe = load_recipe("khan2021", overrides=SETTINGS | {"heads.family": family})
    assets = assets_of(recipe, source=source, cache=cache)
    element = PlannedShard(products=("gt", "rgb"), frames=(plan_frame(recipe, "test", index, assets),))
    plan = ShardPlan(recipe=recipe, store=str(folder), assets=assets, elements=(element,))
    shards = render_element(plan, 0, device="cpu", assets_source=source, cache=cache, report_progress=lambda *_: None)
    gt, rgb = (shard / read_records(shard)[0].file for shard in shards)
    return gt, rgb


def rewrite() -> None:
    """Render all canaries anew and keep them with the epochs they were made by."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in CANARIES:
        with tempfile.TemporaryDirectory() as folder:
            gt, rgb = render_canary(name, Path(folder), source=assets_source(None), cache=cache_folder(None))
            shutil.copyfile(gt, FOLDER / f"{name}.exr")
            shutil.copyfile(rgb, FOLDER / f"{name}.png")
        print(FOLDER / f"{name}.png")
    (FOLDER / "epochs.json").write_text(json.dumps(EPOCHS, indent=1) + "\n")


if __name__ == "__main__":
    rewrite()
    sys.stdout.flush()
    os._exit(0)  # bpy may hang when the interpreter cleans up
