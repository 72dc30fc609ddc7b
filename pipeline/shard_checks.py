"""What every run checks of the shards that it uses: cheap looks that catch a damaged store. `validate` reads it all."""

import os
from pathlib import Path

from render.dataset_format import DatasetError, FrameRecord, ShardManifest, canonical_sha256, read_records


def check_shard_name(folder: Path, manifest: ShardManifest) -> None:
    """Check that a shard lists the frames that its name was made of (render.shard_plan), by hashing their keys.

    A shard with quarantined frames cannot be checked so: their places among the others are not on record.
    Raises: DatasetError that names the shard and the remedy.
    """
    if manifest.quarantined:
        return
    named = canonical_sha256([manifest.product, list(manifest.frame_keys)])[:24]
    if named != folder.name or manifest.product != folder.parent.name:
        raise DatasetError(
            f"{folder} does not list the frames that its name stands for, so it was changed or renamed after it was "
            "published; delete it and run again"
        )


def checked_records(folder: Path) -> list[FrameRecord]:
    """All records of a published shard, whose table is the one it was published with, and whose files are there and
    not empty; reads the folder once and no frame.

    Raises: DatasetError that names what is wrong, and the remedy.
    """
    records = read_records(folder)
    with os.scandir(folder) as entries:
        sizes = {entry.name: entry.stat().st_size for entry in entries}
    for record in records:
        if not sizes.get(record.file):
            what = "is empty" if record.file in sizes else "is missing"
            raise DatasetError(f"{folder / record.file} {what}; delete the shard {folder} and run again")
    return records
