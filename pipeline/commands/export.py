"""`python -m pipeline export`: write a published dataset as plain folders, WebDataset tars or COCO annotations."""

import argparse
from pathlib import Path

from render.dataset_format import PRODUCTS, SPLITS

MEGABYTE = 10**6


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "export", help="write a dataset as folders, WebDataset tars or COCO annotations, with its card and licences"
    )
    add_dataset_options(parser)
    parser.add_argument("--format", choices=("folders", "webdataset", "coco"), required=True)
    parser.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet")
    parser.add_argument("--split", nargs="+", choices=SPLITS, help="which splits [default: all]")
    parser.add_argument("--products", nargs="+", choices=PRODUCTS, help="which products [default: all]")
    parser.add_argument(
        "--truth",
        choices=("exr", "png", "npy"),
        default="exr",
        help="ground truth as published (exr, the default), 16-bit PNG, or NumPy files",
    )
    parser.add_argument(
        "--tar-megabytes", type=int, default=1000, metavar="MB", help="largest tar of a WebDataset (1000)"
    )
    parser.set_defaults(run=run)


def add_dataset_options(parser: argparse.ArgumentParser) -> None:
    """Add what names a dataset and the licence that its publisher chooses."""
    parser.add_argument("dataset", help="a dataset's id, its folder, or its recipe's name (then the latest)")
    parser.add_argument("--store", type=Path, default=Path("store"), help="folder of everything that is made (store)")
    parser.add_argument("--licence", default="", help="licence that you publish under, as SPDX names it: CC-BY-4.0")


def run(options: argparse.Namespace) -> int:
    """Write the export and print its folder."""
    from pipeline.console import say
    from pipeline.errors import PipelineError
    from pipeline.exports.export_dataset import ExportOptions, export_dataset
    from pipeline.published_dataset import find_dataset

    if options.tar_megabytes < 1:
        raise PipelineError(f"--tar-megabytes must be 1 or more, but {options.tar_megabytes} came")
    dataset = find_dataset(options.dataset, options.store)
    say("export", f"dataset {dataset.manifest.name}, {dataset.manifest.dataset_id}")
    chosen = ExportOptions(
        format=options.format,
        splits=tuple(options.split or dataset.frames),
        products=tuple(options.products or dataset.products),
        truth=options.truth,
        tar_bytes=options.tar_megabytes * MEGABYTE,
        licence=options.licence,
    )
    export_dataset(dataset, options.out, chosen)
    print(options.out)
    return 0
