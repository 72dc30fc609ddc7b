"""Planning: which frames a recipe asks for, which are published already, and how the rest is cut into shards."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from render.config import Recipe
from render.dataset_format import SPLITS, DatasetError, canonical_sha256
from render.frame_keys import identity_id, plan_frame
from render.sampling.frame import draw_frame, identity_index
from render.shard_plan import PlannedFrame, PlannedShard, Product

BOTH: tuple[Product, ...] = ("gt", "rgb")


@dataclass(frozen=True)
class DatasetPlan:
    """Every frame of a dataset in order (splits, then indices), who each shows, and the dataset's id."""

    recipe: Recipe
    assets: dict[str, str]
    frames: tuple[PlannedFrame, ...]
    identities: tuple[str, ...]
    dataset_id: str


def plan_dataset(recipe: Recipe, assets: dict[str, str]) -> DatasetPlan:
    """All frames of a recipe with their keys; the same whatever the shard size, the store, or what is published.

    Raises: DatasetError when two splits share a person.
    """
    frames, identities = [], []
    for split in SPLITS:
        people: dict[int, str] = {}
        for index in range(recipe.structure.frames.get(split, 0)):
            person = identity_index(recipe, index)
            if person not in people:
                people[person] = identity_id(draw_frame(recipe, split, index), assets)
            frames.append(plan_frame(recipe, split, index, assets))
            identities.append(people[person])
    check_splits([frame.split for frame in frames], identities, where=f"recipe {recipe.name!r}")
    return DatasetPlan(
        recipe=recipe,
        assets=assets,
        frames=tuple(frames),
        identities=tuple(identities),
        dataset_id=dataset_id(frames),
    )


def dataset_id(frames: Collection[PlannedFrame]) -> str:
    """The id of a dataset: a hash of its frames' addresses and keys in order, 24 hexadecimal digits."""
    rows = [[frame.split, frame.index, *(frame.keys[product] for product in BOTH)] for frame in frames]
    return canonical_sha256(rows)[:24]


def check_splits(splits: Collection[str], identities: Collection[str], *, where: str) -> None:
    """Check that no person appears in two splits. Raises: DatasetError that names the person and both splits."""
    first_seen: dict[str, str] = {}
    for split, identity in zip(splits, identities, strict=True):
        other = first_seen.setdefault(identity, split)
        if other != split:
            raise DatasetError(
                f"{where}: identity {identity} is in both {other!r} and {split!r}, so a score on one split would be "
                "helped by the other; draw identities from disjoint seeds, and keep heads.identity_sigma above 0"
            )


def shards_to_render(
    frames: Collection[PlannedFrame], published: Mapping[str, Collection[str]], *, shard_size: int
) -> tuple[PlannedShard, ...]:
    """Shards of at most `shard_size` frames that hold every frame product whose key is not among `published`.

    A frame that lacks both products gets them in one go; else it joins a shard of the one product that it lacks.
    A key that several frames share (the same geometry in another light) is planned once.
    """
    known: dict[str, set[str]] = {product: set(published[product]) for product in BOTH}
    groups: dict[tuple[Product, ...], list[PlannedFrame]] = {BOTH: [], ("gt",): [], ("rgb",): []}
    for frame in frames:
        missing: tuple[Product, ...] = tuple(product for product in BOTH if frame.keys[product] not in known[product])
        if missing:
            groups[missing].append(frame)
            for product in missing:
                known[product].add(frame.keys[product])
    return tuple(
        PlannedShard(products=products, frames=tuple(members[start : start + shard_size]))
        for products, members in groups.items()
        for start in range(0, len(members), shard_size)
    )
