"""Command line of the renderer: `python -m render shard|frame|recipes`."""

import argparse
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

from render.config import RecipeError, load_recipe, parse_override, recipe_names
from render.dataset_format import SPLITS, DatasetError, read_ground_truth, read_records, read_rgb
from render.shard_plan import PlanError

FAILED, BAD_INPUT = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 when rendering failed, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m render", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    shard = commands.add_parser("shard", help="render elements of a plan and publish their shards")
    shard.add_argument("--plan", type=Path, required=True, help="a plan that the pipeline wrote")
    shard.add_argument("--element", type=int, action="append", required=True, help="which element; may be repeated")
    shard.add_argument("--progress", type=Path, help="append a JSON line to this file after every frame")
    _add_machine_options(shard)

    frame = commands.add_parser("frame", help="render one frame of a recipe and show everything about it")
    frame.add_argument("--recipe", required=True, help="a recipe's name, or the path of a YAML file")
    frame.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    frame.add_argument("--split", choices=SPLITS, default="train")
    frame.add_argument("--index", type=int, default=0)
    frame.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet")
    _add_machine_options(frame)

    commands.add_parser("recipes", help="list the recipes that come with Headroom")
    options = parser.parse_args(arguments)
    try:
        return {"shard": _shard, "frame": _frame, "recipes": _recipes}[options.command](options)
    except (RecipeError, DatasetError, PlanError, FileExistsError) as error:
        print(f"python -m render {options.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    except Exception as error:
        if type(error).__module__.split(".")[0] != "render":
            raise
        print(f"python -m render {options.command}: {type(error).__name__}: {error}", file=sys.stderr)
        return FAILED


def _add_machine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="what Cycles renders on")
    parser.add_argument("--assets", help="folder or mirror that holds the assets (else HEADROOM_ASSETS, else download)")
    parser.add_argument(
        "--cache", type=Path, help="where assets are kept (else HEADROOM_CACHE, else ~/.cache/headroom)"
    )


def _shard(options: argparse.Namespace) -> int:
    from render.asset_library import assets_source, cache_folder
    from render.shard import render_element
    from render.shard_plan import read_plan

    plan = read_plan(options.plan)
    for element in options.element:
        started = time.perf_counter()

        def report(done: int, total: int, stage: str, element: int = element, started: float = started) -> None:
            line = {"element": element, "done": done, "total": total, "stage": stage}
            line["seconds"] = round(time.perf_counter() - started, 3)  # pyright: ignore[reportArgumentType]
            if options.progress is not None:
                with options.progress.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")

        folders = render_element(
            plan,
            element,
            device=options.device,
            assets_source=assets_source(options.assets),
            cache=cache_folder(options.cache),
            report_progress=report,
        )
        for folder in folders:
            print(f"element {element}: {folder}")
    return 0


def _frame(options: argparse.Namespace) -> int:
    from PIL import Image

    from render.asset_library import assets_source, cache_folder
    from render.frame_keys import assets_of, plan_frame
    from render.preview import sheet
    from render.shard import render_element
    from render.shard_plan import PlannedShard, ShardPlan

    if options.out.exists():
        raise FileExistsError(
            f"{options.out} exists already; name a folder that does not exist, nothing is overwritten"
        )
    recipe = load_recipe(options.recipe, overrides=dict(parse_override(text) for text in options.set))
    source, cache = assets_source(options.assets), cache_folder(options.cache)
    assets = assets_of(recipe, source=source, cache=cache)
    planned = plan_frame(recipe, options.split, options.index, assets)
    plan = ShardPlan(
        recipe=recipe,
        store=str(options.out.resolve()),
        assets=assets,
        elements=(PlannedShard(products=("gt", "rgb"), frames=(planned,)),),
    )
    gt, rgb = render_element(
        plan, 0, device=options.device, assets_source=source, cache=cache, report_progress=lambda *_: None
    )
    truth_record, rgb_record = read_records(gt)[0], read_records(rgb)[0]
    assert truth_record.geometry is not None
    picture = sheet(read_rgb(rgb / rgb_record.file), read_ground_truth(gt / truth_record.file), truth_record.geometry)
    Image.fromarray(picture).save(options.out / "sheet.png")
    print(options.out / "sheet.png")
    return 0


def _recipes(_: argparse.Namespace) -> int:
    for name in recipe_names():
        recipe = load_recipe(name)
        frames = sum(recipe.structure.frames.values())
        size = f"{recipe.cameras.width_px}x{recipe.cameras.height_px}"
        print(f"{name:12s} {recipe.heads.family:12s} {frames:7d} frames  {size}")
    return 0


def _leave(code: int) -> NoReturn:
    """End the process at once: bpy 4.5.15 may wait for ever in its own clean-up when the interpreter exits."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        _leave(main())
    except Exception:
        traceback.print_exc()
        _leave(FAILED)
