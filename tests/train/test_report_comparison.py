"""Rules of the report's comparison: one line for all seeds of an experiment, and nothing mixed that differs."""

import dataclasses
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from made_up_evaluation import evaluated
from report_page import Page, numbers_in
from report_store import ReportStore, changed_inputs

from train.checkpoint import TrainingRecord
from train.network_cost import NetworkCost, network_cost
from train.network_spec import NetworkSpec, UNetSimpleSpec
from train.report import write_report
from train.report_comparison import COMPARED_METRICS, comparison, group_by_experiment, spread
from train.report_inputs import TrainingDone, TrainingRun
from train.spec import Experiment, experiment_as_json, with_settings


def cost_of_width(spec: NetworkSpec, height_px: int, width_px: int) -> NetworkCost:
    """A made-up cost that depends on everything that it is asked for."""
    assert isinstance(spec, UNetSimpleSpec)
    return NetworkCost(
        encoder_parameters=spec.width * 1_000_000,
        decoder_parameters=500_000,
        multiply_adds=height_px * width_px * 10_000_000,
    )


def trained(experiment: Experiment, seed: int, seconds: float | None, **changes: Any) -> TrainingRun:
    """A training of 2 epochs on 5 frames that took so long; without `seconds` it is not finished."""
    record = TrainingRecord(
        experiment=experiment_as_json(experiment),
        seed=seed,
        amp="off",
        batch_norm_images=4,
        dataset_id="data",
        dataset_name="made up",
        index_sha256="trained",
        width_px=3,
        height_px=2,
        mean_focal_length_px=3.3,
    ).model_copy(update=changes)
    done = None
    if seconds is not None:
        done = TrainingDone(epochs=2, steps=4, train_frames=5, parameters=1, seconds=seconds, device="GPU")
    return TrainingRun(record=record, experiment=experiment, epochs=(), done=done)


def test_seeds_of_an_experiment_are_one_line_of_mean_and_sample_deviation(tiny_experiment: Experiment):
    """0.02, 0.05 and 0.05: the mean is 0.04, and the deviations -0.02, 0.01 and 0.01 make sqrt(0.0006 / 2)."""
    values = {4: 0.02, 0: 0.05, 7: 0.05}
    evaluations = [evaluated(tiny_experiment, seed, value) for seed, value in values.items()]
    (line,) = comparison(evaluations, [], cost=cost_of_width)
    assert line["experiment"] == tiny_experiment.key and line["seeds"] == [4, 0, 7]
    for factor, metric in enumerate(COMPARED_METRICS, start=1):
        score = line["scores"]["head_mask"][metric]
        assert score["mean"] == pytest.approx(0.04 * factor)
        assert score["sd"] == pytest.approx(math.sqrt(0.0003) * factor)
        assert score["count"] == 3
        assert line["scores"]["full"][metric]["sd"] == 0
    assert line["head_abs_rel_scale_aligned"]["mean"] == pytest.approx(0.02)
    assert line["head_abs_rel_scale_aligned"]["sd"] == pytest.approx(math.sqrt(0.0003) / 2)


def test_one_value_has_no_spread_and_no_value_has_no_mean():
    """A deviation of 0 would claim that seeds do not matter."""
    assert spread([3.5]) == {"mean": 3.5, "sd": None, "count": 1}
    assert spread([]) is None


def test_a_single_evaluation_is_compared_with_nothing(tiny_experiment: Experiment):
    """The table begins with two evaluations, be they seeds of one experiment."""
    assert comparison([evaluated(tiny_experiment, 0)], [], cost=cost_of_width) == []
    assert len(comparison([evaluated(tiny_experiment, seed) for seed in (0, 1)], [], cost=cost_of_width)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"trained_on": "other"},
        {"evaluated_on": "other"},
        {"split": "validation"},
        {"width_px": 6},
        {"height_px": 4},
    ],
)
def test_other_data_is_another_line(tiny_experiment: Experiment, change: dict[str, Any]):
    """Equal settings and seeds on another pack, split or training set are never averaged."""
    evaluations = [evaluated(tiny_experiment, 0, 0.1), evaluated(tiny_experiment, 1, 0.3, **change)]
    lines = comparison(evaluations, [], cost=cost_of_width)
    assert [line["seeds"] for line in lines] == [[0], [1]]
    assert [line["scores"]["head_mask"]["abs_rel"]["mean"] for line in lines] == [0.1, 0.3]


