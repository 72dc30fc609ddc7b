"""The page's sections on training, results, predictions and time: charts, tables and pictures for the templates."""

from typing import Any

import numpy as np
from markupsafe import Markup

from train.report_charts import Series, bars, line_chart
from train.report_dataset_view import legend_view
from train.report_inputs import ReportData, TrainingRun
from train.report_normals import normals_view
from train.report_pictures import picture_uri
from train.report_predictions import prediction_pictures, prediction_scales, worst_and_best
from train.report_scale_view import scale_overview
from train.report_side_by_side import side_by_side, side_by_side_view

PREDICTION_WIDTH_PX = 320
REGION_TITLES = {
    "full": "Full image",
    "head_mask": "Head",
    "head_inside": "Inside the head",
    "nearest_plus_half_metre": "Nearest point + 0.5 m",
    "head": "Head",
}
ALIGNMENT_TITLES = {
    "nothing": "",
    "median": "scale aligned: after each prediction was multiplied by median(true) / median(predicted)",
    "least_squares": "scale aligned by least squares: after each prediction was multiplied by the number that makes "
    "the squared error least",
}
METRIC_TITLES = {
    "abs_rel": "absolute relative error ↓",
    "sq_rel": "squared relative error [m] ↓",
    "rmse_m": "RMSE [m] ↓",
    "rmse_ln": "RMSE of ln depth ↓",
    "rmse_log10": "RMSE of log10 depth ↓",
    "mean_abs_log10": "mean |log10| error ↓",
    "silog": "scale-invariant log error ↓",
    "delta_1": "δ < 1.25 ↑",
    "delta_2": "δ < 1.25² ↑",
    "delta_3": "δ < 1.25³ ↑",
    "mean_angle_deg": "mean angular error [°] ↓",
    "below_10_deg": "pixels below 10° ↑",
}
# Scores drawn over epochs, where validation has them, and whether on a logarithmic axis.
CHARTED_METRICS = {"rmse_m": True, "delta_1": False, "mean_angle_deg": True, "below_10_deg": False}


def learning_view(data: ReportData, results: dict[str, Any]) -> dict[str, Any]:
    """The sections on training, results and predictions. Raises: InputError when files do not belong together."""
    predictions = []
    keys = [evaluation.experiment for _, evaluation in data.evaluations]
    if data.pack is not None:
        for (folder, evaluation), facts in zip(data.evaluations, results["evaluations"], strict=True):
            shown = worst_and_best(folder, evaluation, data.pack)
            if not shown:
                continue
            scales = prediction_scales(shown)
            ranked = sum(frame.head_mask is not None for frame in evaluation.frames_table)
            frames = []
            for one in shown:
                pictures = prediction_pictures(one, *scales)
                address = f"frame {one.score.key[:8]}, person {one.score.identity_id[:6]}"
                text = f"{address}, {evaluation.experiment}"
                text += f", seed {evaluation.seed}" if keys.count(evaluation.experiment) > 1 else ""
                text += "".join(f", {setting}" for setting in facts["settings"])
                cells = [
                    {
                        "uri": picture_uri(picture, width_px=PREDICTION_WIDTH_PX),
                        "alt": f"{name}, {text}",
                        "tag": name,
                    }
                    for name, picture in pictures.items()
                ]
                place = _place(one.rank, ranked)
                frames.append({"place": place, "address": address, "scores": one.score.head_mask, "cells": cells})
            columns = [cell["tag"] for cell in frames[0]["cells"]]
            predictions.append(
                {
                    "title": evaluation.title,
                    "experiment": evaluation.experiment,
                    "settings": facts["settings"],
                    "seed": evaluation.seed,
                    "split": evaluation.split,
                    "columns": columns,
                    "frames": frames,
                    "legends": [legend_view(scale) for scale in scales],
                }
            )
    return {
        "trainings": [
            {"facts": facts, "charts": _training_charts(training)}
            for facts, training in zip(results["trainings"], data.trainings, strict=True)
        ],
        "tables": [
            {**_table(facts), "evaluation": facts, "assumed": evaluation.assumed}
            for facts, (_, evaluation) in zip(results["evaluations"], data.evaluations, strict=True)
        ],
        "region_titles": REGION_TITLES,
        "overview": scale_overview(results["evaluations"]),
        "compared": _compared(results["comparison"]),
        "side_by_side": [
            side_by_side_view(figure, facts, data.pack)
            for figure, facts in zip(side_by_side(data.evaluations, data.pack), results["side_by_side"], strict=True)
            if data.pack is not None
        ],
        "predictions": predictions,
        "normals": normals_view(data.normals, results["normals"], data.pack),
    }


