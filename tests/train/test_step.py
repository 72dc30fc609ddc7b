"""Steps and machines: a global batch gives one gradient, however it is cut up and whatever computes it."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from plain_training import PlainNetwork, plain_experiment, plain_network

from train.catalogue import build_network
from train.checkpoint import Position, read_training_record
from train.data.batches import WaitingTime, portions, read_ahead, read_rows
from train.data.pack import open_pack
from train.errors import InputError
from train.fit import fit
from train.machine import Amp, Machine, batch_norm_images, check_amp
from train.micro_batch import automatic_micro_batch, largest_that_fits
from train.processes import Processes, launched_processes
from train.spec import Experiment
from train.step import Learner, seed_step, take_step


@pytest.fixture(autouse=True)
def one_thread_and_no_flushing(monkeypatch: pytest.MonkeyPatch):
    """As in test_fit.py."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _machine(micro_batch: int, *, world_size: int = 1, device: str = "cpu", amp: Amp = "off") -> Machine:
    return Machine(
        device=torch.device(device),
        processes=Processes(rank=0, world_size=world_size),
        amp=amp,
        micro_batch=micro_batch,
        channels_last=True,
        compiled=False,
    )


@pytest.mark.parametrize("images", [1, 2, 5, 6, 7, 13])
@pytest.mark.parametrize("world_size", [1, 2, 3])
@pytest.mark.parametrize("micro_batch", [1, 2, 4, 100])
def test_portions_cover_a_global_batch_once(images: int, world_size: int, micro_batch: int):
    """Every row once, weights by their images, equally many portions for all, none larger than allowed."""
    batch = np.arange(images) * 10 + 5
    by_rank = [portions(batch, rank=rank, world_size=world_size, micro_batch=micro_batch) for rank in range(world_size)]
    assert len({len(plan) for plan in by_rank}) == 1
    everything = [portion for plan in by_rank for portion in plan]
    assert all(1 <= len(portion.rows) <= micro_batch for portion in everything)
    counted = [portion for portion in everything if portion.weight > 0]
    assert sorted(row for portion in counted for row in portion.rows) == batch.tolist()
    assert all(portion.weight == pytest.approx(len(portion.rows) / images) for portion in counted)


def _step(pack_folder: Path, micro_batch: int, *, amp: Amp = "off") -> tuple[dict[str, float], list[torch.Tensor]]:
    """Losses and gradients of one step over five rows."""
    pack, experiment = open_pack(pack_folder), plain_experiment(epochs=1)
    torch.manual_seed(1)
    network = PlainNetwork()
    learner = Learner(
        network=network,
        optimiser=torch.optim.SGD(network.parameters(), lr=0.0),
        scaler=torch.amp.GradScaler("cpu", enabled=False),
        machine=_machine(micro_batch, amp=amp),
    )
    plan = portions(np.array([4, 0, 3, 1, 5]), rank=0, world_size=1, micro_batch=micro_batch)
    arrays = iter([read_rows(pack, portion.rows, layer=experiment.layer) for portion in plan])
    losses = take_step(learner, experiment, plan, arrays, seed=3, at=Position(epoch=2, batch=0, step=5))
    return {name: value.item() for name, value in losses.items()}, [p.grad for p in network.parameters()]


