"""Deleting from a store so that a crash leaves no half of anything: renamed away first, deleted afterwards."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.store_lock import lock_holders
from pipeline.unneeded import TRASH


def check_nobody_is_at_work(store: Path, *, own: str = "") -> None:
    """Raises: PipelineError when a process holds a lock of the store, but for the lock `own` that this one holds."""
    held = {name: process for name, process in lock_holders(store).items() if name != own}
    if held:
        name, process = next(iter(held.items()))
        raise PipelineError(
            f"a run is at work in {store}: process {process} holds the lock {name!r}; nothing was deleted. "
            "Wait for it, or stop it"
        )


def remove(paths: Iterable[Path], store: Path) -> None:
    """Delete files and folders of a store, in this order.

    Each vanishes from its place by one rename. What a crash leaves behind has a name that nothing else looks at, and
    counts as unneeded the next time.
    """
    trash = store / f"{TRASH}{os.uname().nodename}-{os.getpid()}"
    for number, path in enumerate(paths):
        if path.name.startswith(TRASH):
            _delete(path)
            continue
        trash.mkdir(exist_ok=True)
        away = trash / f"{number:06d}-{path.name.lstrip('.')}"
        path.rename(away)
        _delete(away)
    if trash.exists():
        trash.rmdir()


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
