"""`python -m render coverage`: plot how evenly a recipe's draws fill its ranges."""

import argparse
from pathlib import Path

from render.commands.argument_types import count_of_some
from render.commands.machine_options import add_recipe_options, chosen_recipe, require_new
from render.dataset_format import SPLITS


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("coverage", help="plot how evenly a recipe's draws fill its ranges; renders nothing")
    add_recipe_options(parser)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument(
        "--frames", type=count_of_some, default=256, help="how many frames, from the split's first on (256)"
    )
    parser.add_argument("--out", type=Path, required=True, help="a .png file that does not exist yet")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draw the frames, write the picture, and print for every number how evenly it fills its range."""
    from render.coverage import BINS, coverage_figure, filled_bins, measure_coverage, star_discrepancy

    require_new(options.out)
    recipe = chosen_recipe(options)
    coverage = measure_coverage(recipe, options.split, options.frames)
    title = f"recipe {recipe.name}, {options.split}: what the first {options.frames} frames draw"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    coverage_figure(coverage, title).savefig(options.out, format="png")
    for name, values in coverage.numbers.items():
        bounds = coverage.bounds.get(name)
        low, high = bounds or (values.min(), values.max())
        filled = (
            f"bins filled {filled_bins(values, bounds):2d} of {BINS}  D* {star_discrepancy(values, bounds):.4f}"
            if bounds
            else "no range in the recipe"
        )
        print(f"{name:42s} {low:10.4g} to {high:10.4g}  n {len(values):6d}  {filled}")
    print(options.out)
    return 0
