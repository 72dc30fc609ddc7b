"""The renderer itself, with the diary of the stand-in: `python cycles_renderer.py --diary D [--pause-s S] shard …`.

A storm reads from the diary how far a run is. The pause is for the stand-in; Cycles takes its time anyway.
"""

import argparse
import sys
from pathlib import Path

from render.__main__ import main as render
from render.commands import shard


def main() -> int:
    """Run one command of the renderer, and note each frame that was rendered."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--diary", type=Path, required=True)
    parser.add_argument("--pause-s", type=float)
    options, command = parser.parse_known_args()
    report = shard._report

    def report_and_note(*facts) -> None:
        *_, stage = facts
        if stage == "rendering":
            with options.diary.open("a") as file:
                file.write("render gt\n")
        report(*facts)

    shard._report = report_and_note
    return render(command)


if __name__ == "__main__":
    sys.exit(main())
