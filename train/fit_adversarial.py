"""fit_adversarial: train an experiment's network against a critic; all but the alternating step is as in `fit`."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from train.adversary import check_adversary
from train.catalogue import build_network
from train.checkpoint import Position
from train.data.batches import Batch, Portion, batch_on
from train.data.pack import Pack
from train.machine import Amp
from train.networks.picture_critic import PictureCritic
from train.normals_encoding import MAPS
from train.quantities.table import quantity_of
from train.spec import Experiment
from train.step import Critic, Learner, add_weighted, augmented, called, unshared
from train.training_loop import Method, Networks, run_training


def fit_adversarial(
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
    """Train as `fit` does, with a critic that learns beside the network and judges what it predicts.

    The checkpoint holds both networks and both optimisers; `weights.pt` holds the network alone, which starts from the
    same weights as `fit` would give it. Raises: as `fit`, and InputError on an experiment without a critic.
    """
    adversary = check_adversary(experiment)

    def build(pack: Pack, for_stored_weights: bool) -> Networks:
        network = build_network(experiment.network, for_stored_weights=for_stored_weights)
        width_px, height_px = pack.info.width_px, pack.info.height_px
        critic = PictureCritic(width=adversary.critic_width, maps=MAPS, height_px=height_px, width_px=width_px)
        return Networks(network, critic)

    run_training(
        Method(build, take_adversarial_step),
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


def take_adversarial_step(
    learner: Learner,
    experiment: Experiment,
    portions: Sequence[Portion],
    arrays: Iterator[dict[str, Tensor]],
    *,
    seed: int,
    at: Position,
) -> dict[str, Float[Tensor, ""]]:
    """Change the critic once, and at every `critic_steps`-th step the network after it, both by this global batch.

    The critic makes D(true) - D(predicted) as large as it can, D being its mean over the batch; the network makes
    `pixel_weight` times its pixel loss - D(predicted) as small as it can. Returns, as `take_step` does, the network's
    loss (`total`), its terms, `adversarial` = -D(predicted), and `critic` = D(predicted) - D(true), the critic's loss;
    all are of before the step. Source: bouafif2020, equation 3; alternation and clipping from Su et al. 2018.
    """
    adversary, critic = check_adversary(experiment), learner.critic
    if critic is None:
        raise ValueError("an adversarial step needs a learner with a critic")
    batches = [
        augmented(batch_on(learner.machine.device, next(arrays)), experiment, portion, seed=seed, epoch=at.epoch)
        for portion in portions
    ]
    sums = _change_critic(learner, critic, experiment, portions, batches, clip=adversary.clip)
    if (at.step + 1) % adversary.critic_steps == 0:
        _change_network(learner, critic, experiment, portions, batches)
    return sums


def _change_critic(
    learner: Learner,
    critic: Critic,
    experiment: Experiment,
    portions: Sequence[Portion],
    batches: Sequence[Batch],
    *,
    clip: float,
) -> dict[str, Float[Tensor, ""]]:
    machine, quantity, sums = learner.machine, quantity_of(experiment), {}
    critic.optimiser.zero_grad(set_to_none=True)
    for number, (portion, batch) in enumerate(zip(portions, batches, strict=True), start=1):
        with torch.no_grad():
            predicted = called(learner.network, batch.rgb, machine=machine)
            target = quantity.encode(batch, experiment)
            loss, terms = quantity.loss(predicted, target, experiment)
        judged = {}
        # One after the other, with a backward pass each: batch norm sees true and predicted maps apart, and processes
        # that share statistics may not compute twice before they go back.
        for sign, maps in ((-1, target), (1, predicted)):
            last = number == len(portions) and sign == 1
            with nullcontext() if last else unshared(critic.network):
                judged[sign] = called(critic.network, batch.rgb, maps, machine=machine).mean()
                weight = sign * portion.weight * machine.processes.world_size
                learner.scaler.scale(judged[sign] * weight).backward()
        said, true = judged[1].detach(), judged[-1].detach()
        losses = {"total": loss - said, **terms, "adversarial": -said, "critic": said - true}
        add_weighted(sums, losses, portion.weight)
    learner.scaler.step(critic.optimiser)
    learner.scaler.update()
    with torch.no_grad():
        for parameter in critic.bare.parameters():
            parameter.clamp_(-clip, clip)
    return sums


def _change_network(
    learner: Learner,
    critic: Critic,
    experiment: Experiment,
    portions: Sequence[Portion],
    batches: Sequence[Batch],
) -> None:
    machine, quantity = learner.machine, quantity_of(experiment)
    learner.optimiser.zero_grad(set_to_none=True)
    _let_learn(critic.bare, False)
    for number, (portion, batch) in enumerate(zip(portions, batches, strict=True), start=1):
        with unshared(learner.network) if number < len(portions) else nullcontext():
            predicted = called(learner.network, batch.rgb, machine=machine)
            loss, _ = quantity.loss(predicted, quantity.encode(batch, experiment), experiment)
            said = called(critic.bare, batch.rgb, predicted, machine=machine).mean()
            learner.scaler.scale((loss - said) * (portion.weight * machine.processes.world_size)).backward()
    _let_learn(critic.bare, True)
    learner.scaler.step(learner.optimiser)
    learner.scaler.update()


def _let_learn(network: nn.Module, learns: bool) -> None:
    """Whether backward passes give the network's weights a gradient."""
    for parameter in network.parameters():
        parameter.requires_grad_(learns)
