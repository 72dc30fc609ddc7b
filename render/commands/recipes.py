"""`python -m render recipes`: list the recipes that come with Headroom."""

import argparse

from render.config import load_recipe, recipe_names


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("recipes", help="list the recipes that come with Headroom")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print name, head family, number of frames and size of every recipe."""
    del options
    for name in recipe_names():
        recipe = load_recipe(name)
        frames = sum(recipe.structure.frames.values())
        size = f"{recipe.cameras.width_px}x{recipe.cameras.height_px}"
        print(f"{name:12s} {recipe.heads.family:12s} {frames:7d} frames  {size}")
    return 0
