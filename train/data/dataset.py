"""RenderedDataset: a published dataset opened for reading, each frame checked against its record."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from jaxtyping import UInt8

from render.dataset_format import (
    DATASET_INDEX,
    DATASET_MANIFEST,
    FORMAT_VERSION,
    SPLITS,
    DatasetManifest,
    FrameGeometry,
    FrameRecord,
    GroundTruth,
    file_sha256,
    read_ground_truth,
    read_records,
    read_rgb,
)
from train.errors import InputError

INDEX_COLUMNS = (
    "split",
    "frame_index",
    "identity_index",
    "identity_id",
    "gt_key",
    "gt_shard",
    "gt_file",
    "rgb_key",
    "rgb_shard",
    "rgb_file",
)
BACKDROP_COLUMN = "drawn.backdrop.kind"


@dataclass(frozen=True)
class FrameRow:
    """One row of a dataset's index: which frame it is, in which shards (relative to the store) its files lie, and what
    kind of backdrop it has ("" where the index does not say)."""

    split: str
    frame_index: int
    identity_index: int
    identity_id: str
    gt_key: str
    gt_shard: str
    gt_file: str
    rgb_key: str
    rgb_shard: str
    rgb_file: str
    backdrop_kind: str


@dataclass(frozen=True)
class Frame:
    """A frame read from disk: sRGB picture, ground truth, and geometry, all of the same size in pixels."""

    rgb_srgb: UInt8[np.ndarray, "h w 3"]
    truth: GroundTruth
    geometry: FrameGeometry


@dataclass(frozen=True)
class RenderedDataset:
    """A dataset folder, the store it belongs to, its manifest, its rows, and the records of its shards.

    `records` maps (shard, key) to the record that the shard was published with.
    """

    folder: Path
    store: Path
    manifest: DatasetManifest
    rows: tuple[FrameRow, ...]
    records: dict[tuple[str, str], FrameRecord]


def open_dataset(folder: Path) -> RenderedDataset:
    """Open `<store>/datasets/<id>` and check manifest, index and the records tables of all its shards.

    Raises: InputError or render.dataset_format.DatasetError naming the file that is missing, cut or changed.
    """
    folder = folder.resolve()
    store = folder.parent.parent
    manifest = _read_manifest(folder)
    index = folder / DATASET_INDEX
    if not index.exists() or file_sha256(index) != manifest.index_sha256:
        raise InputError(f"{index} is missing or not what {DATASET_MANIFEST} promises; make the dataset again")
    rows = _read_rows(index)
    _check_counts(folder, manifest, rows)
    shards = sorted({row.gt_shard for row in rows} | {row.rgb_shard for row in rows})
    records = {(shard, record.key): record for shard in shards for record in read_records(store / shard)}
    return RenderedDataset(folder=folder, store=store, manifest=manifest, rows=rows, records=records)


def read_frame(dataset: RenderedDataset, row: FrameRow) -> Frame:
    """Read one frame and check both files against the sha256 they were published with.

    Raises: InputError or render.dataset_format.DatasetError naming the file and what is wrong with it.
    """
    gt_record = _record(dataset, row.gt_shard, row.gt_key, row.gt_file)
    rgb_record = _record(dataset, row.rgb_shard, row.rgb_key, row.rgb_file)
    if gt_record.geometry is None:
        raise InputError(f"the record of frame {row.gt_key} in {dataset.store / row.gt_shard} has no geometry")
    geometry = gt_record.geometry
    truth = read_ground_truth(_checked(dataset.store / row.gt_shard, gt_record))
    picture = _checked(dataset.store / row.rgb_shard, rgb_record)
    rgb_srgb = read_rgb(picture)
    expected = (geometry.height_px, geometry.width_px)
    for what, shape in (("picture", rgb_srgb.shape[:2]), ("ground truth", truth.labels.shape)):
        if shape != expected:
            raise InputError(
                f"the {what} of frame {row.frame_index} of split {row.split!r} is {shape[1]} x {shape[0]} pixels, but "
                f"its geometry says {expected[1]} x {expected[0]} ({picture})"
            )
    return Frame(rgb_srgb=rgb_srgb, truth=truth, geometry=geometry)


def _read_manifest(folder: Path) -> DatasetManifest:
    path = folder / DATASET_MANIFEST
    try:
        manifest = DatasetManifest.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder} is no dataset: {DATASET_MANIFEST} cannot be read ({error}). Expected <store>/datasets/<id>"
        ) from error
    if manifest.format_version != FORMAT_VERSION:
        raise InputError(f"{folder} has format {manifest.format_version}; this Headroom reads {FORMAT_VERSION}")
    return manifest


def _read_rows(index: Path) -> tuple[FrameRow, ...]:
    try:
        table = pyarrow.parquet.read_table(index)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{index} cannot be read as parquet ({error})") from error
    missing = [name for name in INDEX_COLUMNS if name not in table.column_names]
    if missing:
        raise InputError(f"{index} lacks the columns {missing}; it has {table.column_names}")
    known = BACKDROP_COLUMN in table.column_names
    kinds = table[BACKDROP_COLUMN].to_pylist() if known else [""] * table.num_rows
    places = table.select(list(INDEX_COLUMNS)).to_pylist()
    return tuple(FrameRow(**row, backdrop_kind=kind) for row, kind in zip(places, kinds, strict=True))


def _check_counts(folder: Path, manifest: DatasetManifest, rows: tuple[FrameRow, ...]) -> None:
    found = {split: sum(row.split == split for row in rows) for split in SPLITS}
    promised = {split: manifest.frames.get(split, 0) for split in SPLITS}
    if found != promised or len(rows) != sum(found.values()):
        raise InputError(f"{folder}: the manifest promises {promised} frames, but the index lists {found}")


def _record(dataset: RenderedDataset, shard: str, key: str, file: str) -> FrameRecord:
    record = dataset.records.get((shard, key))
    if record is None or record.file != file:
        raise InputError(f"shard {dataset.store / shard} has no frame {key} in a file {file!r}, but the index says so")
    return record


def _checked(shard: Path, record: FrameRecord) -> Path:
    path = shard / record.file
    if not path.exists():
        raise InputError(f"{path} is missing; delete the shard {shard.name} and render it again")
    if file_sha256(path) != record.file_sha256:
        raise InputError(f"{path} was changed after it was published; delete shard {shard.name} and render it again")
    return path
