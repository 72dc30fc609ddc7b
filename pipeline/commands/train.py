"""`python -m pipeline train`: make trainings of a plan and publish them; what every engine starts."""

import argparse
import json
import shlex
import signal
import sys
import time
from pathlib import Path

from pipeline.training_plan import make_training, read_training_plan
from train.interruption import EXIT_INTERRUPTED, StopRequestedError


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("train", help="make trainings of a plan and publish them, as an engine asks for it")
    parser.add_argument("--plan", type=Path, required=True, help="a plan of trainings that TrainNetwork wrote")
    parser.add_argument("--element", type=int, action="append", required=True, help="which training; may be repeated")
    parser.add_argument("--progress", type=Path, help="append a JSON line to this file when a training is done")
    parser.add_argument("--train-command", default=f"{shlex.quote(sys.executable)} -m train", help="the training tool")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train and publish; prints the folder of every training. Raises: PipelineError when one fails.

    SIGTERM asks to leave: the training saves its state, and the process leaves with code 75. Started again, on any
    host that sees the store, it goes on from there.
    """
    plan = read_training_plan(options.plan)
    signal.signal(signal.SIGTERM, _ask_to_stop)
    for element in options.element:
        started_s = time.monotonic()
        _report(options.progress, element, done=0, seconds=0.0)
        try:
            folder = make_training(
                Path(plan.store), plan.trainings[element], train_command=shlex.split(options.train_command)
            )
        except StopRequestedError:
            print(f"asked to stop: training {element} is not published, run it again", file=sys.stderr)
            return EXIT_INTERRUPTED
        _report(options.progress, element, done=1, seconds=time.monotonic() - started_s)
        print(f"element {element}: {folder}")
    return 0


def _ask_to_stop(*_: object) -> None:
    raise StopRequestedError


def _report(path: Path | None, element: int, *, done: int, seconds: float) -> None:
    if path is not None:
        line = {"element": element, "done": done, "total": 1, "stage": "training", "seconds": round(seconds, 3)}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
