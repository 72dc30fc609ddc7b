"""Whole numbers on the command line: refused with what was expected and what came, before anything is drawn."""

import argparse

_LARGEST = 2**32 - 1  # even points are counted in 32 bits


def frame_index(text: str) -> int:
    """An index counted from 0. Raises: ArgumentTypeError when the text is no whole number of that range."""
    return _whole_number(text, least=0)


def count_of_some(text: str) -> int:
    """A number of things, at least one. Raises: ArgumentTypeError when the text is no whole number of that range."""
    return _whole_number(text, least=1)


def _whole_number(text: str, *, least: int) -> int:
    if text.isascii() and text.isdecimal() and least <= int(text) <= _LARGEST:
        return int(text)
    raise argparse.ArgumentTypeError(f"a whole number from {least} to {_LARGEST} was expected, but {text!r} came")
