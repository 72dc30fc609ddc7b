"""`python -m pipeline validate`: check again everything that a published dataset promises."""

import argparse
import os
from pathlib import Path

MOST_PRINTED = 50


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "validate", help="check a published dataset again: hashes, ranges, index, splits, quarantine, certificate"
    )
    parser.add_argument("dataset", help="a dataset's id, its folder, or its recipe's name (then the latest)")
    parser.add_argument("--store", type=Path, default=Path("store"), help="folder of everything that is made (store)")
    parser.add_argument("--fast", action="store_true", help="tables and seals only: reads no pixels")
    parser.add_argument("--jobs", type=int, help="processes that check [default: one a core]")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what is wrong; 1 when something is."""
    from pipeline.errors import PipelineError
    from pipeline.published_dataset import find_dataset_folder
    from pipeline.validation.validate_dataset import findings_of

    jobs = len(os.sched_getaffinity(0)) if options.jobs is None else options.jobs
    if jobs < 1:
        raise PipelineError(f"--jobs must be 1 or more, but {jobs} came")
    folder = find_dataset_folder(options.dataset, options.store)
    count = 0
    for finding in findings_of(folder, fast=options.fast, jobs=jobs):
        count += 1
        if count <= MOST_PRINTED:
            print(finding.text, flush=True)
    if count > MOST_PRINTED:
        print(f"… and {count - MOST_PRINTED} more")
    verdict = f"{count} thing{'s are' if count > 1 else ' is'} WRONG" if count else "all is as published"
    print(f"{folder}: {verdict} ({'tables and seals' if options.fast else 'tables, seals, hashes and pixels'} checked)")
    return 1 if count else 0