def test_other_settings_are_another_line_that_names_them(tiny_experiment: Experiment):
    """Lines of one key say in what they differ, and only in that; a line of another key says nothing."""
    wider = with_settings(tiny_experiment, {"network.width": "5", "optimiser.learning_rate": "0.01"})
    other = dataclasses.replace(wider, key="khan2021_unet_simple")
    evaluations = [evaluated(one, 0) for one in (tiny_experiment, wider, other)]
    lines = comparison([*evaluations, evaluated(wider, 1)], [], cost=cost_of_width)
    assert [line["settings"] for line in lines] == [
        ["network.width = 2", "optimiser.learning_rate = 0.001"],
        ["network.width = 5", "optimiser.learning_rate = 0.01"],
        [],
    ]
    assert [line["seeds"] for line in lines] == [[0], [0, 1], [0]]


def test_a_correction_of_the_papers_numbers_makes_no_other_experiment(tiny_experiment: Experiment):
    """Title, place and reported numbers are no settings."""
    corrected = dataclasses.replace(tiny_experiment, title="Better named", reported={})
    assert len(group_by_experiment([evaluated(tiny_experiment, 0), evaluated(corrected, 1)])) == 1


def test_a_seed_counts_once(tiny_experiment: Experiment):
    """The same evaluation given twice makes no spread of 0; its first scores stay."""
    twice = [evaluated(tiny_experiment, 3, 0.1), evaluated(tiny_experiment, 3, 0.2)]
    (line,) = comparison(twice, [], cost=cost_of_width)
    score = line["scores"]["head_mask"]["abs_rel"]
    assert (line["seeds"], score["mean"], score["sd"], score["count"]) == ([3], 0.1, None, 1)


def test_a_split_by_frame_is_a_line_of_its_own_that_says_so(tiny_experiment: Experiment):
    """It is a setting, so the same key with the other split is not averaged with it."""
    by_frame = dataclasses.replace(tiny_experiment, split_by="frame")
    lines = comparison([evaluated(tiny_experiment, 0), evaluated(by_frame, 1)], [], cost=cost_of_width)
    assert [line["split_by"] for line in lines] == ["identity", "frame"]


def test_seconds_of_training_are_those_of_the_training_that_was_evaluated(tiny_experiment: Experiment):
    """20 s and 40 s over 2 epochs of 5 frames: 2 s and 4 s a frame, mean 3, deviation sqrt(2).

    Other settings, other data, other seeds, what is not finished, and two that cannot be told apart do not count.
    """
    wider = with_settings(tiny_experiment, {"network.width": "5"})
    trainings = [
        trained(tiny_experiment, 1, 40.0),
        trained(tiny_experiment, 0, 20.0),
        trained(tiny_experiment, 2, None),
        trained(tiny_experiment, 8, 900.0),
        trained(wider, 2, 900.0),
        trained(tiny_experiment, 2, 900.0, index_sha256="other"),
        trained(tiny_experiment, 2, 900.0, width_px=6),
        trained(tiny_experiment, 3, 900.0),
        trained(tiny_experiment, 3, 800.0),
    ]
    evaluations = [evaluated(tiny_experiment, seed) for seed in (0, 1, 2, 3)]
    (line,) = comparison(evaluations, trainings, cost=cost_of_width)
    seconds = line["training_seconds_per_frame"]
    assert seconds == {"mean": 3.0, "sd": pytest.approx(math.sqrt(2)), "count": 2}
    assert line["inference_seconds_per_frame"] == {"mean": 0.5, "sd": 0.0, "count": 4}
    assert (line["training_devices"], line["inference_devices"]) == (["GPU"], ["CPU"])
    (line,) = comparison(evaluations, [], cost=cost_of_width)
    assert line["training_seconds_per_frame"] is None


def test_costs_are_asked_once_for_a_network_at_a_size(tiny_experiment: Experiment):
    """Millions of parameters by half, billions of multiply-adds; two experiments with one network ask once."""
    asked: list[tuple[int, int]] = []

    def counted(spec: NetworkSpec, height_px: int, width_px: int) -> NetworkCost:
        asked.append((height_px, width_px))
        return cost_of_width(spec, height_px, width_px)

    other = dataclasses.replace(tiny_experiment, key="khan2021_unet_simple")
    evaluations = [evaluated(one, seed) for one in (tiny_experiment, other) for seed in (0, 1)]
    lines = comparison([*evaluations, evaluated(other, 0, width_px=6, height_px=4)], [], cost=counted)
    assert asked == [(2, 3), (4, 6)]
    assert [line["multiply_adds_billions"] for line in lines] == [0.06, 0.06, 0.24]
    names = ("encoder_parameters_millions", "decoder_parameters_millions", "parameters_millions")
    assert [lines[0][name] for name in names] == [2.0, 0.5, 2.5]


