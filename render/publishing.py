"""Publishing a folder: all of it flushed to disk, then one rename; the first to publish a name wins."""

import os
from pathlib import Path


def fsync_tree(folder: Path) -> None:
    """Flush every file below a folder, and the folders themselves, to disk."""
    for path in [folder, *folder.rglob("*")]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def publish(temporary: Path, final: Path) -> bool:
    """Move a finished folder to its published name by one rename; False when another process was first.

    The loser's copy is left to its caller to delete. Nothing that is published is ever overwritten.
    """
    fsync_tree(temporary)
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.rename(final)
    except OSError:
        if final.is_dir():
            return False
        raise
    descriptor = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True
