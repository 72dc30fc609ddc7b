"""`python -m pipeline plan`: say what a run would render and what it would use again."""

import argparse

from pipeline.commands.run_options import add_run_options, chosen_run
from pipeline.plan_summary import plan_text


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "plan", help="say what a run would render and what it would use again; renders nothing"
    )
    add_run_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    print(plan_text(chosen_run(options)))
    return 0
