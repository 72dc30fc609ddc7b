"""A published dataset opened by id, folder or name, and its frames one after the other with their records."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow
import pyarrow.parquet
from pydantic import ValidationError

from render.dataset_format import (
    DATASET_INDEX,
    DATASET_MANIFEST,
    FORMAT_VERSION,
    PRODUCTS,
    SPLITS,
    DatasetError,
    DatasetManifest,
    FrameGeometry,
    FrameRecord,
    GroundTruth,
    Product,
    read_ground_truth,
    read_records,
)

ROWS_AT_ONCE = 1024
# Neighbouring frames lie in few shards, so a few tables in memory are enough whatever the number of frames.
TABLES_IN_MEMORY = 16


@dataclass(frozen=True)
class PublishedDataset:
    """A dataset's folder, the store it belongs to, and its manifest."""

    folder: Path
    store: Path
    manifest: DatasetManifest

    @property
    def frames(self) -> dict[str, int]:
        """Frames by split, in the order of the index; only splits that have any."""
        return {split: count for split in SPLITS if (count := self.manifest.frames.get(split, 0))}

    @property
    def products(self) -> tuple[Product, ...]:
        """The products that every frame has."""
        return tuple(product for product in PRODUCTS if product in self.manifest.shards)


@dataclass(frozen=True)
class PublishedFrame:
    """A row of a dataset's index, and by product the frame's record and file."""

    row: dict
    records: dict[str, FrameRecord]
    files: dict[str, Path]

    @property
    def name(self) -> str:
        """Split and number, unique in the dataset: train_000012."""
        return f"{self.row['split']}_{self.row['frame_index']:06d}"

    @property
    def geometry(self) -> FrameGeometry:
        """Camera, pose and landmarks. Raises: DatasetError when the record has none."""
        geometry = self.records["gt"].geometry
        if geometry is None:
            raise DatasetError(f"the record of frame {self.name} has no geometry; {validate_it(self.files['gt'])}")
        return geometry

    def read_truth(self) -> GroundTruth:
        """The ground truth. Raises: DatasetError when the file is not what its record promises."""
        read_as_published(self.files["gt"], self.records["gt"].file_sha256)
        return read_ground_truth(self.files["gt"])


def find_dataset(text: str, store: Path) -> PublishedDataset:
    """The dataset that a person means, opened. Raises: DatasetError as `find_dataset_folder` and `open_dataset`."""
    return open_dataset(find_dataset_folder(text, store))


def find_dataset_folder(text: str, store: Path) -> Path:
    """What a person means by a folder, an id (or how it begins), or a recipe's name (then the latest of that name).

    Raises: DatasetError that names what is there.
    """
    if (Path(text) / DATASET_MANIFEST).is_file():
        return Path(text).resolve()
    folders = sorted(path.parent for path in (store / "datasets").glob(f"[!.]*/{DATASET_MANIFEST}"))
    by_id = [folder for folder in folders if len(text) >= 4 and folder.name.startswith(text)]
    if len(by_id) > 1:
        raise DatasetError(
            f"{text!r} begins {len(by_id)} ids: {', '.join(one.name for one in by_id)}; write more of it"
        )
    if by_id:
        return by_id[0]
    named = {folder: name for folder in folders if (name := _name_of(folder)) is not None}
    of_that_name = [folder for folder, name in named.items() if name == text]
    if of_that_name:
        return max(of_that_name, key=lambda folder: (folder / DATASET_MANIFEST).stat().st_mtime_ns)
    listed = "; ".join(f"{folder.name} ({name})" for folder, name in named.items()) or "none"
    raise DatasetError(
        f"no dataset {text!r}: expected a folder that holds {DATASET_MANIFEST}, or the id or recipe name of one in "
        f"{store / 'datasets'}; there: {listed}. Another store is named with --store"
    )


def open_dataset(folder: Path) -> PublishedDataset:
    """Open `<store>/datasets/<id>`. Raises: DatasetError when its manifest cannot be read or is of another format."""
    folder = folder.resolve()
    try:
        manifest = DatasetManifest.model_validate_json((folder / DATASET_MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise DatasetError(f"{folder / DATASET_MANIFEST} cannot be read as a dataset's manifest ({error})") from error
    if manifest.format_version != FORMAT_VERSION:
        raise DatasetError(f"{folder} has format {manifest.format_version}; this Headroom reads {FORMAT_VERSION}")
    return PublishedDataset(folder=folder, store=folder.parent.parent, manifest=manifest)


def index_rows(dataset: PublishedDataset) -> Iterator[dict]:
    """The rows of a dataset's index in order, read piece by piece. Raises: DatasetError when it cannot be read."""
    path = dataset.folder / DATASET_INDEX
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise DatasetError(f"{path} cannot be read as parquet ({error}); {validate_it(dataset.folder)}") from error


def published_frames(dataset: PublishedDataset, *, splits: Collection[str]) -> Iterator[PublishedFrame]:
    """The frames of some splits in order, each with its records; memory does not grow with their number.

    Raises: DatasetError when the index or a records table cannot be read, or they disagree.
    """
    table = lru_cache(maxsize=TABLES_IN_MEMORY)(records_by_key)
    for row in index_rows(dataset):
        if row["split"] in splits:
            yield frame_of_row(dataset, row, table)


def frame_of_row(dataset: PublishedDataset, row: dict, table) -> PublishedFrame:
    """One frame; `table(shard)` gives a shard's records by key. Raises: DatasetError when a shard lacks the frame."""
    records, files = {}, {}
    for product in dataset.products:
        shard = dataset.store / row[f"{product}_shard"]
        record = table(shard).get(row[f"{product}_key"])
        if record is None:
            raise DatasetError(
                f"{shard} holds no {product} of frame {row['split']}/{row['frame_index']} (key "
                f"{row[f'{product}_key']}), but the index says so; {validate_it(dataset.folder)}"
            )
        records[product], files[product] = record, shard / record.file
    return PublishedFrame(row=row, records=records, files=files)


def records_by_key(shard: Path) -> dict[str, FrameRecord]:
    """The records of a shard. Raises: DatasetError when its table was changed or cut."""
    return {record.key: record for record in read_records(shard)}


def read_as_published(path: Path, sha256: str) -> bytes:
    """The bytes of a file that was published with that hash. Raises: DatasetError when they are others."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); {validate_it(path)}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DatasetError(f"{path} was changed after it was published; {validate_it(path)}")
    return content


def validate_it(path: Path) -> str:
    """What to do when a dataset cannot be used."""
    store = next((parent.parent for parent in path.parents if parent.name in ("shards", "datasets")), path.parent)
    return f"`python -m pipeline validate DATASET --store {store}` lists everything that is wrong, and what to do"


def _name_of(folder: Path) -> str | None:
    try:
        return DatasetManifest.model_validate_json((folder / DATASET_MANIFEST).read_bytes()).name
    except (OSError, ValidationError):
        return None
