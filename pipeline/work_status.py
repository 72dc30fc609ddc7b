"""How far a work is: read from its folder of progress files and from what is published, whatever engine does it."""

import json
import statistics
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pipeline.engines.progress_file import PROGRESS_SUFFIX, Tail, read_tail
from pipeline.engines.shard_work import WORK_NOTE
from render.dataset_format import SHARD_MANIFEST, SHARD_RUN

ElementState = Literal["published", "working", "waiting"]
# A work that is silent for this long, or for five of its slowest frames, is not at work any more. Before the first
# frame, Blender starts and may compile for its GPU.
SECONDS_OF_SILENCE, SECONDS_BEFORE_THE_FIRST_FRAME, SLOWEST_FRAMES = 60.0, 300.0, 5
# A worker is a straggler when its frames take this many times as long as is usual.
STRAGGLES = 3.0
# Stage timings are those of the last shards; a farm's change while it works.
SHARDS_TIMED = 200


@dataclass(frozen=True)
class WorkerStatus:
    """A worker and the element that it is on. `straggles` says why it is taken to be slow, or is empty."""

    name: str
    what: str
    done: int
    total: int
    stage: str
    seconds_a_frame: float
    silent_s: float
    straggles: str


@dataclass(frozen=True)
class WorkStatus:
    """`published` of `frames` are safe, `unfinished` more are made in shards that are not published yet.

    `frames_a_second` and `left_s` are None until something is made. `ends` counts how workers ended that did not end
    well. `stage_seconds` are a frame's.
    """

    name: str
    recipe: str
    device: str
    started_s: float
    seconds: float
    frames: int
    published: int
    published_before: int
    unfinished: int
    silent_s: float
    at_work: bool
    frames_a_second: float | None
    left_s: float | None
    elements: tuple[ElementState, ...]
    workers: tuple[WorkerStatus, ...]
    ends: dict[str, int]
    stage_seconds: dict[str, float]
    hosts: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether all of it is published."""
        return self.published == self.frames


def read_work(folder: Path, store: Path, *, now_s: float) -> WorkStatus:
    """How far the work of a folder is. Raises: OSError, ValueError or KeyError when its note cannot be read."""
    note = json.loads((folder / WORK_NOTE).read_bytes())
    elements = note["elements"]
    sizes = [element["frames"] for element in elements]
    there = [all((store / name / SHARD_MANIFEST).is_file() for name in element["folders"]) for element in elements]
    tails = {path: tail for path in folder.glob(f"*{PROGRESS_SUFFIX}") if (tail := read_tail(path)) is not None}
    since_start = {path: tail for path, tail in tails.items() if tail.written_s >= note["started_s"] - 1}
    published = sum(size for size, done in zip(sizes, there, strict=True) if done)
    signs_s = [note["started_s"], *(tail.written_s for tail in since_start.values())]
    silent_s = max(0.0, now_s - max(signs_s))
    slowest_s = max((_slowest_frame_s(tail) for tail in tails.values()), default=0.0)
    patience_s = max(SECONDS_OF_SILENCE if slowest_s else SECONDS_BEFORE_THE_FIRST_FRAME, SLOWEST_FRAMES * slowest_s)
    at_work = published < sum(sizes) and silent_s < patience_s
    workers = _workers(since_start, elements, there, now_s=now_s) if at_work else ()
    unfinished = sum(worker.done for worker in workers)
    seconds = max(0.0, (now_s if at_work else max(signs_s)) - note["started_s"])
    made = published + unfinished - note["published_before"]
    rate = made / seconds if made > 0 and seconds > 0 else None
    on = {worker.what for worker in workers}
    return WorkStatus(
        name=folder.name,
        recipe=note["recipe"],
        device=note["device"],
        started_s=note["started_s"],
        seconds=seconds,
        frames=sum(sizes),
        published=published,
        published_before=note["published_before"],
        unfinished=unfinished,
        silent_s=silent_s,
        at_work=at_work,
        frames_a_second=rate,
        left_s=(sum(sizes) - published - unfinished) / rate if rate and at_work else None,
        elements=tuple(
            "published" if done else "working" if element["what"] in on else "waiting"
            for element, done in zip(elements, there, strict=True)
        ),
        workers=workers,
        ends=dict(Counter(tail.ended for tail in since_start.values() if tail.ended not in (None, "exit code 0"))),
        **_timings(store, [element["folders"] for element, done in zip(elements, there, strict=True) if done]),
    )


def _workers(tails: dict[Path, Tail], elements: list, there: list[bool], *, now_s: float) -> tuple[WorkerStatus, ...]:
    """Who is on which element: of several that reported the same one, the last to write."""
    latest: dict[int, tuple[Path, Tail]] = {}
    for path, tail in sorted(tails.items(), key=lambda item: item[1].written_s):
        if tail.lines and 0 <= tail.lines[-1].element < len(elements):
            latest[tail.lines[-1].element] = (path, tail)
    usual_s = statistics.median([_seconds_a_frame(tail) for tail in tails.values() if tail.lines] or [0.0])
    found = []
    for number, (path, tail) in sorted(latest.items()):
        if there[number] or tail.ended is not None:
            continue
        line, silent_s = tail.lines[-1], max(0.0, now_s - tail.written_s)
        frame_s = _seconds_a_frame(tail)
        why = ""
        if frame_s > STRAGGLES * usual_s:
            why = f"{frame_s / usual_s:.1f} times as slow as usual"
        elif silent_s > max(STRAGGLES * max(usual_s, frame_s), SECONDS_OF_SILENCE / 2):
            why = f"silent for {silent_s:.0f} s, a frame takes {usual_s:.1f} s"
        what = elements[number]["what"]
        found.append(WorkerStatus(path.stem, what, line.done, line.total, line.stage, frame_s, silent_s, why))
    return tuple(found)


def _seconds_a_frame(tail: Tail) -> float:
    line = tail.lines[-1]
    return line.seconds / max(1, line.done)


def _slowest_frame_s(tail: Tail) -> float:
    """The longest time between two lines of one element, or before the first that is known."""
    slowest, before = 0.0, None
    for line in tail.lines:
        passed = line.seconds - (before.seconds if before and before.element == line.element else 0.0)
        slowest, before = max(slowest, passed / (1 if before else max(1, line.done))), line
    return slowest


def _timings(store: Path, published: list[list[str]]) -> dict:
    """Seconds of a frame by stage, and the hosts, of the last published elements."""
    seconds: Counter[str] = Counter()
    frames, hosts = 0, set()
    for folders in published[-SHARDS_TIMED:]:
        seen = []
        for name in folders:
            run = _run_of(store / name)
            # Products that were made together say the same seconds.
            if run and run["seconds"] not in seen:
                seen.append(run["seconds"])
                seconds.update(run["seconds"])
                hosts.add(run.get("host", "?"))
        frames += max((_run_of(store / name).get("frames", 0) for name in folders), default=0)
    by_stage = {stage: value / frames for stage, value in seconds.most_common() if frames and value > 0}
    return {"stage_seconds": by_stage, "hosts": tuple(sorted(hosts))}


@lru_cache(maxsize=4 * SHARDS_TIMED)
def _run_of(shard: Path) -> dict:
    """The facts of a shard's run; what is published does not change. Empty where they cannot be read."""
    try:
        run = json.loads((shard / SHARD_RUN).read_bytes())
        return run if isinstance(run.get("seconds"), dict) else {}
    except (OSError, ValueError, AttributeError):
        return {}
