"""DepthExperiment: a training whose network predicts depth, with the weights of its loss and the encoding of metres."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from train.data.backdrops import Backdrops
from train.errors import InputError
from train.network_spec import DepthNetworkSpec
from train.training_spec import (
    AugmentationSpec,
    OptimiserSpec,
    Positive,
    Schedule,
    Weight,
    check_read,
    check_training_spec,
)

_STRICT_KEYS = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class LossSpec:
    """Weights of the terms of the depth loss (train/losses/depth.py); 0 switches a term off."""

    __pydantic_config__ = _STRICT_KEYS
    ssim: Weight = 0.1
    gradient: Weight = 0.1
    normal: Weight = 1.0
    l1: Weight = 0.0
    ssim_divisor: Positive = 5.0
    """The SSIM term is (1 - SSIM) / ssim_divisor; khan2021 prints "Max Depth" (5 m), its model DenseDepth has 2."""
    normal_slope: Positive = 1.0
    """Slopes of the target are multiplied by this before the normal term takes normals of them; 1 is as printed.

    What is printed makes heads nearly flat: of 5 / depth_m in pictures 128 wide, 45 degrees become 15. The term then
    sees silhouettes and hardly a face; about 4 gives such a picture its true slopes, in larger ones more does."""


@dataclass(frozen=True)
class Encoding:
    """How a depth in metres becomes what the network is trained on (train/encoding.py).

    `reciprocal`: background_depth_m / depth_m, so 1 is the background and near is large. `metric`: metres.
    Pixels without a surface get background_depth_m, the far clip of the camera. `nearest_depth_m` bounds the other
    end: both together fix the range of the target, which SSIM needs, and limit what is predicted.

    `camera` says of which camera the depth is that is learnt, because one picture does not tell a far head behind a
    long lens from a near one behind a short lens (docs/depth_numbers.md). `metric`: of the frame's own. `fixed`: the
    same, and every frame must have one focal length. `canonical`: depth times the canonical focal length over that of
    the frame, which the frame's intrinsics undo afterwards. Focal lengths count in widths of the picture, so that the
    target does not change with its size; those of all frames must lie within the canonical one divided and multiplied
    by `focal_length_spread`, which widens the range of the target by so much at both ends.
    """

    __pydantic_config__ = _STRICT_KEYS
    kind: Literal["reciprocal", "metric"] = "reciprocal"
    background_depth_m: Positive = 5.0
    nearest_depth_m: Positive = 0.5
    camera: Literal["metric", "fixed", "canonical"] = "metric"
    canonical_focal_widths: Positive = 1.4
    """The geometric middle of our khan2021's cameras: 65 mm before sensors of 36 to 60 mm is 1.81 to 1.08 widths."""
    focal_length_spread: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.3


@dataclass(frozen=True)
class DepthExperiment:
    """One row of a paper's table: what to train, what the paper reports for it, and what the paper leaves unsaid.

    `reported` maps the pixels a score is taken over (`full`, `head_mask`) to our metric names to the printed numbers.
    `where` is the place in the paper; `assumed` lists what we had to choose.

    `split_by` is "identity": nobody is in two splits. "frame" deals the frames of all people out anew, so that test
    pictures show people the network has seen; it exists to show what such a split would claim, never for our scores.
    `train_people_share` is the share of the people of split train that are learnt from, `train_backdrops` says before
    which backdrops (train/data/backdrops.py).
    """

    __pydantic_config__ = _STRICT_KEYS
    key: str
    paper: str
    title: str
    where: str
    network: DepthNetworkSpec
    loss: LossSpec
    encoding: Encoding
    optimiser: OptimiserSpec
    schedule: Schedule
    augmentation: AugmentationSpec = field(default_factory=AugmentationSpec)
    layer: Literal["visible", "head"] = "visible"
    split_by: Literal["identity", "frame"] = "identity"
    train_people_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    train_backdrops: Backdrops = "all"
    reported: dict[str, dict[str, float]] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()


def check_depth_experiment(experiment: DepthExperiment, *, where: str) -> None:
    """Raises: InputError on settings that cannot go together; `where` names the origin of the experiment."""
    loss, encoding = experiment.loss, experiment.encoding
    if loss.ssim + loss.gradient + loss.normal + loss.l1 == 0:
        raise InputError(f"{where}: every weight of the loss is 0, so nothing would be learnt; set one above 0")
    if encoding.nearest_depth_m >= encoding.background_depth_m:
        raise InputError(
            f"{where}: encoding.nearest_depth_m ({encoding.nearest_depth_m} m) must lie in front of "
            f"encoding.background_depth_m ({encoding.background_depth_m} m)"
        )
    check_read(
        ("loss", loss),
        {"ssim_divisor": (loss.ssim > 0, "ssim above 0"), "normal_slope": (loss.normal > 0, "normal above 0")},
        where=where,
    )
    canonical = (encoding.camera == "canonical", "camera=canonical")
    check_read(
        ("encoding", encoding), {"canonical_focal_widths": canonical, "focal_length_spread": canonical}, where=where
    )
    if encoding.camera == "fixed" and experiment.augmentation.crop > 0:
        raise InputError(
            f"{where}: encoding.camera = fixed needs one focal length, but augmentation.crop = "
            f"{experiment.augmentation.crop:g} gives some pictures a longer one; set augmentation.crop=0, or "
            "encoding.camera to metric or canonical"
        )
    check_training_spec(experiment.optimiser, experiment.schedule, experiment.augmentation, where=where)
