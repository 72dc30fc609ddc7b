"""`python -m benchmarks.render`: seconds a frame by stage, the ratio to bare Cycles, PSNR, and growth of memory.

A shard is rendered as a farm would render it. The same frames are put on the stage, half of them before and half after,
and Cycles alone renders their picture and one 1-sample layer: the least that such a frame can take. So a machine that
grows slower or faster meanwhile changes the ratio less. Run it on a quiet machine all the same.
"""

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil

from benchmarks.bare_cycles import BareCycles, bare_cycles
from benchmarks.picture_quality import REFERENCE_SAMPLES, picture_psnr_db
from benchmarks.processor import processor_name
from render.asset_library import assets_source, cache_folder
from render.blender.draw import draw_frame, frame_on_stage, open_stage, person_on_stage
from render.blender.passes import Stage
from render.commands.machine_options import add_processes_option, open_crew
from render.config import Recipe, load_recipe, parse_override
from render.dataset_format import SHARD_RUN
from render.frame_keys import assets_of, plan_frame
from render.parameters import FrameParameters
from render.recipe_head import recipe_head
from render.sampling.frame import draw_frame as drawn_frame
from render.sampling.place import frame_place
from render.shard import render_element
from render.shard_plan import PlannedFrame, PlannedShard, ShardPlan, noise_seed
from render.side_by_side import Crew