@pytest.mark.parametrize("micro_batch", [1, 2, 4])
def test_a_cut_up_batch_has_the_gradient_of_the_whole(ball_pack_folder: Path, micro_batch: int):
    """Portions of unequal size (5 = 2 + 2 + 1) add up to the mean over all five, losses and gradients alike."""
    whole, gradients = _step(ball_pack_folder, 5)
    parts, again = _step(ball_pack_folder, micro_batch)
    assert parts == pytest.approx(whole, rel=1e-5)
    assert max(float(gradient.abs().max()) for gradient in gradients) > 1e-3
    for ours, theirs in zip(again, gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_bfloat16_is_close_and_not_the_same(ball_pack_folder: Path):
    """The network computes in 8 bits of mantissa, the loss in float32: within 2 %, but not the same numbers."""
    plain, _ = _step(ball_pack_folder, 5)
    rounded, gradients = _step(ball_pack_folder, 5, amp="bf16")
    assert rounded != plain
    assert rounded["l1"] == pytest.approx(plain["l1"], rel=0.02)
    assert all(gradient.dtype == torch.float32 for gradient in gradients)


def test_the_seed_of_a_step_needs_no_memory():
    """Seed, step and process decide the random numbers of a step, whatever came before."""

    def drawn(seed: int, step: int, rank: int) -> float:
        seed_step(seed, step=step, rank=rank)
        return torch.rand(1).item()

    assert drawn(1, 2, 0) == drawn(1, 2, 0)
    assert len({drawn(1, 2, 0), drawn(2, 2, 0), drawn(1, 3, 0), drawn(1, 2, 1)}) == 4


def test_batch_norm_counts_the_images_it_sees_at_once(tiny_experiment: Experiment):
    """Of a global batch of 6: all, two parts of 3, a share of 2 processes (CPU), or all of 2 GPUs; else None."""
    network = build_network(tiny_experiment.network)
    for micro_batch, world_size, device, expected in (
        (6, 1, "cpu", 6),
        (4, 1, "cpu", 3),
        (6, 2, "cpu", 3),
        (3, 2, "cuda", 6),
        (2, 2, "cuda", 4),
    ):
        machine = _machine(micro_batch, world_size=world_size, device=device)
        assert batch_norm_images(network, global_batch=6, machine=machine) == expected
    assert batch_norm_images(PlainNetwork(), global_batch=6, machine=_machine(1)) is None


def test_a_training_goes_on_with_what_decides_its_result_and_no_other(
    tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path
):
    """Another number type or other images under batch norm are refused; another memory format is not."""
    fit(tiny_experiment, ball_pack_folder, tmp_path / "a", device="cpu", micro_batch=2)
    record = read_training_record(tmp_path / "a")
    assert (record.amp, record.batch_norm_images) == ("off", 2)
    with pytest.raises(InputError, match="batch_norm_images: 2 there, 4 asked"):
        fit(tiny_experiment, ball_pack_folder, tmp_path / "a", device="cpu", micro_batch=4)
    with pytest.raises(InputError, match="amp: off there, bf16 asked"):
        fit(tiny_experiment, ball_pack_folder, tmp_path / "a", device="cpu", amp="bf16")
    # Left to itself, it takes what the first run took.
    fit(tiny_experiment, ball_pack_folder, tmp_path / "a", device="cpu", channels_last=False)
    with pytest.raises(InputError, match="off, bf16, fp16"):
        check_amp("fp8", torch.device("cpu"))


def test_done_names_every_machine_that_a_training_ran_on(
    ball_pack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without batch norm the micro-batch may change from run to run: both stand in done.json, with their steps."""
    import signal

    from train.interruption import StopRequestedError

    monkeypatch.setattr("train.fit.build_network", plain_network)
    experiment = plain_experiment(epochs=2)
    real = take_step

    def step_then_sigterm(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments, **options)

    monkeypatch.setattr("train.fit.take_step", step_then_sigterm)
    with pytest.raises(StopRequestedError):
        fit(experiment, ball_pack_folder, tmp_path / "a", device="cpu", micro_batch=1)
    monkeypatch.setattr("train.fit.take_step", real)
    fit(experiment, ball_pack_folder, tmp_path / "a", device="cpu", channels_last=False)
    machines = json.loads((tmp_path / "a" / "done.json").read_text())["machines"]
    assert [(one["from_step"], one["micro_batch"], one["channels_last"]) for one in machines] == [
        (0, 1, True),
        (1, 4, False),
    ]
    assert {one["processes"] for one in machines} == {1}


def test_the_largest_micro_batch_that_fits_is_found_by_halving():
    """12, 6, 3 fit no more than 4 images: 3 is taken; where not even one fits, the message says what to try."""
    tried = []

    def attempt(images: int, *, limit: int = 4) -> None:
        tried.append(images)
        if images > limit:
            raise torch.OutOfMemoryError("full")

    assert largest_that_fits(12, attempt) == 3
    assert tried == [12, 6, 3]
    with pytest.raises(InputError, match="--amp bf16"):
        largest_that_fits(3, lambda images: attempt(images, limit=0))


def test_a_cpu_takes_its_whole_share(tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path):
    """Of a global batch of 4 each of three processes takes 2 at once."""
    found = automatic_micro_batch(
        build_network(tiny_experiment.network),
        None,
        tiny_experiment,
        open_pack(ball_pack_folder),
        tmp_path,
        amp="off",
        processes=Processes(world_size=3),
        device=torch.device("cpu"),
    )
    assert found == 2


def test_processes_are_those_that_torchrun_names(monkeypatch: pytest.MonkeyPatch):
    """Rank, world size and local rank come together, or something is wrong."""
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert launched_processes() == Processes()
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert launched_processes() == Processes(rank=5, world_size=8, local_rank=1)
    monkeypatch.delenv("RANK")
    with pytest.raises(InputError, match="Start with torchrun"):
        launched_processes()


def test_reading_ahead_keeps_order_and_is_one_ahead():
    """Results come in the order of the jobs; when one is handed out, the next is at work; errors come out."""
    made = []

    def job(number: int) -> int:
        made.append(number)
        if number == 4:
            raise ValueError("four")
        return number * number

    watch = WaitingTime()
    results = watch.measured(read_ahead([lambda number=number: job(number) for number in range(5)]))
    assert [next(results) for _ in range(4)] == [0, 1, 4, 9]
    with pytest.raises(ValueError, match="four"):
        next(results)
    assert made == [0, 1, 2, 3, 4]
    assert watch.seconds > 0
