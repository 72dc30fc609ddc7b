"""Adversarial training: what a step does to both networks, and that the loop around it is that of `fit`."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from plain_training import PlainCritic, PlainGenerator, plain_adversarial_experiment

from train.catalogue import build_network
from train.checkpoint import Position, load_trained, read_checkpoint
from train.data.batches import portions, read_rows
from train.data.pack import open_pack
from train.depth_spec import DepthExperiment
from train.errors import InputError
from train.fit import fit
from train.fit_adversarial import fit_adversarial, take_adversarial_step
from train.interruption import EXIT_INTERRUPTED, StopRequestedError
from train.machine import Machine
from train.normals_spec import AdversarySpec, NormalsExperiment
from train.processes import Processes
from train.spec import with_settings
from train.step import Critic, Learner
from train.training_spec import AugmentationSpec

ROWS = np.array([4, 0, 3, 1, 5])


@pytest.fixture(autouse=True)
def one_thread_and_no_flushing(monkeypatch: pytest.MonkeyPatch):
    """As in test_fit.py."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _learner(micro_batch: int, *, rate: float) -> Learner:
    """Two plain networks of known weights, and plain descent."""
    torch.manual_seed(1)
    network, critic = PlainGenerator(), PlainCritic(width=3, maps=4, height_px=20, width_px=32)
    return Learner(
        network=network,
        optimiser=torch.optim.SGD(network.parameters(), lr=rate),
        scaler=torch.amp.GradScaler("cpu", enabled=False),
        machine=Machine(torch.device("cpu"), Processes(), "off", micro_batch, True, False),
        critic=Critic(critic, critic, torch.optim.SGD(critic.parameters(), lr=rate)),
    )


def _step(learner: Learner, experiment: NormalsExperiment, pack_folder: Path, *, step: int) -> dict[str, float]:
    """One step over five rows."""
    plan = portions(ROWS, rank=0, world_size=1, micro_batch=learner.machine.micro_batch)
    pack = open_pack(pack_folder)
    arrays = iter([read_rows(pack, portion.rows, layer="head", with_normals=True) for portion in plan])
    at = Position(epoch=2, batch=0, step=step)
    losses = take_adversarial_step(learner, experiment, plan, arrays, seed=3, at=at)
    return {name: value.item() for name, value in losses.items()}


def _flat(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()]).clone()


def _same_weights(first: Path, second: Path) -> bool:
    a, b = (torch.load(folder / "weights.pt", weights_only=True) for folder in (first, second))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _history(folder: Path) -> list[dict]:
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return [{**line, "seconds": 0, "waiting_share": 0} for line in lines]


@pytest.mark.parametrize("weight", [3.0, 1e-6])
def test_the_losses_are_those_of_the_equation(weight: float, ball_pack_folder: Path):
    """total = pixel_weight pixel - D(predicted), critic = D(predicted) - D(true), written out anew; one step of descent
    makes each network's own loss smaller, also where the critic alone decides it. Source: bouafif2020, equation 3."""
    experiment = dataclasses.replace(plain_adversarial_experiment(epochs=1), augmentation=AugmentationSpec())
    experiment = with_settings(experiment, {"loss.pixel_weight": str(weight)})
    learner = _learner(5, rate=1e-3)
    assert learner.critic is not None
    layer, rgb = open_pack(ball_pack_folder).layers["head"], open_pack(ball_pack_folder).rgb[ROWS]
    slope = np.minimum(layer.gradient_magnitude[ROWS].astype(np.float32), 64)[..., None] / 32 - 1
    true = torch.from_numpy(np.concatenate([layer.normals_cam[ROWS].astype(np.float32), slope], -1)).permute(0, 3, 1, 2)
    pictures = torch.from_numpy(rgb).permute(0, 3, 1, 2) / 255

    def expected() -> dict[str, float]:
        assert learner.critic is not None
        with torch.no_grad():
            predicted = learner.network(pictures)
            said, of_true = (learner.critic.network(pictures, maps).mean().item() for maps in (predicted, true))
        pixel = (predicted - true).square().mean().item()
        return {"total": weight * pixel - said, "pixel": pixel, "adversarial": -said, "critic": said - of_true}

    before = expected()
    assert _step(learner, experiment, ball_pack_folder, step=0) == pytest.approx(before, rel=1e-5, abs=1e-6)
    after_critic = expected()
    assert after_critic["critic"] < before["critic"] and after_critic["pixel"] == before["pixel"]
    untouched = [learner.critic.network.first.weight.clone(), learner.critic.network.last.weight.clone()]
    for parameter_group in learner.critic.optimiser.param_groups:
        parameter_group["lr"] = 0.0
    _step(learner, experiment, ball_pack_folder, step=1)
    assert torch.equal(learner.critic.network.first.weight, untouched[0])
    assert expected()["total"] < after_critic["total"]


