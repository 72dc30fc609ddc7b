"""A plan in words: what a run would render and make, and what it would use again."""

from pipeline.frame_lookup import look_up_frames
from pipeline.identity import key_of
from pipeline.planning import DatasetPlan, quarantined_rows, shards_to_render
from pipeline.run_settings import RunOptions, dataset_plan, resolve, results_after_dataset, run_keys
from pipeline.store import is_published
from render.dataset_format import Product
from render.shard_plan import PlannedShard, wanted_products


def plan_text(options: RunOptions) -> str:
    """Frames by split, frames of each product to render and to use again, shards, and the stages that would follow.

    Reads the store and changes nothing. Raises: as `resolve`, and DatasetError when the store holds wrong shards.
    """
    settings, plan, keys = resolve(options), dataset_plan(options), run_keys(options)
    found = look_up_frames(settings.store)
    shards = shards_to_render(
        plan.frames, found.published, found.quarantined, shard_size=plan.recipe.structure.shard_size
    )
    bad = int(quarantined_rows(plan.frames, found.quarantined).sum())
    results = [("certificates", "certificate", key_of(keys.certificate)), *results_after_dataset(keys)]
    missing = [name for kind, name, key in results if not is_published(settings.store, kind, key)]
    return "\n".join(
        [
            f"dataset {plan.dataset_id} in {settings.store}",
            ", ".join(f"{count} {split}" for split, count in plan.recipe.structure.frames.items()) + " frames",
            describe_plan(plan, shards),
            f"{len(shards)} shards to render" + (f", {bad} frames left out as quarantined" if bad else ""),
            f"to make beside it: {', '.join(missing) or 'nothing, all is there'}",
        ]
    )


def count_frames(plan: DatasetPlan, shards: tuple[PlannedShard, ...]) -> dict[Product, int]:
    """Frames to render of each product that the recipe wants."""
    return {
        product: sum(len(shard.frames) for shard in shards if product in shard.products)
        for product in wanted_products(plan.recipe)
    }


def describe_plan(plan: DatasetPlan, shards: tuple[PlannedShard, ...]) -> str:
    """How many frames of each product are there already, and how many will be rendered, in one line."""
    parts = []
    for product, count in count_frames(plan, shards).items():
        distinct = int(plan.frames.keys[product].first_occurrences().sum())
        parts.append(f"{product}: {count} of {distinct} to render, {distinct - count} reused")
    return f"recipe {plan.recipe.name}, {len(plan.frames)} frames; {'; '.join(parts)}"
