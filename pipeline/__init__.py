"""`luigi --module pipeline FullRun`: importing the package registers its tasks and sets luigi's defaults."""

import sys

from pipeline.full_run import FullRun
from pipeline.luigi_defaults import set_luigi_defaults
from pipeline.shared_exit_code import count_what_others_did
from pipeline.tasks.build_report import BuildReport
from pipeline.tasks.certify import Certify
from pipeline.tasks.fetch_assets import FetchAssets
from pipeline.tasks.render_chunk import RenderChunk
from pipeline.tasks.render_dataset import RenderDataset
from pipeline.tasks.train_network import EvaluateNetwork, MeasureFloor, PackDataset, TrainNetwork

__all__ = [
    "BuildReport",
    "Certify",
    "EvaluateNetwork",
    "FetchAssets",
    "FullRun",
    "MeasureFloor",
    "PackDataset",
    "RenderChunk",
    "RenderDataset",
    "TrainNetwork",
]

set_luigi_defaults(sys.argv[1:])
count_what_others_did()
