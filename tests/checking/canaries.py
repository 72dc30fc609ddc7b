"""Canary frames: tiny pictures kept in the repository, so that a change of pixels cannot pass without a bumped epoch.

What a depth camera measures is made of ground truth alone: its canaries are measured on a kept frame, nothing rendered.

`make canaries` rewrites them, after an epoch in render/frame_keys.py was bumped on purpose.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from render.asset_library import assets_source, cache_folder
from render.config import load_recipe
from render.dataset_format import read_ground_truth, read_records
from render.frame_keys import EPOCHS, assets_of, plan_frame
from render.ranges.sensor import SensorSettings
from render.sensors.millimetre_png import write_millimetres
from render.sensors.simulate import simulate_sensor
from render.shard import render_element
from render.shard_plan import PlannedShard, ShardPlan

FOLDER = Path(__file__).resolve().parents[1] / "render" / "canaries"
# Name to (head family, index of the test frame). Indices were picked so that together they show all five expressions.
CANARIES = {"procedural": ("procedural", 3), "procedural_other": ("procedural", 21), "ict": ("ict", 8)}
# The frame that depth cameras look at, as if through this lens; settings that stay away from the defaults' zeros.
MEASURED = "procedural_other"
SENSOR_INTRINSICS = np.array([[105.0, 0.0, 40.0], [0.0, 105.0, 30.0], [0.0, 0.0, 1.0]])
SENSORS: dict[str, dict[str, float]] = {"structured_light": {}, "time_of_flight": {"multipath": 0.1}}
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


def measure_canary(kind: str) -> np.ndarray:
    """What one kind of depth camera measures on the kept ground truth of MEASURED, in millimetres."""
    truth = read_ground_truth(FOLDER / f"{MEASURED}.exr")
    settings = SensorSettings.model_validate({"kind": kind, **SENSORS[kind]})
    return simulate_sensor(truth, SENSOR_INTRINSICS, settings, frame_key="c0ffee" + 26 * "0")


def rewrite() -> None:
    """Render all canaries anew and keep them with the epochs they were made by."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in CANARIES:
        with tempfile.TemporaryDirectory() as folder:
            gt, rgb = render_canary(name, Path(folder), source=assets_source(None), cache=cache_folder(None))
            shutil.copyfile(gt, FOLDER / f"{name}.exr")
            shutil.copyfile(rgb, FOLDER / f"{name}.png")
        print(FOLDER / f"{name}.png")
    for kind in SENSORS:
        write_millimetres(FOLDER / f"{kind}.png", measure_canary(kind))
        print(FOLDER / f"{kind}.png")
    (FOLDER / "epochs.json").write_text(json.dumps(EPOCHS, indent=1) + "\n")


if __name__ == "__main__":
    rewrite()
    sys.stdout.flush()
    os._exit(0)  # bpy may hang when the interpreter cleans up
