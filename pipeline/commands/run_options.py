"""The options of a run, for commands that look at a run without starting it; they mean what they mean to luigi."""

import argparse

from pipeline.run_settings import RunOptions
from pipeline.tasks.parameters import RunTask

NAMES = ("profile", "recipe", "frames", "heads", "store", "seed", "device", "assets")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which run is meant."""
    meanings = {name: parameter.description for name, parameter in RunTask.get_params()}
    for name in NAMES:
        parser.add_argument(f"--{name}", default=getattr(RunOptions, name), help=meanings[name])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=meanings["set"])


def chosen_run(options: argparse.Namespace) -> RunOptions:
    """The run that these options mean."""
    return RunOptions(**{name: getattr(options, name) for name in NAMES}, settings=tuple(options.set))
