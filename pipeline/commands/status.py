"""`python -m pipeline status`: how far the work in a store is; reads its files and changes none of them."""

import argparse
import sys
import time
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.store import write_atomically

SECONDS_BETWEEN_LOOKS = 5.0


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("status", help="frames done, rate, time left, stragglers, quarantine, newest pictures")
    parser.add_argument("--store", default="store", help="folder of everything that is made")
    parser.add_argument("--watch", action="store_true", help="look again every few seconds, until interrupted")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one page that needs no other file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the status once, or until interrupted; write the page where one was asked for."""
    store = Path(options.store).resolve()
    on_terminal = sys.stdout.isatty()
    try:
        while True:
            if options.watch and on_terminal:
                print("\x1b[H\x1b[2J", end="")
            _show(store, options.html, refresh_s=SECONDS_BETWEEN_LOOKS if options.watch else None)
            if not options.watch:
                return 0
            time.sleep(SECONDS_BETWEEN_LOOKS)
            if not on_terminal:
                print()
    except KeyboardInterrupt:
        return 0


def _show(store: Path, html: Path | None, *, refresh_s: float | None) -> None:
    from pipeline.status_page import status_page
    from pipeline.status_text import status_text
    from pipeline.store_status import read_status

    status = read_status(store)
    print(status_text(status), flush=True)
    if html is not None:
        try:
            write_atomically(html, status_page(status, refresh_s=refresh_s))
        except OSError as error:
            raise PipelineError(f"--html {html} cannot be written: {error.strerror}") from error
        print(f"page        {html}", flush=True)
