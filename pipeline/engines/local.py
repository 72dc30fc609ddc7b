"""The local engine: renders the missing elements of a plan in child processes of this machine."""

import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.child_process import describe_exit, last_lines, start_child, stop_children
from pipeline.errors import PipelineError
from render.dataset_format import SHARD_MANIFEST
from render.shard_plan import PlannedShard, ShardPlan, shard_folder
from train.progress import Progress

SECONDS_BETWEEN_LOOKS = 0.1
# One child renders several elements, because starting Blender and its scene takes seconds. Not all of them, so that
# the memory of one process has no time to grow.
ELEMENTS_OF_A_CHILD = 8


@dataclass(frozen=True)
class LocalEngineSettings:
    """How elements are rendered on this machine.

    `command` starts a renderer: ` shard --plan P --progress F --element K …` and the run's options come behind it.
    `workers` of them work at once, each on its share of the cores. `retries` is how often an element is tried again.
    """

    command: tuple[str, ...]
    workers: int = 1
    retries: int = 1


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    elements: list[int]
    cores: tuple[int, ...]
    log: Path
    progress: Path
    read_bytes: int = 0


@dataclass
class _Work:
    """What is left to do, and how far each element has come."""

    waiting: deque[int]
    failures: dict[int, int] = field(default_factory=dict)
    frames_done: dict[int, int] = field(default_factory=dict)


def render_missing(
    plan: ShardPlan,
    plan_path: Path,
    *,
    settings: LocalEngineSettings,
    options: Sequence[str],
    logs: Path,
) -> None:
    """Render every element of a plan that is not published yet; returns when all are.

    `options` (device, assets) are handed to every renderer. Whether an element is done is read from the store, never
    from an exit code. An element that was not published is tried again `settings.retries` times. When it fails for
    good, the other children are stopped; what is published stays, and the next run goes on from there.

    Raises: PipelineError that names the element, its frames, the exit code, the log and its last lines.
    """
    logs.mkdir(parents=True, exist_ok=True)
    store = Path(plan.store)
    work = _Work(waiting=deque(k for k, shard in enumerate(plan.elements) if not element_published(store, shard)))
    sizes = [len(shard.frames) for shard in plan.elements]
    batch = max(1, min(ELEMENTS_OF_A_CHILD, -(-len(work.waiting) // settings.workers)))
    already = sum(sizes) - sum(sizes[k] for k in work.waiting)
    work.frames_done.update({k: sizes[k] for k in range(len(sizes)) if k not in set(work.waiting)})
    children: list[_Child] = []
    free_cores = core_shares(settings.workers)
    started = 0
    try:
        with Progress(total=sum(sizes), label="render", unit="frames", already_done=already) as bar:
            while work.waiting or children:
                while work.waiting and len(children) < settings.workers:
                    elements = [work.waiting.popleft() for _ in range(min(batch, len(work.waiting)))]
                    started += 1
                    cores = free_cores.pop(0)
                    children.append(
                        _start(elements, plan_path, settings, options, cores, logs / f"child-{started:04d}")
                    )
                time.sleep(SECONDS_BETWEEN_LOOKS)
                for child in list(children):
                    ended = child.process.poll() is not None
                    _read_progress(child, work, sizes)
                    if ended:
                        children.remove(child)
                        free_cores.append(child.cores)
                        _settle(child, plan, work, sizes, retries=settings.retries)
                bar.advance(sum(work.frames_done.values()) - bar.done)
    finally:
        # Nothing is lost by killing a renderer: it publishes whole shards by renaming them.
        stop_children([child.process for child in children], first=signal.SIGKILL)


def core_shares(workers: int) -> list[tuple[int, ...]]:
    """The cores that this process may use, dealt out to workers; more workers than cores share them."""
    cores = sorted(os.sched_getaffinity(0))
    return [tuple(cores[worker::workers]) or (cores[worker % len(cores)],) for worker in range(workers)]


def element_published(store: Path, shard: PlannedShard) -> bool:
    """Whether all products of a planned shard are published."""
    return all((shard_folder(store, shard, product) / SHARD_MANIFEST).is_file() for product in shard.products)


def _start(
    elements: list[int],
    plan_path: Path,
    settings: LocalEngineSettings,
    options: Sequence[str],
    cores: tuple[int, ...],
    files: Path,
) -> _Child:
    log, progress = files.with_suffix(".log"), files.with_suffix(".progress")
    progress.unlink(missing_ok=True)
    command = [*settings.command, "shard", "--plan", str(plan_path), "--progress", str(progress), *options]
    for element in elements:
        command += ["--element", str(element)]
    with log.open("wb") as output:
        output.write((" ".join(command) + "\n").encode())
        output.flush()
        try:
            process = start_child(command, output=output, dies_by=signal.SIGKILL, cores=cores)
        except OSError as error:
            raise PipelineError(f"the renderer cannot be started: {command[0]!r}: {error.strerror}") from error
    return _Child(process=process, elements=elements, cores=cores, log=log, progress=progress)


def _read_progress(child: _Child, work: _Work, sizes: Sequence[int]) -> None:
    """Read the complete lines that were appended since the last look."""
    try:
        with child.progress.open("rb") as file:
            file.seek(child.read_bytes)
            content = file.read()
    except FileNotFoundError:
        return
    complete = content[: content.rfind(b"\n") + 1]
    child.read_bytes += len(complete)
    for line in complete.splitlines():
        report = json.loads(line)
        element = int(report["element"])
        work.frames_done[element] = min(int(report["done"]), sizes[element])


def _settle(child: _Child, plan: ShardPlan, work: _Work, sizes: Sequence[int], *, retries: int) -> None:
    """Take stock of a child that ended: the first element that it did not publish failed, the rest were not begun."""
    store = Path(plan.store)
    left = [k for k in child.elements if not element_published(store, plan.elements[k])]
    for element in child.elements:
        work.frames_done[element] = 0 if element in left else sizes[element]
    if not left:
        return
    failed = left[0]
    work.failures[failed] = work.failures.get(failed, 0) + 1
    if work.failures[failed] > retries:
        first, last = plan.elements[failed].frames[0], plan.elements[failed].frames[-1]
        raise PipelineError(
            f"element {failed} of the plan (frames {first.split}/{first.index} to {last.split}/{last.index}) was not "
            f"rendered in {work.failures[failed]} attempts; the last ended with "
            f"{describe_exit(child.process.returncode)}. What is published is kept; run again to go on.\n"
            f"log: {child.log}, which ends with\n{last_lines(child.log)}"
        )
    work.waiting.extendleft(reversed(left))
