"""One holder at a time: a lock in the store, which the system frees when its holder dies."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.console import say

SECONDS_BETWEEN_TRIES = 0.25
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


@contextmanager
def store_lock(store: Path, name: str) -> Iterator[None]:
    """Hold the store's lock of that name; wait, and say so once, while another process of this machine has it.

    The lock spares two runs the same work. It is no matter of correctness: publishing by rename is.
    """
    path = store / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno in _NO_LOCKS:
                    say(name, f"the file system of {store} has no locks; two runs on it may do the same work twice")
                    break
                if not isinstance(error, BlockingIOError):
                    raise
                if not waiting:
                    file.seek(0)
                    say(name, f"process {file.read().strip() or '?'} is at work on the same; waiting for it")
                waiting = True
                time.sleep(SECONDS_BETWEEN_TRIES)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
