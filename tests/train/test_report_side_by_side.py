"""Rules of the figure of experiments side by side: what it shows, and that each picture stands where it belongs."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from report_page import Page, numbers_in
from report_store import ReportStore, changed_inputs

from train.data.pack import PackRow, open_pack
from train.data.split_rows import split_rows
from train.report import write_report
from train.report_inputs import read_report_data
from train.report_pictures import picture_uri
from train.report_side_by_side import PICTURE_WIDTH_PX, choose_frames, side_by_side

# Where the comparing table and the figure of predictions begin and end on the page, as text.
SECTIONS_THAT_COMPARE = (
    ("All experiments side by side", "Raw and scale aligned."),
    ("Side by side: the same frames", "Worst and best:"),
)


def rows_of(*people_and_yaws: tuple[str, float]) -> dict[int, PackRow]:
    """Rows of a split by place, in another order than by yaw."""
    return {
        place: PackRow(
            row=10 + place,
            split="test",
            frame_index=place,
            identity_index=place,
            identity_id=person,
            gt_key=f"gt{place}",
            rgb_key=f"rgb{place}",
            backdrop_kind="plain",
            yaw_deg=yaw_deg,
            pitch_deg=0.0,
            roll_deg=0.0,
        )
        for place, (person, yaw_deg) in enumerate(people_and_yaws)
    }


def test_frames_are_spread_over_yaw_and_people():
    """Of nine by yaw, three thirds have their middles at the 2nd, 5th and 8th; who is there already gives way to the
    next by yaw."""
    yaws = (30.0, -40.0, 0.0, -20.0, 10.0, 40.0, -10.0, -30.0, 20.0)
    different = rows_of(*((f"p{yaw_deg:g}", yaw_deg) for yaw_deg in yaws))
    assert [row.yaw_deg for row in choose_frames(different, 3).values()] == [-30.0, 0.0, 30.0]
    assert list(choose_frames(different, 3)) == [7, 2, 0]
    twins = rows_of(*(("same" if yaw_deg in (-30.0, 0.0) else f"p{yaw_deg:g}", yaw_deg) for yaw_deg in yaws))
    assert [row.yaw_deg for row in choose_frames(twins, 3).values()] == [-30.0, -10.0, 30.0]


def test_too_few_frames_or_people_are_all_shown():
    """A person comes twice only when nobody else is left."""
    few = rows_of(("a", 5.0), ("a", -5.0), ("b", 1.0))
    assert [row.yaw_deg for row in choose_frames(few, 4).values()] == [-5.0, 1.0, 5.0]
    assert {row.identity_id for row in choose_frames(few, 2).values()} == {"a", "b"}
    assert choose_frames({}, 4) == {}


def changed_evaluation(source: Path, folder: Path, **changes: Any) -> Path:
    """A copy of an evaluation with some of its facts changed."""
    shutil.copytree(source, folder)
    path = folder / "evaluation.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def reported(store: ReportStore, folder: Path, evaluations: Sequence[Path]) -> tuple[dict, Page]:
    """Results and page of a report on some evaluations."""
    write_report(changed_inputs(store, folder, evaluations=[str(one) for one in evaluations]), folder / "out")
    results = json.loads((folder / "out" / "results.json").read_text())
    return results, Page((folder / "out" / "index.html").read_text())


def test_each_prediction_stands_beside_its_own_truth_with_its_own_scores(store: ReportStore, tmp_path: Path):
    """An experiment that predicts the truth shows in every row exactly the picture of the true depth, beside the
    picture of that frame; another does not. Scores are those of the frame in the table of each evaluation."""
    pack = open_pack(store.pack)
    perfect = changed_evaluation(store.evaluations[1], tmp_path / "perfect")
    true_m = np.asarray(pack.layers["visible"].depth_m[split_rows(pack, "test", split_by="identity")])
    np.save(perfect / "depth_pred_m.npy", np.where(true_m > 0, true_m, np.float32(5)))
    results, page = reported(store, tmp_path, [store.evaluations[0], perfect])
    (figure,) = results["side_by_side"]
    assert [column["experiment"] for column in figure["columns"]] == ["khan2021_unet_simple", "khan2021_unet_simple_l1"]
    assert len(figure["frames"]) == len({frame["identity_id"] for frame in figure["frames"]}) == 4
    yaws = [frame["yaw_deg"] for frame in figure["frames"]]
    assert yaws == sorted(yaws) and len(set(yaws)) == 4
    pictures = {attributes["alt"]: attributes["src"] for tag, attributes in page.elements if tag == "img"}
    for frame in figure["frames"]:
        address = f"frame {frame['key'][:8]}, person {frame['identity_id'][:6]}"
        (row,) = (one.row for one in pack.rows if one.gt_key == frame["key"])
        assert pictures[f"picture, {address}"] == picture_uri(np.asarray(pack.rgb[row]), width_px=PICTURE_WIDTH_PX)
        truth = pictures[f"true depth, {address}"]
        shown = [
            pictures[f"predicted depth, {address}, {column['experiment']}, seed 0"] for column in figure["columns"]
        ]
        assert shown[1] == truth != shown[0]
        for scores, folder in zip(frame["scores"], (store.evaluations[0], perfect), strict=True):
            table = json.loads((folder / "evaluation.json").read_text())["frames_table"]
            (own,) = (one["head_mask"] for one in table if one["key"] == frame["key"])
            assert scores == {name: own[name] for name in ("abs_rel", "abs_rel_scale_aligned")}
    assert not [number for number in numbers_in(results) if float(number) not in page.numbers]
    assert "After figure 14 of khan2021" in page.text


def test_only_several_experiments_on_the_same_unknown_people_are_shown(store: ReportStore, tmp_path: Path):
    """Two seeds of one experiment make no figure, nor does a split by frame or other data with a second experiment;
    the seed that was given first is shown."""
    own = store.evaluations[1]
    again = changed_evaluation(own, tmp_path / "again", seed=9)
    results, page = reported(store, tmp_path, [own, again])
    assert results["side_by_side"] == [] and "After figure 14" not in page.text
    for number, change in enumerate(({"split_by": "frame"}, {"evaluated_on": "0" * 64})):
        changed = changed_evaluation(own, tmp_path / f"changed{number}", **change)
        inputs = changed_inputs(store, tmp_path, evaluations=[str(changed), str(store.evaluations[0])])
        data = read_report_data(inputs)
        assert side_by_side(data.evaluations, data.pack) == []
    specification = json.loads((own / "evaluation.json").read_text())["specification"]
    specification["optimiser"]["learning_rate"] = 0.5
    faster = changed_evaluation(own, tmp_path / "faster", specification=specification)
    results, page = reported(store, tmp_path, [own, faster])
    columns = results["side_by_side"][0]["columns"]
    settings = [["optimiser.learning_rate = 0.001"], ["optimiser.learning_rate = 0.5"]]
    assert [column["settings"] for column in columns] == settings
    table, figure = (page.text.split(end)[0].split(start)[-1] for start, end in SECTIONS_THAT_COMPARE)
    for (setting,) in settings:
        assert (table.count(setting), figure.count(setting)) == (1, 1)
    results, _ = reported(store, tmp_path, [again, own, store.evaluations[0]])
    (figure,) = results["side_by_side"]
    assert [(column["experiment"], column["seed"]) for column in figure["columns"]] == [
        ("khan2021_unet_simple_l1", 9),
        ("khan2021_unet_simple", 0),
    ]


def test_frames_without_a_head_in_any_evaluation_are_not_chosen(store: ReportStore, tmp_path: Path):
    """Of seven frames, five lose their head in one of two evaluations: the other two are shown."""
    tree = json.loads((store.evaluations[1] / "evaluation.json").read_text())
    for frame in tree["frames_table"]:
        frame["head_mask"] = frame["head_mask"] if frame["row"] in (2, 6) else None
    headless = changed_evaluation(store.evaluations[1], tmp_path / "headless", frames_table=tree["frames_table"])
    results, _ = reported(store, tmp_path, [store.evaluations[0], headless])
    (figure,) = results["side_by_side"]
    wanted = {frame["key"] for frame in tree["frames_table"] if frame["row"] in (2, 6)}
    assert {frame["key"] for frame in figure["frames"]} == wanted and len(figure["frames"]) == 2
