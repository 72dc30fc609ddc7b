"""Normals and gradient magnitude as a quantity: what trainings of bouafif2020 check, learn, predict and score."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor, nn

from train.data.batches import Batch
from train.data.pack import Pack
from train.errors import InputError
from train.inference import predict_normals
from train.losses.normals import pixel_loss
from train.metrics.normals import ImageAngles, dataset_scores, image_angles, scores
from train.normals_encoding import encode_normals
from train.normals_spec import NormalsExperiment
from train.quantities.contract import Quantity

NORMALS_PREDICTION = "normals_cam_pred"
GRADIENT_PREDICTION = "gradient_magnitude_pred"
MASK_PREDICTION = "mask_pred"


def check_pack(pack: Pack, experiment: NormalsExperiment) -> None:
    """Raises: InputError when no frame of the pack has a surface in the experiment's layer."""
    if pack.info.nearest_depth_m[experiment.layer] is None:
        raise InputError(
            f"{pack.folder}: layer {experiment.layer!r} has no surface in any frame, so nothing can be learnt; "
            "try --set layer=visible, or another dataset"
        )


def check_frames(pack: Pack, rows: Int[np.ndarray, " n"], experiment: NormalsExperiment, where: str) -> None:
    """Normals are of the camera's axes and of no length: any camera suits."""


def start(network: nn.Module, experiment: NormalsExperiment, pack: Pack, rows: Int[np.ndarray, " n"]) -> None:
    """Nothing: tanh(0) lies in the middle of the targets."""


def encode(batch: Batch, experiment: NormalsExperiment) -> Float[Tensor, "b 4 h w"]:
    """Normals and the encoded gradient magnitude. Raises: ValueError when the batch was read without them."""
    if batch.normals_cam is None or batch.gradient_magnitude is None:
        raise ValueError("the batch has no normals: read it with_normals=True")
    return encode_normals(batch.normals_cam, batch.gradient_magnitude, experiment.encoding)


def loss(
    predicted: Float[Tensor, "b 4 h w"], target: Float[Tensor, "b 4 h w"], experiment: NormalsExperiment
) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
    """The weighted pixel loss, and the loss itself."""
    return pixel_loss(predicted, target, spec=experiment.loss)


def predict(
    network: nn.Module,
    experiment: NormalsExperiment,
    rgb_srgb: np.ndarray,
    intrinsics_px: np.ndarray,  # noqa: ARG001
) -> dict[str, np.ndarray]:
    """Normals and slopes as half floats, as packs hold them, and the mask."""
    found = predict_normals(network, experiment, rgb_srgb)
    return {
        NORMALS_PREDICTION: found.normals_cam.astype(np.float16),
        GRADIENT_PREDICTION: found.gradient_magnitude.astype(np.float16),
        MASK_PREDICTION: found.mask,
    }


def sums_of_image(
    prediction: dict[str, np.ndarray],
    pack: Pack,
    row: int,
    experiment: NormalsExperiment,
) -> ImageAngles:
    """Masks and angles."""
    true_cam = np.asarray(pack.layers[experiment.layer].normals_cam[row], dtype=np.float32)
    return image_angles(np.asarray(prediction[NORMALS_PREDICTION], dtype=np.float32), true_cam)


def frame_scores(image: ImageAngles) -> dict[str, Any]:
    """All scores of the frame that its pixels allow."""
    return {"head": scores(image)}


NORMALS = Quantity(
    with_normals=True,
    watched_scores=("mask_precision", "mask_recall", "mean_angle_deg", "below_10_deg"),
    check_pack=check_pack,
    check_frames=check_frames,
    start=start,
    encode=encode,
    loss=loss,
    predict=predict,
    image_sums=sums_of_image,
    dataset_scores=dataset_scores,
    frame_scores=frame_scores,
)
