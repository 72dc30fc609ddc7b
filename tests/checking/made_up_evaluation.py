"""An evaluation that nobody made: scores that are known beforehand, for rules of the report."""

from pathlib import Path
from typing import Any

from train.report_comparison import COMPARED_METRICS
from train.report_evaluations import Evaluation
from train.spec import Experiment, experiment_as_json


def evaluated(experiment: Experiment, seed: int, abs_rel: float = 0.1, **changes: Any) -> tuple[Path, Evaluation]:
    """An evaluation on 3 x 2 pixels whose head scores are multiples of `abs_rel`, one factor a metric."""
    pooled = {name: abs_rel * factor for factor, name in enumerate(COMPARED_METRICS, start=1)}
    regions = {
        "full": {"pooled": dict.fromkeys(COMPARED_METRICS, 0.25), "mean_over_images": {"abs_rel_scale_aligned": 9.0}},
        "head_mask": {"pooled": pooled, "mean_over_images": {"abs_rel_scale_aligned": 8.0}},
        "head_inside": {"pooled": {}, "mean_over_images": {"abs_rel_scale_aligned": abs_rel / 2, "abs_rel": 9.0}},
    }
    facts: dict[str, Any] = {
        "experiment": experiment.key,
        "specification": experiment_as_json(experiment),
        "seed": seed,
        "trained_on": "trained",
        "title": experiment.title,
        "where": experiment.where,
        "dataset_id": "data",
        "dataset_name": "made up",
        "evaluated_on": "evaluated",
        "split": "test",
        "split_by": experiment.split_by,
        "frames": 2,
        "identities": 2,
        "identities_in_training": 0,
        "width_px": 3,
        "height_px": 2,
        "layer": experiment.layer,
        "parameters": 1,
        "device": "CPU",
        "seconds_per_frame": 0.5,
        "metrics": regions,
        "reported": experiment.reported,
        "assumed": (),
        "notes": (),
        "frames_table": (),
    }
    return Path(f"{experiment.key}_{seed}"), Evaluation.model_validate({**facts, **changes})
