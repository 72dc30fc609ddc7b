"""Validating a published dataset: every promise that it makes is checked again, by several processes if need be."""

import ctypes
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from pydantic import ValidationError

from pipeline.published_dataset import PublishedDataset, index_rows, open_dataset
from pipeline.validation.dataset_checks import (
    Census,
    check_census,
    check_columns,
    check_quarantine,
    check_seals,
    made_by_this_version,
)
from pipeline.validation.findings import Finding, in_dataset
from pipeline.validation.frame_checks import FramesJob, check_frames
from pipeline.validation.shard_checks import check_shard
from render.asset_library import assets_source
from render.config import Recipe
from render.dataset_format import DATASET_INDEX, DATASET_MANIFEST, FORMAT_VERSION, DatasetError
from render.frame_keys import asset_hashes
from train.progress import Progress

FRAMES_A_JOB = 32
_PR_SET_PDEATHSIG = 1
Submit = Callable[..., Callable[[], list[Finding]]]


def findings_of(folder: Path, *, fast: bool, jobs: int) -> Iterator[Finding]:
    """Everything that is wrong with the dataset in a folder, its manifest included. Raises: as `validate_dataset`."""
    try:
        dataset = open_dataset(folder)
    except DatasetError as error:
        path = folder / DATASET_MANIFEST
        yield in_dataset(path, folder, expected=f"a manifest of format {FORMAT_VERSION}", found=str(error))
        return
    yield from validate_dataset(dataset, fast=fast, jobs=jobs)


def validate_dataset(dataset: PublishedDataset, *, fast: bool, jobs: int) -> Iterator[Finding]:
    """Everything that is wrong, as it is found. `fast` reads tables alone: no pixels, no hashes of them.

    Raises: HeadModelError when a head model of the user's own, which frames in quarantine would need, is missing.
    """
    yield from check_seals(dataset)
    try:
        recipe = Recipe.model_validate(dataset.manifest.recipe)
    except ValidationError as error:
        path = dataset.folder / DATASET_MANIFEST
        yield in_dataset(
            path, dataset.folder, expected="a recipe that can be used", found=str(error).replace("\n", " ")
        )
        return
    quarantined = any(dataset.manifest.quarantined.values())
    assets = asset_hashes(recipe, source=assets_source(None)) if quarantined else {}
    census = Census(dataset, recipe, assets, same_version=made_by_this_version(dataset))
    shards = sorted({shard for listed in dataset.manifest.shards.values() for shard in listed})
    lacking = check_columns(dataset)
    if lacking:
        yield from lacking
        return
    try:
        total = sum(dataset.manifest.frames.values())
        with _workers(jobs) as submit, Progress(total=total, label="validate", unit="frames") as progress:
            yield from _finished(submit, ((0, check_shard, dataset.store, shard) for shard in shards), jobs, progress)
            frames = (
                (len(rows), check_frames, FramesJob(dataset, recipe, rows, fast))
                for rows in _pieces(census.rows(index_rows(dataset)))
            )
            yield from _finished(submit, frames, jobs, progress)
    except DatasetError as error:
        yield in_dataset(dataset.folder / DATASET_INDEX, dataset.folder, expected="a parquet table", found=str(error))
        return
    yield from census.findings
    yield from check_census(census)
    yield from check_quarantine(census)


def _pieces(rows: Iterator[dict]) -> Iterator[list[dict]]:
    while piece := list(islice(rows, FRAMES_A_JOB)):
        yield piece


def _finished(submit: Submit, tasks: Iterator[tuple], jobs: int, progress: Progress) -> Iterator[Finding]:
    """The findings of all tasks in order; only a few wait at a time, so memory does not grow with their number."""
    waiting: deque[tuple[int, Callable[[], list[Finding]]]] = deque()
    while True:
        for count, *task in islice(tasks, 3 * jobs - len(waiting)):
            waiting.append((count, submit(*task)))
        if not waiting:
            return
        count, result = waiting.popleft()
        yield from result()
        progress.advance(count)


@contextmanager
def _workers(jobs: int) -> Iterator[Submit]:
    """A way to have a check made: here, or by one of several processes, which end with this one."""
    if jobs == 1:
        yield lambda check, *arguments: lambda: check(*arguments)
        return
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_die_with_parent, initargs=(os.getpid(),)
    ) as pool:

        def submit(check: Callable[..., list[Finding]], *arguments: object) -> Callable[[], list[Finding]]:
            future: Future[list[Finding]] = pool.submit(check, *arguments)
            return future.result

        yield submit


def _die_with_parent(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
