"""Progress: lines off a terminal, a bar on one."""

import io

import pytest

from train.progress import Progress, progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_off_a_terminal_there_is_a_first_line_one_a_minute_and_a_last():
    """100 units at one second each make lines at 0, 60 and 100 seconds, with rate and time left."""
    stream, clock = io.StringIO(), _Clock()
    with Progress(total=100, label="packing", unit="frames", stream=stream, clock=clock) as bar:
        for _ in range(100):
            clock.now_s += 1
            bar.advance()
    assert stream.getvalue().splitlines() == [
        "packing: 0/100 frames",
        "packing: 60/100 frames, 1 frames/s, 0:40 left",
        "packing: 100/100 frames, 1 frames/s, took 1:40",
    ]


def test_work_done_before_takes_no_part_in_the_rate():
    """A training resumed at 80 of 100 that does 10 in 60 seconds needs another minute for the last 10."""
    stream, clock = io.StringIO(), _Clock()
    with Progress(total=100, label="training", unit="images", already_done=80, stream=stream, clock=clock) as bar:
        clock.now_s += 60
        bar.advance(10, note="loss 0.5")
        assert stream.getvalue().splitlines()[1] == "training: 90/100 images, 6 s/images, 1:00 left, loss 0.5"


def test_a_terminal_gets_a_bar_with_rate_and_time_left():
    """The bar names the work and its unit, and reaches the total."""
    stream = _Terminal()
    with Progress(total=4, label="packing", unit="frames", stream=stream) as bar:
        bar.advance(4, note="fine")
    text = stream.getvalue()
    assert "packing: 100%" in text
    assert "4/4" in text
    assert "frames/s" in text


def test_an_iterable_passes_through_unchanged():
    """The items come out in order, and the last line counts them all."""
    stream = io.StringIO()
    assert list(progress([3, 1, 2], total=3, label="rows", unit="rows", stream=stream)) == [3, 1, 2]
    assert stream.getvalue().splitlines()[-1].startswith("rows: 3/3 rows")


def test_a_failure_still_leaves_a_last_line_that_says_how_far_it_came():
    """After an error the count stands where the work stopped."""
    stream = io.StringIO()

    def items():
        yield 1
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        list(progress(items(), total=5, label="rows", unit="rows", stream=stream))
    assert stream.getvalue().splitlines()[-1].startswith("rows: 1/5 rows")
