"""What to say when the store's disk fails a run: which file, why, and what to do."""

import errno
from pathlib import Path

from pipeline.machine import free_disk_bytes

_REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there, or have the quota raised",
    errno.EROFS: "let it be written to, or name another with --store",
    errno.EACCES: "change its rights, or name another with --store",
    errno.EPERM: "change its rights, or name another with --store",
    errno.EIO: "check the disk, or name another with --store",
    errno.ESTALE: "check the file server",
}
# Less than this is as good as nothing: a shard of pictures is larger.
LITTLE_BYTES = 50_000_000


def storage_trouble(error: OSError, store: Path) -> str | None:
    """The trouble and its remedy in words; None when the error is not one of storage."""
    if error.errno not in _REMEDIES:
        return None
    where = f" ({error.filename})" if error.filename else ""
    return (
        f"the store {store} cannot be written: {error.strerror}{where}; {_REMEDIES[error.errno]} and run the same "
        "command again. What is published is kept"
    )


def disk_hint(folder: Path) -> str:
    """A sentence about a disk that is nearly full, else nothing."""
    free = free_disk_bytes(folder)
    return f" The disk of {folder} has {free / 1e6:.1f} MB left: free some space." if free < LITTLE_BYTES else ""
