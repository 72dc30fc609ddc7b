"""Run one command of a stage: what it prints is seen and logged, and its failure is told with its last words."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from pipeline.child_process import describe_exit, last_lines, start_child, stop_children
from pipeline.errors import PipelineError


def run_stage_command(command: Sequence[str], *, stage: str, log: Path) -> None:
    """Run a command to its end; its output goes to standard error and to a log file.

    Where standard error is a terminal the command gets one too, so that it draws its progress bar. When this process
    is interrupted or dies, the command gets SIGTERM: a training saves its state then.

    Raises: PipelineError with the exit code, the log's path and its last lines.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    on_terminal = sys.stderr.isatty()
    reader, writer = pty.openpty() if on_terminal else os.pipe()
    if on_terminal:
        _copy_terminal_size(writer)
    try:
        child = start_child(command, output=writer, dies_by=signal.SIGTERM)
    except OSError as error:
        os.close(reader)
        raise PipelineError(f"{stage} cannot start {command[0]!r}: {error.strerror}") from error
    finally:
        os.close(writer)
    try:
        with log.open("wb") as file:
            _relay(child, reader, file)
        code = child.wait()
    finally:
        stop_children([child], first=signal.SIGTERM)
        os.close(reader)
    if code != 0:
        raise PipelineError(
            f"{stage} failed with {describe_exit(code)}. Command: {' '.join(command)}\nlog: {log}, which ends with\n"
            f"{last_lines(log)}"
        )


def _relay(child: subprocess.Popen[bytes], reader: int, log) -> None:
    """Copy what the child writes to standard error and the log, until the child has ended and nothing is left."""
    while True:
        ready, _, _ = select.select([reader], [], [], 0.2)
        if not ready:
            if child.poll() is not None:  # something that it started may keep the pipe open for ever
                return
            continue
        try:
            chunk = os.read(reader, 65536)
        except OSError:  # how a pseudo-terminal says that nobody writes any more
            return
        if not chunk:
            return
        log.write(chunk)
        log.flush()
        sys.stderr.buffer.write(chunk)
        sys.stderr.flush()


def _copy_terminal_size(descriptor: int) -> None:
    size = os.get_terminal_size(sys.stderr.fileno())
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))
