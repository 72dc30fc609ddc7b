"""`python -m pipeline why`: name the first input that makes a frame another one than the published one."""

import argparse
from pathlib import Path

from pipeline.commands.run_options import add_run_options, chosen_run
from pipeline.comparison_text import find_frame_set, frame_comparison
from pipeline.errors import PipelineError
from pipeline.frame_lookup import FrameLookup, look_up_frames
from pipeline.frame_names import FrameName, find_frame, parse_frame_name
from pipeline.frame_set import Address, FrameSet, planned_frame_set, published_datasets, published_frame_set
from pipeline.nearest_dataset import nearest_dataset
from pipeline.run_settings import dataset_plan, resolve
from render.asset_library import assets_source
from render.shard_plan import Product


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("why", help="say why a frame would be rendered: what differs from what is there")
    parser.add_argument("frame", help="test/3, rgb/test/3, or six or more digits of a key")
    parser.add_argument("--against", help="recipe or dataset to compare with [default: the nearest dataset]")
    add_run_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print for each product of the frame whether it is published, and what differs from the other frame."""
    run_options = chosen_run(options)
    settings, name = resolve(run_options), parse_frame_name(options.frame)
    planned = planned_frame_set(dataset_plan(run_options))
    products, address = _find(name, planned, settings.store)
    if options.against:
        source = assets_source(settings.assets_source)
        other = find_frame_set(options.against, settings.store, overrides={}, source=source)
    else:
        other = nearest_dataset(planned, settings.store)
    found = look_up_frames(settings.store)
    for product in products:
        for position, line in enumerate(_explain(planned, other, product, address, found)):
            print(line if position == 0 else f"  {line}")
    return 0


def _find(name: FrameName, planned: FrameSet, store: Path) -> tuple[list[Product], Address]:
    """The frame that is meant: one of the run, or one that is published and whose counterpart the run has."""
    place = find_frame(name, planned)
    if place is None and name.address is None:
        published = (find_frame(name, published_frame_set(folder)) for folder in published_datasets(store))
        place = next((each for each in published if each), None)
        if place and planned.key(place[0][0], place[1]) is None:
            place = None
    if place is None:
        counts = ", ".join(f"{count} {split}" for split, count in planned.recipe.structure.frames.items())
        text = name.key or f"{name.address[0]}/{name.address[1]}"  # pyright: ignore[reportOptionalSubscript]
        raise PipelineError(f"{planned.name} has no frame {text}; it has {counts} frames, counted from 0")
    return place


def _explain(
    planned: FrameSet, other: FrameSet | None, product: Product, address: Address, found: FrameLookup
) -> list[str]:
    key = planned.key(product, address)
    assert key is not None
    lines = [f"{product}/{address[0]}/{address[1]} of {planned.name}, key {key}"]
    if key in found.published[product]:
        lines.append(f"published in {found.published[product][key]}: nothing is rendered")
    elif key in found.quarantined[product]:
        lines.append(f"quarantined, so nothing is rendered: {found.quarantined[product][key].reason}")
    else:
        lines.append("not published: it would be rendered")
    return lines + (frame_comparison(other, planned, product, address) if other else ["no dataset to compare with"])
