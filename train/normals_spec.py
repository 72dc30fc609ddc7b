"""NormalsExperiment: a training whose network predicts normals and gradient magnitude, with or without a critic."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from train.data.backdrops import Backdrops
from train.network_spec import StridedUNetSpec
from train.training_spec import (
    AugmentationSpec,
    OptimiserSpec,
    Positive,
    Schedule,
    check_read,
    check_training_spec,
)

_STRICT_KEYS = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class NormalsLossSpec:
    """How predicted maps are compared with the true ones, pixel by pixel (train/losses/normals.py).

    `pixel`: mean absolute (`l1`) or mean squared (`l2`) difference of the encoded maps; `pixel_weight` multiplies it.
    """

    __pydantic_config__ = _STRICT_KEYS
    pixel: Literal["l1", "l2"] = "l2"
    pixel_weight: Positive = 500.0


@dataclass(frozen=True)
class NormalsEncoding:
    """How gradient magnitudes become what a tanh can give (train/normals_encoding.py); normals are taken as they are.

    0 to `largest_gradient` is spread over -1 to 1; steeper pixels count as that steep.
    """

    __pydantic_config__ = _STRICT_KEYS
    largest_gradient: Positive = 64.0


@dataclass(frozen=True)
class AdversarySpec:
    """What else judges the maps: nothing (`none`), or a critic that is trained against the network (`wgan`).

    `critic_width`: feature maps of its first level. It learns from every batch, and the network from every
    `critic_steps`-th. After each of its steps its weights are cut to -`clip` .. `clip` (train/fit_adversarial.py).
    """

    __pydantic_config__ = _STRICT_KEYS
    kind: Literal["wgan", "none"] = "wgan"
    critic_width: Annotated[int, Field(ge=1, le=1024)] = 64
    critic_steps: Annotated[int, Field(ge=1)] = 5
    clip: Positive = 0.01


@dataclass(frozen=True)
class NormalsExperiment:
    """One training of bouafif2020: what to train, what the paper reports for it, and what the paper leaves unsaid.

    `reported` maps `head` to names of our metrics (train/metrics/normals.py), and other data sets to the paper's names,
    to the printed numbers; the other fields are those of DepthExperiment (train/depth_spec.py).
    """

    __pydantic_config__ = _STRICT_KEYS
    key: str
    paper: str
    title: str
    where: str
    network: StridedUNetSpec
    loss: NormalsLossSpec
    adversary: AdversarySpec
    encoding: NormalsEncoding
    optimiser: OptimiserSpec
    schedule: Schedule
    augmentation: AugmentationSpec = field(default_factory=AugmentationSpec)
    layer: Literal["visible", "head"] = "head"
    split_by: Literal["identity", "frame"] = "identity"
    train_people_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    train_backdrops: Backdrops = "all"
    reported: dict[str, dict[str, float]] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    quantity: Literal["normals"] = "normals"


def check_normals_experiment(experiment: NormalsExperiment, *, where: str) -> None:
    """Raises: InputError on settings that cannot go together; `where` names the origin of the experiment."""
    critic = (experiment.adversary.kind == "wgan", "kind=wgan")
    check_read(
        ("adversary", experiment.adversary),
        {"critic_width": critic, "critic_steps": critic, "clip": critic},
        where=where,
    )
    check_training_spec(experiment.optimiser, experiment.schedule, experiment.augmentation, where=where)
