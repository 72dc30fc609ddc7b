"""ShardPlan: which frames are rendered into which shards; the file that pipeline writes and render follows."""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, overload

from render.config import Recipe
from render.dataset_format import PRODUCTS, Product, Record, canonical_json, canonical_sha256

PLAN_FORMAT = 2
_END_BYTES = 48


class PlanError(Exception):
    """A plan file cannot be used; the message names it and the remedy."""


class PlannedFrame(Record):
    """A frame by address (split and index), with the key of each product that its recipe wants."""

    split: Literal["train", "validation", "test"]
    index: int
    keys: dict[Product, str]


@dataclass(frozen=True)
class PlannedShard:
    """One unit of work: the same products of several frames, published as one shard a product."""

    products: tuple[Product, ...]
    frames: Sequence[PlannedFrame]
    _names: dict[Product, str] = field(default_factory=dict, init=False, compare=False, repr=False)

    def name(self, product: Product) -> str:
        """The name under which one product is published: a hash of the product and the frames' keys in order."""
        if product not in self._names:
            self._names[product] = canonical_sha256([product, [frame.keys[product] for frame in self.frames]])[:24]
        return self._names[product]


@dataclass(frozen=True)
class ShardPlan:
    """Everything that `python -m render shard --plan P --element K` must know, but for the machine it runs on.

    `assets` maps asset id to sha256, of every asset that the frames use.
    """

    recipe: Recipe
    store: str
    assets: dict[str, str]
    elements: Sequence[PlannedShard]


class _Head(Record):
    """The first line of a plan file."""

    plan_format: int
    recipe: Recipe
    store: str
    assets: dict[str, str]


class _Element(Record):
    """A line for each element."""

    products: tuple[Product, ...]
    frames: tuple[PlannedFrame, ...]


class _End(Record):
    """The last line, of _END_BYTES bytes: where the line before it begins, which lists where all elements begin."""

    starts_at: int


@dataclass(frozen=True, eq=False)
class _ElementsOfFile(Sequence[PlannedShard]):
    """The elements of a plan file; each is read when it is asked for."""

    path: Path
    starts: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, place: int) -> PlannedShard: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[PlannedShard, ...]: ...
    def __getitem__(self, place: int | slice) -> PlannedShard | tuple[PlannedShard, ...]:
        if isinstance(place, slice):
            return tuple(self[number] for number in range(*place.indices(len(self))))
        number = range(len(self))[place]
        try:
            with self.path.open("rb") as file:
                file.seek(self.starts[number])
                element = _Element.model_validate_json(file.read(self.starts[number + 1] - self.starts[number]))
        except (OSError, ValueError) as error:
            raise _unusable(self.path, error) from error
        return PlannedShard(products=element.products, frames=element.frames)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # pyright: ignore[reportAssignmentType] - equal by content, as lists are


def noise_seed(frame: PlannedFrame) -> int:
    """The seed of the picture's noise: another one for every picture, the same whenever it is made again."""
    return int(frame.keys["rgb"][:7], 16)


def wanted_products(recipe: Recipe) -> tuple[Product, ...]:
    """The products that every frame of a recipe has: a measured depth map only where there is a sensor."""
    return tuple(product for product in PRODUCTS if product != "sensor" or recipe.sensor.kind != "none")


def plan_id(plan: ShardPlan) -> str:
    """24 hexadecimal digits of everything that a plan says, in the order it says it."""
    elements = [[[product, shard.name(product)] for product in shard.products] for shard in plan.elements]
    return canonical_sha256([plan.recipe.model_dump(mode="json"), plan.store, plan.assets, elements])[:24]


def write_plan(path: Path, plan: ShardPlan) -> None:
    """Write a plan as JSON lines: what all elements share, a line for each element, where these lines begin, and where
    that list begins. So one element of many thousands is read without the others.

    The file appears whole, by a rename.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    head = _Head(plan_format=PLAN_FORMAT, recipe=plan.recipe, store=plan.store, assets=plan.assets)
    with temporary.open("wb") as file:
        file.write(canonical_json(head.model_dump(mode="json")).encode() + b"\n")
        starts = [file.tell()]
        for shard in plan.elements:
            frames = [{"split": frame.split, "index": frame.index, "keys": frame.keys} for frame in shard.frames]
            # Not sorted: the order of a frame's products is the order in which they are made.
            line = json.dumps({"products": shard.products, "frames": frames}, separators=(",", ":"))
            file.write(line.encode() + b"\n")
            starts.append(file.tell())
        file.write(json.dumps(starts, separators=(",", ":")).encode() + b"\n")
        file.write(json.dumps({"starts_at": starts[-1]}).ljust(_END_BYTES - 1).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_plan(path: Path) -> ShardPlan:
    """Read a plan file; its elements are read one by one, when asked for.

    Raises: PlanError naming the file when it is missing or no plan, here or when an element is asked for.
    """
    try:
        with path.open("rb") as file:
            first = file.readline()
            _check_format(first)
            head = _Head.model_validate_json(first)
            file.seek(-_END_BYTES, os.SEEK_END)
            end_at = file.tell()
            end = _End.model_validate_json(file.read())
            file.seek(end.starts_at)
            starts = tuple(json.loads(file.read(end_at - end.starts_at)))
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error
    return ShardPlan(
        recipe=head.recipe, store=head.store, assets=head.assets, elements=_ElementsOfFile(path=path, starts=starts)
    )


def _check_format(first: bytes) -> None:
    """Raises: ValueError when a file's first line is not that of a plan of this format."""
    try:
        written = json.loads(first)["plan_format"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"its first line is not the head of a ShardPlan of format {PLAN_FORMAT}; an older Headroom wrote another"
        ) from None
    if written != PLAN_FORMAT:
        raise ValueError(f"it is a ShardPlan of format {written}, but this Headroom reads {PLAN_FORMAT}")


def _unusable(path: Path, error: Exception) -> PlanError:
    return PlanError(f"{path} cannot be used as a plan ({error}). Plan again with this version of Headroom")


def shard_folder(store: Path, shard: PlannedShard, product: Product) -> Path:
    """Where one product of a planned shard is published; named for the frame keys alone."""
    return store / "shards" / product / shard.name(product)
