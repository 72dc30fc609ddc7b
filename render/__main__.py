"""Command line of the renderer: `python -m render COMMAND`; a module of render.commands for each."""

import argparse
import os
import sys
import traceback
from typing import NoReturn

from render.commands import certify, coverage, frame, gallery, norms, quarantine, recipes, shard
from render.config import RecipeError
from render.dataset_format import DatasetError
from render.heads.model_checks import HeadModelError
from render.image_folder import ImageFolderError
from render.shard_plan import PlanError

COMMANDS = (shard, frame, gallery, recipes, coverage, certify, quarantine, norms)
FAILED, BAD_INPUT = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 when rendering failed, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m render", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (RecipeError, DatasetError, PlanError, HeadModelError, ImageFolderError, FileExistsError) as error:
        print(f"python -m render {options.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    except Exception as error:
        if type(error).__module__.split(".")[0] != "render":
            raise
        print(f"python -m render {options.command}: {type(error).__name__}: {error}", file=sys.stderr)
        return FAILED


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
