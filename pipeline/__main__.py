"""Command line beside luigi's: `python -m pipeline doctor|plan`."""

import argparse
import sys
from pathlib import Path

from pipeline.doctor import run_doctor
from pipeline.luigi_defaults import PLAIN_ERRORS
from pipeline.plan_summary import plan_text
from pipeline.run_settings import RunOptions
from pipeline.tasks.parameters import RunTask

BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 when the doctor finds a gap, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    doctor = commands.add_parser("doctor", help="say what this machine can do, and what to do about each gap")
    doctor.add_argument("--store", default="store", help="folder that will hold everything that is made")
    doctor.add_argument("--assets", help="folder or mirror that holds the assets (else HEADROOM_ASSETS)")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")

    plan = commands.add_parser("plan", help="say what a run would render and what it would use again; renders nothing")
    meanings = {name: parameter.description for name, parameter in RunTask.get_params()}
    for name in ("profile", "recipe", "frames", "heads", "store", "seed"):
        plan.add_argument(f"--{name}", default=getattr(RunOptions, name), help=meanings[name])
    plan.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=meanings["set"])
    options = parser.parse_args(arguments)
    try:
        if options.command == "doctor":
            return run_doctor(store=Path(options.store).resolve(), assets=options.assets, as_json=options.json)
        asked = RunOptions(
            profile=options.profile,
            recipe=options.recipe,
            frames=options.frames,
            heads=options.heads,
            store=options.store,
            settings=tuple(options.set),
            seed=options.seed,
        )
        print(plan_text(asked))
    except PLAIN_ERRORS as error:
        print(f"python -m pipeline {options.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
