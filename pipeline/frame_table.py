"""Frame tables: planned frames in columns, about 40 bytes a frame, read like a sequence of PlannedFrame."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from pipeline.hex_column import HexColumn
from render.dataset_format import SPLITS, Product
from render.shard_plan import PlannedFrame

KEY_DIGITS = 32
_STRETCH = 10_000


@dataclass(frozen=True, eq=False)
class FrameTable(Sequence[PlannedFrame]):
    """Frames of one recipe: the places of their splits in SPLITS, their indices, and their keys by product.

    All frames have keys of the same products. A slice is a view of the same columns.
    """

    splits: np.ndarray
    indices: np.ndarray
    keys: dict[str, HexColumn]

    @classmethod
    def of(cls, frames: Collection[PlannedFrame]) -> "FrameTable":
        """Frames as a table. Raises: ValueError when a key is none, KeyError when a frame lacks a product."""
        if isinstance(frames, FrameTable):
            return frames
        products: tuple[Product, ...] = tuple(next(iter(frames)).keys) if frames else ()
        return cls(
            splits=np.array([SPLITS.index(frame.split) for frame in frames], dtype=np.uint8),
            indices=np.array([frame.index for frame in frames], dtype=np.uint32),
            keys={name: HexColumn.of([frame.keys[name] for frame in frames], digits=KEY_DIGITS) for name in products},
        )

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, place: int) -> PlannedFrame: ...
    @overload
    def __getitem__(self, place: slice) -> "FrameTable": ...
    def __getitem__(self, place: int | slice) -> "PlannedFrame | FrameTable":
        if isinstance(place, slice):
            return self.take(place)
        return PlannedFrame(
            split=SPLITS[self.splits[place]],  # pyright: ignore[reportArgumentType]
            index=int(self.indices[place]),
            keys={product: column[place] for product, column in self.keys.items()},  # pyright: ignore[reportArgumentType]
        )

    def __iter__(self) -> Iterator[PlannedFrame]:
        for start in range(0, len(self), _STRETCH):
            part = self[start : start + _STRETCH]
            addresses = zip(part.splits.tolist(), part.indices.tolist(), strict=True)
            for (split, index), *keys in zip(addresses, *part.keys.values(), strict=True):
                named = dict(zip(part.keys, keys, strict=True))
                yield PlannedFrame.model_construct(split=SPLITS[split], index=index, keys=named)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrameTable):
            same = np.array_equal(self.splits, other.splits) and np.array_equal(self.indices, other.indices)
            return same and self.keys == other.keys
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(PlannedFrame.__eq__, self, other))

    __hash__ = None  # pyright: ignore[reportAssignmentType] - equal by content, as lists are

    def take(self, rows: np.ndarray | slice) -> "FrameTable":
        """The frames of these rows (numbers, a mask, or a slice)."""
        keys = {product: HexColumn(column.words[rows]) for product, column in self.keys.items()}
        return FrameTable(self.splits[rows], self.indices[rows], keys)

    def counts(self) -> dict[str, int]:
        """Frames by split, of the splits that have any."""
        found = np.bincount(self.splits, minlength=len(SPLITS)).tolist()
        return {split: count for split, count in zip(SPLITS, found, strict=True) if count}
