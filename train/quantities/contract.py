"""Quantity: all that trainings and evaluations need to know of what a network predicts, as a record of functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from train.data.batches import Batch
from train.data.pack import Pack

# By region of the picture, by how scores were brought together, by name.
Scores = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Quantity:
    """What sets depth apart from normals. An experiment, where one is asked for, is one of this quantity.

    `with_normals`: batches carry normals and gradient magnitude too. `watched_scores` are shown after every epoch.
    `check_pack(pack, experiment)` raises InputError when a training cannot be, `check_frames(pack, rows, experiment,
    where)` when an evaluation of some rows cannot, which `where` names. `start(network, experiment, pack, rows)`
    prepares an untrained network. `encode(batch, experiment)` gives the target as the network should say it, and
    `loss(predicted, target, experiment)` the weighted loss and its terms. `predict(network, experiment, rgb_srgb,
    intrinsics_px)` gives arrays by the names they are stored under, one item a picture. `image_sums(prediction, pack,
    row, experiment)` is what one image adds to `dataset_scores`, and `frame_scores` what is said of it alone.
    """

    with_normals: bool
    watched_scores: tuple[str, ...]
    check_pack: Callable[[Pack, Any], None]
    check_frames: Callable[[Pack, np.ndarray, Any, str], None]
    start: Callable[[nn.Module, Any, Pack, np.ndarray], None]
    encode: Callable[[Batch, Any], Tensor]
    loss: Callable[[Tensor, Tensor, Any], tuple[Tensor, dict[str, Tensor]]]
    predict: Callable[[nn.Module, Any, np.ndarray, np.ndarray], dict[str, np.ndarray]]
    image_sums: Callable[[dict[str, np.ndarray], Pack, int, Any], Any]
    dataset_scores: Callable[[Sequence[Any]], Scores]
    frame_scores: Callable[[Any], dict[str, Any]]
