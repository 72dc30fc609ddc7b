"""FullRun as typed, with nothing replaced: Blender renders, torch trains, and the report tells of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet

LUIGI = Path(sys.executable).with_name("luigi")
# The experiments of the quick profile, and one of normals with its critic, as narrow as they can be.
PROFILE = """
recipe: quick
settings: {network.width: 2, schedule.epochs: 2}
experiments:
  - {key: khan2021_unet_simple_l1}
  - {key: khan2021_unet_simple}
  - key: bouafif2020_wgan_l2
    settings: {network.levels: 4, adversary.critic_width: 2, adversary.critic_steps: 1}
pack: {width_px: 32, height_px: 24}
device: cpu
seed: 0
"""
# Its recipe in its smallest form: three people with one picture each, of 64 x 48 pixels.
SMALLEST = {
    "structure.frames": "{train: 1, validation: 1, test: 1}",
    "structure.frames_per_identity": "1",
    "cameras.width_px": "64",
    "cameras.height_px": "48",
    "rgb.samples": "1",
}


def test_the_smallest_full_run_renders_trains_and_reports(tmp_path: Path):
    """Every stage's real command understands its neighbours: from an empty folder to a report whose numbers are those
    of the dataset, the trainings and the evaluations; and a second run makes nothing."""
    (tmp_path / "smallest.yaml").write_text(PROFILE)
    command = [str(LUIGI), "--module", "pipeline", "FullRun", "--profile", "smallest.yaml"]
    for name, value in SMALLEST.items():
        command += ["--set", f"{name}={value}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LUIGI")}

    def run() -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    told = run()
    store = tmp_path / "store"
    report = store / "reports" / "latest"
    results = json.loads((report / "results.json").read_text())
    names = ["khan2021_unet_simple_l1", "khan2021_unet_simple"]
    assert sorted(one["experiment"] for one in results["evaluations"]) == sorted(names)
    assert results["dataset"]["frames"] == {"train": 1, "validation": 1, "test": 1, "all": 3}
    assert all(one["finished"] and one["last_epoch"]["epoch"] == 2 for one in results["trainings"])
    stages = {"certificate", "render", "pack", "floor", "training", "evaluation", "all"}
    assert set(results["seconds"]) == stages
    (index,) = (store / "datasets").glob("*/index.parquet")
    rows = pyarrow.parquet.read_table(index).to_pylist()
    assert [row["split"] for row in rows] == ["train", "validation", "test"]
    assert all(700 <= row["drawn.camera.distance_mm"] <= 1000 for row in rows)
    for one in results["evaluations"]:
        (rmse,) = (
            row
            for row in one["regions"]["head_mask"]["rows"]
            if row["metric"] == "rmse_m" and row["aligned_by"] == "nothing"
        )
        assert 0 < rmse["pooled"] < 5 and rmse["paper"] == 0.0143
        assert f"rmse_m {rmse['pooled']:.4f} (paper: 0.0143)" in told
    (normals,) = results["normals"]
    assert normals["experiment"] == "bouafif2020_wgan_l2" and normals["paper"]["mean_angle_deg"] == 10.01
    recall = normals["scores"]["pooled"]["mask_recall"]
    assert f"mask_recall {recall:.4f} (paper: 0.9840)" in told and "mean_angle_deg" in told
    assert len(normals["strips"]) == 1
    page = (report / "index.html").read_text()
    assert page.count("data:image/webp") > 3 * 9
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    run()
    after = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    assert before == after
