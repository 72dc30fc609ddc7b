"""Exporting a dataset into a folder that a reader without Headroom can use: complete under its name, or not there."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pipeline.console import say
from pipeline.dataset_card.write_card import write_card
from pipeline.errors import PipelineError
from pipeline.exports.coco import write_coco
from pipeline.exports.folders import write_folders
from pipeline.exports.frame_files import TruthForm
from pipeline.exports.reading_guide import Contents, reading_guide
from pipeline.exports.webdataset import write_tars
from pipeline.new_folder import new_folder
from pipeline.published_dataset import PublishedDataset, PublishedFrame, published_frames
from render.dataset_format import Product
from train.progress import progress

Format = Literal["folders", "webdataset", "coco"]
FORMATS: tuple[Format, ...] = ("folders", "webdataset", "coco")
SUMMARY = "export.json"


@dataclass(frozen=True)
class ExportOptions:
    """What is exported, and how. `licence` is the publisher's choice, empty where there is none."""

    format: Format
    splits: tuple[str, ...]
    products: tuple[Product, ...]
    truth: TruthForm = "exr"
    tar_bytes: int = 10**9
    licence: str = ""


def export_dataset(dataset: PublishedDataset, out: Path, options: ExportOptions) -> None:
    """Write an export into a new folder. It appears there complete: frames, records, card, licences, certificate.

    Raises: PipelineError when the folder is there already or lies in the store, or something is asked for that the
    dataset has not; DatasetError when a published file is not what its record promises.
    """
    _check(dataset, options)
    contents = Contents(
        splits=tuple(split for split in dataset.frames if split in options.splits),
        rgb_suffix=dataset.manifest.recipe["rgb"]["file_format"] if "rgb" in options.products else None,
        truth=options.truth if "gt" in options.products else None,
    )
    exported: Counter[str] = Counter()
    total = sum(dataset.frames[split] for split in contents.splits)
    with new_folder(out, apart_from=dataset.store) as folder:
        frames = progress(published_frames(dataset, splits=contents.splits), total=total, label="export", unit="frames")
        _write_frames(_counted(frames, exported), folder, dataset, options)
        say("export", "writing the card")
        write_card(
            dataset,
            folder,
            licence=options.licence,
            files=reading_guide(contents, template=options.format),
            data_files=[{"split": split, "path": f"{split}-*.tar"} for split in contents.splits]
            if options.format == "webdataset"
            else [],
        )
        summary = {
            "dataset_id": dataset.manifest.dataset_id,
            "format": options.format,
            "frames": dict(exported),
            "products": options.products,
            "truth": contents.truth,
            "headroom": version("headroom"),
        }
        (folder / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n")


def _check(dataset: PublishedDataset, options: ExportOptions) -> None:
    for split in options.splits:
        if split not in dataset.frames:
            raise PipelineError(f"{dataset.folder} has no frame in split {split!r}; it has {dataset.frames}")
    for product in options.products:
        if product not in dataset.products:
            raise PipelineError(f"{dataset.folder} has no product {product!r}; it has {', '.join(dataset.products)}")


def _counted(frames: Iterator[PublishedFrame], exported: Counter[str]) -> Iterator[PublishedFrame]:
    for frame in frames:
        yield frame
        exported[frame.row["split"]] += 1


def _write_frames(
    frames: Iterator[PublishedFrame], folder: Path, dataset: PublishedDataset, options: ExportOptions
) -> None:
    products, truth = options.products, options.truth
    if options.format == "folders":
        write_folders(frames, folder, products=products, truth_form=truth)
    elif options.format == "webdataset":
        write_tars(frames, folder, products=products, truth_form=truth, tar_bytes=options.tar_bytes)
    else:
        description = "synthetic heads with exact depth and normals, rendered by Headroom"
        info = {"description": f"{dataset.manifest.name}: {description}", "version": dataset.manifest.dataset_id}
        licences = [{"id": 1, "name": options.licence or "not chosen yet, see README.md", "url": ""}]
        write_coco(frames, folder, products=products, truth_form=truth, info=info, licences=licences)
