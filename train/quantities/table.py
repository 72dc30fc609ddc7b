"""Which experiment is of which quantity: the one place that knows."""

from train.depth_spec import DepthExperiment
from train.normals_spec import NormalsExperiment
from train.quantities.contract import Quantity
from train.quantities.depth import DEPTH
from train.quantities.normals import NORMALS
from train.spec import Experiment


def quantity_of(experiment: Experiment) -> Quantity:
    """What the network of an experiment predicts."""
    match experiment:
        case DepthExperiment():
            return DEPTH
        case NormalsExperiment():
            return NORMALS
