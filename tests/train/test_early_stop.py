"""Early stop and courses of the learning rate: closed forms, and trainings that end when they should."""

import dataclasses
import json
import math
import os
from pathlib import Path

import pytest
import torch

from train.checkpoint import read_checkpoint
from train.early_stop import best_epoch, patience_is_over
from train.errors import InputError
from train.fit import fit
from train.optimiser import learning_rate_at
from train.spec import Experiment, with_settings
from train.training_spec import Schedule


def _lines(*values: float, score: str = "abs_rel") -> list[dict]:
    return [{"epoch": n, "validation": {"head_mask": {score: value}}} for n, value in enumerate(values, start=1)]


def test_the_best_epoch_has_the_smallest_error_or_the_largest_share():
    """Errors are better when small, shares when large; of equal epochs the first counts."""
    assert best_epoch(_lines(0.3, 0.1, 0.2, 0.1), "head_mask.abs_rel") == 2
    assert best_epoch(_lines(0.3, 0.9, 0.2, score="delta_1"), "head_mask.delta_1") == 2
    assert best_epoch(_lines(0.3, 0.9, 0.2, score="delta_1_scale_aligned"), "head_mask.delta_1_scale_aligned") == 2
    for share in ("mask_recall", "below_10_deg"):
        assert best_epoch(_lines(0.3, 0.9, 0.2, score=share), f"head_mask.{share}") == 2
    assert best_epoch(_lines(0.3, 0.9, 0.2, score="mean_angle_deg"), "head_mask.mean_angle_deg") == 3


def test_patience_counts_epochs_since_the_best():
    """With patience 2, the second epoch without gain is the last; with 0 there is no end."""
    schedule = Schedule(patience_epochs=2)
    assert not patience_is_over([], schedule)
    assert not patience_is_over(_lines(0.3, 0.1, 0.2), schedule)
    assert patience_is_over(_lines(0.3, 0.1, 0.2, 0.1), schedule)
    assert not patience_is_over(_lines(0.1, 0.2, 0.3, 0.4), Schedule())


def test_an_unknown_score_is_refused_with_those_there_are():
    """The message lists what could be watched."""
    with pytest.raises(InputError, match=r"has no such validation score.*head_mask\.abs_rel"):
        best_epoch(_lines(0.1), "full.rmse_m")


def test_a_training_ends_when_patience_is_over_and_keeps_its_best(
    tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With scores 3, 1, 2, 2 and patience 2 it ends after 4 of 9 epochs with the weights of epoch 2."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    scores = iter((3.0, 1.0, 2.0, 2.0))
    names = ("abs_rel", "rmse_m", "delta_1")
    monkeypatch.setattr(
        "train.training_loop.validate", lambda *_, **__: {"head_mask": dict.fromkeys(names, next(scores))}
    )
    settings = {"schedule.epochs": "9", "schedule.patience_epochs": "2", "schedule.keep_weights": "best"}
    experiment = with_settings(tiny_experiment, {**settings, "schedule.watched_score": "head_mask.rmse_m"})
    fit(experiment, ball_pack_folder, tmp_path / "early", device="cpu", seed=3)
    done = json.loads((tmp_path / "early" / "done.json").read_text())
    assert (done["epochs"], done["steps"], done["weights_of_epoch"]) == (4, 8, 2)
    two = with_settings(tiny_experiment, {"schedule.epochs": "2"})
    scores = iter((3.0, 1.0))
    fit(two, ball_pack_folder, tmp_path / "two", device="cpu", seed=3)
    kept, expected = (torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("early", "two"))
    assert all(torch.equal(kept[name], expected[name]) for name in expected)
    assert read_checkpoint(tmp_path / "early") is None


def test_early_stop_without_validation_frames_is_refused(tiny_experiment: Experiment, ball_pack_folder: Path):
    """Before anything is trained, the message says what to change."""
    from train.data.pack import open_pack
    from train.training_loop import check_pack

    pack = open_pack(ball_pack_folder)
    none = dataclasses.replace(pack, info=pack.info.model_copy(update={"frames": {"train": 6, "validation": 0}}))
    for setting in ({"schedule.patience_epochs": "2"}, {"schedule.keep_weights": "best"}):
        with pytest.raises(InputError, match="holds no validation frame"):
            check_pack(none, with_settings(tiny_experiment, setting))


def test_learning_rates_follow_their_closed_forms():
    """Constant; linear from 0; half a cosine to 0; a tenth after every three epochs."""
    rate = lambda done, **fields: learning_rate_at(done, first=0.2, schedule=Schedule(epochs=10, **fields))  # noqa: E731
    assert rate(0.05) == rate(9.95) == 0.2
    assert rate(0.5, warm_up_epochs=2.0) == pytest.approx(0.05)
    assert rate(2.0, warm_up_epochs=2.0) == 0.2
    assert rate(5.0, decay="cosine") == pytest.approx(0.1)
    assert rate(2.5, decay="cosine") == pytest.approx(0.2 * (1 + math.cos(math.pi / 4)) / 2)
    assert rate(6.0, decay="cosine", warm_up_epochs=2.0) == pytest.approx(0.1)
    assert [rate(done, decay="step", decay_epochs=3) for done in (2.9, 3.1, 6.1)] == pytest.approx([0.2, 0.02, 0.002])
