"""Which frames are published or quarantined already, whatever dataset, shard size or recipe they were rendered for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.frame_table import KEY_DIGITS
from pipeline.hex_column import HexColumn, HexIndex
from pipeline.shard_checks import check_shard_name
from render.dataset_format import PRODUCTS, SHARD_MANIFEST, DatasetError, QuarantinedFrame, read_shard_manifest


@dataclass(frozen=True, eq=False)
class PublishedKeys(Mapping[str, str]):
    """Frame key to the shard (relative to the store) that holds the frame; about 50 bytes a key.

    `index` finds the row of a key, `shard_numbers` tells for each row which of the `shards` holds it.
    """

    index: HexIndex
    shard_numbers: np.ndarray
    shards: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.index.ordered)

    def __iter__(self) -> Iterator[str]:
        return iter(self.index.ordered)

    def __getitem__(self, key: str) -> str:
        try:
            number = int(self.numbers(HexColumn.of([key], digits=KEY_DIGITS))[0])
        except ValueError:
            number = -1
        if number < 0:
            raise KeyError(key)
        return self.shards[number]

    def numbers(self, keys: HexColumn) -> np.ndarray:
        """For each key the number of the shard that holds it, -1 where none does."""
        rows = self.index.find(keys)
        found = rows >= 0
        rows[found] = self.shard_numbers[rows[found]]
        return rows


@dataclass(frozen=True)
class FrameLookup:
    """By product and frame key: the shard (relative to the store) that holds the frame, or why none does."""

    published: dict[str, PublishedKeys]
    quarantined: dict[str, dict[str, QuarantinedFrame]]


def look_up_frames(store: Path) -> FrameLookup:
    """All frames of a store; reads shard manifests only, one at a time.

    A key that two shards hold (two stores were merged, say) belongs to the first by name, and one that some shard holds
    is not quarantined. A frame counts as quarantined under the product whose check it failed, and under no other.
    Raises: DatasetError when a folder among the shards is none, or lists other frames than its name stands for.
    """
    published: dict[str, PublishedKeys] = {}
    quarantined: dict[str, dict[str, QuarantinedFrame]] = {}
    for product in PRODUCTS:
        names, columns, bad = [], [], {}
        for folder in sorted((store / "shards" / product).glob("[!.]*")):
            if not (folder / SHARD_MANIFEST).is_file():
                raise DatasetError(
                    f"{folder} has no {SHARD_MANIFEST}, so it is no shard (an incomplete copy?); "
                    "delete it and run again"
                )
            manifest = read_shard_manifest(folder)
            check_shard_name(folder, manifest)
            names.append(f"shards/{product}/{folder.name}")
            columns.append(HexColumn.of(manifest.frame_keys, digits=KEY_DIGITS))
            bad |= {one.key: one for one in manifest.quarantined if one.failed == product}
        keys = HexColumn.joined(columns, digits=KEY_DIGITS)
        numbers = np.repeat(np.arange(len(columns), dtype=np.int32), [len(column) for column in columns])
        published[product] = PublishedKeys(index=HexIndex.of(keys), shard_numbers=numbers, shards=tuple(names))
        quarantined[product] = {key: one for key, one in bad.items() if key not in published[product]}
    return FrameLookup(published=published, quarantined=quarantined)
