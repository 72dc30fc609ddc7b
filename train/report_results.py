"""The numbers of a report: everything that results.json holds, and nothing that the page does not show."""

from collections.abc import Sequence
from typing import Any

from train.metrics.depth import ALIGNED_SUFFIX, LEAST_SQUARES_SUFFIX
from train.network_cost import NetworkCost, network_cost
from train.network_spec import NetworkSpec
from train.report_backdrops import backdrop_scores
from train.report_comparison import comparison, differing_settings, group_by_experiment
from train.report_distributions import distributions, summary
from train.report_evaluations import Evaluation, evaluated_depth
from train.report_inputs import Floor, RenderRun, ReportData, TrainingRun
from train.report_normals import normals_facts
from train.report_scale_view import floor_facts, scale_facts
from train.report_side_by_side import side_by_side, side_by_side_facts
from train.spec import Experiment

HEADLINE_REGION, HEADLINE_METRICS = "head_inside", ("rmse_m", "abs_rel", "delta_1")
COUNTS = ("images", "pixels")
# The longer suffix first: it begins with the shorter one.
ALIGNMENTS = {LEAST_SQUARES_SUFFIX: "least_squares", ALIGNED_SUFFIX: "median", "": "nothing"}


def build_results(data: ReportData) -> dict[str, Any]:
    """All numbers of a report as plain data; lists are empty where a stage has not run."""
    manifest, inputs = data.dataset.manifest, data.inputs
    trained = [training.experiment for training in data.trainings]
    scored = [evaluated_depth(evaluation) for _, evaluation in data.evaluations]
    return {
        "title": inputs.title,
        "profile": inputs.profile,
        "command": inputs.command,
        "seed": inputs.seed,
        "dataset": {
            "id": manifest.dataset_id,
            "name": manifest.name,
            "seed": manifest.recipe["seed"],
            "frames": {**manifest.frames, "all": sum(manifest.frames.values())},
            "identities": {**manifest.identities, "all": len({row.identity_id for row in data.dataset.rows})},
        },
        "drawn": {one.name.removeprefix("drawn."): summary(one) for one in distributions(data.index)},
        "trainings": [_training(training, among=trained) for training in data.trainings],
        "evaluations": [_evaluation(evaluation, data.floors, among=scored) for _, evaluation in data.evaluations],
        "comparison": comparison(data.evaluations, data.trainings, cost=_cost),
        "backdrops": backdrop_scores(
            group_by_experiment(data.evaluations),
            {row["gt_key"]: row["drawn.backdrop.kind"] for row in data.index if "drawn.backdrop.kind" in row},
        ),
        "side_by_side": [side_by_side_facts(figure) for figure in side_by_side(data.evaluations, data.pack)],
        "normals": normals_facts(data.normals, data.pack),
        "floors": [floor_facts(floor) for floor in data.floors],
        "seconds": {**data.inputs.timings, "all": sum(data.inputs.timings.values())},
        "render_seconds_per_frame": render_seconds(data.render_runs),
        "versions": inputs.versions,
    }


def _cost(spec: NetworkSpec, height_px: int, width_px: int) -> NetworkCost:
    return network_cost(spec, height_px=height_px, width_px=width_px)


def _training(training: TrainingRun, *, among: Sequence[Experiment]) -> dict[str, Any]:
    record, done = training.record, training.done
    facts: dict[str, Any] = {
        "experiment": training.experiment.key,
        "title": training.experiment.title,
        "settings": differing_settings(training.experiment, among),
        "dataset_id": record.dataset_id,
        "dataset_name": record.dataset_name,
        "width_px": record.width_px,
        "height_px": record.height_px,
        "seed": record.seed,
        "split_by": training.experiment.split_by,
        "epochs_planned": training.experiment.schedule.epochs,
        "finished": done is not None,
    }
    if training.epochs:
        last = training.epochs[-1]
        facts["last_epoch"] = {
            "epoch": last.epoch,
            "step": last.step,
            "learning_rate": last.learning_rate,
            "losses": last.losses,
        }
    if done is not None:
        facts |= {"train_frames": done.train_frames, "parameters": done.parameters}
        facts |= {"seconds": done.seconds, "device": done.device}
    return facts


def _evaluation(evaluation: Evaluation, floors: tuple[Floor, ...], *, among: Sequence[Experiment]) -> dict[str, Any]:
    return {
        "experiment": evaluation.experiment,
        "title": evaluation.title,
        "settings": differing_settings(evaluated_depth(evaluation), among),
        "seed": evaluation.seed,
        "where": evaluation.where,
        "dataset_id": evaluation.dataset_id,
        "dataset_name": evaluation.dataset_name,
        "split": evaluation.split,
        "frames": evaluation.frames,
        "identities": evaluation.identities,
        "width_px": evaluation.width_px,
        "height_px": evaluation.height_px,
        "layer": evaluation.layer,
        **scale_facts(evaluation, floors),
        "parameters": evaluation.parameters,
        "device": evaluation.device,
        "seconds_per_frame": evaluation.seconds_per_frame,
        "notes": list(evaluation.notes),
        "regions": {
            region: {
                "counted": {name: int(values["pooled"][name]) for name in COUNTS if name in values["pooled"]},
                "rows": [
                    _row(name, values, evaluation.reported.get(region, {}))
                    for name in values["pooled"]
                    if name not in COUNTS
                ],
            }
            for region, values in evaluation.metrics.items()
        },
    }


def _row(name: str, values: dict[str, dict[str, float]], reported: dict[str, float]) -> dict[str, Any]:
    suffix = next(suffix for suffix in ALIGNMENTS if name.endswith(suffix))
    row: dict[str, Any] = {
        "metric": name.removesuffix(suffix),
        "aligned_by": ALIGNMENTS[suffix],
        "pooled": values["pooled"][name],
        "mean_over_images": values["mean_over_images"][name],
    }
    return {**row, "paper": reported[name]} if name in reported else row


def headline(results: dict[str, Any]) -> dict[str, Any] | None:
    """The evaluation of least mean relative error inside the head, and three of its scores there, pooled, as predicted.

    Relative error and not RMSE decides: a few pixels that fall into the background, 4 m behind, outweigh in RMSE a
    network that is off everywhere. A split by frame never counts. None without any other evaluation.
    """
    scored = []
    for evaluation in results["evaluations"]:
        if evaluation["split_by"] != "identity":
            continue
        rows = evaluation["regions"].get(HEADLINE_REGION, {"rows": []})["rows"]
        plain = {row["metric"]: row for row in rows if row["aligned_by"] == "nothing"}
        if all(name in plain for name in HEADLINE_METRICS):
            scored.append({"evaluation": evaluation, **{name: plain[name] for name in HEADLINE_METRICS}})
    return min(scored, key=lambda one: one["abs_rel"]["pooled"], default=None)


def render_seconds(render_runs: tuple[RenderRun, ...]) -> dict[str, Any]:
    """Mean seconds of one frame by stage, over the frames of all runs that had the stage.

    A run may have made one product of its frames and not the other; what a frame costs is the sum over the stages.
    """
    if not render_runs:
        return {}
    seconds: dict[str, float] = {}
    for stage in dict.fromkeys(stage for run in render_runs for stage in run.seconds):
        runs = [run for run in render_runs if stage in run.seconds]
        seconds[stage] = sum(run.seconds[stage] for run in runs) / sum(run.frames for run in runs)
    return {"by_stage": seconds, "all": sum(seconds.values())}
