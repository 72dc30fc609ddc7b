"""FarmJob: the elements that are missing, and the command for one of them, for a farm that Headroom does not drive."""

from dataclasses import dataclass
from itertools import count, groupby
from pathlib import Path
from typing import Literal

from pipeline.engines.work import Work

# So long may a renderer take to finish its frame when it is asked to leave.
SECONDS_TO_LEAVE = 120


@dataclass(frozen=True)
class FarmJob:
    """`command` and `--element K` render element K of a plan. `name` says which plan; `store` must be seen by every
    host under the same path."""

    name: str
    title: str
    command: tuple[str, ...]
    elements: tuple[int, ...]
    device: Literal["cpu", "gpu"]
    store: Path


def farm_job(work: Work, *, plan: Path, store: Path, title: str) -> FarmJob:
    """The job of the elements of a work that are not published."""
    return FarmJob(
        name=f"headroom-{plan.stem}",
        title=title,
        command=work.command,
        elements=tuple(element.number for element in work.elements if not element.published()),
        device=work.device,
        store=store,
    )


def as_ranges(numbers: tuple[int, ...]) -> str:
    """Ascending numbers as text: 0-3,7,9-10."""
    steps = count()
    runs = [list(run) for _, run in groupby(numbers, key=lambda number: number - next(steps))]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
