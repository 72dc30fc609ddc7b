"""Options that say on which machine, and with whose files, a command works."""

import argparse
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from render.commands.argument_types import count_of_some
from render.config import Recipe, load_recipe, parse_override
from render.side_by_side import Crew, default_processes


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    """Device, assets and cache."""
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="what Cycles renders on")
    parser.add_argument("--assets", help="folder or mirror that holds the assets (else HEADROOM_ASSETS, else download)")
    parser.add_argument(
        "--cache", type=Path, help="where assets are kept (else HEADROOM_CACHE, else ~/.cache/headroom)"
    )


def add_processes_option(parser: argparse.ArgumentParser) -> None:
    """How many frames are rendered at once."""
    parser.add_argument(
        "--processes",
        type=count_of_some,
        metavar="N",
        help="render in N processes side by side, about 1.5 GB each (CPU: one for two cores, but at least two; GPU: 1)",
    )


def open_crew(options: argparse.Namespace) -> AbstractContextManager[Crew | None]:
    """The crew that the options ask for; None where this process is to render alone."""
    processes = default_processes(options.device) if options.processes is None else options.processes
    return nullcontext() if processes == 1 else Crew(processes)


def add_recipe_options(parser: argparse.ArgumentParser, *, default: str | None = None) -> None:
    """Recipe and overrides of its settings."""
    parser.add_argument(
        "--recipe", required=default is None, default=default, help="a recipe's name, or the path of a YAML file"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")


def chosen_recipe(options: argparse.Namespace) -> Recipe:
    """The recipe that the options name. Raises: RecipeError."""
    return load_recipe(options.recipe, overrides=dict(parse_override(text) for text in options.set))


def require_new(path: Path) -> None:
    """Raise FileExistsError when there is something at the path already."""
    if path.exists():
        raise FileExistsError(f"{path} exists already; name one that does not exist, nothing is overwritten")
