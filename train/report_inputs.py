"""What a report is made of, read and checked: the dataset, trainings, evaluations and runs that its inputs name."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as parquet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from render.dataset_format import DATASET_INDEX, DATASET_MANIFEST, DatasetManifest
from train.errors import InputError
from train.spec import Experiment, experiment_from_json

INDEX_COLUMNS = ("split", "frame_index", "identity_id", "gt_key", "gt_shard", "gt_file", "rgb_key", "rgb_shard")
Model = TypeVar("Model", bound=BaseModel)


class AssetFacts(BaseModel):
    """An asset as the licences section names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    licence: str
    source: str = ""
    sha256: str = ""


class ReportInputs(BaseModel):
    """The file that a report starts from. Lists may be empty; the report then says what is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    store: Path
    dataset: Path
    profile: str
    command: str
    trainings: tuple[Path, ...] = ()
    evaluations: tuple[Path, ...] = ()
    pack: Path | None = None
    timings: dict[str, float] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    seed: int
    render_runs: tuple[Path, ...] = ()
    assets: tuple[AssetFacts, ...] = ()


class RenderRun(BaseModel):
    """What rendering one shard cost: seconds by stage, all frames together. Other facts are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    seconds: dict[str, float]
    frames: int = Field(ge=1)
    device: str = ""


class FrameScore(BaseModel):
    """One evaluated frame: its row in the split, its ground-truth key, who it shows, and its scores by name."""

    model_config = ConfigDict(extra="allow", frozen=True)

    row: int = Field(ge=0)
    key: str
    identity_id: str

    def scores(self) -> dict[str, float]:
        """Every score of the frame, by name."""
        extra = self.model_extra or {}
        return {name: value for name, value in extra.items() if isinstance(value, int | float)}


class Evaluation(BaseModel):
    """evaluation.json: one network on one split, scores by region and by how they were averaged."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    experiment: str
    title: str
    where: str
    dataset_id: str
    dataset_name: str
    split: str
    frames: int
    identities: int
    width_px: int
    height_px: int
    parameters: int
    network: dict[str, Any] | str
    device: str
    seconds_per_frame: float
    metrics: dict[str, dict[str, dict[str, float | None]]]
    reported: dict[str, dict[str, float]]
    assumed: tuple[str, ...]
    frames_table: tuple[FrameScore, ...]


@dataclass(frozen=True)
class TrainingRun:
    """A training folder: its experiment and one dictionary an epoch, oldest first."""

    folder: Path
    experiment: Experiment
    epochs: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class ReportData:
    """Everything a report shows but pixels. `index` holds one row a frame, as plain values."""

    inputs: ReportInputs
    manifest: DatasetManifest
    index: tuple[dict[str, Any], ...]
    trainings: tuple[TrainingRun, ...]
    evaluations: tuple[tuple[Path, Evaluation], ...]
    render_runs: tuple[RenderRun, ...]


def read_report_data(path: Path) -> ReportData:
    """Read the inputs file and all that it names; relative paths count from the folder of the file.

    Raises: InputError that names the file, what it lacks and what was expected.
    """
    inputs = _read_model(path, ReportInputs, "a report's inputs")

    def located(named: Path) -> Path:
        return named if named.is_absolute() else path.parent / named

    inputs = inputs.model_copy(
        update={
            "store": located(inputs.store),
            "dataset": located(inputs.dataset),
            "pack": located(inputs.pack) if inputs.pack else None,
        }
    )
    return ReportData(
        inputs=inputs,
        manifest=_read_model(inputs.dataset / DATASET_MANIFEST, DatasetManifest, "a dataset's manifest"),
        index=_read_index(inputs.dataset / DATASET_INDEX),
        trainings=tuple(_read_training(located(folder)) for folder in inputs.trainings),
        evaluations=tuple(
            (located(folder), _read_model(located(folder) / "evaluation.json", Evaluation, "an evaluation"))
            for folder in inputs.evaluations
        ),
        render_runs=tuple(_read_model(located(run), RenderRun, "the facts of a render run") for run in inputs.render_runs),
    )


def _read_model(path: Path, model: type[Model], what: str) -> Model:
    try:
        return model.model_validate_json(_read_bytes(path, what))
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise InputError(f"{path} does not hold {what}:\n" + "\n".join(lines)) from error


def _read_bytes(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} should hold {what}, but cannot be read ({error.strerror}). Run the stage that writes it, or take "
            "it out of the report's inputs"
        ) from error


def _read_index(path: Path) -> tuple[dict[str, Any], ...]:
    _read_bytes(path, "a dataset's index")
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} should be a parquet table with one row a frame, but is not ({error})") from error
    missing = [name for name in INDEX_COLUMNS if name not in table.column_names]
    if missing:
        raise InputError(f"{path} lacks the columns {missing}; it has {table.column_names}. Publish the dataset again")
    if table.num_rows == 0:
        raise InputError(f"{path} has no row: the dataset holds no frame, so there is nothing to report")
    return tuple(table.to_pylist())


def _read_training(folder: Path) -> TrainingRun:
    experiment_path, history_path = folder / "experiment.json", folder / "history.jsonl"
    tree = _parsed(experiment_path, "an experiment", json.loads)
    experiment = experiment_from_json(tree.get("experiment", tree), where=str(experiment_path))
    epochs = _parsed(history_path, "one line an epoch", lambda text: [json.loads(one) for one in text.splitlines()])
    for number, line in enumerate(epochs, start=1):
        if not isinstance(line, dict) or not isinstance(line.get("epoch"), int):
            raise InputError(f"{history_path}, line {number}: expected an object with a whole number 'epoch': {line!r}")
    return TrainingRun(folder=folder, experiment=experiment, epochs=tuple(epochs))


def _parsed(path: Path, what: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(_read_bytes(path, what).decode())
    except ValueError as error:
        raise InputError(f"{path} should hold {what} as JSON, but does not ({error})") from error
