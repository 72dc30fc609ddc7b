"""`python -m benchmarks.recipes`: a small dataset of every recipe, with its time and its quarantined frames.

Each dataset is rendered by the pipeline as a user would render it, in small pictures with few samples.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from pipeline.frame_lookup import look_up_frames
from render.config import load_recipe, recipe_names

LONG_SIDE_PX = 96
SAMPLES = 4


def main(arguments: list[str] | None = None) -> int:
    """Render and print one line a recipe; 0 when every recipe rendered and no frame is quarantined."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__)
    parser.add_argument("--frames", type=int, default=200, help="frames of each recipe, rounded to whole people (200)")
    parser.add_argument("--recipes", nargs="+", default=recipe_names(), help="which recipes (all)")
    parser.add_argument("--store", type=Path, required=True, help="store for the datasets; what it holds is used again")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes that render")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    outcomes = [_render(name, options.frames, options.store, options.workers) for name in options.recipes]
    quarantined = sum(len(frames) for frames in look_up_frames(options.store).quarantined.values())
    minutes = (time.perf_counter() - started) / 60
    print(f"all in {minutes:.1f} min; frames in quarantine, by product: {quarantined}")
    return 0 if all(outcomes) and not quarantined else 1


def _render(name: str, frames: int, store: Path, workers: int) -> bool:
    recipe = load_recipe(name)
    # Whole people, and at least one for each split.
    per_person = recipe.structure.frames_per_identity
    frames = max(3, round(frames / per_person)) * per_person
    scale = LONG_SIDE_PX / max(recipe.cameras.width_px, recipe.cameras.height_px)
    width_px, height_px = (round(side * scale) for side in (recipe.cameras.width_px, recipe.cameras.height_px))
    command = [sys.executable, "-m", "luigi", "--module", "pipeline", "RenderDataset", "--recipe", name]
    command += ["--frames", str(frames), "--store", str(store), "--LocalEngine-workers", str(workers)]
    for setting in (f"cameras.width_px={width_px}", f"cameras.height_px={height_px}", f"rgb.samples={SAMPLES}"):
        command += ["--set", setting]
    log = store / f"recipes-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with log.open("wb") as file:
        ended = subprocess.run(command, check=False, stdout=file, stderr=subprocess.STDOUT)
    minutes = (time.perf_counter() - started) / 60
    outcome = "rendered" if ended.returncode == 0 else f"FAILED with exit code {ended.returncode}, see {log}"
    print(f"{name:12s} {frames} frames {width_px}x{height_px}  {minutes:5.1f} min  {outcome}", flush=True)
    return ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
