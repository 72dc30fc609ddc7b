"""One planning of a recipe, as a process of its own: draw or load all keys, and cut what a new store lacks into shards.

`python -m benchmarks.plan_once RECIPE FRAMES SHARD_SIZE STORE`
"""

import sys
from pathlib import Path

from pipeline.frame_counts import with_total_frames
from pipeline.frame_lookup import look_up_frames
from pipeline.planning import keep_plan, plan_dataset, shards_to_render
from render.config import load_recipe
from render.frame_keys import asset_hashes


def main() -> int:
    """Plan, keep the keys in the store, and print the dataset's id and the number of shards."""
    name, frames, shard_size, store = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    recipe = with_total_frames(load_recipe(name), frames)
    plan = plan_dataset(recipe, asset_hashes(recipe, source=None), store=store)
    keep_plan(plan, store)
    found = look_up_frames(store)
    shards = shards_to_render(plan.frames, found.published, found.quarantined, shard_size=shard_size)
    print(plan.dataset_id, len(shards))
    return 0


if __name__ == "__main__":
    sys.exit(main())
