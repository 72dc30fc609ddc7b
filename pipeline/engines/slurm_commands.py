"""Slurm's commands: what they answer, and patience while the controller gives no answer."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.console import duration, say
from pipeline.errors import PipelineError

Answer = TypeVar("Answer")
SECONDS_FOR_AN_ANSWER = 60.0
LONGEST_WAIT_S = 30.0
# What sbatch says when the same command may succeed a little later. Anything else is about the command itself.
TRY_LATER = (
    "unable to contact slurm controller",
    "socket timed out",
    "connection refused",
    "connection timed out",
    "transport endpoint",
    "zero bytes were transmitted",
    "temporarily unable",
    "temporarily unavailable",
    "authentication error",
    "munge",
    "standby mode",
    "slurmctld",
    "unexpected message received",
    "submitjobslimit",
    "submitjobsperuserlimit",
    "maxsubmitjob",
)


class NoAnswerError(Exception):
    """Slurm's controller did not answer. What it would have said is unknown; nothing may be concluded."""


@dataclass(frozen=True)
class QueuedTask:
    """An array task that Slurm has not ended. `task` is None while several wait as one line."""

    name: str
    job_id: str
    task: int | None
    pending: bool
    reason: str


def answer(command: Sequence[str]) -> str:
    """What a command prints that may be given again. Raises: NoAnswerError when it fails, PipelineError without it."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_FOR_AN_ANSWER, check=False)
    except FileNotFoundError as error:
        raise PipelineError(
            f"{command[0]!r} was not found; the slurm engine runs where Slurm's commands are installed (a login node)"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise NoAnswerError(f"{command[0]} gave no answer in {SECONDS_FOR_AN_ANSWER:.0f} s") from error
    if done.returncode != 0:
        raise NoAnswerError(f"{command[0]}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout


def patiently(ask: Callable[[], Answer], *, patience_s: float) -> Answer:
    """What `ask()` returns; it is asked again, ever more slowly, while Slurm does not answer.

    Raises: PipelineError after `patience_s` without an answer.
    """
    started_s, wait_s, told = time.monotonic(), 1.0, False
    while True:
        try:
            found = ask()
        except NoAnswerError as error:
            silent_s = time.monotonic() - started_s
            if silent_s > patience_s:
                raise PipelineError(
                    f"Slurm has not answered for {duration(silent_s)} ({error}). What runs goes on without this "
                    "process; run the same command again when Slurm is back"
                ) from error
            if not told:
                say("slurm", f"no answer ({error}); asking again until there is one")
            told = True
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        else:
            if told:
                say("slurm", f"answers again after {duration(time.monotonic() - started_s)}")
            return found


def queued(names: Sequence[str]) -> list[QueuedTask]:
    """Every task of the arrays of these names that has not ended. Raises: NoAnswerError."""
    columns = "%j|%F|%K|%t|%r"
    text = answer(["squeue", "--noheader", "--array", "--format", columns, "--name", ",".join(names)])
    tasks = []
    for line in text.splitlines():
        name, job_id, task, state, reason = line.split("|", 4)
        number = int(task) if task.isdigit() else None
        tasks.append(QueuedTask(name, job_id, number, state == "PD", reason.strip()))
    return tasks


def submit(script: Path, options: Sequence[str]) -> str:
    """Submit a script; returns the job's id. Raises: NoAnswerError when it may be tried again, else PipelineError."""
    command = ["sbatch", "--parsable", *options, str(script)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_FOR_AN_ANSWER, check=False)
    except FileNotFoundError as error:
        raise PipelineError("'sbatch' was not found; the slurm engine runs where Slurm's commands are") from error
    except subprocess.TimeoutExpired as error:
        raise NoAnswerError(f"sbatch gave no answer in {SECONDS_FOR_AN_ANSWER:.0f} s") from error
    if done.returncode == 0:
        return done.stdout.strip().split(";")[0]
    words = done.stderr.strip()
    if any(sign in words.lower() for sign in TRY_LATER):
        raise NoAnswerError(words)
    raise PipelineError(f"Slurm refused the job: {words}\ncommand: {' '.join(command)}")


def cancel(names: Sequence[str]) -> None:
    """Ask Slurm to end the arrays of these names. Raises: NoAnswerError."""
    for name in names:
        answer(["scancel", "--name", name])


def cancel_task(job_id: str, task: int) -> None:
    """Ask Slurm to end one task of an array. Raises: NoAnswerError."""
    answer(["scancel", f"{job_id}_{task}"])


def most_tasks_of_an_array() -> int:
    """Slurm's MaxArraySize: an array has at most so many tasks, the highest index being one less.

    Raises: NoAnswerError, PipelineError.
    """
    for line in answer(["scontrol", "show", "config"]).splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize":
            if int(value) < 2:
                raise PipelineError("this Slurm allows no job arrays (its MaxArraySize is 0 or 1); ask who runs it")
            return int(value)
    raise PipelineError("`scontrol show config` names no MaxArraySize; is this Slurm older than 2.6?")


def responding_hosts(partition: str) -> set[str]:
    """Names of the nodes that answer Slurm, of a partition or of all. Raises: NoAnswerError."""
    where = ["--partition", partition] if partition else []
    return set(answer(["sinfo", "--noheader", "--Node", "--responding", "--format", "%N", *where]).split())
