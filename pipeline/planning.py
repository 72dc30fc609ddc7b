"""Planning: which frames a recipe asks for, which are published already, and how the rest is cut into shards."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from render.config import Recipe
from render.dataset_format import SPLITS, DatasetError, canonical_sha256
from render.frame_keys import identity_id, plan_drawn_frame
from render.sampling.frame import draw_frames
from render.sampling.place import frame_place
from render.shard_plan import PlannedFrame, PlannedShard, Product


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
        indices = range(recipe.structure.frames.get(split, 0))
        for index, parameters in zip(indices, draw_frames(recipe, split, indices), strict=True):
            person = frame_place(recipe.structure, index).person
            if person not in people:
                people[person] = identity_id(parameters, assets)
            frames.append(plan_drawn_frame(parameters, recipe, split, index, assets))
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
    rows = [[frame.split, frame.index, *frame.keys.values()] for frame in frames]
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


def is_quarantined(frame: PlannedFrame, quarantined: Mapping[str, Collection[str]]) -> bool:
    """Whether some product of a frame failed its checks for good. Nothing more of it is rendered, and no dataset lists
    it."""
    return any(key in quarantined[product] for product, key in frame.keys.items())


def shards_to_render(
    frames: Collection[PlannedFrame],
    published: Mapping[str, Collection[str]],
    quarantined: Mapping[str, Collection[str]],
    *,
    shard_size: int,
) -> tuple[PlannedShard, ...]:
    """Shards of at most `shard_size` frames that hold every frame product whose key is not among `published`, but for
    frames of which a product is among `quarantined`.

    The products that a frame lacks are rendered in one go, with other frames that lack the same. A key that several
    frames share (the same geometry in another light) is planned once.
    """
    known: dict[str, set[str]] = {product: set(keys) for product, keys in published.items()}
    groups: dict[tuple[Product, ...], list[PlannedFrame]] = {}
    for frame in frames:
        missing: tuple[Product, ...] = tuple(
            product for product, key in frame.keys.items() if key not in known[product]
        )
        if missing and not is_quarantined(frame, quarantined):
            groups.setdefault(missing, []).append(frame)
            for product in missing:
                known[product].add(frame.keys[product])
    return tuple(
        PlannedShard(products=products, frames=tuple(groups[products][start : start + shard_size]))
        for products in sorted(groups, key=lambda products: (-len(products), products))
        for start in range(0, len(groups[products]), shard_size)
    )
