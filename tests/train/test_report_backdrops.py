"""Scores before simple and complex backdrops, by frames that the index tells the kind of."""

import dataclasses

import pytest
from made_up_evaluation import evaluated

from train.report_backdrops import backdrop_scores
from train.report_comparison import group_by_experiment
from train.spec import Experiment

KINDS = {"a": "plain", "b": "texture", "c": "room", "d": "environment"}


def frames(**rmse_m: float) -> list[dict]:
    """One frame a key; its error over the head is a tenth of its RMSE, and frame d has no head."""
    return [
        {
            "row": row,
            "key": key,
            "identity_id": key,
            "rmse_m": value,
            "head_mask": None if key == "d" else {"abs_rel": value / 10},
        }
        for row, (key, value) in enumerate(rmse_m.items())
    ]


def test_frames_are_counted_on_the_side_of_their_backdrop(tiny_experiment: Experiment):
    """Means over frames of one seed, then mean and deviation over seeds; a frame without a head counts in RMSE alone,
    and a frame that the index does not know counts nowhere."""
    first = evaluated(tiny_experiment, 0, frames_table=frames(a=1.0, b=2.0, c=4.0, d=8.0, e=100.0))
    second = evaluated(tiny_experiment, 1, frames_table=frames(a=2.0, b=3.0, c=4.0, d=8.0))
    (line,) = backdrop_scores(group_by_experiment([first, second]), KINDS)
    assert line["seeds"] == [0, 1]
    assert (line["simple"]["frames"], line["complex"]["frames"]) == (2, 2)
    assert line["simple"]["rmse_m"] == {"mean": 2.0, "sd": pytest.approx(0.5**0.5), "count": 2}
    assert line["simple"]["head_abs_rel"]["mean"] == pytest.approx(0.2)
    assert line["complex"]["rmse_m"] == {"mean": 6.0, "sd": 0.0, "count": 2}
    assert line["complex"]["head_abs_rel"]["mean"] == pytest.approx(0.4)


def test_other_data_and_one_kind_alone_have_no_line(tiny_experiment: Experiment):
    """Where the index knows no frame, or only simple backdrops, there is nothing to compare."""
    other = dataclasses.replace(tiny_experiment, train_people_share=0.5)
    unknown = evaluated(tiny_experiment, 0, frames_table=frames(x=1.0, y=1.0))
    simple = evaluated(other, 0, frames_table=frames(a=1.0, b=1.0))
    assert backdrop_scores(group_by_experiment([unknown, simple]), KINDS) == []
