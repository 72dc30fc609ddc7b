"""The predictions that a report shows: the worst and the best frames of an evaluation, beside the truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from train.data.pack import Pack, rows_of_split
from train.errors import InputError
from train.evaluate import PREDICTIONS_FILE
from train.figures import ColourScale, colour_error, colour_normals, colour_values, depth_scale, error_scale
from train.geometry import normals_from_depth
from train.metrics.depth import scale_aligned
from train.predict import BACKGROUND_SHARE
from train.report_frames import relief_mm
from train.report_inputs import Evaluation, FrameScore
from train.spec import experiment_from_json

RANKED_BY = "rmse_m"
FRAMES_AT_EACH_END = 3


@dataclass(frozen=True)
class ShownPrediction:
    """One frame of an evaluation: its scores, and arrays at the size of the pack, depths in metres (0 = none)."""

    score: FrameScore
    rank: int
    rgb_srgb: UInt8[np.ndarray, "h w 3"]
    depth_pred_m: Float32[np.ndarray, "h w"]
    depth_true_m: Float32[np.ndarray, "h w"]
    normals_true_cam: Float32[np.ndarray, "h w 3"]
    head_mask: Bool[np.ndarray, "h w"]
    intrinsics_px: Float32[np.ndarray, "3 3"]
    background_m: float


def worst_and_best(folder: Path, evaluation: Evaluation, pack: Pack) -> list[ShownPrediction]:
    """At most three frames from each end of the ranking by RMSE over the head, the worst first.

    Raises: InputError when predictions, table and pack do not belong together.
    """
    ranked = sorted(
        (frame for frame in evaluation.frames_table if frame.head_mask is not None),
        key=lambda frame: -(frame.head_mask or {})[RANKED_BY],
    )
    rows = rows_of_split(pack, evaluation.split)
    predictions = _open_predictions(folder / PREDICTIONS_FILE, (len(rows), pack.info.height_px, pack.info.width_px))
    ranks = sorted({*range(min(FRAMES_AT_EACH_END, len(ranked))), *range(len(ranked))[-FRAMES_AT_EACH_END:]})
    layer = pack.layers[evaluation.layer]
    background_m = experiment_from_json(evaluation.specification, where=str(folder)).encoding.background_depth_m
    shown = []
    for rank in ranks:
        score = ranked[rank]
        if score.row >= len(rows) or pack.rows[rows[score.row]].gt_key != score.key:
            raise InputError(
                f"{folder}: row {score.row} of the table is frame {score.key}, but split {evaluation.split!r} of "
                f"{pack.folder} has another frame there; evaluate again on this pack"
            )
        row = rows[score.row]
        shown.append(
            ShownPrediction(
                score=score,
                rank=rank + 1,
                rgb_srgb=np.asarray(pack.rgb[row]),
                depth_pred_m=np.asarray(predictions[score.row]),
                depth_true_m=np.asarray(layer.depth_m[row]),
                normals_true_cam=np.asarray(layer.normals_cam[row], dtype=np.float32),
                head_mask=np.asarray(layer.head_mask[row]),
                intrinsics_px=np.asarray(pack.intrinsics_px[row]),
                background_m=background_m,
            )
        )
    return shown


def prediction_scales(shown: list[ShownPrediction]) -> tuple[ColourScale, ColourScale]:
    """One scale of depth and one of error for all shown frames: what holds 98 % of the heads, 90 % of the errors."""
    reach_mm, error_mm = 20.0, 1.0
    for one in shown:
        head = one.head_mask & (one.depth_true_m > 0)
        if head.any():
            relief = relief_mm(one.depth_true_m[head], _nearest_m(one))
            reach_mm = max(reach_mm, float(np.ceil(np.percentile(relief, 98) / 20) * 20))
            error_mm = max(error_mm, float(np.percentile(np.abs(one.depth_pred_m - one.depth_true_m)[head], 90)) * 1000)
    limit_mm = next(step for step in _steps() if step >= error_mm)
    depth = depth_scale("depth behind the nearest true point", low=0.0, high=reach_mm, unit="mm")
    return depth, error_scale("predicted minus true depth", limit_mm=limit_mm)


def prediction_pictures(
    one: ShownPrediction, depth: ColourScale, error: ColourScale
) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
    """Pictures by name: `rgb`, depths and normals, true and predicted, and errors over the head as they are and after
    the prediction was multiplied by median(true) / median(predicted)."""
    head = one.head_mask & (one.depth_true_m > 0)
    surface_m = np.where(one.depth_pred_m < BACKGROUND_SHARE * one.background_m, one.depth_pred_m, np.float32(0))
    near_m = _nearest_m(one)
    aligned_m = scale_aligned(one.depth_pred_m, one.depth_true_m, head)
    on_head_m = np.where(head, one.depth_true_m, np.float32(0))
    return {
        "rgb": one.rgb_srgb,
        "true depth": colour_values(relief_mm(one.depth_true_m, near_m), depth, valid=one.depth_true_m > 0),
        "predicted depth": colour_values(relief_mm(surface_m, near_m), depth, valid=surface_m > 0),
        "error": colour_error(one.depth_pred_m, on_head_m, error),
        "error, scale aligned": colour_error(aligned_m, on_head_m, error),
        "true normals": colour_normals(one.normals_true_cam),
        "predicted normals": colour_normals(normals_from_depth(surface_m, one.intrinsics_px.astype(np.float64))),
    }


def _nearest_m(one: ShownPrediction) -> float:
    valid = one.depth_true_m > 0
    return float(one.depth_true_m[valid].min()) if valid.any() else 0.0


def _steps():
    power = 1.0
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def _open_predictions(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    try:
        predictions = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} should hold predicted depths, but cannot be read ({error}); evaluate again"
        ) from error
    if predictions.shape != shape:
        raise InputError(f"{path} has shape {predictions.shape}, but the pack's split needs {shape}; evaluate again")
    return predictions