SPLIT = "train"
# Seconds of a shard that are spent once a process, whatever the number of frames.
ONCE_A_PROCESS = ("start",)
# Frames until caches are filled; growth of memory is told from what comes after.
_WARM_UP_SHARE = 0.2


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark that the options ask for, and print what it found."""
    options = _options(arguments)
    recipe = _recipe(options)
    source, cache = assets_source(options.assets), cache_folder(options.cache)
    assets = assets_of(recipe, source=source, cache=cache)
    frames = tuple(plan_frame(recipe, SPLIT, index, assets) for index in range(options.memory or options.frames))
    plan = ShardPlan(
        recipe=recipe, store="", assets=assets, elements=(PlannedShard(products=("gt", "rgb"), frames=frames),)
    )
    print(
        f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores of {processor_name()}; {options.device}; recipe "
        f"{recipe.name} ({recipe.heads.family}, subdivision {recipe.heads.subdivision_level}), "
        f"{recipe.cameras.width_px}x{recipe.cameras.height_px}, {recipe.rgb.samples} samples, "
        f"{len(frames)} frames of {_person_index(recipe, frames[-1]) + 1} people"
    )
    model = recipe_head(recipe, assets_source=source, cache=cache, planned=assets)
    if options.memory:
        _print_memory(plan, model, device=options.device)
        return 0
    bare = _bare(plan, model, frames[: len(frames) // 2], device=options.device)
    with open_crew(options) as crew:
        stages = _shard_seconds(plan, crew, device=options.device, source=source, cache=cache)
    bare += _bare(plan, model, frames[len(frames) // 2 :], device=options.device)
    _print_times(stages, bare)
    if options.psnr:
        stage = open_stage(device=options.device, products=("rgb",))
        for frame, parameters in _on_stage(plan, model, stage, frames[:: max(len(frames) // options.psnr, 1)]):
            exposure = recipe.rgb.exposure_ev + parameters.lighting.exposure_ev
            value = picture_psnr_db(stage, exposure_ev=exposure, references=options.references, name=frame.keys["rgb"])
            print(f"PSNR to {REFERENCE_SAMPLES} samples, frame {frame.index}: {value:.2f} dB", flush=True)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.render", description=__doc__)
    parser.add_argument("--recipe", default="khan2021", help="name of a recipe, or path of one (khan2021)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a field of the recipe")
    parser.add_argument("--size", default="640x480", metavar="WxH", help="width and height in pixels (640x480)")
    parser.add_argument("--samples", type=int, help="samples a pixel; the recipe's own number otherwise")
    parser.add_argument("--frames", type=int, default=16, help="frames in the shard (16)")
    parser.add_argument("--identities", type=int, default=2, help="people in the shard (2)")
    parser.add_argument("--psnr", type=int, default=0, metavar="K", help="compare K frames with 1024 samples (0)")
    parser.add_argument("--references", type=Path, help="folder that keeps the 1024-sample pictures for another time")
    parser.add_argument("--memory", type=int, default=0, metavar="N", help="render N tiny frames and watch memory")
    add_processes_option(parser)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--assets", help="folder or address of assets (else HEADROOM_ASSETS)")
    parser.add_argument("--cache", type=Path, help="where assets are kept (else HEADROOM_CACHE, or ~/.cache/headroom)")
    return parser.parse_args(arguments)


def _recipe(options: argparse.Namespace) -> Recipe:
    width, cross, height = options.size.partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise SystemExit(f"--size wants WxH in pixels (for example 640x480), but {options.size!r} came")
    overrides: dict[str, object] = {"cameras.width_px": int(width), "cameras.height_px": int(height)}
    count = options.frames
    if options.memory:
        count = options.memory
        overrides = {"cameras.width_px": 48, "cameras.height_px": 36, "rgb.samples": 1}
    overrides["structure.frames_per_identity"] = max(count // options.identities, 1)
    overrides["structure.frames"] = {"train": count, "validation": 0, "test": 0}
    if options.samples:
        overrides["rgb.samples"] = options.samples
    overrides.update(parse_override(text) for text in options.set)
    return load_recipe(options.recipe, overrides=overrides)


def _shard_seconds(
    plan: ShardPlan, crew: Crew | None, *, device: str, source: str | None, cache: Path
) -> dict[str, float]:
    """Seconds a frame by stage of the shard, rendered into a folder that is deleted again."""
    with tempfile.TemporaryDirectory(prefix="headroom-benchmark-") as store:
        folder, _ = render_element(
            dataclasses.replace(plan, store=store),
            0,
            device=device,
            assets_source=source,
            cache=cache,
            crew=crew,
            report_progress=lambda done, total, _: print(f"\rframe {done} of {total}", end="", file=sys.stderr),
        )
        print(file=sys.stderr)
        run = json.loads((folder / SHARD_RUN).read_text())
    return {name: value / run["frames"] for name, value in run["seconds"].items() if name not in ONCE_A_PROCESS}


def _bare(plan: ShardPlan, model, frames: tuple[PlannedFrame, ...], *, device) -> list[BareCycles]:
    """What Cycles alone takes for each of these frames; its parts for the first frame of each person."""
    stage = open_stage(device=device, products=("rgb", "gt"))
    seen: set[int] = set()
    results = []
    for frame, _ in _on_stage(plan, model, stage, frames):
        person = _person_index(plan.recipe, frame)
        results.append(bare_cycles(stage, plan.recipe.rgb, parts=person not in seen))
        seen.add(person)
    return results


def _on_stage(
    plan: ShardPlan, model, stage: Stage, frames: Sequence[PlannedFrame]
) -> Iterator[tuple[PlannedFrame, FrameParameters]]:
    """Put one frame after the other on the stage, ready to be rendered."""
    for frame, parameters, person in _people(plan, model, stage, frames):
        with frame_on_stage(
            stage,
            person,
            parameters,
            plan.recipe.rgb,
            noise_seed=noise_seed(frame),
            image_folder=plan.recipe.backdrops.image_folder,
            seconds={},
        ):
            yield frame, parameters


def _people(plan: ShardPlan, model, stage: Stage, frames: Sequence[PlannedFrame], *, person_left=lambda: None):
    by_person: dict[int, list[PlannedFrame]] = {}
    for frame in frames:
        by_person.setdefault(_person_index(plan.recipe, frame), []).append(frame)
    for group in by_person.values():
        drawn = [drawn_frame(plan.recipe, SPLIT, frame.index) for frame in group]
        with person_on_stage(stage, model, drawn[0], level=plan.recipe.heads.subdivision_level) as person:
            for frame, parameters in zip(group, drawn, strict=True):
                yield frame, parameters, person
        person_left()


def _person_index(recipe: Recipe, frame: PlannedFrame) -> int:
    return frame_place(recipe.structure, frame.index).person


def _print_times(stages: dict[str, float], bare: list[BareCycles]) -> None:
    whole = sum(stages.values())
    parted = [one for one in bare if one.samples_s > 0]
    print("seconds a frame by the clock, mean over the shard (a person is built once for all of their frames):")
    for name, value in stages.items():
        print(f"  {name:14s} {value:7.3f}")
    print(f"  {'whole frame':14s} {whole:7.3f}")
    if parted:
        print("parts of the picture, mean over the first frame of each person:")
        for label, part in (("sync and BVH", "sync_s"), ("samples", "samples_s"), ("denoise", "denoise_s")):
            print(f"  {label:14s} {np.mean([getattr(one, part) for one in parted]):7.3f}")
    picture = float(np.mean([one.picture.clock_s for one in bare]))
    layer = float(np.mean([one.layer.clock_s for one in bare]))
    cpu = float(np.mean([one.picture.cpu_s + one.layer.cpu_s for one in bare]))
    least = picture + layer
    print(f"bare Cycles: picture {picture:.3f} + 1-sample layer {layer:.3f} = {least:.3f} s ({cpu:.2f} CPU s)")
    print(f"ratio of the whole frame to bare Cycles: {whole / least:.3f}")


def _print_memory(plan: ShardPlan, model, *, device) -> None:
    """Render every frame of the plan and print how resident memory grows: over all frames, some with much hair,
    and of what is left when a person has gone, which should be the same every time.
    """
    stage = open_stage(device=device, products=("gt", "rgb"))
    process = psutil.Process()
    resident_mb, left_mb, left_after = [], [], []

    def look() -> float:
        return process.memory_info().rss / 2**20

    def person_left() -> None:
        left_mb.append(look())
        left_after.append(len(resident_mb))

    frames = plan.elements[0].frames
    for frame, parameters, person in _people(plan, model, stage, frames, person_left=person_left):
        draw_frame(
            stage,
            person,
            parameters,
            plan.recipe.rgb,
            noise_seed=noise_seed(frame),
            image_folder=plan.recipe.backdrops.image_folder,
        )
        resident_mb.append(look())
        print(f"\rframe {len(resident_mb)}: {resident_mb[-1]:.1f} MB", end="", file=sys.stderr)
    print(file=sys.stderr)
    settled = int(_WARM_UP_SHARE * len(frames))
    late = [number for number, after in enumerate(left_after) if after > settled]
    _print_growth("during frames", range(settled, len(frames)), resident_mb[settled:])
    _print_growth("with nobody on stage", [left_after[number] for number in late], [left_mb[number] for number in late])


def _print_growth(when: str, frames: Sequence[int], resident_mb: Sequence[float]) -> None:
    if len(frames) < 2:
        print(f"resident memory {when}: too few frames to tell a trend")
        return
    slope = np.polyfit(frames, resident_mb, 1)[0]
    print(
        f"resident memory {when}: {resident_mb[0]:.0f} MB settled, {resident_mb[-1]:.0f} MB at last, highest "
        f"{max(resident_mb):.0f} MB; growth {slope:.4f} MB a frame (least squares over {len(frames)} looks)"
    )


if __name__ == "__main__":
    sys.exit(main())
