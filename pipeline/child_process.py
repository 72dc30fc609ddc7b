"""Child processes that cannot outlive the run: started in a group of their own, and stopped with all they started."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

SECONDS_TO_STOP = 20.0
LAST_LINES = 20
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a forked child may not load libraries safely.
_LIBC = ctypes.CDLL(None, use_errno=True)


def start_child(
    command: Sequence[str],
    *,
    output: IO[bytes] | int,
    dies_by: signal.Signals,
    cores: Sequence[int] | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own; the kernel sends it `dies_by` when this process is gone.

    It sees `cores` (all that this process sees, when None), and `environment` beside its own. Standard output and
    error both go to `output`. Call it from a thread that lives as long as the child: the kernel watches that thread.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        process_group=0,
        preexec_fn=_prepare_child(os.getpid(), dies_by, cores),  # noqa: PLW1509 - it makes three system calls, no more
    )


def stop_children(
    children: Iterable[subprocess.Popen[bytes]], *, first: signal.Signals, seconds: float = SECONDS_TO_STOP
) -> None:
    """Send a signal to the children's groups, wait some seconds, then kill what is left; returns when all ended."""
    running = [child for child in children if child.poll() is None]
    for child in running:
        _signal_group(child, first)
    deadline_s = time.monotonic() + seconds
    while any(child.poll() is None for child in running) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    for child in running:
        _signal_group(child, signal.SIGKILL)
        child.wait()


def last_lines(log: Path, *, count: int = LAST_LINES) -> str:
    """The last lines of a log, indented; the bars that a progress line drew over are left out."""
    try:
        text = log.read_bytes()[-64_000:].decode(errors="replace")
    except OSError:
        return "  (no log)"
    lines = [line.rsplit("\r", 1)[-1] for line in text.replace("\r\n", "\n").splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:]) or "  (the log is empty)"


def describe_exit(code: int) -> str:
    """An exit code in words: a negative one is the signal that ended the child."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
    return f"{name} (out of memory?)" if name == "SIGKILL" else name


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _prepare_child(parent: int, dies_by: signal.Signals, cores: Sequence[int] | None) -> Callable[[], None]:
    def prepare() -> None:
        if cores is not None:
            os.sched_setaffinity(0, cores)
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(dies_by), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the request was made
            os._exit(1)

    return prepare
