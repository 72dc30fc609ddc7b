"""The catalogue: one dictionary of all experiments, and one of all networks."""

import dataclasses

from train.errors import InputError
from train.papers import khan2021
from train.spec import SETTABLE_PARTS, Experiment, NetworkSpec


def experiments() -> dict[str, Experiment]:
    """Every experiment by its key, in the order of the papers' tables."""
    return {experiment.key: experiment for experiment in (*khan2021.EXPERIMENTS,)}


def find_experiment(key: str) -> Experiment:
    """The experiment of that key. Raises: InputError that lists the known keys."""
    known = experiments()
    if key not in known:
        raise InputError(f"no experiment {key!r}. Known: {', '.join(known)}")
    return known[key]


def described_now(experiment: Experiment) -> Experiment:
    """The same settings, with the title, the reported numbers and the assumptions that the catalogue has now.

    No training depends on those, so a correction of them needs no training anew. Raises: as `find_experiment`.
    """
    listed = find_experiment(experiment.key)
    return dataclasses.replace(listed, **{part: getattr(experiment, part) for part in SETTABLE_PARTS})


def build_network(spec: NetworkSpec):
    """A network (nn.Module, random weights from torch's generator) that maps (b, 3, h, w) in 0..1 to (b, 1, h, w).

    Raises: InputError when no network has that kind.
    """
    # torch takes seconds to import, and listing or checking experiments needs none of it.
    from train.networks.unet_simple import UNetSimple

    networks = {
        "unet_simple": lambda: UNetSimple(width=spec.width),
    }
    if spec.kind not in networks:
        raise InputError(f"no network of kind {spec.kind!r}. Known: {', '.join(networks)}")
    return networks[spec.kind]()
