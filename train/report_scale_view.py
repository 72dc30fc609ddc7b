"""What a report says of absolute scale: each experiment's raw and scale-aligned scores side by side, and its floor."""

from typing import Any

from train.report_evaluations import Evaluation, evaluated_depth
from train.report_inputs import Floor, FloorSettingName

OVERVIEW_REGION = "head_inside"
OVERVIEW_METRICS = ("abs_rel", "rmse_m")
# What is to be known beforehand to do as well as a network with such targets can. One focal length for all frames is
# as good as a known one.
FLOOR_SETTINGS: dict[str, FloorSettingName] = {
    "metric": "intrinsics_unknown",
    "fixed": "intrinsics_known",
    "canonical": "intrinsics_known",
}


def scale_facts(evaluation: Evaluation, floors: tuple[Floor, ...]) -> dict[str, Any]:
    """Of which camera the depths are, how the split was made, and the floor of the same data in the same setting.

    `floor` is None where the report was given none of that dataset and split. `ratio` is the raw error inside the head,
    a mean over images, in floors; below 1 means that a network saw more than landmarks tell of people nobody knows.
    """
    camera = evaluated_depth(evaluation).encoding.camera
    setting = FLOOR_SETTINGS[camera]
    facts: dict[str, Any] = {
        "camera": camera,
        "split_by": evaluation.split_by,
        "identities_in_training": evaluation.identities_in_training,
        "floor": None,
    }
    for floor in floors:
        if (floor.index_sha256, floor.split) == (evaluation.evaluated_on, evaluation.split):
            found = floor.settings[setting]
            facts["floor"] = {"setting": setting, **found.model_dump()}
            head = evaluation.metrics.get(OVERVIEW_REGION)
            if head is not None and found.abs_rel > 0:
                facts["floor"]["ratio"] = head["mean_over_images"]["abs_rel"] / found.abs_rel
    return facts


def floor_facts(floor: Floor) -> dict[str, Any]:
    """A floor as results.json holds it."""
    return {
        "dataset_name": floor.dataset_name,
        "split": floor.split,
        "identities": floor.identities[floor.split],
        "constant_abs_rel": floor.constant_abs_rel,
        "spreads": floor.spreads,
        "settings": {name: setting.model_dump() for name, setting in floor.settings.items()},
    }


def scale_overview(evaluations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line an experiment: its rows inside the head by metric and by how the scale was aligned.

    Experiments that were scored on no frame with a head are left out, as they have no such score.
    """
    lines = []
    for evaluation in evaluations:
        rows = evaluation["regions"].get(OVERVIEW_REGION, {"rows": []})["rows"]
        scores = {f"{row['metric']} {row['aligned_by']}": row["mean_over_images"] for row in rows}
        if scores:
            lines.append({"evaluation": evaluation, "scores": scores})
    return lines
