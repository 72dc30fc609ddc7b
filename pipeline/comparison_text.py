"""Two recipes or datasets, or two versions of one frame, compared in words."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.frame_differences import (
    SplitDifference,
    causes,
    compare_frames,
    describe_causes,
    differences,
    factors_of,
    setting_differences,
    shown,
)
from pipeline.frame_set import (
    Address,
    FrameSet,
    find_dataset,
    planned_frame_set,
    published_datasets,
    published_frame_set,
)
from pipeline.planning import plan_dataset
from render.config import RecipeError, load_recipe
from render.frame_keys import asset_hashes
from render.shard_plan import Product

MOST_DATASETS_NAMED = 5


def find_frame_set(text: str, store: Path, *, overrides: dict[str, object], source: str | None) -> FrameSet:
    """The dataset (id, beginning of an id, or folder) or the recipe (name or file) that a text names, with changes.

    Raises: RecipeError when it names neither, or a dataset is to be changed; PipelineError.
    """
    dataset = find_dataset(text, store)
    if dataset is not None:
        if overrides:
            raise RecipeError(f"{text} is a published dataset, which --set cannot change; name its recipe instead")
        return published_frame_set(dataset)
    try:
        recipe = load_recipe(text, overrides=overrides)
    except RecipeError as error:
        ids = [path.name for path in published_datasets(store)][:MOST_DATASETS_NAMED]
        raise RecipeError(f"{error}\nDatasets in {store}: {', '.join(ids) or 'none'}") from error
    return planned_frame_set(plan_dataset(recipe, asset_hashes(recipe, source=source)))


def comparison_text(before: FrameSet, after: FrameSet) -> str:
    """Settings that differ, and by product and split how many frames are shared or differ, and by what."""
    changed = setting_differences(before.recipe, after.recipe)
    lines = [f"from {before.name}", f"to   {after.name}"]
    lines += [f"setting {difference}" for difference in changed] or ["no setting differs"]
    for product, splits in compare_frames(before, after).items():
        for split, found in splits.items():
            if found.shared or found.only_before or found.only_after or found.changed:
                lines.append(f"{product} {split}: {_describe_split(before, after, product, found)}")
    return "\n".join(lines)


def frame_comparison(before: FrameSet, after: FrameSet, product: Product, address: Address) -> list[str]:
    """The first input of a frame's key that differs between two sets, with both values, and how many others do."""
    place = f"{address[0]}/{address[1]}"
    there = before.inputs(product, [address]).get(address)
    if there is None:
        if before.key(product, address) is None:
            return [f"{before.name} has no {product} of {place}: the frame is new"]
        return [f"no record of {place} is left in {before.name}: its shard is gone"]
    here = after.inputs(product, [address])[address]
    found = differences(there, here)
    head = f"compared with {before.name}, key {before.key(product, address)}"
    if not found:
        return [f"{head}: the same frame"]
    lines = [
        head,
        f"first differing input: {found[0].name}",
        f"  there: {shown(found[0].before)}",
        f"  here:  {shown(found[0].after)}",
    ]
    if len(found) > 1:
        lines.append(f"in all {len(found)} inputs differ, by {' and '.join(factors_of(found))}")
    return lines


def _describe_split(before: FrameSet, after: FrameSet, product: Product, found: SplitDifference) -> str:
    parts = [f"{found.shared} shared"]
    if found.changed:
        reasons = describe_causes(causes(before, after, product, found.changed))
        parts.append(f"{len(found.changed)} differ: {reasons}")
    counts: Mapping[str, int] = {"only in the first": found.only_before, "only in the second": found.only_after}
    return "; ".join([*parts, *(f"{count} {where}" for where, count in counts.items() if count)])
