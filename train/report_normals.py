"""What a report shows of normals: a table of its own beside the paper's, and strips after figure 5 of bouafif2020."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from train.data.pack import Pack, PackRow
from train.data.split_rows import split_rows
from train.errors import InputError
from train.figures import angle_scale, colour_gradient, colour_normals, colour_values, gradient_scale
from train.metrics.normals import REGION, angle_map_deg
from train.quantities.normals import GRADIENT_PREDICTION, MASK_PREDICTION, NORMALS_PREDICTION
from train.report_comparison import differing_settings
from train.report_dataset_view import legend_view
from train.report_evaluations import NormalsEvaluation, evaluated_experiment
from train.report_pictures import picture_uri
from train.report_side_by_side import choose_frames

STRIPS = 5
STRIP_WIDTH_PX = 256
COUNTS = ("images", "pixels")


def normals_facts(evaluations: Sequence[tuple[Path, NormalsEvaluation]], pack: Pack | None) -> list[dict[str, Any]]:
    """Each evaluation of normals as results.json holds it: scores, the paper's beside them, and the frames shown."""
    experiments = [evaluated_experiment(evaluation) for _, evaluation in evaluations]
    return [
        _facts(evaluation, differing_settings(experiment, experiments), _frames(evaluation, pack))
        for (_, evaluation), experiment in zip(evaluations, experiments, strict=True)
    ]


def normals_headline(facts: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The evaluation of least mean angle, pooled, among those split by identity; None without any angle."""
    scored = [
        one for one in facts if one["split_by"] == "identity" and "mean_angle_deg" in one["scores"].get("pooled", {})
    ]
    return min(scored, key=lambda one: one["scores"]["pooled"]["mean_angle_deg"], default=None)


def normals_view(
    evaluations: Sequence[tuple[Path, NormalsEvaluation]], facts: Sequence[dict[str, Any]], pack: Pack | None
) -> dict[str, Any]:
    """The names of scores, and for each evaluation its assumptions and the pictures of its strips.

    Raises: InputError when predictions, table and pack do not belong together.
    """
    figures = []
    for (folder, evaluation), one in zip(evaluations, facts, strict=True):
        strips = []
        for position, shown in zip(_frames(evaluation, pack), one["strips"], strict=True):
            assert pack is not None
            address = f"frame {shown['key'][:8]}, person {shown['identity_id'][:6]}"
            text = f"{address}, {evaluation.experiment}, seed {evaluation.seed}"
            pictures = strip_pictures(folder, evaluation, pack, position)
            cells = [
                {"uri": picture_uri(picture, width_px=STRIP_WIDTH_PX), "alt": f"{name}, {text}", "tag": name}
                for name, picture in pictures.items()
            ]
            strips.append({"address": address, "facts": shown, "cells": cells})
        figures.append({"facts": one, "assumed": evaluation.assumed, "strips": strips})
    return {"evaluations": figures, "legends": [legend_view(angle_scale()), legend_view(gradient_scale())]}


def strip_pictures(
    folder: Path, evaluation: NormalsEvaluation, pack: Pack, position: int
) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
    """The six pictures of the frame at that place of the split, by name, in the order of the paper's figure 5.

    Raises: InputError when a file of predictions is missing or of another size.
    """
    rows = split_rows(pack, evaluation.split, split_by=evaluation.split_by)
    row, layer = rows[position], pack.layers[evaluation.layer]
    plane = (len(rows), pack.info.height_px, pack.info.width_px)
    shapes = {NORMALS_PREDICTION: (*plane, 3), GRADIENT_PREDICTION: plane, MASK_PREDICTION: plane}
    predicted = {name: _opened(folder / f"{name}.npy", shape)[position] for name, shape in shapes.items()}
    true_cam, pred_cam = (
        np.asarray(one, dtype=np.float32) for one in (layer.normals_cam[row], predicted[NORMALS_PREDICTION])
    )
    angles_deg = angle_map_deg(pred_cam, true_cam)
    known = np.isfinite(angles_deg)
    slopes = (
        (layer.gradient_magnitude[row], np.any(true_cam != 0, axis=-1)),
        (predicted[GRADIENT_PREDICTION], np.asarray(predicted[MASK_PREDICTION])),
    )
    true_slope, pred_slope = (colour_gradient(np.asarray(w, dtype=np.float32), valid=mask) for w, mask in slopes)
    return {
        "picture": np.asarray(pack.rgb[row]),
        "N, true": colour_normals(true_cam),
        "N, predicted": colour_normals(pred_cam),
        "angular error": colour_values(np.nan_to_num(angles_deg), angle_scale(), valid=known),
        "W, true": true_slope,
        "W, predicted": pred_slope,
    }


def _facts(evaluation: NormalsEvaluation, settings: list[str], frames: dict[int, PackRow]) -> dict[str, Any]:
    both, reported = evaluation.metrics.get(REGION, {}), evaluation.reported.get(REGION, {})
    scores = {frame.row: frame.head for frame in evaluation.frames_table}
    return {
        "experiment": evaluation.experiment,
        "title": evaluation.title,
        "settings": settings,
        "seed": evaluation.seed,
        "where": evaluation.where,
        "dataset_id": evaluation.dataset_id,
        "dataset_name": evaluation.dataset_name,
        "split": evaluation.split,
        "split_by": evaluation.split_by,
        "frames": evaluation.frames,
        "identities": evaluation.identities,
        "identities_in_training": evaluation.identities_in_training,
        "width_px": evaluation.width_px,
        "height_px": evaluation.height_px,
        "layer": evaluation.layer,
        "parameters": evaluation.parameters,
        "device": evaluation.device,
        "seconds_per_frame": evaluation.seconds_per_frame,
        "notes": list(evaluation.notes),
        "counted": {name: int(both["pooled"][name]) for name in COUNTS if both},
        "scores": {how: {name: one for name, one in both[how].items() if name not in COUNTS} for how in both},
        "paper": reported,
        "strips": [
            {"key": row.gt_key, "identity_id": row.identity_id, "yaw_deg": row.yaw_deg, "scores": scores[position]}
            for position, row in frames.items()
        ],
    }


def _frames(evaluation: NormalsEvaluation, pack: Pack | None) -> dict[int, PackRow]:
    """Frames to show, by their place in the split, spread over yaw; none without the pack that was scored."""
    if pack is None or pack.info.index_sha256 != evaluation.evaluated_on:
        return {}
    if (pack.info.width_px, pack.info.height_px) != (evaluation.width_px, evaluation.height_px):
        return {}
    rows = split_rows(pack, evaluation.split, split_by=evaluation.split_by)
    return choose_frames({position: pack.rows[row] for position, row in enumerate(rows)}, STRIPS)


def _opened(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    try:
        found = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} should hold predictions, but cannot be read ({error}); evaluate again") from error
    if found.shape != shape:
        raise InputError(f"{path} has shape {found.shape}, but the pack's split needs {shape}; evaluate again")
    return found
