"""Which frames are published or quarantined already, whatever dataset, shard size or recipe they were rendered for."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.shard_checks import check_shard_name
from render.dataset_format import PRODUCTS, SHARD_MANIFEST, DatasetError, QuarantinedFrame
from render.quarantine import shard_manifests


@dataclass(frozen=True)
class FrameLookup:
    """By product and frame key: the shard (relative to the store) that holds the frame, or why none does."""

    published: dict[str, dict[str, str]]
    quarantined: dict[str, dict[str, QuarantinedFrame]]


def look_up_frames(store: Path) -> FrameLookup:
    """All frames of a store; reads shard manifests only.

    A key that two shards hold (two stores were merged, say) belongs to the first by name, and one that some shard holds
    is not quarantined. A frame counts as quarantined under the product whose check it failed, and under no other.
    Raises: DatasetError when a folder among the shards is none, or lists other frames than its name stands for.
    """
    published: dict[str, dict[str, str]] = {product: {} for product in PRODUCTS}
    quarantined: dict[str, dict[str, QuarantinedFrame]] = {product: {} for product in PRODUCTS}
    for product in PRODUCTS:
        for folder in sorted((store / "shards" / product).glob("[!.]*")):
            if not (folder / SHARD_MANIFEST).is_file():
                raise DatasetError(
                    f"{folder} has no {SHARD_MANIFEST}, so it is no shard (an incomplete copy?); "
                    "delete it and run again"
                )
        for shard, manifest in shard_manifests(store, product):
            check_shard_name(store / shard, manifest)
            for key in manifest.frame_keys:
                published[product].setdefault(key, shard)
            quarantined[product] |= {one.key: one for one in manifest.quarantined if one.failed == product}
        for key in published[product].keys() & quarantined[product].keys():
            del quarantined[product][key]
    return FrameLookup(published=published, quarantined=quarantined)
