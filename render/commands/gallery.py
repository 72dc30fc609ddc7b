"""`python -m render gallery`: one picture of many people of a recipe."""

import argparse
import sys
from pathlib import Path

from render.commands.argument_types import count_of_some
from render.commands.machine_options import (
    add_machine_options,
    add_processes_option,
    add_recipe_options,
    chosen_recipe,
    open_crew,
    require_new,
)
from render.dataset_format import SPLITS, read_ground_truth, read_records, read_rgb

PICTURE = "gallery.png"
# People rendered between two lines of progress; what is published is not rendered again when the command is.
PEOPLE_A_SHARD = 4


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("gallery", help="render the first frame of many people and show them in one picture")
    add_recipe_options(parser, default="showcase")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--people", type=count_of_some, default=24, help="how many people (24)")
    parser.add_argument("--columns", type=count_of_some, default=6, help="people in a row (6)")
    parser.add_argument("--cell-width", type=count_of_some, default=320, metavar="PX", help="width of one person (320)")
    parser.add_argument("--out", type=Path, default=Path("gallery"), help="folder for the picture and its frames")
    add_machine_options(parser)
    add_processes_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Render what is missing below the folder, then write the picture; prints its path."""
    from PIL import Image

    from render.asset_library import assets_source, cache_folder
    from render.frame_keys import assets_of, plan_frame
    from render.gallery import Portrait, gallery_picture
    from render.shard import render_element
    from render.shard_plan import PlannedShard, ShardPlan

    require_new(options.out / PICTURE)
    recipe = chosen_recipe(options)
    source, cache = assets_source(options.assets), cache_folder(options.cache)
    assets = assets_of(recipe, source=source, cache=cache)
    first_frames = [person * recipe.structure.frames_per_identity for person in range(options.people)]
    planned = [plan_frame(recipe, options.split, index, assets) for index in first_frames]
    groups = [planned[start : start + PEOPLE_A_SHARD] for start in range(0, len(planned), PEOPLE_A_SHARD)]
    elements = tuple(PlannedShard(products=("gt", "rgb"), frames=tuple(group)) for group in groups)
    plan = ShardPlan(recipe=recipe, store=str(options.out.resolve()), assets=assets, elements=elements)
    portraits = []
    with open_crew(options) as crew:
        for number in range(len(elements)):
            gt, rgb = render_element(
                plan,
                number,
                device=options.device,
                assets_source=source,
                cache=cache,
                report_progress=lambda *_: None,
                crew=crew,
            )
            for truth, picture in zip(read_records(gt), read_records(rgb), strict=True):
                portraits.append(Portrait(read_rgb(rgb / picture.file), read_ground_truth(gt / truth.file)))
            print(f"{len(portraits)} of {options.people} people", file=sys.stderr)
    grid = gallery_picture(portraits, columns=options.columns, cell_width_px=options.cell_width)
    Image.fromarray(grid).save(options.out / PICTURE)
    print(options.out / PICTURE)
    return 0
