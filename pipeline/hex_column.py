"""Hash columns: a million keys as fixed numbers, 16 bytes a key instead of a Python string's 80."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

_DIGITS_A_WORD = 16
_STRETCH = 10_000
_HEX_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, eq=False)
class HexColumn(Sequence[str]):
    """Hexadecimal texts of one length, a multiple of 16 digits. `words` holds them in rows of 64-bit numbers, so that
    the order of numbers is that of the texts."""

    words: np.ndarray

    @classmethod
    def of(cls, texts: Collection[str], *, digits: int) -> "HexColumn":
        """The texts as a column. Raises: ValueError naming the first that has not just so many hexadecimal digits."""
        whole = "".join(texts)
        # A text that is too long and one that is too short would make up for each other in the whole.
        right = all(len(text) == digits for text in texts) and set(whole) <= _HEX_DIGITS
        if not right:
            wrong = next(text for text in texts if len(text) != digits or not set(text) <= _HEX_DIGITS)
            raise ValueError(f"a hash has {digits} hexadecimal digits, but {wrong!r} came")
        return cls(
            np.frombuffer(bytes.fromhex(whole), dtype=">u8").astype(np.uint64).reshape(-1, digits // _DIGITS_A_WORD)
        )

    @classmethod
    def joined(cls, parts: Sequence["HexColumn"], *, digits: int) -> "HexColumn":
        """Columns one after the other; of no column, an empty one."""
        empty = np.empty((0, digits // _DIGITS_A_WORD), np.uint64)
        return cls(np.concatenate([empty, *(part.words for part in parts)]))

    def __len__(self) -> int:
        return len(self.words)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> "HexColumn": ...
    def __getitem__(self, place: int | slice) -> "str | HexColumn":
        if isinstance(place, slice):
            return HexColumn(self.words[place])
        return "".join(f"{word:016x}" for word in self.words[place].tolist())

    def __iter__(self) -> Iterator[str]:
        digits = self.words.shape[1] * _DIGITS_A_WORD
        for start in range(0, len(self), _STRETCH):
            text = self.words[start : start + _STRETCH].astype(">u8").tobytes().hex()
            for place in range(0, len(text), digits):
                yield text[place : place + digits]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, HexColumn):
            return np.array_equal(self.words, other.words)
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(str.__eq__, self, other))

    __hash__ = None  # pyright: ignore[reportAssignmentType] - equal by content, as lists are

    def take(self, rows: np.ndarray) -> "HexColumn":
        """The texts of these rows (numbers, or a mask)."""
        return HexColumn(self.words[rows])

    def first_occurrences(self) -> np.ndarray:
        """A mask: whether no earlier row has the same text."""
        order = self.sorted_rows()  # a stable sort: the first of equals comes first
        ordered = self.words[order]
        mask = np.ones(len(self), dtype=bool)
        mask[order[1:]] = (ordered[1:] != ordered[:-1]).any(axis=1)
        return mask

    def sorted_rows(self) -> np.ndarray:
        """Row numbers in the order of the texts; of equal texts the first row comes first."""
        return np.lexsort(tuple(self.words.T[::-1]))


@dataclass(frozen=True)
class HexIndex:
    """Finds texts of a column: its rows in the order of their texts."""

    ordered: HexColumn
    rows: np.ndarray

    @classmethod
    def of(cls, column: HexColumn) -> "HexIndex":
        """The index of a column; of equal texts only the first row is found."""
        rows = column.sorted_rows()
        rows = rows[column.first_occurrences()[rows]]
        return cls(column.take(rows), rows)

    def find(self, wanted: HexColumn) -> np.ndarray:
        """The row of every wanted text, -1 where there is none."""
        heads, found = self.ordered.words[:, 0], np.full(len(wanted), -1, dtype=np.int64)
        open_rows = np.arange(len(wanted))
        places = np.searchsorted(heads, wanted.words[:, 0])
        while len(open_rows):  # once, but for different texts that begin with the same 16 digits
            near = places < len(heads)
            open_rows, places = open_rows[near], places[near]
            near = heads[places] == wanted.words[open_rows, 0]
            open_rows, places = open_rows[near], places[near]
            same = (self.ordered.words[places] == wanted.words[open_rows]).all(axis=1)
            found[open_rows[same]] = self.rows[places[same]]
            open_rows, places = open_rows[~same], places[~same] + 1
        return found
