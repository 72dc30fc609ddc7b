"""The predictions that a report shows: the worst and the best frames of an evaluation, beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from train.data.pack import Pack
from train.data.split_rows import split_rows
from train.errors import InputError
from train.figures import ColourScale, colour_error, colour_normals, colour_values, depth_scale, error_scale
from train.geometry import normals_from_depth
from train.metrics.depth import scale_aligned
from train.predict_depth import BACKGROUND_SHARE
from train.quantities.depth import DEPTH_PREDICTION
from train.report_evaluations import Evaluation, FrameScore, evaluated_depth
from train.report_frames import relief_mm

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
    ranked = _ranked(evaluation)
    ranks = sorted({*range(min(FRAMES_AT_EACH_END, len(ranked))), *range(len(ranked))[-FRAMES_AT_EACH_END:]})
    return predictions_of(folder, evaluation, pack, [ranked[rank].row for rank in ranks])


def predictions_of(
    folder: Path, evaluation: Evaluation, pack: Pack, split_positions: Sequence[int]
) -> list[ShownPrediction]:
    """The frames at these places of the split (FrameScore.row), in that order; each must show a head.

    Raises: InputError when predictions, table and pack do not belong together.
    """
    ranked = _ranked(evaluation)
    rows = split_rows(pack, evaluation.split, split_by=evaluation.split_by)
    predictions = _open_predictions(
        folder / f"{DEPTH_PREDICTION}.npy", (len(rows), pack.info.height_px, pack.info.width_px)
    )
    rank_by_position = {score.row: rank for rank, score in enumerate(ranked)}
    layer = pack.layers[evaluation.layer]
    background_m = evaluated_depth(evaluation).encoding.background_depth_m
    shown = []
    for rank in (rank_by_position[position] for position in split_positions):
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


def prediction_scales(shown: list[ShownPrediction]) -> tuple[ColourScale, ColourScale, ColourScale]:
    """Scales for all shown frames: of depth, of error and of error after alignment (90 % of each head)."""
    error_mm, aligned_mm = 1.0, 1.0
    for one in shown:
        head = one.head_mask & (one.depth_true_m > 0)
        if head.any():
            true_m, aligned_m = one.depth_true_m[head], _aligned_m(one)[head]
            error_mm = max(error_mm, float(np.percentile(np.abs(one.depth_pred_m[head] - true_m), 90)) * 1000)
            aligned_mm = max(aligned_mm, float(np.percentile(np.abs(aligned_m - true_m), 90)) * 1000)
    return (
        head_relief_scale(shown),
        error_scale("predicted minus true depth", limit_mm=_round_up(error_mm)),
        error_scale("the same, scale aligned", limit_mm=_round_up(aligned_mm)),
    )


def head_relief_scale(shown: Sequence[ShownPrediction]) -> ColourScale:
    """One scale of depth for all shown frames: from the head's nearest point to what holds 98 % of every true head."""
    reach_mm = 20.0
    for one in shown:
        true_m = one.depth_true_m[one.head_mask & (one.depth_true_m > 0)]
        if true_m.size:
            relief = relief_mm(true_m, _nearest_m(one.depth_true_m, one))
            reach_mm = max(reach_mm, float(np.ceil(np.percentile(relief, 98) / 20) * 20))
    return depth_scale("depth behind the head's nearest point", low=0.0, high=reach_mm, unit="mm")


def prediction_pictures(
    one: ShownPrediction, depth: ColourScale, error: ColourScale, aligned_error: ColourScale
) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
    """Pictures by name: `picture`, depths and normals, true and predicted, and errors over the head as they are and
    after alignment. Predictions have a value where the network or the truth has a surface."""
    on_head_m = np.where(one.head_mask, one.depth_true_m, np.float32(0))
    predicted_m = np.where(_surface(one), one.depth_pred_m, np.float32(0))
    return {
        **relief_pictures(one, depth),
        "error": colour_error(one.depth_pred_m, on_head_m, error),
        "error, scale aligned": colour_error(_aligned_m(one), on_head_m, aligned_error),
        "true normals": colour_normals(one.normals_true_cam),
        "predicted normals": colour_normals(normals_from_depth(predicted_m, one.intrinsics_px.astype(np.float64))),
    }


def relief_pictures(one: ShownPrediction, depth: ColourScale) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
    """`picture`, `true depth` and `predicted depth`, each depth from its own nearest point of the head on."""
    true_m, predicted_m = one.depth_true_m, one.depth_pred_m
    relief_true_mm, relief_pred_mm = (relief_mm(depth_m, _nearest_m(depth_m, one)) for depth_m in (true_m, predicted_m))
    return {
        "picture": one.rgb_srgb,
        "true depth": colour_values(relief_true_mm, depth, valid=true_m > 0),
        "predicted depth": colour_values(relief_pred_mm, depth, valid=_surface(one)),
    }


def _ranked(evaluation: Evaluation) -> list[FrameScore]:
    """The frames that show a head, the largest RMSE over it first."""
    return sorted(
        (frame for frame in evaluation.frames_table if frame.head_mask is not None),
        key=lambda frame: -(frame.head_mask or {})[RANKED_BY],
    )


def _surface(one: ShownPrediction) -> Bool[np.ndarray, "h w"]:
    """Where the network or the truth has a surface."""
    return (one.depth_true_m > 0) | (one.depth_pred_m < BACKGROUND_SHARE * one.background_m)


def _aligned_m(one: ShownPrediction) -> Float32[np.ndarray, "h w"]:
    """The prediction times median(true) / median(predicted) over the head."""
    return scale_aligned(one.depth_pred_m, one.depth_true_m, one.head_mask & (one.depth_true_m > 0))


def _nearest_m(depth_m: Float32[np.ndarray, "h w"], one: ShownPrediction) -> float:
    """Depth in front of which 1 % of the head lies, by a true or a predicted depth; 0 without a head."""
    head = one.head_mask & (one.depth_true_m > 0)
    return float(np.percentile(depth_m[head], 1)) if head.any() else 0.0


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value))


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
