"""Counter-based random streams: a drawn value depends on seed, stream, factor and index, and on nothing else."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

Option = TypeVar("Option")


def random_stream(seed: int, split: str, factor: str, index: int) -> np.random.Generator:
    """A generator for one factor of one frame (or one identity) of one split.

    Philox is keyed by a hash of (seed, split, factor) and its counter starts at index * 2**128, so that streams never
    overlap, and neither the number of frames nor the order of drawing has any influence. Changing what one factor
    draws leaves every other factor alone.
    """
    if index < 0:
        raise ValueError(f"a frame or identity index is 0 or more, but {index} came")
    digest = hashlib.sha256(f"headroom/{seed}/{split}/{factor}".encode()).digest()
    key = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
    counter = np.array([0, 0, index, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def draw_between(stream: np.random.Generator, bounds: tuple[float, float]) -> float:
    """One value, uniform between two bounds, rounded to 9 decimals so that its text form is exact and short."""
    low, high = bounds
    return round(low + (high - low) * float(stream.random()), 9)


def field_drawer(ranges: object, factor: str, seed: int, split: str, index: int) -> Callable[[str], float]:
    """A function from a field's name to a value, uniform in the range of that name, each field from its own stream."""

    def draw(field: str) -> float:
        return draw_between(random_stream(seed, split, f"{factor}.{field}", index), getattr(ranges, field))

    return draw


def draw_one(stream: np.random.Generator, options: Sequence[Option]) -> Option:
    """One of the options, each as likely as the others."""
    return options[int(stream.integers(len(options)))]


def draw_weighted(stream: np.random.Generator, weights: Mapping[str, float]) -> str:
    """One name, as likely as its share of all weights; weights need not add up to 1, and weight 0 never comes."""
    wanted = [(name, weight) for name, weight in weights.items() if weight > 0]
    edge = draw_between(stream, (0, sum(weights.values())))
    for name, weight in wanted:
        edge -= weight
        if edge <= 0:
            return name
    return wanted[-1][0]  # the rounding errors of the weights left a crumb
