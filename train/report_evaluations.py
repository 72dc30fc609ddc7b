"""evaluation.json as a report reads it: one network on one split, of depth or of normals."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from train.depth_spec import DepthExperiment
from train.errors import InputError
from train.spec import Experiment, experiment_from_json


class FrameScore(BaseModel):
    """One evaluated frame: its row in the split, its ground-truth key, who it shows, its RMSE over the full image, and
    its scores over the head (None where the head is not in the picture)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    row: int = Field(ge=0)
    key: str
    identity_id: str
    rmse_m: float
    head_mask: dict[str, float] | None


class NormalsFrameScore(BaseModel):
    """One evaluated frame: its row in the split, its ground-truth key, who it shows, and the scores it allows."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    row: int = Field(ge=0)
    key: str
    identity_id: str
    head: dict[str, float]


class EvaluationFacts(BaseModel):
    """evaluation.json but for its frames: one network on one split; scores by region, averaging and name."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    experiment: str
    specification: dict[str, Any]
    seed: int
    trained_on: str
    title: str
    where: str
    dataset_id: str
    dataset_name: str
    evaluated_on: str
    split: str
    split_by: Literal["identity", "frame"]
    frames: int
    identities: int
    identities_in_training: int
    width_px: int
    height_px: int
    layer: str
    parameters: int
    device: str
    seconds_per_frame: float
    metrics: dict[str, dict[str, dict[str, float]]]
    reported: dict[str, dict[str, float]]
    assumed: tuple[str, ...]
    notes: tuple[str, ...]


class Evaluation(EvaluationFacts):
    """An evaluation of depth."""

    frames_table: tuple[FrameScore, ...]


class NormalsEvaluation(EvaluationFacts):
    """An evaluation of normals and gradient magnitude."""

    frames_table: tuple[NormalsFrameScore, ...]


def evaluated_experiment(evaluation: EvaluationFacts) -> Experiment:
    """The experiment that an evaluation scored, with its settings. Raises: InputError when it is no usable one."""
    return experiment_from_json(evaluation.specification, where=f"evaluation of {evaluation.experiment}")


def evaluated_depth(evaluation: Evaluation) -> DepthExperiment:
    """The same of an evaluation of depth. Raises: InputError also when its experiment is none of depth."""
    experiment = evaluated_experiment(evaluation)
    if not isinstance(experiment, DepthExperiment):
        raise InputError(
            f"evaluation of {evaluation.experiment} holds scores of depth, but its specification is one of "
            f"{experiment.quantity}"
        )
    return experiment
