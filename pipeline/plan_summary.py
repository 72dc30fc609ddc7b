"""A plan in words: what a run would render and make, why, what that will cost, and what it would use again."""

import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from pipeline.console import counted, duration, size
from pipeline.devices import chosen_device
from pipeline.estimates import Estimate, costs_on_record, estimate
from pipeline.frame_differences import causes, describe_causes, setting_differences
from pipeline.frame_lookup import look_up_frames
from pipeline.frame_set import Address, FrameSet, planned_frame_set
from pipeline.identity import key_of
from pipeline.nearest_dataset import nearest_dataset
from pipeline.planning import DatasetPlan, quarantined_rows, shards_to_render
from pipeline.run_settings import RunOptions, dataset_plan, resolve, results_after_dataset, run_keys
from pipeline.single_frame import measured_costs
from pipeline.store import is_published
from render.asset_library import assets_source
from render.dataset_format import Product
from render.shard_plan import PlannedShard, wanted_products

MOST_SETTINGS_SHOWN = 12


def plan_text(options: RunOptions, *, measure: bool = False) -> str:
    """Frames by split; frames of each product to render and to use again, and why; hours and gigabytes; what follows.

    Reads the store and changes nothing. With `measure`, one frame is rendered where nothing on record tells how long
    it takes. Raises: as `resolve`, and DatasetError when the store holds wrong shards.
    """
    settings, plan, keys = resolve(options), dataset_plan(options), run_keys(options)
    found = look_up_frames(settings.store)
    shards = shards_to_render(
        plan.frames, found.published, found.quarantined, shard_size=plan.recipe.structure.shard_size
    )
    bad = int(quarantined_rows(plan.frames, found.quarantined).sum())
    results = [("certificates", "certificate", key_of(keys.certificate)), *results_after_dataset(keys)]
    missing = [name for kind, name, key in results if not is_published(settings.store, kind, key)]
    cost = estimate(plan, shards, costs_on_record(plan, found.published, settings.store))
    if cost.seconds is None and measure and shards:
        first = shards[0].frames[0]
        with tempfile.TemporaryDirectory(prefix="headroom-measure-") as folder:
            costs = measured_costs(
                plan.recipe,
                (first.split, first.index),
                Path(folder),
                device=chosen_device(settings.device),
                assets_source=assets_source(settings.assets_source),
            )
        cost = estimate(plan, shards, costs)
    return "\n".join(
        [
            f"dataset {plan.dataset_id} in {settings.store}",
            ", ".join(f"{count} {split}" for split, count in plan.recipe.structure.frames.items()) + " frames",
            describe_plan(plan, shards),
            *(describe_reasons(plan, shards, settings.store) if shards else []),
            f"{counted(len(shards), 'shard')} to render" + (f", {bad} frames left out as quarantined" if bad else ""),
            *(describe_estimate(cost) if shards else []),
            f"to make beside it: {', '.join(missing) or 'nothing, all is there'}",
        ]
    )


def count_frames(plan: DatasetPlan, shards: Iterable[PlannedShard]) -> dict[Product, int]:
    """Frames to render of each product that the recipe wants."""
    counts: dict[Product, int] = dict.fromkeys(wanted_products(plan.recipe), 0)
    for shard in shards:
        for product in shard.products:
            counts[product] += len(shard.frames)
    return counts


def describe_plan(plan: DatasetPlan, shards: tuple[PlannedShard, ...]) -> str:
    """How many frames of each product are there already, and how many will be rendered, in one line."""
    parts = []
    for product, count in count_frames(plan, shards).items():
        distinct = int(plan.frames.keys[product].first_occurrences().sum())
        parts.append(f"{product}: {count} of {distinct} to render, {distinct - count} reused")
    return f"recipe {plan.recipe.name}, {len(plan.frames)} frames; {'; '.join(parts)}"


def describe_reasons(plan: DatasetPlan, shards: Collection[PlannedShard], store: Path) -> list[str]:
    """Why frames must be rendered, by comparison with the nearest dataset of the store, one line a product."""
    planned = planned_frame_set(plan)
    nearest = nearest_dataset(planned, store)
    if nearest is None:
        return ["why: no dataset is in the store yet"]
    lines = [f"why, compared with {nearest.name}:"]
    for product in wanted_products(plan.recipe):
        addresses = [
            (frame.split, frame.index) for shard in shards if product in shard.products for frame in shard.frames
        ]
        if addresses:
            lines.append(f"  {product}: {_reasons(nearest, planned, product, addresses)}")
    changed = setting_differences(nearest.recipe, plan.recipe)
    lines += [f"  setting {difference}" for difference in changed[:MOST_SETTINGS_SHOWN]]
    if len(changed) > MOST_SETTINGS_SHOWN:
        lines.append(f"  and {len(changed) - MOST_SETTINGS_SHOWN} settings more; `python -m pipeline diff` shows all")
    return lines


def describe_estimate(cost: Estimate) -> list[str]:
    """Hours and gigabytes in words, with where they come from."""
    if cost.seconds is None:
        time = "time: no frame of this kind is on record; `python -m pipeline plan … --measure` renders one to find out"
    else:
        time = f"time: about {duration(cost.seconds)} on all cores of this machine (by {cost.time_source})"
    return [time, f"space: about {size(cost.stored_bytes)} (by {cost.space_source})"]


def _reasons(nearest: FrameSet, planned: FrameSet, product: Product, addresses: list[Address]) -> str:
    parts, changed = [], []
    by_kind = {"new": 0, "lost": 0}
    for address in addresses:
        before = nearest.key(product, address)
        if before is None:
            by_kind["new"] += 1
        elif before == planned.key(product, address):
            by_kind["lost"] += 1
        else:
            changed.append(address)
    if by_kind["new"]:
        parts.append(f"{by_kind['new']} new")
    if changed:
        parts.append(f"{len(changed)} changed: {describe_causes(causes(nearest, planned, product, changed))}")
    if by_kind["lost"]:
        parts.append(f"{by_kind['lost']} whose shards are gone")
    return "; ".join(parts)
