"""Validation: the scores of a network in training on frames that it does not learn from."""

import numpy as np
from torch import nn

from train.data.batches import batches_in_order
from train.data.pack import Pack
from train.inference import predict_depth_m
from train.metrics.depth import dataset_scores, image_sums
from train.processes import Processes, copy_statistics, gathered
from train.spec import Experiment


def validate(
    network: nn.Module, experiment: Experiment, pack: Pack, rows: np.ndarray, *, processes: Processes
) -> dict[str, dict[str, float]]:
    """Pooled scores by mask over some rows of the experiment's layer; empty when there are no rows.

    Each process predicts its share of the rows, with the statistics of the first, and every one gets all the scores.
    """
    copy_statistics(network, processes)
    share = np.array_split(rows, processes.world_size)[processes.rank]
    layer = pack.layers[experiment.layer]
    sums = []
    for batch in batches_in_order(share, batch_size=experiment.schedule.global_batch):
        predicted_m = predict_depth_m(network, experiment, pack.rgb[batch], intrinsics_px=pack.intrinsics_px[batch])
        sums += [
            image_sums(
                one_m,
                np.asarray(layer.depth_m[row]),
                np.asarray(layer.head_mask[row]),
                background_depth_m=experiment.encoding.background_depth_m,
            )
            for one_m, row in zip(predicted_m, batch, strict=True)
        ]
    return {mask: both["pooled"] for mask, both in dataset_scores(gathered(sums, processes)).items()}