def test_the_critic_learns_from_every_batch_and_the_network_from_every_second(ball_pack_folder: Path):
    """Steps 0 and 2 leave the network alone, 1 and 3 change it; all change the critic, whose weights end within the
    clip; the network's never are cut."""
    experiment = with_settings(plain_adversarial_experiment(epochs=1), {"adversary.clip": "0.02"})
    learner = _learner(5, rate=0.5)
    assert learner.critic is not None
    changed = []
    for step in range(4):
        network, critic = _flat(learner.network), _flat(learner.critic.bare)
        _step(learner, experiment, ball_pack_folder, step=step)
        changed.append(not torch.equal(network, _flat(learner.network)))
        assert not torch.equal(critic, _flat(learner.critic.bare))
        assert _flat(learner.critic.bare).abs().max() <= 0.02
        assert all(parameter.requires_grad for parameter in learner.critic.bare.parameters())
    assert changed == [False, True, False, True]
    assert _flat(learner.network).abs().max() > 0.02


@pytest.mark.parametrize("micro_batch", [1, 2, 4])
def test_a_cut_up_batch_changes_both_networks_as_the_whole(ball_pack_folder: Path, micro_batch: int):
    """Portions of unequal size (5 = 2 + 2 + 1) give the losses, the critic and the network of all five at once."""
    experiment = plain_adversarial_experiment(epochs=1)
    whole, parts = _learner(5, rate=0.1), _learner(micro_batch, rate=0.1)
    start = _flat(whole.network)
    for step in (0, 1):
        expected = _step(whole, experiment, ball_pack_folder, step=step)
        assert _step(parts, experiment, ball_pack_folder, step=step) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert (_flat(whole.network) - start).abs().max() > 1e-3
    torch.testing.assert_close(_flat(parts.network), _flat(whole.network), rtol=1e-4, atol=1e-6)
    assert whole.critic is not None and parts.critic is not None
    torch.testing.assert_close(_flat(parts.critic.bare), _flat(whole.critic.bare), rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def whole(tiny_normals: NormalsExperiment, ball_pack_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adversarial training that nothing stopped."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("adversarial") / "training"
    fit_adversarial(tiny_normals, ball_pack_folder, out, device="cpu", seed=4)
    return out


def test_it_leaves_what_fit_leaves(whole: Path, tiny_normals: NormalsExperiment):
    """Weights of the network alone, losses of both networks in the history, scores of validation, and no checkpoint."""
    experiment, network = load_trained(whole)
    assert experiment == tiny_normals and not network.training
    last = _history(whole)[-1]
    assert set(last["losses"]) == {"total", "pixel", "adversarial", "critic"}
    losses = last["losses"]
    assert losses["total"] == pytest.approx(500 * losses["pixel"] + losses["adversarial"], rel=1e-5)
    assert "mask_recall" in last["validation"]["head"]
    assert not (whole / "checkpoint.pt").exists() and json.loads((whole / "done.json").read_text())["steps"] == 4


def test_the_seed_decides_everything(
    whole: Path, tiny_normals: NormalsExperiment, ball_pack_folder: Path, tmp_path: Path
):
    """The same seed gives the same bits, another seed others."""
    torch.rand(17)
    for name, seed in (("same", 4), ("other", 5)):
        fit_adversarial(tiny_normals, ball_pack_folder, tmp_path / name, device="cpu", seed=seed)
    assert _same_weights(tmp_path / "same", whole)
    assert not _same_weights(tmp_path / "other", whole)


def test_stopped_after_every_step_it_ends_with_the_same_bits(
    whole: Path,
    tiny_normals: NormalsExperiment,
    ball_pack_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Critic, its optimiser, and whose turn it is: all of it is in the checkpoint."""

    def step_then_sigterm(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return take_adversarial_step(*arguments, **options)

    monkeypatch.setattr("train.fit_adversarial.take_adversarial_step", step_then_sigterm)
    for step in range(1, 5):
        with pytest.raises(StopRequestedError, match=f"step {step} "):
            fit_adversarial(tiny_normals, ball_pack_folder, tmp_path / "pieces", device="cpu", seed=4)
    saved = read_checkpoint(tmp_path / "pieces")
    assert saved is not None and set(saved.critic) == {"network", "optimiser"}
    rates = {one["param_groups"][0]["lr"] for one in (saved.optimiser, saved.critic["optimiser"])}
    assert len(rates) == 1 and 0 < rates.pop() < tiny_normals.optimiser.learning_rate
    monkeypatch.undo()
    fit_adversarial(tiny_normals, ball_pack_folder, tmp_path / "pieces", device="cpu", seed=4)
    assert _same_weights(tmp_path / "pieces", whole)
    assert _history(tmp_path / "pieces") == _history(whole)


def test_the_command_trains_against_the_critic_and_goes_on_after_sigterm(
    tiny_normals: NormalsExperiment, ball_pack_folder: Path, tmp_path: Path
):
    """`fit` on the command line chooses by the experiment: its history has the critic's loss; 75 after SIGTERM."""
    settings = {
        "network.width": 2,
        "network.levels": 4,
        "adversary.critic_width": 2,
        "adversary.critic_steps": 2,
        "schedule.epochs": 100_000,
        "schedule.global_batch": 4,
    }
    command = [sys.executable, "-m", "train", "fit", "--experiment", tiny_normals.key, "--pack", str(ball_pack_folder)]
    command += ["--out", str(tmp_path / "training"), "--device", "cpu"]
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    limit_s = time.monotonic() + 120
    while not (tmp_path / "training" / "history.jsonl").exists():
        assert process.poll() is None and time.monotonic() < limit_s
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == EXIT_INTERRUPTED and "run the same command to go on" in told
    assert "critic" in _history(tmp_path / "training")[0]["losses"]
    saved = read_checkpoint(tmp_path / "training")
    assert saved is not None and saved.position.step >= 2 and saved.critic


@pytest.mark.parametrize("setting", ["critic_width=3", "critic_steps=1", "clip=0.3"])
def test_every_setting_of_the_adversary_reaches_the_training(
    setting: str, whole: Path, tiny_normals: NormalsExperiment, ball_pack_folder: Path, tmp_path: Path
):
    """Another width of the critic, another alternation or another clip gives another network."""
    name, value = setting.split("=")
    changed = with_settings(tiny_normals, {f"adversary.{name}": value})
    fit_adversarial(changed, ball_pack_folder, tmp_path / "training", device="cpu", seed=4)
    assert not _same_weights(tmp_path / "training", whole)


def test_without_a_critic_fit_trains_the_same_start_to_another_end(
    whole: Path, tiny_normals: NormalsExperiment, ball_pack_folder: Path, tmp_path: Path
):
    """adversary.kind=none is plain `fit`; both start from the weights that the seed gives the network."""
    alone = dataclasses.replace(tiny_normals, adversary=AdversarySpec(kind="none"))
    fit(alone, ball_pack_folder, tmp_path / "training", device="cpu", seed=4)
    assert not _same_weights(tmp_path / "training", whole)
    assert set(_history(tmp_path / "training")[0]["losses"]) == {"total", "pixel"}
    still = {"optimiser.learning_rate": "1e-30", "schedule.epochs": "1"}
    fit(with_settings(alone, still), ball_pack_folder, tmp_path / "a", device="cpu", seed=4)
    fit_adversarial(with_settings(tiny_normals, still), ball_pack_folder, tmp_path / "b", device="cpu", seed=4)
    torch.manual_seed(4)
    start = dict(build_network(tiny_normals.network).named_parameters())
    for folder in (tmp_path / "a", tmp_path / "b"):
        weights = torch.load(folder / "weights.pt", weights_only=True)
        assert all((weights[name] - value).abs().max() < 1e-20 for name, value in start.items())


def test_each_way_of_training_refuses_the_experiments_of_the_other(
    tiny_normals: NormalsExperiment, tiny_experiment: DepthExperiment, ball_pack_folder: Path, tmp_path: Path
):
    """A critic is never left out in silence, nor invented."""
    with pytest.raises(InputError, match="has a critic"):
        fit(tiny_normals, ball_pack_folder, tmp_path / "a", device="cpu")
    with pytest.raises(InputError, match="has no critic"):
        fit_adversarial(tiny_experiment, ball_pack_folder, tmp_path / "a", device="cpu")
    assert not (tmp_path / "a").exists()


def test_a_checkpoint_of_before_critics_is_still_read(
    tiny_experiment: DepthExperiment, ball_pack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A depth training that an earlier version stopped goes on, and ends as if nothing had stopped it."""
    import train.fit as module

    real = module.take_step

    def step_then_sigterm(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments, **options)

    fit(tiny_experiment, ball_pack_folder, tmp_path / "whole", device="cpu", seed=2)
    monkeypatch.setattr(module, "take_step", step_then_sigterm)
    with pytest.raises(StopRequestedError):
        fit(tiny_experiment, ball_pack_folder, tmp_path / "stopped", device="cpu", seed=2)
    monkeypatch.undo()
    path = tmp_path / "stopped" / "checkpoint.pt"
    tree = torch.load(path, weights_only=True)
    assert tree.pop("critic") == {}
    torch.save(tree, path)
    fit(tiny_experiment, ball_pack_folder, tmp_path / "stopped", device="cpu", seed=2)
    assert _same_weights(tmp_path / "stopped", tmp_path / "whole")
