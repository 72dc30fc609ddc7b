"""Work: what any engine can do. Numbered elements, one idempotent command, and the store that says what is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Resource = Literal["cpu", "gpu"]


@dataclass(frozen=True)
class Element:
    """One unit of work. `published()` reads the store; no exit code is ever believed in its place.

    `size` is in units of the work (frames, or 1), `what` says in an error which it is ("frames train/0 to train/9").
    """

    number: int
    size: int
    what: str
    published: Callable[[], bool]


@dataclass(frozen=True)
class Work:
    """Elements that `command --progress F --element K [--element K …]` does, in any order, on any host that sees the
    store; safe to run twice, and twice at once.

    The command appends JSON lines (`element`, `done`, `total`, `stage`, `seconds`) to the file F. It runs under
    `device`: an engine gives it a GPU of its own where that is `gpu`. At most `together` elements go into one process,
    because starting it takes seconds and its memory grows. `folder` in the store takes logs, progress files and the
    engine's notes; its name tells this work from any other.
    """

    label: str
    unit: str
    command: tuple[str, ...]
    elements: Sequence[Element]
    device: Resource
    together: int
    folder: Path


# Returns when every element is published. Raises PipelineError, with the element, its log and its last words.
Engine = Callable[[Work], None]
