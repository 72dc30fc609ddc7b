"""`python -m pipeline diff`: which settings and which frames two recipes or datasets do not share."""

import argparse
from pathlib import Path

from pipeline.comparison_text import comparison_text, find_frame_set
from render.asset_library import assets_source
from render.config import parse_override


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("diff", help="say which settings and frames two recipes or datasets do not share")
    parser.add_argument("first", help="a recipe (name or .yaml file) or a dataset (id, beginning of an id, or folder)")
    parser.add_argument("second", nargs="?", help="the other one [default: the first, changed by --set]")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of the second",
    )
    parser.add_argument("--store", default="store", help="folder that holds the datasets")
    parser.add_argument("--assets", help="folder or mirror that holds the assets (else HEADROOM_ASSETS)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the comparison."""
    store, source = Path(options.store).resolve(), assets_source(options.assets)
    overrides = dict(parse_override(text) for text in options.set)
    before = find_frame_set(options.first, store, overrides={}, source=source)
    after = find_frame_set(options.second or options.first, store, overrides=overrides, source=source)
    print(comparison_text(before, after))
    return 0
