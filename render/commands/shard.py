"""`python -m render shard`: render elements of a plan and publish their shards."""

import argparse
import contextlib
import json
import time
from functools import partial
from pathlib import Path

from render.commands.machine_options import add_machine_options, add_processes_option, open_crew


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
    """Render and publish; prints the folder of every shard."""
    from render.asset_library import assets_source, cache_folder
    from render.shard import render_element
    from render.shard_plan import read_plan

    plan = read_plan(options.plan)
    with open_crew(options) as crew:
        for element in options.element:
            folders = render_element(
                plan,
                element,
                device=options.device,
                assets_source=assets_source(options.assets),
                cache=cache_folder(options.cache),
                report_progress=partial(_append, options.progress, element, time.perf_counter()),
                crew=crew,
            )
            for folder in folders:
                print(f"element {element}: {folder}")
    return 0


def _append(path: Path | None, element: int, started_s: float, done: int, total: int, stage: str) -> None:
    seconds = round(time.perf_counter() - started_s, 3)
    line = {"element": element, "done": done, "total": total, "stage": stage, "seconds": seconds}
    if path is not None:
        # A full disk ends the frame's own files loudly; that nobody hears of its progress should end nothing.
        with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
