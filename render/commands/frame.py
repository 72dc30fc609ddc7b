"""`python -m render frame`: render one frame of a recipe and show everything about it."""

import argparse
import shutil
from pathlib import Path

from render.commands.argument_types import frame_index
from render.commands.machine_options import add_machine_options, add_recipe_options, chosen_recipe, require_new
from render.dataset_format import SPLITS, read_ground_truth, read_records, read_rgb


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("frame", help="render one frame of a recipe and show everything about it")
    add_recipe_options(parser)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--index", type=frame_index, default=0, help="which frame of the split, counted from 0")
    parser.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet")
    parser.add_argument("--blend", type=Path, help="save the scene as this .blend file too; it opens on any machine")
    add_machine_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make all products of the frame below the folder, with a sheet of all pictures; prints the sheet's path."""
    from PIL import Image

    from render.asset_library import assets_source, cache_folder
    from render.frame_keys import assets_of, plan_frame
    from render.preview import sheet
    from render.sensors.millimetre_png import read_millimetres
    from render.shard import render_element
    from render.shard_plan import PlannedShard, ShardPlan, wanted_products

    require_new(options.out)
    if options.blend:
        require_new(options.blend)
    recipe = chosen_recipe(options)
    source, cache = assets_source(options.assets), cache_folder(options.cache)
    assets = assets_of(recipe, source=source, cache=cache)
    planned = plan_frame(recipe, options.split, options.index, assets)
    plan = ShardPlan(
        recipe=recipe,
        store=str(options.out.resolve()),
        assets=assets,
        elements=(PlannedShard(products=wanted_products(recipe), frames=(planned,)),),
    )
    try:
        gt, rgb, *sensor = render_element(
            plan,
            0,
            device=options.device,
            assets_source=source,
            cache=cache,
            report_progress=lambda *_: None,
            quarantine=False,
            blend=options.blend,
        )
    except BaseException:
        # The folder is new: what is left in it would only keep the same command from running again.
        shutil.rmtree(options.out, ignore_errors=True)
        raise
    truth_record, rgb_record = read_records(gt)[0], read_records(rgb)[0]
    assert truth_record.geometry is not None
    measured = [read_millimetres(folder / read_records(folder)[0].file) for folder in sensor]
    truth = read_ground_truth(gt / truth_record.file)
    picture = sheet(read_rgb(rgb / rgb_record.file), truth, truth_record.geometry, *measured)
    Image.fromarray(picture).save(options.out / "sheet.png")
    print(options.out / "sheet.png")
    return 0
