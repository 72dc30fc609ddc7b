"""ShardPlan: which frames are rendered into which shards; the file that pipeline writes and render follows."""

from pathlib import Path
from typing import Literal

from render.config import Recipe
from render.dataset_format import PRODUCTS, Product, Record, canonical_sha256


class PlanError(Exception):
    """A plan file cannot be used; the message names it and the remedy."""


class PlannedFrame(Record):
    """A frame by address (split and index), with the key of each product that its recipe wants."""

    split: Literal["train", "validation", "test"]
    index: int
    keys: dict[Product, str]


class PlannedShard(Record):
    """One unit of work: the same products of several frames, published as one shard a product."""

    products: tuple[Product, ...]
    frames: tuple[PlannedFrame, ...]


class ShardPlan(Record):
    """Everything that `python -m render shard --plan P --element K` must know, but for the machine it runs on."""

    recipe: Recipe
    store: str
    assets: dict[str, str]
    """Asset id to sha256 of every asset that the frames use."""
    elements: tuple[PlannedShard, ...]


def noise_seed(frame: PlannedFrame) -> int:
    """The seed of the picture's noise: another one for every picture, the same whenever it is made again."""
    return int(frame.keys["rgb"][:7], 16)


def wanted_products(recipe: Recipe) -> tuple[Product, ...]:
    """The products that every frame of a recipe has: a measured depth map only where there is a sensor."""
    return tuple(product for product in PRODUCTS if product != "sensor" or recipe.sensor.kind != "none")


def read_plan(path: Path) -> ShardPlan:
    """Read a plan file. Raises: PlanError naming the file when it is missing or no plan."""
    try:
        return ShardPlan.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise PlanError(
            f"{path} cannot be used as a plan ({error}). Plan again with this version of Headroom"
        ) from error


def shard_folder(store: Path, shard: PlannedShard, product: Product) -> Path:
    """Where one product of a planned shard is published; named for the frame keys alone."""
    keys = [frame.keys[product] for frame in shard.frames]
    return store / "shards" / product / canonical_sha256([product, keys])[:24]
