"""Interruption: SIGTERM and SIGINT become a question that a loop asks between two steps."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# sysexits.h EX_TEMPFAIL: not done, run the same command again.
EXIT_INTERRUPTED = 75


class StopRequestedError(Exception):
    """Work stopped on request, after its state was saved."""


@contextmanager
def stop_requests(*, deaf_to_more: bool = False) -> Iterator[Callable[[], bool]]:
    """Within the block, a first SIGTERM or SIGINT makes the yielded function true; a second acts as usual.

    With `deaf_to_more` a second changes nothing: `torchrun` passes on a signal that its processes may have had already,
    and sends SIGTERM to those that are left when one of them ends. In the end it kills.

    Outside the main thread Python cannot catch signals, and the function stays false.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        asked.set()
        if not deaf_to_more:
            restore()

    for number in before:
        signal.signal(number, ask)
    try:
        yield asked.is_set
    finally:
        restore()
