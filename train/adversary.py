"""Adversary: whether an experiment has a critic, in which case `fit_adversarial` trains it, and `fit` otherwise."""

from train.errors import InputError
from train.normals_spec import AdversarySpec, NormalsExperiment
from train.spec import Experiment


def adversary_of(experiment: Experiment) -> AdversarySpec | None:
    """What judges the predictions of an experiment beside its loss; None when nothing does."""
    if isinstance(experiment, NormalsExperiment) and experiment.adversary.kind != "none":
        return experiment.adversary
    return None


def check_no_adversary(experiment: Experiment) -> None:
    """Raises: InputError when the experiment has a critic."""
    if adversary_of(experiment) is not None:
        raise InputError(
            f"experiment {experiment.key!r} has a critic, which fit() does not train; call fit_adversarial() (the "
            "command `fit` chooses by itself), or set adversary.kind=none"
        )


def check_adversary(experiment: Experiment) -> AdversarySpec:
    """The adversary of an experiment. Raises: InputError when it has none."""
    adversary = adversary_of(experiment)
    if adversary is None:
        raise InputError(f"experiment {experiment.key!r} has no critic, so there is nothing adversarial; call fit()")
    return adversary
