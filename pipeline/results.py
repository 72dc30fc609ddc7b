"""Producing a result: make a folder once, stamp it, publish it under its key, and keep how long that took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.console import duration, say
from pipeline.identity import key_of
from pipeline.store import (
    Kind,
    is_published,
    prepare_store,
    publish_result,
    published_folder,
    record_seconds,
    recorded_seconds,
    remove_stale_temporaries,
    stamp_folder,
    work_folder,
)
from pipeline.store_lock import store_lock
from train.unpublished import unpublished_folder


def produce(
    store: Path, kind: Kind, inputs: dict, *, stage: str, make: Callable[[Path], None], resumable: bool = False
) -> Path:
    """The published folder of these inputs; `make(folder)` fills a folder that does not exist yet, when need be.

    A resumable stage gets the same folder again after an interrupted run, with whatever it left there.
    Raises: whatever `make` raises; PipelineError when the store cannot be used.
    """
    key = key_of(inputs)
    prepare_store(store)
    with store_lock(store, f"{kind}-{key}"):
        if is_published(store, kind, key):
            return published_folder(store, kind, key)
        remove_stale_temporaries(store)
        final = published_folder(store, kind, key)
        with timed(store, kind, key, stage=stage), unpublished_folder(final) as temporary:
            folder = work_folder(store, kind, key) if resumable else temporary / "result"
            make(folder)
            stamp_folder(folder, kind=kind, key=key, inputs=inputs)
            return publish_result(folder, store=store, kind=kind, key=key)


@contextmanager
def timed(store: Path, kind: Kind, key: str, *, stage: str) -> Iterator[dict]:
    """Record the wall-clock seconds of a stage, those of its failed attempts included; the body may add facts."""
    before = recorded_seconds(store, kind, key)
    earlier = 0.0 if before.get("finished", True) else before["seconds"]
    facts: dict = {"finished": False}
    started = time.monotonic()
    try:
        yield facts
        facts["finished"] = True
    finally:
        seconds = time.monotonic() - started
        try:
            record_seconds(store, kind, key, stage=stage, seconds=earlier + seconds, facts=facts)
        except OSError as error:  # a time is no promise, and what failed before it has more to say
            say(stage, f"how long it took could not be noted: {error.strerror}")
    say(stage, f"done in {duration(seconds)}")
