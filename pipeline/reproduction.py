"""Reproduction: a published frame rendered once more, exactly as published, and compared with what is in the store."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet
from PIL import Image

from pipeline.errors import PipelineError
from pipeline.frame_differences import differences
from pipeline.frame_set import Address, FrameSet, dataset_manifest, published_recipe, records_of
from pipeline.single_frame import render_single_frame, single_shards
from render.asset_library import assets_source
from render.config import Recipe
from render.dataset_format import (
    DATASET_INDEX,
    LAYERS,
    SHARD_RUN,
    FrameRecord,
    read_ground_truth,
    read_records,
    read_rgb,
)
from render.frame_keys import asset_hashes, key_inputs
from render.sampling.frame import draw_frame
from render.shard_plan import Product

BLEND = "frame.blend"


@dataclass(frozen=True)
class PublishedFrame:
    """A frame of a dataset: by product, its record and the shard (a folder) that holds it."""

    dataset: Path
    address: Address
    recipe: Recipe
    records: Mapping[Product, FrameRecord]
    shards: Mapping[Product, Path]


@dataclass(frozen=True)
class Reproduction:
    """What came out, a line for each product, and whether everything that must be equal bit for bit is."""

    lines: tuple[str, ...]
    exact: bool


def published_frame(dataset: Path, frames: FrameSet, address: Address) -> PublishedFrame:
    """A frame of a dataset with its records. Raises: PipelineError when a shard of it is gone."""
    manifest, store = dataset_manifest(dataset), dataset.parent.parent
    where = [("split", "==", address[0]), ("frame_index", "==", address[1])]
    columns = [f"{product}_shard" for product in frames.keys]
    (row,) = pyarrow.parquet.read_table(dataset / DATASET_INDEX, columns=columns, filters=where).to_pylist()
    shards: dict[Product, Path] = {product: store / row[f"{product}_shard"] for product in frames.keys}
    records: dict[Product, FrameRecord] = {}
    for product, shard in shards.items():
        key = str(frames.key(product, address))
        found = records_of(shard, [key])
        if not found:
            raise PipelineError(
                f"{shard} does not hold {product} of {address[0]}/{address[1]} (key {key}) any more; "
                "run the dataset again to render what was lost"
            )
        records[product] = found[0]
    return PublishedFrame(dataset, address, published_recipe(manifest), records, shards)


def check_same_keys(frame: PublishedFrame, frames: FrameSet, *, source: str | None) -> None:
    """Check that this version would render the very frame. Raises: PipelineError with the first input that differs."""
    parameters = draw_frame(frame.recipe, *frame.address)
    assets = asset_hashes(frame.recipe, source=source)
    for product in frame.records:
        before = frames.inputs(product, [frame.address])[frame.address]
        found = differences(before, key_inputs(parameters, product, frame.recipe, assets))
        if found:
            raise PipelineError(
                f"{product} of {frame.address[0]}/{frame.address[1]} cannot be rendered as published: {found[0]} "
                f"({len(found)} inputs differ); use the version of Headroom, bpy and assets that made it"
            )


def published_device(frame: PublishedFrame) -> str:
    """The device that rendered a published frame, `cpu` where that is not on record."""
    try:
        return json.loads((frame.shards["gt"] / SHARD_RUN).read_bytes())["device"]
    except (OSError, ValueError, KeyError):
        return "cpu"


def reproduce(
    frame: PublishedFrame, frames: FrameSet, folder: Path, *, device: str, asked_assets: str | None
) -> Reproduction:
    """Render the frame again below a folder that exists and is empty, with its scene in BLEND, and compare.

    Raises: PipelineError when this version makes another frame of the recipe, or the renderer fails.
    """
    source = assets_source(asked_assets)
    check_same_keys(frame, frames, source=source)
    out = render_single_frame(
        frame.recipe,
        frame.address,
        folder,
        device=device,
        assets_source=source,
        blend=folder / BLEND,
        stage="repro",
    )
    lines, exact = [], True
    for product, shard in single_shards(out).items():
        (record,) = read_records(shard)
        before, now = frame.records[product], shard / record.file  # pyright: ignore[reportArgumentType]
        there = frame.shards[product] / before.file  # pyright: ignore[reportArgumentType]
        if product == "rgb":
            lines.append(compare_pictures(there, now))
            continue
        found = list(compare_truth(there, now)) if product == "gt" else list(compare_measured(there, now))
        if before.geometry != record.geometry:
            found.append("camera, head pose or landmarks differ")
        what = "ground truth" if product == "gt" else "measured depth"
        lines.append(f"{what}: {'differs: ' + '; '.join(found) if found else 'equal, bit for bit'}")
        exact = exact and not found
    return Reproduction(lines=tuple(lines), exact=exact)


def compare_truth(before: Path, now: Path) -> Iterator[str]:
    """A phrase for each array of ground truth that is not equal bit for bit, with its largest difference."""
    ours, theirs = read_ground_truth(before), read_ground_truth(now)
    pairs = {"labels": (ours.labels, theirs.labels)}
    for layer in LAYERS:
        one, other = getattr(ours, layer), getattr(theirs, layer)
        for name in ("depth_m", "normals_cam", "gradient_magnitude"):
            pairs[f"{layer}.{name}"] = (getattr(one, name), getattr(other, name))
    for name, (one, other) in pairs.items():
        yield from _difference(name, one, other)


def compare_measured(before: Path, now: Path) -> Iterator[str]:
    """A phrase when measured depth in millimetres is not equal."""
    ours, theirs = (np.asarray(Image.open(path)) for path in (before, now))
    yield from _difference("depth in mm", ours, theirs)


def compare_pictures(before: Path, now: Path) -> str:
    """The largest and the mean difference of two pictures in 8-bit levels; another device may round otherwise."""
    ours, theirs = read_rgb(before), read_rgb(now)
    if ours.shape != theirs.shape:
        return f"picture: {theirs.shape[1]} x {theirs.shape[0]} pixels instead of {ours.shape[1]} x {ours.shape[0]}"
    off = np.abs(ours.astype(int) - theirs)
    if not off.any():
        return "picture: equal, bit for bit"
    return f"picture: largest difference {off.max()} of 255 levels, mean {off.mean():.4f}"


def _difference(name: str, one: np.ndarray, other: np.ndarray) -> Iterator[str]:
    if one.shape != other.shape:
        yield f"{name} has shape {other.shape} instead of {one.shape}"
    elif not np.array_equal(one, other):
        off = np.abs(one.astype(float) - other)
        pixels = int((off.reshape(*off.shape[:2], -1) > 0).any(axis=-1).sum())
        yield f"{name} by up to {off.max():.3g} in {pixels} of {off.shape[0] * off.shape[1]} pixels"
