"""fit: train one experiment on one pack, from the first step or from wherever an earlier run stopped."""

from pathlib import Path

from train.adversary import check_no_adversary
from train.catalogue import build_network
from train.data.pack import Pack
from train.machine import Amp
from train.spec import Experiment
from train.step import take_step
from train.training_loop import Method, Networks, run_training


def fit(
    experiment: Experiment,
    pack_folder: Path,
    out: Path,
    *,
    device: str = "auto",
    seed: int = 0,
    amp: Amp = "off",
    micro_batch: int | None = None,
    channels_last: bool = True,
    compiled: bool = False,
) -> None:
    """Train, and leave weights.pt, experiment.json, history.jsonl, tensorboard/ and at last done.json in `out`.

    A training that stopped (killed, SIGTERM, power) continues from its checkpoint, written after every epoch and on
    SIGTERM; on a CPU it ends with the same bits as one that never stopped. A finished one is left alone. Started by
    `torchrun`, each process takes its share of every global batch, and the first one writes the files.

    The rest is of the machine (train/machine.py). `amp` computes the network in bfloat16 or, on a GPU, float16; loss,
    weights and validation stay in float32. `micro_batch` is the most images at once in one process: by default what an
    earlier run took, else as many as fit. `channels_last` and `compiled` make the same computation faster.

    Raises: InputError on a missing GPU, a pack that does not suit the experiment, an experiment with a critic, or a
    folder that holds another training; StopRequestedError after SIGTERM or SIGINT, once the state is saved.
    """

    def build(pack: Pack, for_stored_weights: bool) -> Networks:  # noqa: ARG001
        return Networks(build_network(experiment.network, for_stored_weights=for_stored_weights))

    check_no_adversary(experiment)
    run_training(
        Method(build, take_step),
        experiment,
        pack_folder,
        out,
        device=device,
        seed=seed,
        amp=amp,
        micro_batch=micro_batch,
        channels_last=channels_last,
        compiled=compiled,
    )
