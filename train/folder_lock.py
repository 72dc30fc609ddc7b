"""One process at a time in a folder: a lock that the system frees when its holder dies, and that leaves no file."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS_BETWEEN_TRIES = 0.1


@contextmanager
def only_process_in(folder: Path) -> Iterator[None]:
    """Make the folder if need be and hold it; wait, and say so once, while another process of this machine does.

    A training whose run was killed still saves its state; the next one must not write into the same files meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        waiting = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    print(f"another process is at work in {folder}; waiting for it", file=sys.stderr, flush=True)
                waiting = True
                time.sleep(SECONDS_BETWEEN_TRIES)
            except OSError as error:  # some network file systems lock no folders
                told = f"{folder} cannot be locked ({error.strerror}); see to it that no other process trains in it"
                print(told, file=sys.stderr, flush=True)
                break
        yield
    finally:
        os.close(descriptor)
