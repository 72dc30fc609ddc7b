"""Planning: which frames a recipe asks for, which are published already, and how the rest is cut into shards."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.drawn_keys import DrawnKeys, Stretch
from pipeline.frame_table import KEY_DIGITS, FrameTable
from pipeline.hex_column import HexColumn, HexIndex
from pipeline.kept_keys import draw_or_load, keep, kept_folder
from render.config import Recipe
from render.dataset_format import SPLITS, DatasetError, Product
from render.shard_plan import PlannedFrame, PlannedShard, wanted_products

_STRETCH = 10_000


@dataclass(frozen=True)
class DatasetPlan:
    """Every frame of a dataset in order (splits, then indices), who each shows, and the dataset's id.

    Both are read like sequences and are kept as columns, 40 bytes a frame.
    """

    recipe: Recipe
    assets: dict[str, str]
    frames: FrameTable
    identities: HexColumn
    dataset_id: str


def plan_dataset(recipe: Recipe, assets: dict[str, str], *, store: Path | None = None) -> DatasetPlan:
    """All frames of a recipe with their keys; the same whatever the shard size, the store, or what is published.

    What a store keeps of an earlier planning is not drawn again; `keep_plan` puts it there.
    Raises: DatasetError when two splits share a person; ImageFolderError, ProcessLostError.
    """
    kept = None if store is None else kept_folder(store, recipe, assets)
    counts = {split: recipe.structure.frames.get(split, 0) for split in SPLITS}  # pyright: ignore[reportArgumentType, reportCallIssue]
    drawn = draw_or_load(
        recipe, assets, [Stretch(split, 0, count) for split, count in counts.items() if count], kept=kept
    )
    frames = FrameTable(
        splits=np.concatenate([np.full(len(one.stretch), SPLITS.index(one.stretch.split), np.uint8) for one in drawn]),
        indices=np.concatenate([np.arange(len(one.stretch), dtype=np.uint32) for one in drawn]),
        keys={
            product: HexColumn.joined([one.keys[product] for one in drawn], digits=KEY_DIGITS)
            for product in wanted_products(recipe)
        },
    )
    identities = HexColumn(np.concatenate([one.identities.words for one in drawn]))
    check_people(frames, identities, where=f"recipe {recipe.name!r}")
    return DatasetPlan(
        recipe=recipe, assets=assets, frames=frames, identities=identities, dataset_id=dataset_id(frames)
    )


def keep_plan(plan: DatasetPlan, store: Path) -> None:
    """Keep the keys of a plan in the store, for the next one that wants them. Raises: OSError."""
    stretches, start = [], 0
    for split, count in plan.frames.counts().items():
        rows = slice(start, start + count)
        keys = {product: column[rows] for product, column in plan.frames.keys.items()}
        stretches.append(DrawnKeys(Stretch(split, 0, count), keys, plan.identities[rows]))
        start += count
    keep(kept_folder(store, plan.recipe, plan.assets), stretches)


def dataset_id(frames: FrameTable) -> str:
    """The id of a dataset: a hash of its frames' addresses and keys in order, 24 hexadecimal digits.

    It hashes the canonical JSON of rows [split, index, key, …], which is written here piece by piece.
    """
    content = hashlib.sha256(b"[")
    for start in range(0, len(frames), _STRETCH):
        part = frames[start : start + _STRETCH]
        rows = zip(part.splits.tolist(), part.indices.tolist(), *part.keys.values(), strict=True)
        texts = ['["%s",%d,"%s"]' % (SPLITS[split], index, '","'.join(keys)) for split, index, *keys in rows]  # noqa: UP031
        content.update(("," * (start > 0) + ",".join(texts)).encode())
    content.update(b"]")
    return content.hexdigest()[:24]


def check_people(frames: FrameTable, identities: HexColumn, *, where: str) -> None:
    """As `check_splits`, whose words it leaves to say it, at a millionth of a second a frame."""
    first_rows = identities.first_occurrences()
    first_split = frames.splits[first_rows]
    people = HexIndex.of(identities.take(first_rows))
    if (first_split[people.find(identities)] != frames.splits).any():
        check_splits([SPLITS[split] for split in frames.splits], identities, where=where)


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


def quarantined_rows(frames: Collection[PlannedFrame], quarantined: Mapping[str, Collection[str]]) -> np.ndarray:
    """`is_quarantined` of all frames, as a mask."""
    table = FrameTable.of(frames)
    mask = np.zeros(len(table), dtype=bool)
    for product, column in table.keys.items():
        mask |= _among(column, quarantined[product])
    return mask


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
    table = FrameTable.of(frames)
    products: tuple[Product, ...] = tuple(table.keys)  # pyright: ignore[reportAssignmentType]
    wanted = ~quarantined_rows(table, quarantined)
    lacking = np.zeros(len(table), dtype=np.uint8)  # a bit for each product
    for bit, product in enumerate(products):
        rows = np.flatnonzero(wanted & ~_among(table.keys[product], published[product]))
        rows = rows[table.keys[product].take(rows).first_occurrences()]
        lacking[rows] |= 1 << bit
    groups: dict[tuple[Product, ...], FrameTable] = {
        tuple(product for bit, product in enumerate(products) if bits >> bit & 1): table.take(lacking == bits)
        for bits in np.unique(lacking).tolist()
        if bits
    }
    return tuple(
        PlannedShard(products=missing, frames=groups[missing][start : start + shard_size])
        for missing in sorted(groups, key=lambda products: (-len(products), products))
        for start in range(0, len(groups[missing]), shard_size)
    )


def _among(column: HexColumn, keys: Collection[str]) -> np.ndarray:
    """A mask: which texts of a column are among the keys."""
    index = getattr(keys, "index", None)
    if not isinstance(index, HexIndex):
        index = HexIndex.of(HexColumn.of(keys, digits=KEY_DIGITS))
    return index.find(column) >= 0
