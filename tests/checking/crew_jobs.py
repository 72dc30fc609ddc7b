"""Jobs for a crew: functions of a module, as its processes import them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path


def count(job: int) -> Iterator[int]:
    """0 to job - 1."""
    yield from range(job)


def slow_count(job: int) -> Iterator[int]:
    """0 to job - 1, ten a second."""
    for number in range(job):
        time.sleep(0.1)
        yield number


def meet(job: tuple[Path, Path]) -> Iterator[int]:
    """The number of this process, once another job has written the second file."""
    mine, others = job
    mine.touch()
    while not others.exists():
        time.sleep(0.01)
    yield os.getpid()


def fail_at_once(job: bool) -> Iterator[int]:
    """An error, or 100 s of results."""
    if job:
        raise ArithmeticError("the job's own words")
    yield from slow_count(1000)


def die(job: int) -> Iterator[int]:
    """End the process as a lack of memory does."""
    yield job
    os.abort()


def write_pid(job: Path) -> Iterator[int]:
    """Append the number of this process to a file, and go on for ever."""
    with job.open("a") as file:
        file.write(f"{os.getpid()}\n")
    while True:
        time.sleep(0.1)
        yield 0
