"""Publishing a folder: all of it flushed to disk, then one rename; the first to publish a name wins."""

import os
from pathlib import Path


def fsync_tree(folder: Path) -> None:
    """Flush every file below a folder, and the folders themselves, to disk."""
    with os.scandir(folder) as entries:  # one by one: a folder may hold a million files
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                fsync_tree(Path(entry.path))
            else:
                _fsync(entry.path)
    _fsync(folder)


def _fsync(path: Path | str) -> None:
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
    _fsync(final.parent)
    return True
