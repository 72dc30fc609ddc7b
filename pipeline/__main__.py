"""Command line beside luigi's: `python -m pipeline COMMAND`; a module of pipeline.commands for each."""

import argparse
import sys

from pipeline.commands import card, diff, doctor, export, export_jobs, gc, plan, repro, status, train, validate, why
from pipeline.luigi_defaults import PLAIN_ERRORS

COMMANDS = (plan, status, diff, why, repro, validate, card, export, export_jobs, gc, doctor, train)
BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 when it finds what is not as it should be, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except PLAIN_ERRORS as error:
        print(f"python -m pipeline {options.command}: {error}", file=sys.stderr)
        return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
