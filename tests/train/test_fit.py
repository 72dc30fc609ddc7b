"""Training: it learns, it is repeatable, and it survives being killed at any moment."""

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
from ball_dataset import write_ball_dataset

from train.catalogue import build_network, find_experiment
from train.checkpoint import load_trained, read_checkpoint, read_training_record
from train.data.pack import open_pack, pack_dataset
from train.depth_spec import Encoding
from train.device import choose_device, use_allowed_cores
from train.errors import InputError
from train.fit import fit
from train.inference import predict_depth_m
from train.interruption import EXIT_INTERRUPTED
from train.metrics.depth import error_sums, scores
from train.spec import Experiment, experiment_as_json, with_settings
from train.training_spec import Schedule


@pytest.fixture(autouse=True)
def one_thread_and_no_flushing(monkeypatch: pytest.MonkeyPatch):
    """Sums over threads depend on their number: bitwise comparisons need the same here and in child processes.

    One is fastest for networks this small. Nothing here cuts the power, so flushing to disk, which takes most of the
    time of a tiny epoch, is left out.
    """
    monkeypatch.setattr(os, "fsync", lambda _: None)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _history(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def _without_times(history: list[dict]) -> list[dict]:
    return [{**line, "seconds": 0, "waiting_share": 0} for line in history]


def _same_weights(first: Path, second: Path) -> bool:
    a, b = (torch.load(folder / "weights.pt", weights_only=True) for folder in (first, second))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def uninterrupted(ball_pack_folder: Path, tiny_experiment: Experiment, tmp_path_factory: pytest.TempPathFactory):
    """A training of 30 short epochs that nothing stopped: its experiment and its folder."""
    torch.set_num_threads(1)
    experiment = dataclasses.replace(tiny_experiment, schedule=Schedule(epochs=30, global_batch=4))
    out = tmp_path_factory.mktemp("uninterrupted") / "training"
    fit(experiment, ball_pack_folder, out, device="cpu", seed=11)
    return experiment, out


def test_two_images_can_be_learnt_by_heart(tmp_path: Path):
    """A network that is shown two pictures over and over ends within 5 % of their depth, background included."""
    dataset = write_ball_dataset(tmp_path / "store", frames={"train": 2}, width_px=48, height_px=32, seed=3)
    pack_dataset(dataset, tmp_path / "pack", width_px=48, height_px=32)
    pack = open_pack(tmp_path / "pack")
    settings = {"network.width": "8", "schedule.epochs": "150", "schedule.global_batch": "2", "loss.l1": "1"}
    experiment = with_settings(
        find_experiment("khan2021_unet_simple_l1"), {**settings, "optimiser.learning_rate": "0.01"}
    )
    fit(experiment, tmp_path / "pack", tmp_path / "training", device="cpu", seed=1)
    _, network = load_trained(tmp_path / "training")
    predicted_m = predict_depth_m(network, experiment, np.asarray(pack.rgb), intrinsics_px=pack.intrinsics_px)
    layer = pack.layers["visible"]
    everywhere = np.where(layer.depth_m > 0, layer.depth_m, np.float32(5.0))
    assert scores(error_sums(predicted_m, everywhere, everywhere > 0))["abs_rel"] < 0.05
    assert scores(error_sums(predicted_m, layer.depth_m, layer.head_mask))["abs_rel"] < 0.05
    losses = [line["losses"]["total"] for line in _history(tmp_path / "training")]
    assert losses[-1] < 0.1 * losses[0]
    assert _history(tmp_path / "training")[-1]["validation"] == {}


def test_a_training_leaves_all_that_is_promised(uninterrupted: tuple[Experiment, Path], ball_pack_folder: Path):
    """Weights, experiment, one line of history an epoch, TensorBoard events and done.json; no checkpoint remains."""
    experiment, out = uninterrupted
    history = _history(out)
    assert [line["epoch"] for line in history] == list(range(1, 31))
    assert [line["step"] for line in history] == [2 * epoch for epoch in range(1, 31)]
    assert set(history[0]["losses"]) == {"total", "ssim", "gradient", "normal", "l1"}
    assert history[0]["learning_rate"] == 1e-3
    assert history[0]["validation"]["head_mask"]["images"] == 2
    assert 0 < history[0]["validation"]["full"]["rmse_m"] < 5
    assert history[-1]["losses"]["total"] < history[0]["losses"]["total"]
    done = json.loads((out / "done.json").read_text())
    assert (done["epochs"], done["steps"], done["train_frames"]) == (30, 60, 6)
    assert done["device"].startswith("cpu")
    assert not (out / "checkpoint.pt").exists()
    assert list((out / "tensorboard").iterdir())
    record = read_training_record(out)
    assert record.experiment == experiment_as_json(experiment)
    assert (record.width_px, record.height_px, record.seed) == (32, 20, 11)
    assert record.dataset_id == open_pack(ball_pack_folder).info.dataset_id


def test_the_reported_loss_is_the_weighted_sum_of_its_terms(uninterrupted: tuple[Experiment, Path]):
    """In every line of the history, total = 0.1 ssim + 0.1 gradient + 1 normal + 0.1 l1."""
    for line in _history(uninterrupted[1]):
        terms = line["losses"]
        expected = 0.1 * terms["ssim"] + 0.1 * terms["gradient"] + terms["normal"] + 0.1 * terms["l1"]
        assert terms["total"] == pytest.approx(expected, rel=1e-5)


def test_a_loaded_training_is_the_trained_network(uninterrupted: tuple[Experiment, Path]):
    """The experiment comes back equal, the network in evaluation mode and away from its first weights."""
    experiment, out = uninterrupted
    loaded, network = load_trained(out)
    assert loaded == experiment
    assert not network.training
    torch.manual_seed(11)
    fresh = build_network(experiment.network)
    assert any(not torch.equal(a, b) for a, b in zip(network.parameters(), fresh.parameters(), strict=True))


def test_the_seed_decides_everything(tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path):
    """The same seed gives the same bits, another seed others, whatever torch's generator was doing before."""
    torch.manual_seed(999)
    fit(tiny_experiment, ball_pack_folder, tmp_path / "a", device="cpu", seed=1)
    torch.rand(17)
    fit(tiny_experiment, ball_pack_folder, tmp_path / "b", device="cpu", seed=1)
    fit(tiny_experiment, ball_pack_folder, tmp_path / "c", device="cpu", seed=2)
    assert _same_weights(tmp_path / "a", tmp_path / "b")
    assert not _same_weights(tmp_path / "a", tmp_path / "c")


@pytest.mark.parametrize("setting", ["schedule.epochs=3", "schedule.global_batch=2", "layer=head", "split_by=frame"])
def test_schedule_layer_and_split_reach_the_training(
    setting: str, tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path
):
    """Another number of epochs, batch size, layer or split gives other weights, and the steps that follow from it."""
    name, value = setting.split("=")
    fit(tiny_experiment, ball_pack_folder, tmp_path / "a", device="cpu", seed=1)
    fit(with_settings(tiny_experiment, {name: value}), ball_pack_folder, tmp_path / "b", device="cpu", seed=1)
    assert not _same_weights(tmp_path / "a", tmp_path / "b")
    steps = json.loads((tmp_path / "b" / "done.json").read_text())["steps"]
    assert steps == {"schedule.epochs": 6, "schedule.global_batch": 6, "layer": 4, "split_by": 4}[name]


def _start(experiment: Experiment, pack: Path, out: Path) -> subprocess.Popen:
    settings = {
        "network.width": experiment.network.width,
        "schedule.epochs": experiment.schedule.epochs,
        "schedule.global_batch": experiment.schedule.global_batch,
    }
    command = [sys.executable, "-m", "train", "fit", "--experiment", experiment.key, "--pack", str(pack)]
    command += ["--out", str(out), "--device", "cpu", "--seed", "11"]
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    # The command line takes as many threads as it may use cores: let that be one, as here.
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    finally:
        os.sched_setaffinity(0, allowed)


def _wait_for_epochs(process: subprocess.Popen, out: Path, epochs: int) -> None:
    limit_s = time.monotonic() + 120
    while time.monotonic() < limit_s:
        if (out / "history.jsonl").exists() and len(_history(out)) >= epochs:
            return
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.005)
    raise AssertionError("the training wrote no history in two minutes")


