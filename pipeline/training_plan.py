"""TrainingPlan: trainings that an engine starts, one a GPU, and the one way in which each of them is made."""

import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from pipeline.engines.work import Element, Resource, Work
from pipeline.errors import PipelineError
from pipeline.identity import key_of
from pipeline.results import produce
from pipeline.stage_command import run_stage_command
from pipeline.store import is_published, write_atomically
from render.dataset_format import Record, canonical_json, canonical_sha256

PLAN_PREFIX = "trainings-"
_TRAIN = (sys.executable, "-m", "pipeline", "train")


class PlannedTraining(Record):
    """One training: what its key hashes, and the arguments of `python -m train fit`, but for the folder."""

    experiment: str
    inputs: dict
    arguments: tuple[str, ...]


class TrainingPlan(Record):
    """Trainings in one store. Element K is the training of that place."""

    store: str
    trainings: tuple[PlannedTraining, ...]


def write_training_plan(plan: TrainingPlan) -> Path:
    """The plan's file in its store, which is named for its content."""
    content = plan.model_dump(mode="json")
    path = Path(plan.store) / "plans" / f"{PLAN_PREFIX}{canonical_sha256(content)[:12]}.json"
    if not path.exists():
        write_atomically(path, canonical_json(content) + "\n")
    return path


def read_training_plan(path: Path) -> TrainingPlan:
    """Raises: PipelineError when the file is no plan of trainings."""
    try:
        return TrainingPlan.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise PipelineError(f"{path} is no plan of trainings ({error}); `luigi … TrainNetwork` writes one") from error


def training_work(plan: TrainingPlan, path: Path, *, train_command: Sequence[str], device: Resource) -> Work:
    """The trainings of a plan that lies at `path` as work for an engine: an element is a network."""
    store = Path(plan.store)
    return Work(
        label="train",
        unit="networks",
        command=(*_TRAIN, "--plan", str(path), "--train-command", shlex.join(train_command)),
        elements=tuple(
            Element(
                number=number,
                size=1,
                what=f"training of {training.experiment}",
                published=partial(is_published, store, "trainings", key_of(training.inputs)),
            )
            for number, training in enumerate(plan.trainings)
        ),
        device=device,
        together=1,
        folder=store / "logs" / path.stem,
    )


def all_trained(plan: TrainingPlan) -> bool:
    """Whether every training of a plan is published."""
    return all(is_published(Path(plan.store), "trainings", key_of(training.inputs)) for training in plan.trainings)


def make_training(store: Path, training: PlannedTraining, *, train_command: Sequence[str]) -> Path:
    """The published folder of a training, which is made when need be; one that was stopped goes on where it was.

    Raises: PipelineError when the training tool fails.
    """
    log = store / "logs" / f"training-{key_of(training.inputs)}.log"

    def make(folder: Path) -> None:
        run_stage_command([*train_command, "fit", *training.arguments, "--out", str(folder)], stage="training", log=log)

    return produce(store, "trainings", training.inputs, stage="training", make=make, resumable=True)
