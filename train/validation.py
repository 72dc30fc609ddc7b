"""Validation: the scores of a network in training on frames that it does not learn from."""

import numpy as np
from torch import nn

from train.data.batches import batches_in_order
from train.data.pack import Pack
from train.processes import Processes, copy_statistics, gathered
from train.quantities.table import quantity_of
from train.spec import Experiment


def validate(
    network: nn.Module, experiment: Experiment, pack: Pack, rows: np.ndarray, *, processes: Processes
) -> dict[str, dict[str, float]]:
    """Pooled scores by region over some rows of the experiment's layer; empty when there are no rows.

    Each process predicts its share of the rows, with the statistics of the first, and every one gets all the scores.
    """
    copy_statistics(network, processes)
    share = np.array_split(rows, processes.world_size)[processes.rank]
    quantity, sums = quantity_of(experiment), []
    for batch in batches_in_order(share, batch_size=experiment.schedule.global_batch):
        predicted = quantity.predict(network, experiment, pack.rgb[batch], pack.intrinsics_px[batch])
        for number, row in enumerate(batch):
            one = {name: array[number] for name, array in predicted.items()}
            sums.append(quantity.image_sums(one, pack, int(row), experiment))
    return {region: both["pooled"] for region, both in quantity.dataset_scores(gathered(sums, processes)).items()}
