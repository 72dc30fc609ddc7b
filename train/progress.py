"""Progress: a bar with rate and time left on a terminal, one line a minute elsewhere."""

import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 60.0
Item = TypeVar("Item")


class Progress:
    """Counts `total` units of work; use as a context manager and call `advance`.

    Off a terminal it writes a line when it starts, at most one a minute, and one when it ends, which says how far it
    came. `already_done` units were finished earlier and take no part in the rate.
    """

    def __init__(
        self,
        *,
        total: int,
        label: str,
        unit: str,
        already_done: int = 0,
        stream: io.TextIOBase | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.label, self.unit = total, label, unit
        self.done = self._first = already_done
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._started_s = self._last_line_s = clock()
        self._note = ""
        self._bar: tqdm | None = None

    def __enter__(self) -> "Progress":
        self._started_s = self._last_line_s = self._clock()
        if self._stream.isatty():
            self._bar = tqdm(
                total=self.total, desc=self.label, unit=self.unit, initial=self.done, file=self._stream, smoothing=0.1
            )
        else:
            self._write_line()
        return self

    def advance(self, count: int = 1, *, note: str = "") -> None:
        """Record that `count` more units are done; `note` (the latest loss, say) is shown beside them."""
        self.done += count
        self._note = note or self._note
        if self._bar is not None:
            self._bar.update(count)
            if note:
                self._bar.set_postfix_str(note)
        elif self._clock() - self._last_line_s >= SECONDS_BETWEEN_LINES:
            self._write_line()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        else:
            self._write_line()

    def _write_line(self) -> None:
        now_s = self._clock()
        self._last_line_s = now_s
        worked, seconds = self.done - self._first, now_s - self._started_s
        parts = [f"{self.label}: {self.done}/{self.total} {self.unit}"]
        if worked > 0 and seconds > 0:
            rate = worked / seconds
            parts.append(f"{rate:.3g} {self.unit}/s" if rate >= 1 else f"{1 / rate:.3g} s/{self.unit}")
            if self.done < self.total:
                parts.append(f"{_duration((self.total - self.done) / rate)} left")
            else:
                parts.append(f"took {_duration(seconds)}")
        if self._note:
            parts.append(self._note)
        self._stream.write(", ".join(parts) + "\n")
        self._stream.flush()


def progress(
    iterable: Iterable[Item], *, total: int, label: str, unit: str, stream: io.TextIOBase | None = None
) -> Iterator[Item]:
    """The same items, while a `Progress` of that total counts them."""
    with Progress(total=total, label=label, unit=unit, stream=stream) as counter:
        for item in iterable:
            yield item
            counter.advance()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
