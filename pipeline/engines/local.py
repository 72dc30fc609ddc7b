"""The local engine: does the missing elements of a work in child processes of this machine."""

import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pipeline.child_process import describe_exit, last_lines, start_child, stop_children
from pipeline.console import duration, say
from pipeline.engines.progress_file import PROGRESS_SUFFIX, note_end, read_lines
from pipeline.engines.seats import Seat, deal_seats
from pipeline.engines.work import Element, Engine, Work
from pipeline.errors import PipelineError
from pipeline.machine import usable_memory_bytes
from pipeline.process_memory import resident_bytes_by_group
from pipeline.storage_trouble import disk_hint
from train.progress import Progress

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_BETWEEN_CHECKS = 1.0
# The slowest frame of a run is waited for this many times as long, when that is more than `silence_s`.
PATIENCE = 20
# bpy may wait for ever in its own clean-up. Nothing is lost when a child that published all it was given is stopped.
SECONDS_TO_END = 60.0
MEMORY_SHARE = 0.8


@dataclass(frozen=True)
class LocalEngineSettings:
    """How elements are done on this machine.

    `workers` processes are at work at once, each on its own cores and GPU; 0 is one for each GPU, and one on a CPU.
    `retries` is how often an element is tried again. A process that neither reports progress nor writes to its log for
    `silence_s` is taken to hang. One that holds more than `memory_gb` is replaced when its element is published; 0 is
    its part of 80 % of this machine's memory.
    """

    workers: int = 0
    retries: int = 1
    silence_s: float = 900.0
    memory_gb: float = 0.0


def local_engine(settings: LocalEngineSettings) -> Engine:
    """An engine that does work in child processes of this machine.

    Whether an element is done is read from the store, never from an exit code. An element that was not published is
    tried again. When it fails for good, the other children are stopped; what is published stays, and the next run goes
    on from there. Children die with this process.
    """
    return partial(_do_work, settings)


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    elements: list[Element]
    left: list[Element]
    seat: Seat
    log: Path
    progress: Path
    sign_s: float
    read_bytes: int = 0
    log_bytes: int = 0
    left_when_heavy: int | None = None
    fate: str = ""
    """Why this engine stopped it, if it did."""
    recycled: bool = False


@dataclass
class _State:
    """What is left to do, how far each element has come, and the longest time between two signs of life."""

    waiting: deque[Element]
    done: dict[int, int]
    failures: dict[int, int] = field(default_factory=dict)
    slowest_s: float = 0.0


