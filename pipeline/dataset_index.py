"""Publishing a dataset: its index (one row a frame, drawn values queryable) and its manifest."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from pipeline.frame_lookup import look_up_frames
from pipeline.planning import DatasetPlan, check_splits, is_quarantined
from pipeline.shard_checks import checked_records
from pipeline.store import publish_result, published_folder
from render.dataset_format import (
    DATASET_CERTIFICATE,
    DATASET_INDEX,
    DATASET_MANIFEST,
    FORMAT_VERSION,
    DatasetError,
    DatasetManifest,
    FrameGeometry,
    FrameRecord,
    canonical_json,
    file_sha256,
)
from render.sampling.place import frame_place
from render.shard_plan import PlannedFrame, Product, wanted_products
from train.unpublished import unpublished_folder

# Longer lists (identity coefficients) are one column of lists; a column for each number would help no query.
LONGEST_LIST_OF_COLUMNS = 4


def publish_dataset(plan: DatasetPlan, store: Path, *, certificate: Path) -> Path:
    """Publish the dataset of a plan whose frames are all rendered or quarantined; returns its folder.

    Quarantined frames are not listed, and counted. The certificate, a JSON file, is copied into the dataset.
    Raises: DatasetError when a frame is missing, a record is not the planned frame's, two splits share a person, or
    nothing of a split is left.
    """
    quarantined = look_up_frames(store).quarantined
    kept = tuple(
        (frame, identity)
        for frame, identity in zip(plan.frames, plan.identities, strict=True)
        if not is_quarantined(frame, quarantined)
    )
    planned, counted = ([frame.split for frame in frames] for frames in (plan.frames, [frame for frame, _ in kept]))
    splits = list(dict.fromkeys(planned))
    for split in splits:
        if split not in counted:
            raise DatasetError(
                f"every {split} frame of recipe {plan.recipe.name!r} is quarantined; "
                f"`python -m render quarantine --store {store}` tells why"
            )
    shards, records = _records_of([frame for frame, _ in kept], store, products=wanted_products(plan.recipe))
    rows = _rows(plan, kept, shards, records)
    check_splits([row["split"] for row in rows], [row["identity_id"] for row in rows], where=str(store))
    with unpublished_folder(published_folder(store, "datasets", plan.dataset_id)) as folder:
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns = {name: [row.get(name) for row in rows] for name in names}
        pyarrow.parquet.write_table(pyarrow.table(columns), folder / DATASET_INDEX)
        shutil.copyfile(certificate, folder / DATASET_CERTIFICATE)
        used = {product: tuple(sorted(set(held.values()))) for product, held in shards.items()}
        manifest = DatasetManifest(
            format_version=FORMAT_VERSION,
            dataset_id=plan.dataset_id,
            name=plan.recipe.name,
            frames={split: counted.count(split) for split in splits},
            identities={split: len({row["identity_id"] for row in rows if row["split"] == split}) for split in splits},
            shards=used,
            recipe=plan.recipe.model_dump(mode="json"),
            index_sha256=file_sha256(folder / DATASET_INDEX),
            quarantined={split: planned.count(split) - counted.count(split) for split in splits},
            certificate_sha256=file_sha256(folder / DATASET_CERTIFICATE),
        )
        (folder / DATASET_MANIFEST).write_text(canonical_json(manifest.model_dump(mode="json")) + "\n")
        return publish_result(folder, store=store, kind="datasets", key=plan.dataset_id)


def _records_of(
    frames: list[PlannedFrame], store: Path, *, products: tuple[Product, ...]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, FrameRecord]]]:
    """By product and frame key: the shard that holds the frame, and the frame's record."""
    shards: dict[str, dict[str, str]] = {}
    records: dict[str, dict[str, FrameRecord]] = {}
    found = look_up_frames(store).published
    for product in products:
        wanted = {frame.keys[product] for frame in frames}
        shards[product] = {key: shard for key, shard in found[product].items() if key in wanted}
        missing = [frame for frame in frames if frame.keys[product] not in shards[product]]
        if missing:
            raise DatasetError(
                f"{len(missing)} of {len(frames)} frames have no published {product}, the first is "
                f"{missing[0].split}/{missing[0].index} (key {missing[0].keys[product]}); render them first"
            )
        records[product] = {
            record.key: record
            for shard in dict.fromkeys(shards[product].values())
            for record in checked_records(store / shard)
            if shards[product].get(record.key) == shard
        }
    return shards, records


def _rows(
    plan: DatasetPlan,
    frames: tuple[tuple[PlannedFrame, str], ...],
    shards: dict[str, dict[str, str]],
    records: dict[str, dict[str, FrameRecord]],
) -> list[dict]:
    """One row for each frame and the identity that it must show."""
    rows = []
    for frame, identity in frames:
        place = frame_place(plan.recipe.structure, frame.index)
        row: dict = {
            "split": frame.split,
            "frame_index": frame.index,
            "identity_index": place.person,
            "instant_index": place.instant,
            "view_index": place.view,
            "light_index": place.light,
            "sequence": place.sequence,
            "step": place.step,
            "identity_id": identity,
        }
        drawn: dict[str, dict] = {}
        for product, key in frame.keys.items():
            record = records[product].get(key)
            if record is None or record.identity_id != identity:
                raise DatasetError(
                    f"{shards[product][key]} does not hold frame {frame.split}/{frame.index} (key {key}) of identity "
                    f"{identity}: its record says {record.identity_id if record else 'nothing'}; delete that shard"
                )
            row |= {f"{product}_key": key, f"{product}_shard": shards[product][key], f"{product}_file": record.file}
            drawn |= record.drawn
            if record.geometry is not None:
                for name in ("yaw_deg", "pitch_deg", "roll_deg"):
                    row[name] = getattr(record.geometry, name)
                row["head_distance_m"] = head_distance_m(record.geometry)
        for factor, values in drawn.items():
            row |= drawn_columns(factor, values)
        rows.append(row)
    return rows


def head_distance_m(geometry: FrameGeometry) -> float:
    """Distance in metres from the camera to the origin of the head frame."""
    world_from_head = np.linalg.inv(np.array(geometry.head_from_world))
    return float(np.linalg.norm((np.array(geometry.cam_from_world) @ world_from_head)[:3, 3]))


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
