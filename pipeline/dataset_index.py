"""Publishing a dataset: its index (one row a frame, drawn values queryable) and its manifest."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.frame_lookup import FrameLookup, look_up_frames
from pipeline.frame_table import FrameTable
from pipeline.hex_column import HexColumn
from pipeline.index_file import write_index
from pipeline.planning import DatasetPlan, check_people, quarantined_rows
from pipeline.shard_checks import checked_records
from pipeline.store import publish_result, published_folder
from render.config import Recipe
from render.dataset_format import (
    DATASET_CERTIFICATE,
    DATASET_INDEX,
    DATASET_MANIFEST,
    FORMAT_VERSION,
    SPLITS,
    DatasetError,
    DatasetManifest,
    FrameGeometry,
    FrameRecord,
    canonical_json,
    file_sha256,
)
from render.ranges.structure import Structure
from render.sampling.place import frame_place
from render.shard_plan import PlannedFrame
from train.unpublished import unpublished_folder

# Longer lists (identity coefficients) are one column of lists; a column for each number would help no query.
LONGEST_LIST_OF_COLUMNS = 4
# Records of so many frames are in memory at once, each of them some 20 kB.
FRAMES_AT_ONCE = 2_000


def publish_dataset(plan: DatasetPlan, store: Path, *, certificate: Path) -> Path:
    """Publish the dataset of a plan whose frames are all rendered or quarantined; returns its folder.

    Quarantined frames are not listed, and counted. The certificate, a JSON file, is copied into the dataset. Records
    are read shard by shard, so that memory does not grow with the dataset but for its columns of keys.
    Raises: DatasetError when a frame is missing, a record is not the planned frame's, two splits share a person, or
    nothing of a split is left.
    """
    found = look_up_frames(store)
    kept = ~quarantined_rows(plan.frames, found.quarantined)
    frames, identities = plan.frames.take(kept), plan.identities.take(kept)
    planned, counted = plan.frames.counts(), frames.counts()
    for split in planned:
        if split not in counted:
            raise DatasetError(
                f"every {split} frame of recipe {plan.recipe.name!r} is quarantined; "
                f"`python -m render quarantine --store {store}` tells why"
            )
    holders = {product: _holders(frames, product, found) for product in frames.keys}
    check_people(frames, identities, where=str(store))
    with unpublished_folder(published_folder(store, "datasets", plan.dataset_id)) as folder:
        shards = {product: found.published[product].shards for product in holders}
        write_index(folder / DATASET_INDEX, _rows(plan.recipe, frames, identities, holders, shards, store))
        shutil.copyfile(certificate, folder / DATASET_CERTIFICATE)
        manifest = DatasetManifest(
            format_version=FORMAT_VERSION,
            dataset_id=plan.dataset_id,
            name=plan.recipe.name,
            frames=counted,
            identities={split: _people(frames, identities, split) for split in counted},
            shards={
                product: tuple(sorted(shards[product][number] for number in np.unique(numbers)))
                for product, numbers in holders.items()
            },
            recipe=plan.recipe.model_dump(mode="json"),
            index_sha256=file_sha256(folder / DATASET_INDEX),
            quarantined={split: count - counted[split] for split, count in planned.items()},
            certificate_sha256=file_sha256(folder / DATASET_CERTIFICATE),
        )
        (folder / DATASET_MANIFEST).write_text(canonical_json(manifest.model_dump(mode="json")) + "\n")
        return publish_result(folder, store=store, kind="datasets", key=plan.dataset_id)


def _people(frames: FrameTable, identities: HexColumn, split: str) -> int:
    return int(identities.take(frames.splits == SPLITS.index(split)).first_occurrences().sum())


def _holders(frames: FrameTable, product: str, found: FrameLookup) -> np.ndarray:
    """For every frame the number of the shard that holds its product. Raises: DatasetError that names the first frame
    that none holds."""
    numbers = found.published[product].numbers(frames.keys[product])
    missing = np.flatnonzero(numbers < 0)
    if len(missing):
        first = frames[int(missing[0])]
        raise DatasetError(
            f"{len(missing)} of {len(frames)} frames have no published {product}, the first is "
            f"{first.split}/{first.index} (key {frames.keys[product][int(missing[0])]}); render them first"
        )
    return numbers


def _rows(
    recipe: Recipe,
    frames: FrameTable,
    identities: HexColumn,
    holders: dict[str, np.ndarray],
    shards: dict[str, tuple[str, ...]],
    store: Path,
) -> Iterator[list[dict]]:
    """The rows of the index, FRAMES_AT_ONCE by FRAMES_AT_ONCE."""
    records: dict[str, dict[str, FrameRecord]] = {}
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        part = slice(start, start + FRAMES_AT_ONCE)
        names = {product: [shards[product][number] for number in holders[product][part]] for product in holders}
        wanted = dict.fromkeys(name for listed in names.values() for name in listed)
        records = {name: records[name] if name in records else _records(store / name) for name in wanted}
        rows = []
        for frame, identity, *where in zip(frames[part], identities[part], *names.values(), strict=True):
            held_by = dict(zip(names, where, strict=True))
            rows.append(_row(recipe, frame, identity, held_by, records))
        yield rows


def _records(shard: Path) -> dict[str, FrameRecord]:
    return {record.key: record for record in checked_records(shard)}


def _row(
    recipe: Recipe,
    frame: PlannedFrame,
    identity: str,
    held_by: dict[str, str],
    records: dict[str, dict[str, FrameRecord]],
) -> dict:
    """The row of one frame and the identity that it must show."""
    row: dict = {
        "split": frame.split,
        "frame_index": frame.index,
        **place_columns(recipe.structure, frame.index),
        "identity_id": identity,
    }
    drawn: dict[str, dict] = {}
    for product, key in frame.keys.items():
        shard = held_by[product]
        record = records[shard].get(key)
        if record is None or record.identity_id != identity:
            raise DatasetError(
                f"{shard} does not hold frame {frame.split}/{frame.index} (key {key}) of identity "
                f"{identity}: its record says {record.identity_id if record else 'nothing'}; delete that shard"
            )
        row |= {f"{product}_key": key, f"{product}_shard": shard, f"{product}_file": record.file}
        drawn |= record.drawn
        if record.geometry is not None:
            for name in ("yaw_deg", "pitch_deg", "roll_deg"):
                row[name] = getattr(record.geometry, name)
            row["head_distance_m"] = head_distance_m(record.geometry)
    for factor, values in drawn.items():
        row |= drawn_columns(factor, values)
    return row


def head_distance_m(geometry: FrameGeometry) -> float:
    """Distance in metres from the camera to the origin of the head frame."""
    world_from_head = np.linalg.inv(np.array(geometry.head_from_world))
    return float(np.linalg.norm((np.array(geometry.cam_from_world) @ world_from_head)[:3, 3]))


def place_columns(structure: Structure, index: int) -> dict:
    """Columns of a frame's place: whom it shows, and which picture of them it is."""
    place = frame_place(structure, index)
    return {
        "identity_index": place.person,
        "instant_index": place.instant,
        "view_index": place.view,
        "light_index": place.light,
        "sequence": place.sequence,
        "step": place.step,
    }


def drawn_columns(factor: str, values: dict) -> dict:
    """Columns of one factor's drawn values: scalars by name, named pairs by name, short lists
    one column an element, long lists one column; of lists of things (lamps) each thing by its place in the list."""
    columns: dict = {}
    for name, value in values.items():
        column = f"drawn.{factor}.{name}"
        if not isinstance(value, list | tuple):
            columns[column] = value
        elif value and all(isinstance(item, dict) for item in value):
            for position, item in enumerate(value):
                columns |= drawn_columns(f"{factor}.{name}.{position}", item)
        elif value and all(isinstance(item, list | tuple) and isinstance(item[0], str) for item in value):
            columns |= {f"{column}.{key}": weight for key, weight in value}
        elif len(value) <= LONGEST_LIST_OF_COLUMNS:
            columns |= {f"{column}.{position}": item for position, item in enumerate(value)}
        else:
            columns[column] = list(value)
    return columns
