"""What a reader of an experiment's scores must know first: what was changed of it, and what its loss cannot see."""

from train.catalogue import find_experiment
from train.depth_spec import DepthExperiment
from train.network_spec import DenseDepthSpec, SegformerSpec
from train.spec import Experiment, setting_values

WEIGHTS_NOTES = {
    "imagenet": "The encoder started from ImageNet weights, the decoder from random numbers.",
    "random": (
        "The encoder started from random numbers (network.weights = random). Large encoders need their pre-training: "
        "against a network that started from ImageNet, or a small one, these scores say nothing about the architecture."
    ),
}


def reading_notes(experiment: Experiment) -> tuple[str, ...]:
    """Sentences to stand beside the scores; they follow from the settings, so they stay true under `--set`.

    Raises: InputError when the catalogue has no experiment of that key.
    """
    notes = []
    if experiment.split_by == "frame":
        notes.append(
            "SPLIT BY FRAME. The people of the scored pictures were in the training pictures, so these scores say "
            "nothing of unseen people. They stand here to show what such a split would have claimed, and are "
            "compared with no other row."
        )
    ours, listed = setting_values(experiment), setting_values(find_experiment(experiment.key))
    changed = [f"{name} = {value} (there {listed[name]})" for name, value in ours.items() if value != listed[name]]
    if changed:
        notes.append(
            f"These are no scores of the experiment as it stands in the catalogue; changed are {', '.join(changed)}."
        )
    if isinstance(experiment.network, DenseDepthSpec | SegformerSpec):
        notes.append(WEIGHTS_NOTES[experiment.network.weights])
    if isinstance(experiment, DepthExperiment) and experiment.loss.l1 == 0:
        loss = experiment.loss
        notes.append(
            "The loss has no L1 term, so the absolute scale of depth is nearly free: a constant error changes nothing "
            f"but the luminance part of SSIM, whose weight is {loss.ssim:g} / {loss.ssim_divisor:g}. Scores in metres "
            "mostly measure that offset; the scale-aligned ones say what was learnt of the shape."
        )
    return tuple(notes)
