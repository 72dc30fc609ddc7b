"""The catalogue: all experiments by key, and the one place that turns a network's specification into code."""

import dataclasses

from train.errors import InputError
from train.network_spec import DenseDepthSpec, NetworkSpec, SegformerSpec, StridedUNetSpec, UNetSimpleSpec
from train.papers import bouafif2020, khan2021
from train.spec import Experiment, OneExperiment, settable_parts


def experiments() -> dict[str, Experiment]:
    """Every experiment by its key, in the order of the papers' tables."""
    return {experiment.key: experiment for experiment in (*khan2021.EXPERIMENTS, *bouafif2020.EXPERIMENTS)}


def find_experiment(key: str) -> Experiment:
    """The experiment of that key. Raises: InputError that lists the known keys."""
    known = experiments()
    if key not in known:
        raise InputError(f"no experiment {key!r}. Known: {', '.join(known)}")
    return known[key]


def described_now(experiment: OneExperiment) -> OneExperiment:
    """The same settings, with the title, the reported numbers and the assumptions that the catalogue has now.

    No training depends on those, so a correction of them needs no training anew. Raises: as `find_experiment`.
    """
    listed = find_experiment(experiment.key)
    settings = {part: getattr(experiment, part) for part in settable_parts(experiment)}
    described = dataclasses.replace(listed, **settings)
    assert isinstance(described, type(experiment))
    return described


def build_network(spec: NetworkSpec, *, for_stored_weights: bool = False):
    """A network (nn.Module) that maps (b, 3, h, w) in 0..1 to maps of that size, with the weights it starts at.

    Random numbers come from torch's generator; weights="imagenet" reads smp's cache or the network, unless stored
    weights will replace all of it anyway (`for_stored_weights`). Each network has `encoder_parameters()`, and those of
    depth, which give one map, have `start_at(mean)`. Raises: InputError when no network has that kind, or ImageNet
    weights cannot be loaded.
    """
    # torch takes seconds to import, and listing or checking experiments needs none of it.
    match spec:
        case UNetSimpleSpec():
            from train.networks.unet_simple import UNetSimple

            return UNetSimple(width=spec.width)
        case DenseDepthSpec():
            from train.networks.dense_depth import DenseDepth

            return DenseDepth(
                encoder=spec.encoder,
                imagenet=spec.weights == "imagenet" and not for_stored_weights,
                decoder_width=spec.decoder_width,
                activation_between=spec.activation_between,
            )
        case SegformerSpec():
            from train.networks.segformer import SegformerDepth

            return SegformerDepth(
                encoder=spec.encoder,
                imagenet=spec.weights == "imagenet" and not for_stored_weights,
                decoder_width=spec.decoder_width,
            )
        case StridedUNetSpec():
            from train.networks.strided_unet import StridedUNet
            from train.normals_encoding import MAPS

            return StridedUNet(width=spec.width, levels=spec.levels, out_maps=MAPS)
    raise InputError(f"no network is built for a {type(spec).__name__} ({spec}); the kinds are those of NetworkSpec")
