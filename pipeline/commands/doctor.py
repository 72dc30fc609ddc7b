"""`python -m pipeline doctor`: say what this machine can do, and what to do about each gap."""

import argparse
from pathlib import Path

from pipeline.doctor import run_doctor


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("doctor", help="say what this machine can do, and what to do about each gap")
    parser.add_argument("--store", default="store", help="folder that will hold everything that is made")
    parser.add_argument("--assets", help="folder or mirror that holds the assets (else HEADROOM_ASSETS)")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 when there is a gap."""
    return run_doctor(store=Path(options.store).resolve(), assets=options.assets, as_json=options.json)
