"""`python -m pipeline plan`: say what a run would render, why, and what that will cost."""

import argparse

from pipeline.commands.run_options import add_run_options, chosen_run
from pipeline.plan_summary import plan_text


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "plan", help="say what a run would render, why, how long that takes, and what it would use again"
    )
    add_run_options(parser)
    parser.add_argument(
        "--measure", action="store_true", help="render one frame where no timing is on record (needs the renderer)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    print(plan_text(chosen_run(options), measure=options.measure))
    return 0
