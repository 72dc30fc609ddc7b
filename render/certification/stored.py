"""Ground truth as a reader of a dataset gets it: written to a file and read back, with all that is lost on the way."""

import tempfile
from pathlib import Path

from render.dataset_format import GroundTruth, read_ground_truth, write_ground_truth


def stored(truth: GroundTruth) -> GroundTruth:
    """What comes back from the file that a dataset would hold."""
    with tempfile.TemporaryDirectory(prefix="headroom-certificate-") as folder:
        path = Path(folder) / "frame.exr"
        write_ground_truth(path, truth)
        return read_ground_truth(path)
