"""The frames that a dataset's recipe asks for and that are not in it: which, why, and how to see them fail again."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.published_dataset import PublishedDataset
from render.config import Recipe
from render.dataset_format import PRODUCTS, SHARD_MANIFEST, SPLITS, QuarantinedFrame, read_shard_manifest
from render.frame_keys import plan_frame

Address = tuple[str, int]


def missing_addresses(recipe: Recipe, addresses: Iterable[Address]) -> Iterator[Address]:
    """The addresses (split, index) of a recipe that are not among these, which come in order of split and index."""
    present = iter(addresses)
    following = next(present, None)
    for split in SPLITS:
        for index in range(recipe.structure.frames.get(split, 0)):
            if following == (split, index):
                following = next(present, None)
            else:
                yield split, index


def why_missing(
    dataset: PublishedDataset, recipe: Recipe, missing: list[Address], assets: dict[str, str]
) -> dict[Address, QuarantinedFrame | None]:
    """For each missing frame what some shard of the store says of it; None where none says anything.

    A frame may have been quarantined for another dataset, under another address: then it is known by its keys.
    Raises: DatasetError when a shard's manifest cannot be read.
    """
    if not missing:
        return {}
    said = list(_quarantined(dataset.store))
    by_address = {(one.split, one.index): one for one in said}
    by_key = {one.key: one for one in said}
    return {address: by_address.get(address) or _by_key(recipe, address, assets, by_key) for address in missing}


def _by_key(
    recipe: Recipe, address: Address, assets: dict[str, str], by_key: dict[str, QuarantinedFrame]
) -> QuarantinedFrame | None:
    try:
        keys = plan_frame(recipe, *address, assets).keys.values()
    except KeyError:  # it needs an asset that no frame of the dataset uses
        return None
    return next((by_key[key] for key in keys if key in by_key), None)


def _quarantined(store: Path) -> Iterator[QuarantinedFrame]:
    """Every quarantined frame of a store, from one shard manifest after the other."""
    for product in PRODUCTS:
        for path in sorted((store / "shards" / product).glob(f"[!.]*/{SHARD_MANIFEST}")):
            yield from (one for one in read_shard_manifest(path.parent).quarantined if one.failed == product)
