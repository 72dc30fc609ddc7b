"""`python -m render quarantine`: list the frames of a store that failed their checks."""

import argparse
from pathlib import Path

from render.dataset_format import DatasetError


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("quarantine", help="list the frames that failed their checks, and why")
    parser.add_argument("--store", type=Path, default=Path("store"), help="folder of everything that is made (store)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print address, reason and command of every quarantined frame."""
    from render.quarantine import quarantined_frames

    if not options.store.is_dir():
        raise DatasetError(
            f"{options.store} is no folder, so nothing is known of its frames; name a store with --store"
        )
    frames = quarantined_frames(options.store)
    for frame in frames:
        print(f"{frame.split}/{frame.index} ({frame.failed}): {frame.reason}\n  {frame.command}")
    print(f"{len(frames)} frames in quarantine" + (f"; run their commands in {options.store}" if frames else ""))
    return 0
