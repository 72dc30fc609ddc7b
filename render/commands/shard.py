"""`python -m render shard`: render elements of a plan and publish their shards."""

import argparse
import contextlib
import json
import signal
import sys
import time
from functools import partial
from pathlib import Path

from render.commands.machine_options import add_machine_options, add_processes_option, open_crew
from render.side_by_side import ProcessLostError

# EX_TEMPFAIL of sysexits.h: nothing is wrong, but not all was done; the same command does the rest.
STOPPED_ON_REQUEST = 75


class StopRequestedError(Exception):
    """A farm wants the machine back. Raised between two frames."""


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("shard", help="render elements of a plan and publish their shards")
    parser.add_argument("--plan", type=Path, required=True, help="a plan that the pipeline wrote")
    parser.add_argument("--element", type=int, action="append", required=True, help="which element; may be repeated")
    parser.add_argument("--progress", type=Path, help="append a JSON line to this file after every frame")
    add_machine_options(parser)
    add_processes_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Render and publish; prints the folder of every shard.

    SIGTERM asks to leave: the frame that is being rendered is finished, and then the process leaves with code 75. A
    shard of which all frames are there by then is still published; the draft of any other is deleted, because a shard
    is published whole or not at all.
    """
    from render.asset_library import assets_source, cache_folder
    from render.shard import render_element
    from render.shard_plan import read_plan

    asked: list[int] = []  # no Event: a signal's handler must not wait for a lock
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    plan = read_plan(options.plan)
    with open_crew(options) as crew:
        for element in options.element:
            try:
                if asked:
                    raise StopRequestedError
                folders = render_element(
                    plan,
                    element,
                    device=options.device,
                    assets_source=assets_source(options.assets),
                    cache=cache_folder(options.cache),
                    report_progress=partial(_report, asked, options.progress, element, time.perf_counter()),
                    crew=crew,
                )
            except (StopRequestedError, ProcessLostError):
                if not asked:
                    raise
                print(f"asked to stop: element {element} is not published, run it again", file=sys.stderr)
                return STOPPED_ON_REQUEST
            for folder in folders:
                print(f"element {element}: {folder}")
    return 0


def _report(
    asked: list[int], path: Path | None, element: int, started_s: float, done: int, total: int, stage: str
) -> None:
    _append(path, element, started_s, done, total, stage)
    if asked and done < total:
        raise StopRequestedError


def _append(path: Path | None, element: int, started_s: float, done: int, total: int, stage: str) -> None:
    seconds = round(time.perf_counter() - started_s, 3)
    line = {"element": element, "done": done, "total": total, "stage": stage, "seconds": seconds}
    if path is not None:
        # A full disk ends the frame's own files loudly; that nobody hears of its progress should end nothing.
        with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
