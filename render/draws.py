"""Draws: a drawn value depends on seed, split, name and index alone, and over indices it is spread evenly."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from render.even_points import DIMENSIONS, check_index, even_shares

Option = TypeVar("Option")
Range = tuple[float, float]
_SEEDS = 1_000_000
# Shares are made for so many indices at once, because whoever draws one frame mostly draws the next ones too.
_BLOCK = 256


@dataclass(frozen=True)
class Draws:
    """The draws of one index (of a person, of a frame, …) of one split.

    Every draw has a name, `factor.field`. Neither the number of frames nor the order of drawing has any influence, and
    what is drawn for one name leaves every other name alone.
    """

    seed: int
    split: str
    index: int

    def share(self, name: str) -> float:
        """A number from 0 to below 1. Consecutive indices fill the interval evenly (low discrepancy)."""
        return self._share(name, name, 0)

    def between(self, name: str, bounds: Range) -> float:
        """One value, uniform between two bounds."""
        return _within(self.share(name), bounds)

    def between_jointly(self, factor: str, ranges: Mapping[str, Range]) -> dict[str, float]:
        """Values by field, each uniform between its bounds; consecutive indices fill the square, cube or 4-cube evenly.

        The order of the fields matters. Raises: ValueError when there are more than four.
        """
        if len(ranges) > DIMENSIONS:
            raise ValueError(f"at most {DIMENSIONS} fields are drawn jointly, but {factor!r} has {list(ranges)}")
        return {
            field: _within(self._share(factor, f"{factor}.{field}", dimension), bounds)
            for dimension, (field, bounds) in enumerate(ranges.items())
        }

    def one(self, name: str, options: Sequence[Option]) -> Option:
        """One of the options, each as likely as the others."""
        return options[int(self.share(name) * len(options))]

    def weighted(self, name: str, weights: Mapping[str, float]) -> str:
        """One key, as likely as its share of all weights; weights need not add up to 1, and weight 0 never comes.

        Keys are taken in alphabetical order, so that a recipe may list them in any.
        """
        wanted = sorted((key, weight) for key, weight in weights.items() if weight > 0)
        if not wanted:
            raise ValueError(f"{name} needs a weight above 0, but has {dict(weights)}")
        edge = self.share(name) * sum(weight for _, weight in wanted)
        for key, weight in wanted:
            edge -= weight
            if edge < 0:
                return key
        return wanted[-1][0]  # the rounding errors of the weights left a crumb

    def new_seed(self, name: str) -> int:
        """A seed for what is made from noise, 0 to 999 999."""
        return int(self.stream(name).integers(_SEEDS))

    def stream(self, name: str) -> np.random.Generator:
        """A generator of independent numbers; streams never overlap.

        Philox keyed by a hash of seed, split and name; its counter starts at index * 2**128.
        """
        if self.index < 0:
            raise ValueError(f"a frame or identity index is 0 or more, but {self.index} came")
        key = np.frombuffer(self._digest(name)[:16], dtype="<u8").astype(np.uint64)
        counter = np.array([0, 0, self.index, 0], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=counter))

    def _share(self, set_name: str, name: str, dimension: int) -> float:
        check_index(self.index)
        block, place = divmod(self.index, _BLOCK)
        return _shares(self.seed, self.split, set_name, name, dimension, block)[place]

    def _digest(self, name: str) -> bytes:
        return _digest(self.seed, self.split, name)


@lru_cache(maxsize=4096)
def _digest(seed: int, split: str, name: str) -> bytes:
    return hashlib.sha256(f"headroom/{seed}/{split}/{name}".encode()).digest()


@lru_cache(maxsize=2048)
def _shares(seed: int, split: str, set_name: str, name: str, dimension: int, block: int) -> list[float]:
    return even_shares(
        block * _BLOCK,
        _BLOCK,
        shuffle_seed=int.from_bytes(_digest(seed, split, set_name)[16:20], "little"),
        scramble_seed=int.from_bytes(_digest(seed, split, name)[20:24], "little"),
        dimension=dimension,
    )


def _within(share: float, bounds: Range) -> float:
    """Rounded to 9 decimals, so that the text of the value is exact and short."""
    low, high = bounds
    return round(low + (high - low) * share, 9)
