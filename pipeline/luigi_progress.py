"""Telling luigi how far a task is, for its web page; whatever goes wrong with that, the task goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import luigi

SECONDS_BETWEEN_TELLS = 5.0


@contextmanager
def told_to_luigi(task: luigi.Task, read: Callable[[], tuple[float, str]]) -> Iterator[None]:
    """While the body runs, tell luigi's scheduler the share (0 to 1) and the words that `read()` returns.

    A thread does it: a scheduler that does not answer keeps nobody waiting, and no error of it reaches the body.
    """
    over = threading.Event()

    def tell() -> None:
        while True:
            try:
                share, words = read()
                # A worker of luigi gives the task these two; without one they are None.
                task.set_progress_percentage(max(0, min(100, round(100 * share))))  # pyright: ignore
                task.set_status_message(words)  # pyright: ignore
            except Exception:
                pass
            if over.wait(SECONDS_BETWEEN_TELLS):
                return

    threading.Thread(target=tell, name="told-to-luigi", daemon=True).start()
    try:
        yield
    finally:
        over.set()
