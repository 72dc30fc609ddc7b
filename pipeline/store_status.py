"""How a store is doing: its works, datasets, stages, quarantined frames and newest pictures; read from files alone."""

import heapq
import json
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pipeline.engines.shard_work import WORK_NOTE
from pipeline.training_status import TrainingStatus, read_trainings
from pipeline.work_status import WorkStatus, read_work
from render.dataset_format import (
    DATASET_MANIFEST,
    SHARD_RECIPE,
    DatasetError,
    DatasetManifest,
    QuarantinedFrame,
    read_shard_manifest,
)

PICTURES = 12
PICTURE_SUFFIXES = (".jpg", ".png")


@dataclass(frozen=True)
class StageTime:
    """How long a stage took (or has taken, when it did not finish), and when that was written down."""

    stage: str
    key: str
    seconds: float
    finished: bool
    written_s: float


@dataclass(frozen=True)
class StoreStatus:
    """What a store's files say, newest first. `problems` are files that could not be read."""

    store: Path
    read_s: float
    works: tuple[WorkStatus, ...]
    trainings: tuple[TrainingStatus, ...]
    datasets: tuple[DatasetManifest, ...]
    stages: tuple[StageTime, ...]
    quarantined: tuple[QuarantinedFrame, ...]
    pictures: tuple[Path, ...]
    problems: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing was begun here."""
        return not (self.works or self.trainings or self.datasets or self.stages or self.pictures or self.problems)


def read_status(store: Path, *, now_s: float | None = None) -> StoreStatus:
    """The status of a store; of one that does not exist, an empty one. Nothing is written, nothing is locked."""
    now_s = time.time() if now_s is None else now_s
    problems: list[str] = []
    works = []
    for note in (store / "logs").glob(f"*/{WORK_NOTE}"):
        try:
            works.append(read_work(note.parent, store, now_s=now_s))
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{note} cannot be read ({error})")
    return StoreStatus(
        store=store,
        read_s=now_s,
        trainings=tuple(read_trainings(store, now_s=now_s)),
        works=tuple(sorted(works, key=lambda work: -work.started_s)),
        datasets=tuple(_datasets(store, problems)),
        stages=tuple(_stages(store)),
        quarantined=tuple(_quarantined(store, problems)),
        pictures=tuple(newest_pictures(store, count=PICTURES)),
        problems=tuple(problems),
    )


def newest_pictures(store: Path, *, count: int) -> list[Path]:
    """Pictures of the shards that were published last: the first of each, then the second of each, until there are
    enough."""
    folders = heapq.nlargest(count, _published(store / "shards" / "rgb"), key=_written_s)
    names = [sorted(path for path in _files(folder) if path.suffix in PICTURE_SUFFIXES) for folder in folders]
    longest = max((len(files) for files in names), default=0)
    return [files[row] for row in range(longest) for files in names if row < len(files)][:count]


def _datasets(store: Path, problems: list[str]) -> list[DatasetManifest]:
    found = []
    for folder in sorted(_published(store / "datasets"), key=_written_s, reverse=True):
        try:
            found.append(DatasetManifest.model_validate_json((folder / DATASET_MANIFEST).read_bytes()))
        except (OSError, ValidationError):
            problems.append(f"{folder} is no dataset, its {DATASET_MANIFEST} cannot be read; move it away, run again")
    return found


def _stages(store: Path) -> list[StageTime]:
    found = []
    for path in (store / "timings").glob("[!.]*.json"):
        try:
            content = json.loads(path.read_bytes())
            key, written_s = path.stem.partition("-")[2], _written_s(path)
            finished = bool(content.get("finished", True))
            found.append(StageTime(content["stage"], key, float(content["seconds"]), finished, written_s))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # a time is no promise
    return sorted(found, key=lambda stage: -stage.written_s)


def _quarantined(store: Path, problems: list[str]) -> list[QuarantinedFrame]:
    """Only shards with a quarantined frame carry their recipe, so no other manifest need be read."""
    found: dict[str, QuarantinedFrame] = {}
    for recipe in sorted((store / "shards").glob(f"*/[!.]*/{SHARD_RECIPE}")):
        try:
            manifest = read_shard_manifest(recipe.parent)
        except DatasetError as error:
            problems.append(str(error))
            continue
        found |= {frame.key: frame for frame in manifest.quarantined if frame.failed == manifest.product}
    return list(found.values())


def _published(parent: Path) -> list[Path]:
    return [folder for folder in _files(parent) if not folder.name.startswith(".")]


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _written_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
