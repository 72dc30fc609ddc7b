"""All experiments of a report side by side: one line for all seeds of an experiment, with its costs and scores."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.depth_spec import DepthExperiment
from train.metrics.depth import ALIGNED_SUFFIX
from train.network_cost import NetworkCost
from train.network_spec import NetworkSpec
from train.report_evaluations import Evaluation, evaluated_depth
from train.report_inputs import TrainingRun
from train.spec import Experiment, setting_values

COMPARED_REGIONS = ("full", "head_mask")
COMPARED_METRICS = ("abs_rel", "sq_rel", "rmse_m", "mean_abs_log10", "delta_1")
ALIGNED_REGION, ALIGNED_METRIC = "head_inside", "abs_rel"
FEWEST_EVALUATIONS = 2


@dataclass(frozen=True)
class SeedGroup:
    """Evaluations that differ in nothing but the seed of their training, with their folders, in the order given."""

    experiment: DepthExperiment
    members: tuple[tuple[Path, Evaluation], ...]

    @property
    def first(self) -> Evaluation:
        """The evaluation that stands for all where they do not differ."""
        return self.members[0][1]


def group_by_experiment(evaluations: Sequence[tuple[Path, Evaluation]]) -> list[SeedGroup]:
    """Groups in the order of their first evaluations. What was evaluated twice with one seed counts once.

    Two evaluations belong together when key and settings of the experiment, the data that was trained on, and the
    pack and split that were scored are the same.
    """
    experiments: dict[tuple, DepthExperiment] = {}
    groups: dict[tuple, dict[int, tuple[Path, Evaluation]]] = {}
    for folder, evaluation in evaluations:
        experiment = evaluated_depth(evaluation)
        trained = _training_facts(experiment, evaluation.trained_on, evaluation.width_px, evaluation.height_px)
        address = (*trained, evaluation.evaluated_on, evaluation.split, evaluation.split_by)
        experiments.setdefault(address, experiment)
        groups.setdefault(address, {}).setdefault(evaluation.seed, (folder, evaluation))
    return [SeedGroup(experiments[address], tuple(members.values())) for address, members in groups.items()]


def comparison(
    evaluations: Sequence[tuple[Path, Evaluation]],
    trainings: Sequence[TrainingRun],
    *,
    cost: Callable[[NetworkSpec, int, int], NetworkCost],
) -> list[dict[str, Any]]:
    """One line an experiment as results.json holds it; empty where there are fewer than two evaluations.

    `cost` is asked once for each network, height and width. Numbers that vary with the seed are a mean and a sample
    standard deviation, which one seed alone does not have (None); `paper` stands beside scores that the paper reports.
    """
    if len(evaluations) < FEWEST_EVALUATIONS:
        return []
    groups = group_by_experiment(evaluations)
    costs: dict[tuple[NetworkSpec, int, int], NetworkCost] = {}
    lines = []
    for group in groups:
        shape = (group.experiment.network, group.first.height_px, group.first.width_px)
        if shape not in costs:
            costs[shape] = cost(*shape)
        lines.append(
            {
                **_description(group, groups),
                **_costs(group, costs[shape], trainings),
                "scores": {region: _scores(group, region) for region in COMPARED_REGIONS},
                "head_abs_rel_scale_aligned": spread(
                    [
                        one.metrics[ALIGNED_REGION]["mean_over_images"][ALIGNED_METRIC + ALIGNED_SUFFIX]
                        for _, one in group.members
                        if ALIGNED_REGION in one.metrics
                    ]
                ),
            }
        )
    return lines


def distinguishing_settings(group: SeedGroup, groups: Sequence[SeedGroup]) -> list[str]:
    """The settings of a group that others with the same key have otherwise, as `part.field = value`."""
    return differing_settings(group.experiment, [one.experiment for one in groups])


def differing_settings(experiment: Experiment, among: Sequence[Experiment]) -> list[str]:
    """The settings of an experiment that those of the same key among others have otherwise, as `part.field = value`."""
    others = [setting_values(one) for one in among if one.key == experiment.key]
    return [
        f"{name} = {value}"
        for name, value in setting_values(experiment).items()
        if any(other.get(name) != value for other in others)
    ]


def spread(values: Sequence[float]) -> dict[str, Any] | None:
    """Mean, sample standard deviation (divided by n - 1; None for one value) and n; None without any value."""
    if not values:
        return None
    sd = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "sd": sd, "count": len(values)}


def _description(group: SeedGroup, groups: Sequence[SeedGroup]) -> dict[str, Any]:
    """What a line is about."""
    return {
        "experiment": group.experiment.key,
        "title": group.first.title,
        "weights": group.experiment.network.weights,
        "settings": distinguishing_settings(group, groups),
        "seeds": [one.seed for _, one in group.members],
        "dataset_name": group.first.dataset_name,
        "dataset_id": group.first.dataset_id,
        "split": group.first.split,
        "split_by": group.first.split_by,
        "layer": group.first.layer,
        "width_px": group.first.width_px,
        "height_px": group.first.height_px,
    }


def _costs(group: SeedGroup, cost: NetworkCost, trainings: Sequence[TrainingRun]) -> dict[str, Any]:
    done = [
        training.done
        for _, evaluation in group.members
        if (training := _training_of(evaluation, group.experiment, trainings)) is not None and training.done is not None
    ]
    return {
        "parameters_millions": cost.parameters / 1e6,
        "encoder_parameters_millions": cost.encoder_parameters / 1e6,
        "decoder_parameters_millions": cost.decoder_parameters / 1e6,
        "multiply_adds_billions": cost.multiply_adds / 1e9,
        "training_seconds_per_frame": spread([one.seconds / (one.train_frames * one.epochs) for one in done]),
        "inference_seconds_per_frame": spread([one.seconds_per_frame for _, one in group.members]),
        "training_devices": sorted({one.device for one in done}),
        "inference_devices": sorted({one.device for _, one in group.members}),
    }


def _scores(group: SeedGroup, region: str) -> dict[str, Any]:
    """Scores as predicted, pooled over all pixels of the split, by metric; empty where the region has no pixel."""
    scored = [one for _, one in group.members if region in one.metrics]
    scores: dict[str, Any] = {}
    for metric in COMPARED_METRICS if scored else ():
        scores[metric] = spread([one.metrics[region]["pooled"][metric] for one in scored])
        if metric in group.first.reported.get(region, {}):
            scores[metric]["paper"] = group.first.reported[region][metric]
    return scores


def _training_of(
    evaluation: Evaluation, experiment: Experiment, trainings: Sequence[TrainingRun]
) -> TrainingRun | None:
    """The training that was evaluated; None when the report was not given it, or cannot tell it from another."""
    wanted = _training_facts(experiment, evaluation.trained_on, evaluation.width_px, evaluation.height_px)
    found = [
        training
        for training in trainings
        if training.record.seed == evaluation.seed
        and wanted
        == _training_facts(
            training.experiment, training.record.index_sha256, training.record.width_px, training.record.height_px
        )
    ]
    return found[0] if len(found) == 1 else None


def _training_facts(experiment: Experiment, trained_on: str, width_px: int, height_px: int) -> tuple:
    """All that decides a training but its seed, to be compared."""
    return (experiment.key, tuple(setting_values(experiment).items()), trained_on, width_px, height_px)
