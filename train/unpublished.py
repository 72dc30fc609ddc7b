"""A folder that is filled under a temporary name beside its final one, and gone unless it was published."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unpublished_folder(final: Path) -> Iterator[Path]:
    """A new empty folder on the same disk as `final`; gone at the end, unless `publish` renamed it.

    Its name says of which machine and process it is. A killed process leaves it behind; in a store, the next run of
    the pipeline removes it (pipeline/store.py).
    """
    # A hyphen parts the fields of the name, so that none of them may hold one but the host.
    name = final.name.replace("-", "_")
    folder = final.parent / f".tmp-{name}-{socket.gethostname()}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
