"""What must hold for a shard: its name, its table, its files, and nothing beside them."""

from pathlib import Path

from pipeline.validation.findings import Finding, in_shard
from render.dataset_format import (
    SHARD_MANIFEST,
    SHARD_RECIPE,
    SHARD_RECORDS,
    SHARD_RUN,
    DatasetError,
    FrameRecord,
    ShardManifest,
    canonical_sha256,
    read_records,
    read_shard_manifest,
)

TABLES = {SHARD_MANIFEST, SHARD_RECORDS, SHARD_RUN, SHARD_RECIPE}


def check_shard(store: Path, shard: str) -> list[Finding]:
    """All that is wrong with a shard, but for the pixels of its files."""
    folder = store / shard
    if not folder.is_dir():
        return [in_shard(folder, folder, expected="the shard that the dataset lists", found="no such folder")]
    try:
        manifest = read_shard_manifest(folder)
    except DatasetError as error:
        return [in_shard(folder / SHARD_MANIFEST, folder, expected="the shard's manifest", found=str(error))]
    try:
        records = read_records(folder)
    except (DatasetError, ValueError) as error:
        return [in_shard(folder / SHARD_RECORDS, folder, expected="the table it was published with", found=str(error))]
    return [*_check_name(folder, manifest, records), *_check_files(folder, records)]


def _check_name(folder: Path, manifest: ShardManifest, records: list[FrameRecord]) -> list[Finding]:
    """A shard is named for its product and its planned frames: those it holds stand at the numbers of their files,
    those in quarantine in the gaps."""
    kept = {int(Path(record.file).stem): record.key for record in records}
    left_out = iter(one.key for one in manifest.quarantined)
    places = range(len(kept) + len(manifest.quarantined))
    planned = [kept[place] if place in kept else next(left_out, "") for place in places]
    expected = canonical_sha256([manifest.product, planned])[:24]
    if expected == folder.name:
        return []
    what = f"the name {expected}, which its product, frames and quarantine have"
    return [in_shard(folder / SHARD_MANIFEST, folder, expected=what, found=f"the name {folder.name}")]


def _check_files(folder: Path, records: list[FrameRecord]) -> list[Finding]:
    promised = {record.file for record in records}
    there = {path.name for path in folder.iterdir()}
    missing = [
        in_shard(folder / name, folder, expected="the file that its record names", found="no such file")
        for name in sorted(promised - there)
    ]
    foreign = [
        Finding(folder / name, "only what was published", "a file that nothing names", "move it out of the store")
        for name in sorted(there - promised - TABLES)
    ]
    return missing + foreign
