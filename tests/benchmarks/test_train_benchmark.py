"""The training benchmark measures what it says, on a pack that is one."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import benchmarks.train as module
from benchmarks.made_up_pack import write_made_up_pack
from benchmarks.train import StepTimes, benchmark_experiment, main, samples_per_second, step_times
from train.data.pack import open_pack, rows_of_split


@pytest.fixture
def pack_folder(tmp_path: Path) -> Path:
    """Eight made-up frames."""
    write_made_up_pack(tmp_path / "pack", frames=8, width_px=48, height_px=32)
    return tmp_path / "pack"


def test_a_made_up_pack_opens_as_a_pack(pack_folder: Path):
    """All frames are for training, with valid depths that differ from column to column."""
    pack = open_pack(pack_folder)
    assert len(rows_of_split(pack, "train")) == 8
    assert pack.rgb.std() > 50
    depth_m = np.asarray(pack.layers["visible"].depth_m)
    assert (depth_m.min(), depth_m.max()) == pytest.approx((0.7, 1.2))


def test_the_ratio_is_of_the_medians():
    """One slow round does not decide."""
    assert StepTimes(bare_s=(1.0, 9.0, 2.0), fit_s=(3.0, 2.2, 1.0), waiting_shares=(0.0,)).ratio == pytest.approx(1.1)


def test_both_loops_are_timed_in_every_round(pack_folder: Path, tmp_path: Path):
    """Each round leaves one positive time of each kind and a share between 0 and 1."""
    experiment = benchmark_experiment(width=2, batch=4)
    times = step_times(experiment, pack_folder, tmp_path, rounds=2, device=torch.device("cpu"))
    assert len(times.bare_s) == len(times.fit_s) == len(times.waiting_shares) == 2
    assert all(seconds > 0 for seconds in times.bare_s + times.fit_s)
    assert all(0 < share < 1 for share in times.waiting_shares)
    assert samples_per_second(open_pack(pack_folder), batch_size=4, passes=2) > 0


def test_a_bar_that_is_missed_is_told_by_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """0 when all three bars are met, 1 when one is not; every number stands beside its bar."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(module, "use_allowed_cores", lambda: None)
    monkeypatch.setattr(module, "SIZES_PX", ((32, 16),))
    monkeypatch.setattr(module, "READ_SIZE_PX", (32, 16))
    monkeypatch.setattr(module, "MOST_WAITING", 1.0)
    for ratio, expected in ((1e9, 0), (1e-9, 1)):
        monkeypatch.setattr(module, "MOST_RATIO", ratio)
        monkeypatch.setattr(module, "LEAST_SAMPLES_PER_S", 0.0)
        small = ["--device", "cpu", "--width", "2", "--batch", "2", "--steps", "2", "--rounds", "1"]
        assert main(small) == expected
        told = capsys.readouterr().out
        assert "32 x 16, width 2, batch 2: fit" in told
        assert "samples a second" in told
