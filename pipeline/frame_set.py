"""FrameSet: the frames of a recipe or of a published dataset, by address, with their keys and what these hash."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet
from pydantic import ValidationError

from pipeline.errors import PipelineError
from pipeline.hex_column import HexColumn
from pipeline.planning import DatasetPlan
from render.config import Recipe
from render.dataset_format import (
    DATASET_INDEX,
    DATASET_MANIFEST,
    PRODUCTS,
    SHARD_RECORDS,
    SPLITS,
    DatasetManifest,
    FrameRecord,
)
from render.frame_keys import key_inputs, key_of_inputs, product_settings
from render.sampling.frame import draw_frame
from render.shard_plan import Product, wanted_products

Address = tuple[str, int]
LEAST_PREFIX = 4
# An entry among the inputs of a published frame whose key this version cannot make again from them.
MADE_OTHERWISE = "version"


@dataclass(frozen=True)
class FrameSet:
    """`keys` holds by product and split the key of every frame by its index, None where there is no such frame.

    `inputs(product, addresses)` tells what the keys of frames hash; frames of which nothing is left are left out.
    """

    name: str
    recipe: Recipe
    keys: Mapping[Product, Mapping[str, Sequence[str | None]]]
    inputs: Callable[[Product, Collection[Address]], dict[Address, dict]]

    def key(self, product: Product, address: Address) -> str | None:
        """The key of one product of a frame, None where the set has none."""
        keys = self.keys.get(product, {}).get(address[0], ())
        return keys[address[1]] if address[1] < len(keys) else None


def planned_frame_set(plan: DatasetPlan) -> FrameSet:
    """The frames that a recipe asks for."""
    keys: dict[Product, dict[str, HexColumn]] = {
        product: {
            split: plan.frames.keys[product].take(plan.frames.splits == SPLITS.index(split))
            for split in plan.frames.counts()
        }
        for product in wanted_products(plan.recipe)
    }

    def inputs(product: Product, addresses: Collection[Address]) -> dict[Address, dict]:
        return {
            address: key_inputs(draw_frame(plan.recipe, *address), product, plan.recipe, plan.assets)
            for address in addresses
        }

    return FrameSet(name=f"recipe {plan.recipe.name}", recipe=plan.recipe, keys=keys, inputs=inputs)


def published_frame_set(dataset: Path) -> FrameSet:
    """The frames of a published dataset, whose folder lies in a store; reads its index, and records when asked.

    Raises: PipelineError when it is no dataset, or one that this version cannot read.
    """
    manifest = dataset_manifest(dataset)
    store = dataset.parent.parent
    recipe = published_recipe(manifest)
    schema = pyarrow.parquet.read_schema(dataset / DATASET_INDEX)
    products: list[Product] = [product for product in PRODUCTS if f"{product}_key" in schema.names]
    columns = ["split", "frame_index", *(f"{product}_{part}" for product in products for part in ("key", "shard"))]
    table = pyarrow.parquet.read_table(dataset / DATASET_INDEX, columns=columns)
    splits, indices = table.column("split").to_pylist(), table.column("frame_index").to_pylist()
    lengths: dict[str, int] = {}
    for split, index in zip(splits, indices, strict=True):
        lengths[split] = max(lengths.get(split, 0), index + 1)
    keys: dict[Product, dict[str, list[str | None]]] = {}
    for product in products:
        keys[product] = {split: [None] * length for split, length in lengths.items()}
        for split, index, key in zip(splits, indices, table.column(f"{product}_key").to_pylist(), strict=True):
            keys[product][split][index] = key

    def inputs(product: Product, addresses: Collection[Address]) -> dict[Address, dict]:
        wanted = set(addresses)
        shards: dict[str, dict[str, Address]] = {}
        column = table.column(f"{product}_shard").to_pylist()
        for split, index, shard in zip(splits, indices, column, strict=True):
            if (split, index) in wanted:
                shards.setdefault(shard, {})[str(keys[product][split][index])] = (split, index)
        found = {}
        for shard, addresses_by_key in shards.items():
            for record in records_of(store / shard, addresses_by_key.keys()):
                found[addresses_by_key[record.key]] = published_inputs(record, recipe)
        return found

    name = f"dataset {manifest.dataset_id} ({manifest.name}, {sum(manifest.frames.values())} frames)"
    return FrameSet(name=name, recipe=recipe, keys=keys, inputs=inputs)


def published_inputs(record: FrameRecord, recipe: Recipe) -> dict:
    """What the key of a published frame hashes. Settings are in no record: they are those of its dataset's recipe.

    Where that does not give the key again, a later version of Headroom hashes something more or less.
    """
    inputs = recorded_inputs(record, recipe)
    if key_of_inputs(inputs) != record.key:
        inputs[MADE_OTHERWISE] = "another version of Headroom, whose keys hash other things"
    return inputs


def recorded_inputs(record: FrameRecord, recipe: Recipe) -> dict:
    """What this version of Headroom hashes to the key of a frame of which a record says these things."""
    return {
        "product": record.product,
        "drawn": record.drawn,
        "settings": product_settings(recipe, record.product),
        "assets": record.assets,
        "epochs": record.epochs,
        "software": record.software,
    }


def records_of(shard: Path, keys: Collection[str]) -> list[FrameRecord]:
    """The records of some frames of a shard; none when the shard is gone."""
    try:
        lines = (shard / SHARD_RECORDS).read_bytes().splitlines()
    except OSError:
        return []
    return [FrameRecord.model_validate(content) for content in map(json.loads, lines) if content["key"] in keys]


def dataset_manifest(dataset: Path) -> DatasetManifest:
    """The manifest of a dataset. Raises: PipelineError when the folder holds none that can be read."""
    try:
        return DatasetManifest.model_validate_json((dataset / DATASET_MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise PipelineError(f"{dataset} is no dataset: {DATASET_MANIFEST} cannot be read ({error})") from error


def published_recipe(manifest: DatasetManifest) -> Recipe:
    """The recipe of a dataset. Raises: PipelineError when this version does not know its settings."""
    try:
        return Recipe.model_validate(manifest.recipe)
    except ValidationError as error:
        raise PipelineError(
            f"the recipe of dataset {manifest.dataset_id} is of another version of Headroom ({error.errors()[0]['msg']}"
            f" at {'.'.join(map(str, error.errors()[0]['loc']))}); look at it with that version"
        ) from error


def published_datasets(store: Path) -> list[Path]:
    """The folders of all datasets of a store, newest first; also of those that have lost a shard."""
    folders = [path for path in (store / "datasets").glob("[!.]*") if (path / DATASET_MANIFEST).is_file()]
    return sorted(folders, key=lambda path: (path / DATASET_MANIFEST).stat().st_mtime_ns, reverse=True)


def find_dataset(text: str, store: Path) -> Path | None:
    """The dataset that a folder's path, an id or the unique beginning of an id names; None when none is named.

    Raises: PipelineError when several ids begin like that.
    """
    if (Path(text) / DATASET_MANIFEST).is_file():
        return Path(text).resolve()
    if len(text) < LEAST_PREFIX or "/" in text:
        return None
    found = [path for path in published_datasets(store) if path.name.startswith(text)]
    if len(found) > 1:
        raise PipelineError(f"{text} could be {' or '.join(path.name for path in found)}; give more of the id")
    return found[0] if found else None
