"""Starts runs by forking: it has imported the pipeline and planned the frames, so that a run costs no seconds.

It reads JSON lines: `{"start": [arguments of luigi], "output": FILE}` answers with a process id, `{"wait": PID}` with
its exit code (of a signal the negative number), and it ends with its input.
"""

import json
import os
import sys

from luigi.retcodes import run_with_retcodes

import pipeline  # noqa: F401 - registers the tasks


def main() -> None:
    """Serve until the input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            answer = os.fork() or run(order["start"], order["output"])
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        print(answer, flush=True)


def run(arguments: list[str], output: str) -> int:
    """In the forked process: what the program `luigi` does; never returns."""
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    code = 1
    try:
        run_with_retcodes(arguments)
    except SystemExit as leave:
        code = int(leave.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
