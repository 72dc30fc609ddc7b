"""Crew: processes of this machine that work side by side, each on a job of its own, and stay for the next jobs.

A frame has much that one core does alone (posing, a scene's way into Cycles, arrays, files). Two frames at once keep
all cores busy: while one process is there, another one renders.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.metadata import distribution
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
_SECONDS_BETWEEN_LOOKS = 0.02
# More cores than this for one process are mostly idle while it does what one core must do alone.
_CORES_A_PROCESS = 2
_PR_SET_PDEATHSIG = 1


class ProcessLostError(Exception):
    """A process of a crew ended in the middle of a job; the message says what to try."""


def default_processes(device: str) -> int:
    """How many processes render side by side unless told: on the CPU one for every two cores, two where there are two
    or three. A GPU has one: it is the GPU's memory that sets the limit."""
    cores = len(os.sched_getaffinity(0))
    return 1 if device == "gpu" else max(min(cores, 2), cores // _CORES_A_PROCESS)


class Crew:
    """A number of processes; a context manager that ends them. They end by themselves when this process is killed."""

    def __init__(self, processes: int) -> None:
        if processes < 1:
            raise ValueError(f"a crew has at least one process, but {processes} came")
        # Blender must not be forked.
        context = multiprocessing.get_context("spawn")
        self.processes = processes
        self._results: SimpleQueue = context.SimpleQueue()
        self._stop = context.Event()
        self._executor = ProcessPoolExecutor(
            processes, mp_context=context, initializer=_join_crew, initargs=(self._results, self._stop)
        )

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._executor.shutdown(cancel_futures=True)

    def run(self, work: Callable[[Job], Iterator[Result]], jobs: Sequence[Job]) -> Iterator[Result]:
        """What `work(job)` yields for every job, as it comes; every process is on one job at a time.

        `work` is a function of a module, and jobs and results can be pickled. When one job fails, the others stop
        after their next result.

        Raises: what a job raised; ProcessLostError when a process ended without a word.
        """
        with _without_blender_on_the_path():
            pending = {self._executor.submit(_work_on, work, job) for job in jobs}
        try:
            while pending:
                done, pending = wait(pending, timeout=_SECONDS_BETWEEN_LOOKS, return_when=FIRST_COMPLETED)
                yield from self._came()
                for job in done:
                    job.result()
        except BrokenProcessPool as error:
            raise ProcessLostError(
                f"one of {self.processes} processes ended in the middle of a job, as it does when memory runs out; "
                "give the job more memory, or try --processes 1"
            ) from error
        finally:
            self._stop.set()
            while pending:
                pending = wait(pending, timeout=_SECONDS_BETWEEN_LOOKS).not_done
                for _ in self._came():
                    pass  # a process cannot end while nobody takes what it found
            self._stop.clear()

    def _came(self) -> Iterator[Any]:
        while not self._results.empty():
            yield self._results.get()


@contextmanager
def _without_blender_on_the_path() -> Iterator[None]:
    """Where this process has imported bpy, Blender's own folders come first on the path of modules. A new process is
    given that path, and would find in them a `bpy` that only Blender itself can import."""
    blender = Path(str(distribution("bpy").locate_file("bpy")))
    whole = list(sys.path)
    sys.path[:] = [entry for entry in whole if not Path(entry).is_relative_to(blender)]
    try:
        yield
    finally:
        sys.path[:] = whole


# In a process of a crew: where its results go, and whether it should stop. It belongs to one crew, for life.
_results: Any = None
_stop: Any = None


def _join_crew(results: SimpleQueue, stop: Event) -> None:
    global _results, _stop
    _results, _stop = results, stop
    # A thread that waits for the parent would wait for the interpreter's lock as well, which Blender may keep for long.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid != os.getppid():  # it died before the request was made
        os._exit(1)
    signal.signal(signal.SIGTERM, _leave_soon)


# Signals that asked this process to leave, and the job that it is at. Many a farm sends SIGTERM to every process; the
# frame is finished first. Lists, because no lock may be taken in a signal's handler.
_asked: list[int] = []
_jobs: list[object] = []


def _leave_soon(number: int, _: object) -> None:
    _asked.append(number)
    if not _jobs:
        os._exit(1)


def _work_on(work: Callable[[Any], Iterator[Any]], job: object) -> None:
    _jobs.append(job)
    try:
        for result in work(job):
            _results.put(result)
            if _asked:
                os._exit(1)
            if _stop.is_set():
                return
    finally:
        _jobs.clear()
