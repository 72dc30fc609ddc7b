"""Depth as a quantity: what trainings of khan2021 check, learn, predict and score."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from train.data.batches import Batch, load_batch
from train.data.pack import Pack
from train.depth_spec import DepthExperiment, Encoding
from train.encoding import check_cameras, focal_lengths_in_widths, target_of, target_range
from train.errors import InputError
from train.inference import predict_depth_m
from train.losses.depth import depth_loss
from train.metrics.depth import ImageSums, all_scores, dataset_scores, image_sums, scores
from train.quantities.contract import Quantity
from train.training_folder import rows_to_learn

DEPTH_PREDICTION = "depth_pred_m"
MEAN_TARGET_IMAGES = 256


def check_pack(pack: Pack, experiment: DepthExperiment) -> None:
    """Raises: InputError when depths or cameras of the pack do not suit the encoding."""
    check_depth_limits(pack, experiment.encoding, layer=experiment.layer)
    focal_widths = focal_lengths_in_widths(pack.intrinsics_px, width_px=pack.info.width_px)
    check_cameras(focal_widths, experiment.encoding, where=str(pack.folder))
    augmentation = experiment.augmentation
    if augmentation.crop > 0:
        longest = focal_widths[rows_to_learn(experiment, pack)] / augmentation.crop_smallest
        cropped = f"{pack.folder}, cropped to augmentation.crop_smallest = {augmentation.crop_smallest:g} of its width,"
        check_cameras(longest, experiment.encoding, where=cropped)


def check_depth_limits(pack: Pack, encoding: Encoding, *, layer: str) -> None:
    """Raises: InputError when depths of the pack lie outside the limits of the encoding, saying what to set."""
    nearest_m, farthest_m = pack.info.nearest_depth_m[layer], pack.info.farthest_depth_m[layer]
    if nearest_m is None or farthest_m is None:
        raise InputError(f"{pack.folder}: layer {layer!r} has no valid depth in any frame; nothing to learn")
    if nearest_m < encoding.nearest_depth_m:
        raise InputError(
            f"{pack.folder} holds depths of {nearest_m:.3f} m, in front of encoding.nearest_depth_m = "
            f"{encoding.nearest_depth_m} m. Try --set encoding.nearest_depth_m={nearest_m * 0.9:.2g}"
        )
    if farthest_m > encoding.background_depth_m:
        raise InputError(
            f"{pack.folder} holds depths of {farthest_m:.3f} m, behind encoding.background_depth_m = "
            f"{encoding.background_depth_m} m. Try --set encoding.background_depth_m={farthest_m * 1.1:.2g}"
        )


def check_frames(pack: Pack, rows: Int[np.ndarray, " n"], experiment: DepthExperiment, where: str) -> None:
    """Raises: InputError when the cameras of these rows do not suit the encoding."""
    focal_widths = focal_lengths_in_widths(pack.intrinsics_px[rows], width_px=pack.info.width_px)
    check_cameras(focal_widths, experiment.encoding, where=where)


def start(network: nn.Module, experiment: DepthExperiment, pack: Pack, rows: Int[np.ndarray, " n"]) -> None:
    """Let an untrained network predict the mean target of the rows."""
    start_at: Any = network.start_at
    start_at(mean_target(experiment, pack, rows))


def mean_target(experiment: DepthExperiment, pack: Pack, rows: Int[np.ndarray, " n"]) -> float:
    """Mean of the encoded target over at most MEAN_TARGET_IMAGES pictures, spread evenly over the rows."""
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MEAN_TARGET_IMAGES)).astype(int))]
    cpu = torch.device("cpu")
    batches = (load_batch(pack, chosen[i : i + 1], layer=experiment.layer, device=cpu) for i in range(len(chosen)))
    return float(np.mean([target_of(batch, experiment.encoding).mean().item() for batch in batches]))


def encode(batch: Batch, experiment: DepthExperiment) -> Float[Tensor, "b 1 h w"]:
    """The encoded depth."""
    return target_of(batch, experiment.encoding)


def loss(
    predicted: Float[Tensor, "b 1 h w"], target: Float[Tensor, "b 1 h w"], experiment: DepthExperiment
) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
    """The weighted loss of khan2021, and its terms."""
    return depth_loss(predicted, target, spec=experiment.loss, data_range=target_range(experiment.encoding))


def predict(
    network: nn.Module, experiment: DepthExperiment, rgb_srgb: np.ndarray, intrinsics_px: np.ndarray
) -> dict[str, np.ndarray]:
    """Planar depth in metres."""
    return {DEPTH_PREDICTION: predict_depth_m(network, experiment, rgb_srgb, intrinsics_px=intrinsics_px)}


def sums_of_image(
    prediction: dict[str, np.ndarray], pack: Pack, row: int, experiment: DepthExperiment
) -> dict[str, ImageSums]:
    """Sums of errors by mask."""
    layer = pack.layers[experiment.layer]
    return image_sums(
        prediction[DEPTH_PREDICTION],
        np.asarray(layer.depth_m[row]),
        np.asarray(layer.head_mask[row]),
        background_depth_m=experiment.encoding.background_depth_m,
    )


def frame_scores(sums: dict[str, ImageSums]) -> dict[str, Any]:
    """Scores over the full image, and, raw and aligned, over the head where it is in the picture."""
    head = sums["head_mask"]
    return {**scores(sums["full"].raw), "head_mask": all_scores(head) if head.raw.pixels > 0 else None}


DEPTH = Quantity(
    with_normals=False,
    # One relative, one in metres, one share.
    watched_scores=("abs_rel", "rmse_m", "delta_1"),
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
