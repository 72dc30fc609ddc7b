"""What a report is made of, read and checked: the dataset, trainings, evaluations and runs that its inputs name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import pyarrow.parquet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from render.dataset_format import DATASET_INDEX
from train.checkpoint import DONE_FILE, EXPERIMENT_FILE, HISTORY_FILE, TrainingRecord, read_training_record
from train.data.dataset import RenderedDataset, open_dataset
from train.data.pack import Pack, open_pack
from train.distance_floor import FLOOR_FILE
from train.errors import InputError
from train.evaluate import EVALUATION_FILE
from train.report_evaluations import Evaluation, EvaluationFacts, NormalsEvaluation
from train.spec import Experiment, experiment_from_json

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
    floors: tuple[Path, ...] = ()
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


FloorSettingName = Literal["intrinsics_unknown", "intrinsics_known"]


class FloorSetting(BaseModel):
    """Absolute relative errors of distance in one setting: the best with its interval, and two simpler ones."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    abs_rel: float
    abs_rel_low: float
    abs_rel_high: float
    size_abs_rel: float
    analytic_abs_rel: float


class Floor(BaseModel):
    """floor.json: how well distance can be told from true landmarks, on one split of one dataset."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    index_sha256: str
    dataset_name: str
    split: str
    identities: dict[str, int]
    settings: dict[FloorSettingName, FloorSetting]
    constant_abs_rel: float
    spreads: dict[str, float]


class EpochLine(BaseModel):
    """One line of history.jsonl: mean losses of an epoch by term, and scores on the validation frames by region."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    epoch: int = Field(ge=1)
    step: int = Field(ge=0)
    losses: dict[str, float]
    validation: dict[str, dict[str, float]]
    learning_rate: float
    seconds: float


class TrainingDone(BaseModel):
    """done.json: the facts of a finished training."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    epochs: int
    steps: int
    train_frames: int
    parameters: int
    seconds: float
    device: str


@dataclass(frozen=True)
class TrainingRun:
    """A training folder: what it was made from, its epochs, oldest first, and its facts once it is finished."""

    record: TrainingRecord
    experiment: Experiment
    epochs: tuple[EpochLine, ...]
    done: TrainingDone | None


@dataclass(frozen=True)
class ReportData:
    """Everything a report shows; pixels are still on disk. `index` holds one row a frame, as plain values.

    `evaluations` are those of depth, `normals` those of normals. The pack is opened only where one needs it.
    """

    inputs: ReportInputs
    dataset: RenderedDataset
    index: tuple[dict[str, Any], ...]
    trainings: tuple[TrainingRun, ...]
    evaluations: tuple[tuple[Path, Evaluation], ...]
    normals: tuple[tuple[Path, NormalsEvaluation], ...]
    pack: Pack | None
    floors: tuple[Floor, ...]
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
            "dataset": located(inputs.dataset),
            "pack": located(inputs.pack) if inputs.pack else None,
        }
    )
    dataset = open_dataset(inputs.dataset)
    evaluations = [(located(folder), _read_evaluation(located(folder))) for folder in inputs.evaluations]
    return ReportData(
        inputs=inputs,
        dataset=dataset,
        index=_read_index(dataset),
        trainings=tuple(_read_training(located(folder)) for folder in inputs.trainings),
        evaluations=tuple((folder, one) for folder, one in evaluations if isinstance(one, Evaluation)),
        normals=tuple((folder, one) for folder, one in evaluations if isinstance(one, NormalsEvaluation)),
        pack=open_pack(inputs.pack) if inputs.pack is not None and inputs.evaluations else None,
        floors=tuple(_read_model(located(folder) / FLOOR_FILE, Floor, "a floor") for folder in inputs.floors),
        render_runs=tuple(
            _read_model(located(run), RenderRun, "the facts of a render run") for run in inputs.render_runs
        ),
    )


def _read_model(path: Path, model: type[Model], what: str) -> Model:
    return _checked(_read_bytes(path, what), model, str(path), what)


def _read_evaluation(folder: Path) -> Evaluation | NormalsEvaluation:
    path = folder / EVALUATION_FILE
    facts = _read_model(path, EvaluationFacts, "an evaluation")
    model = NormalsEvaluation if facts.specification.get("quantity") == "normals" else Evaluation
    return _read_model(path, model, "an evaluation")


def _checked(content: bytes, model: type[Model], where: str, what: str) -> Model:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise InputError(f"{where} does not hold {what}:\n" + "\n".join(lines)) from error


def _read_bytes(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} should hold {what}, but cannot be read ({error.strerror}). Run the stage that writes it, or take "
            "it out of the report's inputs"
        ) from error


def _read_index(dataset: RenderedDataset) -> tuple[dict[str, Any], ...]:
    if not dataset.rows:
        raise InputError(f"{dataset.folder} holds no frame, so there is nothing to report; render some frames first")
    return tuple(pyarrow.parquet.read_table(dataset.folder / DATASET_INDEX).to_pylist())


def _read_training(folder: Path) -> TrainingRun:
    record = read_training_record(folder)
    history = folder / HISTORY_FILE
    epochs = []
    for number, line in enumerate(_read_bytes(history, "one line an epoch").splitlines(), start=1):
        epochs.append(_checked(line, EpochLine, f"{history}, line {number},", "the numbers of an epoch"))
    done = folder / DONE_FILE
    return TrainingRun(
        record=record,
        experiment=experiment_from_json(record.experiment, where=str(folder / EXPERIMENT_FILE)),
        epochs=tuple(epochs),
        done=_read_model(done, TrainingDone, "the facts of a finished training") if done.exists() else None,
    )