def test_the_papers_number_stands_beside_the_score_it_reports(tiny_experiment: Experiment):
    """Only where there is one, region by region; a region without any pixel has no score."""
    reported = {"full": {"rmse_m": 0.0281}, "head_mask": {"abs_rel": 0.0098}}
    experiment = dataclasses.replace(tiny_experiment, reported=reported)
    (line,) = comparison([evaluated(experiment, seed) for seed in (0, 1)], [], cost=cost_of_width)
    papers = {
        (region, metric): score["paper"]
        for region, scores in line["scores"].items()
        for metric, score in scores.items()
        if "paper" in score
    }
    assert papers == {("full", "rmse_m"): 0.0281, ("head_mask", "abs_rel"): 0.0098}
    _, whole = evaluated(experiment, 0)
    headless = {"full": whole.model_dump()["metrics"]["full"]}
    (line,) = comparison([evaluated(experiment, seed, metrics=headless) for seed in (0, 1)], [], cost=cost_of_width)
    assert line["scores"]["head_mask"] == {} and line["head_abs_rel_scale_aligned"] is None


def another_seed(store: ReportStore, folder: Path, number: int, *, seed: int) -> tuple[Path, Path]:
    """Copies of a training and its evaluation that say they come from another seed, with other scores and seconds."""
    training, evaluation = folder / f"training_{number}_{seed}", folder / f"evaluation_{number}_{seed}"
    shutil.copytree(store.trainings[number], training)
    shutil.copytree(store.evaluations[number], evaluation)
    for path, change in (
        (training / "experiment.json", {"seed": seed}),
        (training / "done.json", {"seconds": 12.5}),
        (evaluation / "evaluation.json", {"seed": seed, "seconds_per_frame": 0.0625}),
    ):
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    return training, evaluation


def test_the_page_tells_seeds_apart_and_shows_every_number_of_the_table(store: ReportStore, tmp_path: Path):
    """Two seeds of one experiment and one of another: two lines, and headings that name a seed where there are two."""
    training, evaluation = another_seed(store, tmp_path, 1, seed=7)
    inputs = {
        "trainings": [str(folder) for folder in (*store.trainings, training)],
        "evaluations": [str(folder) for folder in (*store.evaluations, evaluation)],
    }
    write_report(changed_inputs(store, tmp_path, **inputs), tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    page = Page((tmp_path / "out" / "index.html").read_text())
    assert [(line["experiment"], line["seeds"]) for line in results["comparison"]] == [
        ("khan2021_unet_simple", [0]),
        ("khan2021_unet_simple_l1", [0, 7]),
    ]
    line = results["comparison"][1]
    own = json.loads((store.trainings[1] / "done.json").read_text())
    seconds = [own["seconds"] / (8 * 2), 12.5 / (8 * 2)]
    assert line["training_seconds_per_frame"]["mean"] == pytest.approx(sum(seconds) / 2)
    assert line["training_seconds_per_frame"]["sd"] == pytest.approx(abs(seconds[0] - seconds[1]) / math.sqrt(2))
    cost = network_cost(UNetSimpleSpec(width=2), height_px=20, width_px=32)
    assert line["multiply_adds_billions"] == cost.multiply_adds / 1e9
    assert line["parameters_millions"] == own["parameters"] / 1e6
    assert not [number for number in numbers_in(results) if float(number) not in page.numbers]
    text = " ".join(page.text.split())
    for heading in ("loss khan2021_unet_simple_l1, seed 0", "loss khan2021_unet_simple_l1, seed 7"):
        assert text.count(heading) == 3, "one heading each of training, results and predictions"
    assert "Depth scores of khan2021_unet_simple;" in text
    assert "Depth scores of khan2021_unet_simple_l1, seed 7;" in text
    assert "khan2021_unet_simple_l1 random start, by identity" in text


def test_a_report_of_one_evaluation_has_no_table(store: ReportStore, tmp_path: Path):
    """Nothing stands side by side then."""
    write_report(changed_inputs(store, tmp_path, evaluations=[str(store.evaluations[0])]), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "results.json").read_text())["comparison"] == []
    assert "side by side" not in Page((tmp_path / "out" / "index.html").read_text()).text