def test_a_training_killed_with_minus_nine_ends_with_the_same_bits(
    uninterrupted: tuple[Experiment, Path], ball_pack_folder: Path, tmp_path: Path
):
    """kill -9 in the middle, then the same call again: the weights equal those of the uninterrupted training."""
    experiment, reference = uninterrupted
    out = tmp_path / "training"
    process = _start(experiment, ball_pack_folder, out)
    _wait_for_epochs(process, out, 3)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (out / "done.json").exists()
    saved = read_checkpoint(out)
    assert saved is not None
    assert 3 <= saved.position.epoch < 30
    fit(experiment, ball_pack_folder, out, device="cpu", seed=11)
    assert _same_weights(out, reference)
    assert _without_times(_history(out)) == _without_times(_history(reference))


def test_sigterm_saves_the_very_step_and_says_run_again(
    uninterrupted: tuple[Experiment, Path], ball_pack_folder: Path, tmp_path: Path
):
    """SIGTERM ends with exit code 75 and a checkpoint; running the command again ends with the same bits."""
    experiment, reference = uninterrupted
    out = tmp_path / "training"
    process = _start(experiment, ball_pack_folder, out)
    _wait_for_epochs(process, out, 2)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == EXIT_INTERRUPTED == 75
    assert "run the same command to go on" in told
    saved = read_checkpoint(out)
    assert saved is not None
    assert f"stopped at step {saved.position.step}" in told
    fit(experiment, ball_pack_folder, out, device="cpu", seed=11)
    assert _same_weights(out, reference)