def _do_work(settings: LocalEngineSettings, work: Work) -> None:
    """Raises: PipelineError that names the element, how its last attempt ended, the log and its last lines."""
    work.folder.mkdir(parents=True, exist_ok=True)
    state = _State(waiting=deque(), done={})
    for element in work.elements:
        published = element.published()
        state.done[element.number] = element.size if published else 0
        if not published:
            state.waiting.append(element)
    if not state.waiting:
        return
    free_seats = deal_seats(work.device, workers=settings.workers)
    workers = len(free_seats)
    ceiling_bytes = int(settings.memory_gb * 1e9) or int(MEMORY_SHARE * usable_memory_bytes() / workers)
    children: list[_Child] = []
    checked_s = time.monotonic()
    total, already = sum(element.size for element in work.elements), sum(state.done.values())
    try:
        with Progress(total=total, label=work.label, unit=work.unit, already_done=already) as bar:
            while state.waiting or children:
                while state.waiting and len(children) < workers:
                    # Smaller batches towards the end, so that no worker is left alone with many elements.
                    count = max(1, min(work.together, -(-len(state.waiting) // workers)))
                    elements = [state.waiting.popleft() for _ in range(min(count, len(state.waiting)))]
                    children.append(_start(work, elements, free_seats.pop(0)))
                time.sleep(SECONDS_BETWEEN_LOOKS)
                for child in list(children):
                    ended = child.process.poll() is not None
                    _read_signs(child, state)
                    if ended:
                        children.remove(child)
                        free_seats.append(child.seat)
                        _settle(child, work, state, retries=settings.retries)
                if time.monotonic() - checked_s >= SECONDS_BETWEEN_CHECKS:
                    checked_s = time.monotonic()
                    _check(children, state, settings, ceiling_bytes)
                bar.advance(sum(state.done.values()) - bar.done)
    finally:
        # Nothing is lost by killing a worker: it publishes by renaming.
        stop_children([child.process for child in children], first=signal.SIGKILL)
        for child in children:
            note_end(child.progress, how="stopped")


def _start(work: Work, elements: list[Element], seat: Seat) -> _Child:
    """Start one process on some elements; its log and its progress file have a name that no other run has."""
    number = sum(1 for _ in work.folder.glob("local-*.log"))
    while True:
        number += 1
        log = work.folder / f"local-{socket.gethostname()}-{number:04d}.log"
        try:
            output = log.open("xb")
            break
        except FileExistsError:
            continue
    progress = log.with_suffix(PROGRESS_SUFFIX)
    command = [*work.command, "--progress", str(progress)]
    for element in elements:
        command += ["--element", str(element.number)]
    with output:
        output.write((" ".join(command) + "\n").encode())
        output.flush()
        try:
            process = start_child(
                command, output=output, dies_by=signal.SIGKILL, cores=seat.cores, environment=seat.environment
            )
        except OSError as error:
            raise PipelineError(f"{work.label} cannot be started: {command[0]!r}: {error.strerror}") from error
    return _Child(process, elements, list(elements), seat, log, progress, sign_s=time.monotonic())


def _read_signs(child: _Child, state: _State) -> None:
    """Take in what a child reported since the last look; a word in its log is a sign of life as well."""
    lines, end = read_lines(child.progress, start=child.read_bytes)
    log_bytes = child.log.stat().st_size if child.log.exists() else child.log_bytes
    now_s = time.monotonic()
    if lines:
        state.slowest_s = max(state.slowest_s, now_s - child.sign_s)
    if end != child.read_bytes or log_bytes != child.log_bytes:
        child.sign_s = now_s
    child.read_bytes, child.log_bytes = end, log_bytes
    sizes = {element.number: element.size for element in child.elements}
    for line in lines:
        if line.element in sizes:
            state.done[line.element] = max(0, min(line.done, sizes[line.element]))


def _check(children: Sequence[_Child], state: _State, settings: LocalEngineSettings, ceiling_bytes: int) -> None:
    """Stop a child that hangs; one that holds too much memory, but only between two elements; and one that is done
    and does not end."""
    patience_s = max(settings.silence_s, PATIENCE * state.slowest_s)
    held_bytes = resident_bytes_by_group()
    for child in children:
        before = len(child.left)
        child.left = [element for element in child.left if not element.published()]
        if len(child.left) < before:
            child.sign_s = time.monotonic()
        silent_s = time.monotonic() - child.sign_s
        held = held_bytes[child.process.pid]
        if child.left_when_heavy is None and held > ceiling_bytes:
            child.left_when_heavy = len(child.left)
        if not child.left:
            if silent_s > SECONDS_TO_END:
                _stop(child, "all of it was published, but it did not end")
        elif child.left_when_heavy is not None and len(child.left) < child.left_when_heavy:
            child.recycled = True
            _stop(child, f"it held {held / 1e9:.1f} GB, more than {ceiling_bytes / 1e9:.1f}")
        elif silent_s > patience_s:
            _stop(
                child,
                f"no progress and no word for {duration(silent_s)}, so it was taken to hang and killed (where this is "
                "how long a frame takes, raise --LocalEngine-silence-s)",
            )


def _stop(child: _Child, fate: str) -> None:
    child.fate = fate
    say("local", f"stopped process {child.process.pid}: {fate}")
    stop_children([child.process], first=signal.SIGKILL)


def _settle(child: _Child, work: Work, state: _State, *, retries: int) -> None:
    """Take stock of a child that ended: the first element that it did not publish failed, the rest were not begun."""
    how = child.fate or describe_exit(child.process.returncode)
    note_end(child.progress, how=how)
    left = [element for element in child.elements if not element.published()]
    for element in child.elements:
        state.done[element.number] = 0 if element in left else element.size
    if not left:
        return
    failed = left[0]
    if not child.recycled:
        state.failures[failed.number] = state.failures.get(failed.number, 0) + 1
    if state.failures.get(failed.number, 0) > retries:
        raise PipelineError(
            f"{work.label}: element {failed.number} ({failed.what}) was not published in "
            f"{state.failures[failed.number]} attempts; the last ended with {how}. What is published is kept; run "
            f"again to go on.{disk_hint(work.folder)}\nlog: {child.log}, which ends with\n{last_lines(child.log)}"
        )
    if not child.recycled:
        say(work.label, f"element {failed.number} ({failed.what}) is tried again, its process ended with {how}")
    state.waiting.extendleft(reversed(left))
