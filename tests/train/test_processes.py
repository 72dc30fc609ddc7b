"""Several processes train one network: the same weights as one process, and one stop for all."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import plain_training
import pytest
import torch

from train.checkpoint import read_checkpoint
from train.fit import fit
from train.fit_adversarial import fit_adversarial
from train.interruption import EXIT_INTERRUPTED

PROGRAM = str(Path(plain_training.__file__))
LIMIT_S = 300


def _arguments(pack: Path, out: Path, *, epochs: int, adversarial: bool = False) -> list[str]:
    return [
        PROGRAM,
        *(["--adversarial"] if adversarial else []),
        "--pack",
        str(pack),
        "--out",
        str(out),
        "--epochs",
        str(epochs),
    ]


def _environment(**more: str) -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1", **more}


def _start_two(arguments: list[str]) -> list[subprocess.Popen]:
    """Two processes that find each other, started as torchrun does it, but without its watch over them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [
        subprocess.Popen(
            [sys.executable, *arguments],
            env=_environment(RANK=str(rank), LOCAL_RANK=str(rank), **common),
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]


def _torchrun_two(arguments: list[str]) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*torchrun, *arguments], env=_environment(), check=True, timeout=LIMIT_S)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "weights.pt", weights_only=True)


def test_two_processes_end_with_the_weights_of_one(
    ball_pack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """torchrun with two gloo processes, augmentation on, a last batch smaller than the others: equal to 1e-5.

    The network has no batch norm, so nothing but the order of sums may differ. Only the first process writes.
    """
    alone, both = tmp_path / "alone", tmp_path / "both"
    monkeypatch.setattr("train.fit.build_network", plain_training.plain_network)
    fit(plain_training.plain_experiment(epochs=3), ball_pack_folder, alone, device="cpu", seed=7)
    _torchrun_two(_arguments(ball_pack_folder, both, epochs=3))
    one, two = _weights(alone), _weights(both)
    assert one.keys() == two.keys()
    torch.manual_seed(7)
    start = plain_training.PlainNetwork().state_dict()
    assert any((one[name] - start[name]).abs().max() > 1e-3 for name in ("first.weight", "last.weight"))
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, rtol=1e-4, atol=1e-5)
    assert len(list((both / "tensorboard").iterdir())) == 1
    lines = [(folder / "history.jsonl").read_text().splitlines() for folder in (alone, both)]
    assert len(lines[0]) == len(lines[1]) == 3


def test_two_processes_train_against_one_critic(
    ball_pack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The same with a critic, which the network learns from in three of six steps: the generator of one process."""
    alone, both = tmp_path / "alone", tmp_path / "both"
    monkeypatch.setattr("train.fit_adversarial.build_network", plain_training.plain_generator)
    monkeypatch.setattr("train.fit_adversarial.PictureCritic", plain_training.PlainCritic)
    fit_adversarial(
        plain_training.plain_adversarial_experiment(epochs=3), ball_pack_folder, alone, device="cpu", seed=7
    )
    _torchrun_two(_arguments(ball_pack_folder, both, epochs=3, adversarial=True))
    one, two = _weights(alone), _weights(both)
    torch.manual_seed(7)
    start = plain_training.PlainGenerator().state_dict()
    assert all((one[name] - start[name]).abs().max() > 1e-3 for name in start)
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, rtol=1e-4, atol=1e-5)
    critics = [
        [json.loads(line)["losses"]["critic"] for line in (folder / "history.jsonl").read_text().splitlines()]
        for folder in (alone, both)
    ]
    assert critics[0] == pytest.approx(critics[1], rel=1e-4) and len(set(critics[0])) == 3


def test_sigterm_to_one_stops_all_after_the_same_step(ball_pack_folder: Path, tmp_path: Path):
    """The second process alone gets the signal: both end with 75 and name the same step."""
    out = tmp_path / "training"
    arguments = _arguments(ball_pack_folder, out, epochs=100_000)
    processes = _start_two(arguments)
    try:
        limit_s = time.monotonic() + LIMIT_S
        while not (out / "history.jsonl").exists():
            assert time.monotonic() < limit_s
            assert all(process.poll() is None for process in processes)
            time.sleep(0.02)
        processes[1].send_signal(signal.SIGTERM)
        told = [process.communicate(timeout=LIMIT_S)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [EXIT_INTERRUPTED] * 2
    saved = read_checkpoint(out)
    assert saved is not None
    assert all(f"stopped at step {saved.position.step} " in text for text in told)