def time_view(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Bars of seconds: by stage of the whole run, and by stage of rendering one frame."""
    stages = {name: value for name, value in results["seconds"].items() if name != "all"}
    charts = []
    if stages:
        charts.append({"title": "Whole run, seconds by stage", "values": stages, "all": results["seconds"]["all"]})
    if results["render_seconds_per_frame"]:
        rendering = results["render_seconds_per_frame"]
        charts.append(
            {"title": "Rendering one frame, mean seconds", "values": rendering["by_stage"], "all": rendering["all"]}
        )
    for chart in charts:
        texts = {name: f"{value:.3g} s" for name, value in chart["values"].items()}
        chart["svg"] = Markup(bars(chart["values"], title=chart["title"], texts=texts, width=520))
    return charts


def _training_charts(training: TrainingRun) -> list[dict[str, Any]]:
    if not training.epochs:
        return []
    epochs = [line.epoch for line in training.epochs]

    def chart(title: str, values: dict[str, list[float]], *, logarithmic: bool) -> dict[str, Any]:
        series = [Series(name, epochs, numbers) for name, numbers in values.items()]
        svg = line_chart(series, title=title, x_title="epoch", logarithmic=logarithmic)
        return {"title": title, "names": list(values), "svg": Markup(svg)}

    terms = list(training.epochs[0].losses)
    losses = {term: [line.losses.get(term, float("nan")) for line in training.epochs] for term in terms}
    charts = [chart("Training loss by term", losses, logarithmic=True)]
    regions = list(training.epochs[0].validation)
    for metric, logarithmic in CHARTED_METRICS.items():
        values = {
            REGION_TITLES.get(region, region): [
                line.validation.get(region, {}).get(metric, float("nan")) for line in training.epochs
            ]
            for region in regions
        }
        if any(np.isfinite(numbers).any() for numbers in values.values()):
            charts.append(chart(f"Validation: {METRIC_TITLES[metric]}", values, logarithmic=logarithmic))
    return charts


def _table(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Rows by score, columns by region; the paper has a column in the regions it reports."""
    regions = [
        {
            "key": key,
            "title": REGION_TITLES.get(key, key),
            "in_paper": any("paper" in row for row in values["rows"]),
            "rows": {(row["metric"], row["aligned_by"]): row for row in values["rows"]},
        }
        for key, values in evaluation["regions"].items()
    ]
    groups = []
    for aligned_by, divider in ALIGNMENT_TITLES.items():
        names = list(dict.fromkeys(name for region in regions for name, by in region["rows"] if by == aligned_by))
        rows = [
            {
                "title": METRIC_TITLES.get(name, name),
                "cells": [
                    {**region["rows"].get((name, aligned_by), {}), "in_paper": region["in_paper"]} for region in regions
                ],
            }
            for name in names
        ]
        if rows:
            groups.append({"divider": divider, "rows": rows})
    columns = 1 + sum(3 if region["in_paper"] else 2 for region in regions)
    return {"regions": regions, "groups": groups, "columns": columns}


def _compared(lines: list[dict[str, Any]]) -> dict[str, bool]:
    """Whether all lines of the comparison are of one target, and trained on one kind of machine and scored on one (the
    same or another): then it is said once."""
    targets = ("dataset_id", "split", "layer", "width_px", "height_px")
    return {
        "one_target": len({tuple(line[name] for name in targets) for line in lines}) == 1,
        "one_device": all(
            len({device for line in lines for device in line[stage]}) <= 1
            for stage in ("training_devices", "inference_devices")
        ),
    }


def _place(rank: int, count: int) -> str:
    return f"worst {rank} of {count}" if rank <= count / 2 else f"best {count - rank + 1} of {count}"