def test_a_stop_in_the_middle_of_an_epoch_loses_no_image(
    tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Stopped after every single step in turn, a training still ends with the bits and the history of one run."""
    import train.quantities.depth as module
    from train.interruption import StopRequestedError

    fit(tiny_experiment, ball_pack_folder, tmp_path / "whole", device="cpu", seed=4)
    real = module.depth_loss

    def loss_then_sigterm(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments, **options)

    monkeypatch.setattr(module, "depth_loss", loss_then_sigterm)
    for step in range(1, 5):
        with pytest.raises(StopRequestedError, match=f"step {step} "):
            fit(tiny_experiment, ball_pack_folder, tmp_path / "pieces", device="cpu", seed=4)
    monkeypatch.undo()
    fit(tiny_experiment, ball_pack_folder, tmp_path / "pieces", device="cpu", seed=4)
    assert _same_weights(tmp_path / "whole", tmp_path / "pieces")
    assert _without_times(_history(tmp_path / "pieces")) == _without_times(_history(tmp_path / "whole"))


def test_two_processes_never_train_in_one_folder_at_once(
    tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A run that was killed leaves a trainer that still saves: the next one says that it waits, and waits."""
    out = tmp_path / "training"
    code = f"""
import time
from pathlib import Path
from train.folder_lock import only_process_in
with only_process_in(Path({str(out)!r})):
    print("held", flush=True)
    time.sleep(1)
    Path({str(tmp_path / "released")!r}).touch()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        fit(tiny_experiment, ball_pack_folder, out, device="cpu", seed=1)
        assert (tmp_path / "released").exists()
    assert f"another process is at work in {out}; waiting for it" in capsys.readouterr().err
    assert (out / "done.json").exists() and not [path for path in out.iterdir() if "lock" in path.name]


def test_threads_follow_the_affinity_and_not_the_machine():
    """A process that may use one core computes with one thread."""
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {max(allowed)})
        use_allowed_cores()
        assert torch.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_a_finished_training_is_left_alone(uninterrupted: tuple[Experiment, Path], ball_pack_folder: Path):
    """The same call again returns at once and touches no file."""
    experiment, out = uninterrupted
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    fit(experiment, ball_pack_folder, out, device="cpu", seed=11)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_a_folder_of_another_training_is_refused(
    uninterrupted: tuple[Experiment, Path], ball_pack_folder: Path, tmp_path: Path
):
    """Another seed or experiment never continues a training, other words about it do; nor is a folder with other
    things taken over."""
    experiment, out = uninterrupted
    with pytest.raises(InputError, match="seed: 11 there, 12 asked"):
        fit(experiment, ball_pack_folder, out, device="cpu", seed=12)
    with pytest.raises(InputError, match="holds another training"):
        fit(with_settings(experiment, {"loss.l1": "0.2"}), ball_pack_folder, out, device="cpu", seed=11)
    corrected = dataclasses.replace(experiment, title="another title", assumed=("a corrected sentence",))
    fit(corrected, ball_pack_folder, out, device="cpu", seed=11)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        fit(experiment, ball_pack_folder, tmp_path, device="cpu", seed=11)


def test_a_missing_gpu_is_an_error_and_auto_takes_what_is_there(
    tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A GPU that was asked for is never replaced by the CPU; `auto` may choose, and float16 needs a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="sees no GPU"):
        fit(tiny_experiment, ball_pack_folder, tmp_path / "a", device="cuda")
    assert not (tmp_path / "a").exists()
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(InputError, match="auto, cpu, cuda"):
        choose_device("gpu")
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        fit(tiny_experiment, ball_pack_folder, tmp_path / "a", device="auto", amp="fp16")


def test_depths_that_the_encoding_cannot_hold_are_refused(
    tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path
):
    """A pack nearer than nearest_depth_m or farther than the background is refused, with the setting to change."""
    for encoding, setting in (
        (Encoding(nearest_depth_m=0.9), "encoding.nearest_depth_m="),
        (Encoding(background_depth_m=0.8), "encoding.background_depth_m="),
    ):
        experiment = dataclasses.replace(tiny_experiment, encoding=encoding)
        with pytest.raises(InputError, match=f"Try --set {setting}"):
            fit(experiment, ball_pack_folder, tmp_path / "training", device="cpu")


def test_a_pack_without_training_frames_is_refused(tiny_experiment: Experiment, tmp_path: Path):
    """The message shows what the pack does hold."""
    dataset = write_ball_dataset(tmp_path / "store", frames={"test": 1}, width_px=32, height_px=20)
    pack_dataset(dataset, tmp_path / "pack", width_px=32, height_px=20)
    with pytest.raises(InputError, match=r"no frame of split 'train'.*'test': 1"):
        fit(tiny_experiment, tmp_path / "pack", tmp_path / "training", device="cpu")


def test_a_loss_that_is_no_number_stops_the_training(
    tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path
):
    """A diverged training ends with an error that names the step and a remedy, and writes no weights."""
    wild = with_settings(tiny_experiment, {"optimiser.learning_rate": "1e30", "schedule.epochs": "20"})
    with pytest.raises(InputError, match=r"at step \d+ .*smaller optimiser\.learning_rate"):
        fit(wild, ball_pack_folder, tmp_path / "training", device="cpu")
    assert not (tmp_path / "training" / "weights.pt").exists()


def test_unfinished_and_broken_trainings_do_not_load(uninterrupted: tuple[Experiment, Path], tmp_path: Path):
    """No folder, no weights, cut weights, and a cut checkpoint: each has its own message."""
    _, out = uninterrupted
    with pytest.raises(InputError, match="is no training"):
        load_trained(tmp_path)
    (tmp_path / "experiment.json").write_bytes((out / "experiment.json").read_bytes())
    with pytest.raises(InputError, match="is not finished"):
        load_trained(tmp_path)
    (tmp_path / "weights.pt").write_bytes((out / "weights.pt").read_bytes()[:1000])
    with pytest.raises(InputError, match="holds no weights"):
        load_trained(tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"cut")
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        read_checkpoint(tmp_path)


def test_predicting_leaves_a_network_in_its_mode(tiny_experiment: Experiment, ball_pack_folder: Path):
    """Prediction uses running statistics, whatever mode the network is in, and changes neither mode nor statistics."""
    torch.manual_seed(0)
    network = build_network(tiny_experiment.network).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    pack = open_pack(ball_pack_folder)
    pictures, cameras = np.asarray(pack.rgb), np.asarray(pack.intrinsics_px)
    all_at_once = predict_depth_m(network, tiny_experiment, pictures, intrinsics_px=cameras)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    one_by_one = np.concatenate(
        [
            predict_depth_m(network, tiny_experiment, one[None], intrinsics_px=camera[None])
            for one, camera in zip(pictures, cameras, strict=True)
        ]
    )
    np.testing.assert_allclose(one_by_one, all_at_once, rtol=1e-5)
    assert all_at_once.dtype == np.float32
    assert all_at_once.min() >= 0.5
    assert all_at_once.max() <= 5.0
