"""Progress files: the lines that a worker appends while it works, read without trusting that they are whole."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

PROGRESS_SUFFIX = ".progress"
_TAIL_BYTES = 4000


@dataclass(frozen=True)
class ProgressLine:
    """`done` of the `total` units of an element are made, `seconds` after it was begun."""

    element: int
    done: int
    total: int
    stage: str
    seconds: float


@dataclass(frozen=True)
class Tail:
    """The end of a progress file: its last lines, when it was written (its own clock), and how its worker ended."""

    lines: tuple[ProgressLine, ...]
    written_s: float
    ended: str | None


def read_lines(path: Path, *, start: int = 0) -> tuple[list[ProgressLine], int]:
    """The whole lines of a file from byte `start` on, and the byte behind them; nothing where there is no file.

    A worker may have been killed, or its disk full, in the middle of a line: lines that are none are passed over.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            content = file.read()
    except FileNotFoundError:
        return [], start
    complete = content[: content.rfind(b"\n") + 1]
    return [line for text in complete.splitlines() if (line := _line(text)) is not None], start + len(complete)


def read_tail(path: Path) -> Tail | None:
    """The end of a progress file; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            texts = file.read().splitlines()
        written_s = path.stat().st_mtime
    except OSError:
        return None
    ended = _ended(texts[-1]) if texts else None
    return Tail(tuple(line for text in texts if (line := _line(text)) is not None), written_s, ended)


def note_end(path: Path, *, how: str) -> None:
    """Append that the worker of this file ended, for whoever looks on; a disk that is full is no reason to stop."""
    with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"ended": how}) + "\n")


def _line(text: bytes) -> ProgressLine | None:
    try:
        line = json.loads(text)
        return ProgressLine(
            int(line["element"]), int(line["done"]), int(line["total"]), str(line["stage"]), float(line["seconds"])
        )
    except (ValueError, KeyError, TypeError):
        return None


def _ended(text: bytes) -> str | None:
    try:
        return str(json.loads(text)["ended"])
    except (ValueError, KeyError, TypeError):
        return None
