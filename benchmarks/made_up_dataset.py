"""A published dataset of made-up keys: what a run without changes looks at, where a true first run would take hours.

`python -m benchmarks.made_up_dataset RECIPE FRAMES SHARD_SIZE STORE` fills a new store with kept keys, a manifest for
each shard, and the dataset's manifest. There are no records, no index and no pictures: a run that finds nothing to do
reads none of them.
"""

import sys
from pathlib import Path

import numpy as np

from pipeline.drawn_keys import IDENTITY_DIGITS
from pipeline.frame_counts import with_total_frames
from pipeline.frame_table import KEY_DIGITS, FrameTable
from pipeline.hex_column import HexColumn
from pipeline.planning import DatasetPlan, dataset_id, keep_plan, shards_to_render
from render.config import Recipe, load_recipe
from render.dataset_format import (
    DATASET_MANIFEST,
    FORMAT_VERSION,
    SHARD_MANIFEST,
    SPLITS,
    DatasetManifest,
    ShardManifest,
    canonical_json,
)
from render.frame_keys import asset_hashes
from render.shard_plan import PlannedShard, Product, shard_folder, wanted_products


def main() -> int:
    """Make the store."""
    name, frames, shard_size, store = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    plan = made_up_plan(with_total_frames(load_recipe(name), frames))
    keep_plan(plan, store)
    nothing: dict[str, tuple[str, ...]] = dict.fromkeys(plan.frames.keys, ())
    shards = shards_to_render(plan.frames, nothing, nothing, shard_size=shard_size)
    listed = {
        product: tuple(sorted(_publish_shard(store, shard, product) for shard in shards))
        for product in wanted_products(plan.recipe)
    }
    counts = plan.frames.counts()
    manifest = DatasetManifest(
        format_version=FORMAT_VERSION,
        dataset_id=plan.dataset_id,
        name=plan.recipe.name,
        frames=counts,
        identities={split: count // plan.recipe.structure.frames_per_identity for split, count in counts.items()},
        shards=listed,
        recipe=plan.recipe.model_dump(mode="json"),
        index_sha256="0" * 64,
        quarantined=dict.fromkeys(counts, 0),
        certificate_sha256="0" * 64,
    )
    folder = store / "datasets" / plan.dataset_id
    folder.mkdir(parents=True)
    (folder / DATASET_MANIFEST).write_text(canonical_json(manifest.model_dump(mode="json")) + "\n")
    return 0


def made_up_plan(recipe: Recipe) -> DatasetPlan:
    """A plan whose keys are random numbers, always the same."""
    stream = np.random.default_rng(7)
    counts = {SPLITS.index(split): count for split, count in recipe.structure.frames.items() if count}
    splits = np.concatenate([np.full(counts[split], split, np.uint8) for split in sorted(counts)])
    indices = np.concatenate([np.arange(counts[split], dtype=np.uint32) for split in sorted(counts)])
    people = np.cumsum(indices % recipe.structure.frames_per_identity == 0) - 1

    def hashes(count: int, digits: int) -> HexColumn:
        return HexColumn(stream.integers(2**64, size=(count, digits // 16), dtype=np.uint64))

    keys = {product: hashes(len(splits), KEY_DIGITS) for product in wanted_products(recipe)}
    frames = FrameTable(splits, indices, keys)
    identities = hashes(int(people[-1]) + 1, IDENTITY_DIGITS).take(people)
    return DatasetPlan(recipe, asset_hashes(recipe, source=None), frames, identities, dataset_id(frames))


def _publish_shard(store: Path, shard: PlannedShard, product: Product) -> str:
    folder = shard_folder(store, shard, product)
    folder.mkdir(parents=True)
    manifest = ShardManifest(
        format_version=FORMAT_VERSION,
        product=product,
        frame_keys=tuple(frame.keys[product] for frame in shard.frames),
        records_sha256="0" * 64,
    )
    (folder / SHARD_MANIFEST).write_text(canonical_json(manifest.model_dump(mode="json")) + "\n")
    return folder.relative_to(store).as_posix()


if __name__ == "__main__":
    sys.exit(main())
