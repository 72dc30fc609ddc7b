"""Rules of the report of normals: a table of its own beside the paper's, strips, and depth told as without them."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from report_page import Page, numbers_in
from report_store import ReportStore, changed_inputs, write_report_store

from train.data.pack import open_pack
from train.depth_spec import DepthExperiment
from train.errors import InputError
from train.figures import colour_normals
from train.metrics.normals import angle_map_deg
from train.normals_spec import AdversarySpec, NormalsExperiment
from train.papers import bouafif2020
from train.report import write_report
from train.report_evaluations import NormalsEvaluation
from train.report_normals import normals_headline, strip_pictures
from train.training_spec import Schedule

TEST_FRAMES = 7


@pytest.fixture(scope="module")
def mixed(
    tiny_experiment: DepthExperiment, tiny_normals: NormalsExperiment, tmp_path_factory: pytest.TempPathFactory
) -> ReportStore:
    """A store with an evaluation of depth, and two of normals: with a critic after a few steps, which sees no head yet,
    and without one after enough of them to see some."""
    alone = dataclasses.replace(
        bouafif2020.L2,
        network=tiny_normals.network,
        schedule=Schedule(epochs=60, global_batch=4),
        adversary=AdversarySpec(kind="none"),
        optimiser=dataclasses.replace(bouafif2020.L2.optimiser, learning_rate=0.01),
    )
    return write_report_store(
        tmp_path_factory.mktemp("mixed"),
        (tiny_experiment, tiny_normals, alone),
        frames={"train": 8, "validation": 2, "test": TEST_FRAMES},
        source_px=(96, 60),
        pack_px=(32, 20),
    )


@pytest.fixture(scope="module")
def report(mixed: ReportStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its report."""
    out = tmp_path_factory.mktemp("report")
    write_report(mixed.inputs, out)
    return out


def test_the_results_are_those_of_the_evaluations_with_the_papers_beside(mixed: ReportStore, report: Path):
    """Scores are copied unrounded; the experiment of table 1 has the paper's numbers, the other has none."""
    results = json.loads((report / "results.json").read_text())
    assert [one["experiment"] for one in results["evaluations"]] == ["khan2021_unet_simple_l1"]
    assert [one["experiment"] for one in results["normals"]] == ["bouafif2020_wgan_l2", "bouafif2020_l2"]
    for one, folder in zip(results["normals"], mixed.evaluations[1:], strict=True):
        metrics = json.loads((folder / "evaluation.json").read_text())["metrics"]["head"]
        for how, scores in one["scores"].items():
            assert scores.items() <= metrics[how].items() and "mask_recall" in scores
        assert one["counted"]["images"] == TEST_FRAMES
    assert results["normals"][0]["paper"] == bouafif2020.TABLE_1
    assert results["normals"][1]["paper"] == {}


def test_the_page_states_every_number_and_shows_every_picture(report: Path):
    """The table names both experiments and the paper; five frames have six pictures each, by their names; everything
    is well formed and no depth section is missing."""
    content = (report / "index.html").read_text()
    page = Page(content)
    assert page.open == []
    numbers = list(numbers_in(json.loads((report / "results.json").read_text())))
    assert not [number for number in numbers if float(number) not in page.numbers]
    assert {0.9372, 10.01, 0.6750} <= set(page.numbers)
    alts = [attributes["alt"] or "" for tag, attributes in page.elements if tag == "img"]
    names = ("picture", "N, true", "N, predicted", "angular error", "W, true", "W, predicted")
    for key in ("bouafif2020_wgan_l2", "bouafif2020_l2"):
        shown = [alt for alt in alts if alt.endswith(f"{key}, seed 0")]
        assert [sum(alt.startswith(f"{name}, frame") for alt in shown) for name in names] == [5] * 6
    text = " ".join(page.text.split())
    assert "The paper's numbers come from the paper's data" in text and "mask precision ↑" in text
    assert "mean angular error of predicted normals is" in text
    assert "Validation: mean angular error" in text
    assert "network.width = 2 (there 64)" in text
    assert "No evaluation was given" not in text and "Table 1. Depth scores of khan2021_unet_simple_l1;" in text


def test_depth_alone_is_told_as_ever(mixed: ReportStore, tmp_path: Path):
    """Without an evaluation of normals the page has nothing of them."""
    write_report(changed_inputs(mixed, tmp_path, evaluations=[str(mixed.evaluations[0])]), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "results.json").read_text())["normals"] == []
    text = Page((tmp_path / "out" / "index.html").read_text()).text
    assert "mask precision" not in text and "mean angular error of predicted normals" not in text


def test_normals_alone_are_a_report(mixed: ReportStore, tmp_path: Path):
    """Without an evaluation of depth nothing is called missing, but for the pictures when there is no pack."""
    evaluations = [str(folder) for folder in mixed.evaluations[1:]]
    write_report(changed_inputs(mixed, tmp_path, evaluations=evaluations, pack=None), tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["evaluations"] == [] and [one["strips"] for one in results["normals"]] == [[], []]
    page = Page((tmp_path / "out" / "index.html").read_text())
    assert "No network has been evaluated yet" not in page.text and "No evaluation was given" not in page.text
    assert not [number for number in numbers_in(results) if float(number) not in page.numbers]


def test_strips_show_what_was_predicted_of_that_frame(mixed: ReportStore):
    """Row 4 of the split and not another: its picture, its normals, and no angle where one of both has no normal."""
    pack, folder = open_pack(mixed.pack), mixed.evaluations[2]
    evaluation = NormalsEvaluation.model_validate_json((folder / "evaluation.json").read_bytes())
    pictures = strip_pictures(folder, evaluation, pack, 4)
    row = 8 + 2 + 4
    assert np.array_equal(pictures["picture"], pack.rgb[row])
    predicted = np.load(folder / "normals_cam_pred.npy")[4].astype(np.float32)
    true = pack.layers["head"].normals_cam[row].astype(np.float32)
    assert np.array_equal(pictures["N, predicted"], colour_normals(predicted))
    assert np.array_equal(pictures["N, true"], colour_normals(true))
    unknown = np.isnan(angle_map_deg(predicted, true))
    assert unknown.any()
    assert (pictures["angular error"][unknown] == pictures["N, true"][0, 0]).all()
    with pytest.raises(InputError, match="has shape"):
        strip_pictures(folder, evaluation.model_copy(update={"split": "validation"}), pack, 0)


def test_predictions_that_are_gone_are_named(mixed: ReportStore, tmp_path: Path):
    """The message names the file and what to do."""
    shutil.copytree(mixed.evaluations[1], tmp_path / "evaluation")
    (tmp_path / "evaluation" / "mask_pred.npy").unlink()
    inputs = changed_inputs(mixed, tmp_path, evaluations=[str(tmp_path / "evaluation")])
    with pytest.raises(InputError, match=r"mask_pred\.npy should hold predictions.*evaluate again"):
        write_report(inputs, tmp_path / "out")


def test_the_headline_is_the_least_angle_of_people_never_seen(report: Path):
    """A split by frame never counts, nor an evaluation without any angle."""
    first, second = json.loads((report / "results.json").read_text())["normals"]
    assert "mean_angle_deg" not in first["scores"]["pooled"] and "mean_angle_deg" in second["scores"]["pooled"]
    better = json.loads(json.dumps(second))
    better["scores"]["pooled"]["mean_angle_deg"] *= 0.9
    for facts in ([first, second, better], [better, second, first]):
        assert normals_headline(facts) is better
    assert normals_headline([{**better, "split_by": "frame"}, second]) is second
    assert normals_headline([first]) is None
