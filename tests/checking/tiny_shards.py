"""Shards of tiny frames that render within a second: their recipe, their plan, and how one is rendered."""

from pathlib import Path

from render.config import Recipe, load_recipe
from render.frame_keys import assets_of, plan_frame
from render.shard import Progress, render_element
from render.shard_plan import PlannedShard, Product, ShardPlan
from render.side_by_side import Crew

TINY: dict[str, object] = {
    "cameras.width_px": 48,
    "cameras.height_px": 36,
    "rgb.samples": 1,
    "rgb.file_format": "png",
    "structure.frames_per_identity": 2,
    "heads.subdivision_level": 0,
    "hairs.styles": {"bald": 1},
    "hairs.beards": {"none": 1},
}


def tiny_recipe(**overrides: object) -> Recipe:
    """Bald people on 48 x 36 pixels, two frames each, whole settings overridden by name."""
    return load_recipe("quick", overrides=TINY | overrides)


def make_plan(
    store: Path,
    cache: Path,
    *,
    groups: list[list[int]],
    recipe: Recipe | None = None,
    products: tuple[Product, ...] = ("gt", "rgb"),
) -> ShardPlan:
    """One element for each group of training frames, by index."""
    recipe = recipe or tiny_recipe()
    assets = assets_of(recipe, source=None, cache=cache)
    elements = tuple(
        PlannedShard(products=products, frames=tuple(plan_frame(recipe, "train", index, assets) for index in group))
        for group in groups
    )
    return ShardPlan(recipe=recipe, store=str(store), assets=assets, elements=elements)


def render(
    plan: ShardPlan, element: int, cache: Path, crew: Crew | None = None, report_progress: Progress = lambda *_: None
) -> list[Path]:
    """The folders of an element's shards, one a product."""
    return render_element(
        plan, element, device="cpu", assets_source=None, cache=cache, report_progress=report_progress, crew=crew
    )
