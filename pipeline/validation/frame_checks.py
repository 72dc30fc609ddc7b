"""What must hold for a frame: index and records agree, keys and identities are what they hash, pixels are in range."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from pipeline.dataset_index import drawn_columns, head_distance_m, place_columns
from pipeline.frame_set import recorded_inputs
from pipeline.published_dataset import PublishedDataset, PublishedFrame, frame_of_row, records_by_key
from pipeline.validation.findings import Finding, in_dataset, in_shard
from render.bad_frame import BadFrameError
from render.config import Recipe
from render.dataset_format import (
    DATASET_INDEX,
    DATASET_MANIFEST,
    DatasetError,
    FrameRecord,
    canonical_json,
    canonical_sha256,
    read_ground_truth,
    read_rgb,
)
from render.frame_keys import key_of_inputs
from render.ground_truth.checks import check_ground_truth
from render.heads.families import FAMILIES
from render.parameters import factor_values
from render.picture import check_picture
from render.sampling.frame import draw_frame
from render.sensors.millimetre_png import read_millimetres


@dataclass(frozen=True)
class FramesJob:
    """Some rows of a dataset's index to check; `fast` reads no pixels."""

    dataset: PublishedDataset
    recipe: Recipe
    rows: Sequence[dict]
    fast: bool


def check_frames(job: FramesJob) -> list[Finding]:
    """All that is wrong with the frames of some rows; what is wrong with a whole shard is left to `check_shard`."""
    table = lru_cache(maxsize=4)(records_by_key)
    findings: list[Finding] = []
    for number, row in enumerate(job.rows):
        readable = True
        for product in job.dataset.products:
            shard = job.dataset.store / row[f"{product}_shard"]
            try:
                known = row[f"{product}_key"] in table(shard)
            except (DatasetError, OSError, ValueError):
                readable = False
                continue
            if not known:
                readable = False
                what = f"frame {_address(row)} with {product} key {row[f'{product}_key']}, as the index says"
                found = "no such frame in the shard"
                findings.append(in_dataset(shard, job.dataset.folder, expected=what, found=found))
        if not readable:
            continue
        frame = frame_of_row(job.dataset, row, table)
        findings += _check_row(job, frame)
        for product, record in frame.records.items():
            findings += _check_record(job.recipe, record, frame.files[product])
            findings += [] if job.fast else _check_file(frame, product, record)
        if number == 0 or not job.fast:  # a changed recipe shows in the first frame as in any other
            findings += _check_draws(job, frame)
    return findings


def _check_row(job: FramesJob, frame: PublishedFrame) -> list[Finding]:
    """Each column of the row against what the records say."""
    expected: dict = {
        **place_columns(job.recipe.structure, frame.row["frame_index"]),
        "head_distance_m": head_distance_m(frame.geometry),
        **{name: getattr(frame.geometry, name) for name in ("yaw_deg", "pitch_deg", "roll_deg")},
    }
    for product, record in frame.records.items():
        expected |= {f"{product}_file": record.file, "identity_id": record.identity_id}
        for factor, values in record.drawn.items():
            expected |= drawn_columns(factor, values)
    wrong = [name for name, value in expected.items() if frame.row.get(name) != value]
    return [
        in_dataset(
            job.dataset.folder / DATASET_INDEX,
            job.dataset.folder,
            expected=f"{name} {expected[name]!r} of frame {_address(frame.row)}, as its record says",
            found=repr(frame.row.get(name)),
        )
        for name in wrong
    ]


def _check_record(recipe: Recipe, record: FrameRecord, path: Path) -> list[Finding]:
    """A key is the hash of what the frame was made of, an identity that of who is shown: both are computed anew."""
    shard, found = path.parent, []
    key = key_of_inputs(recorded_inputs(record, recipe))
    if key != record.key:
        expected = f"{record.product} key {key}, the hash of its drawn values, assets, epochs and the recipe's settings"
        found.append(in_shard(path, shard, expected=expected, found=f"key {record.key} in its record"))
    identity = record.drawn["identity"]
    asset = FAMILIES[identity["family"]].asset_id
    sha256 = record.assets.get(asset) if asset else None
    identity_id = canonical_sha256([identity["family"], sha256, list(identity["coefficients"])])[:16]
    if identity_id != record.identity_id:
        expected = f"identity {identity_id}, the hash of its coefficients"
        found.append(in_shard(path, shard, expected=expected, found=f"identity {record.identity_id} in its record"))
    return found


def _check_draws(job: FramesJob, frame: PublishedFrame) -> list[Finding]:
    """The recipe in the manifest draws this frame."""
    parameters = draw_frame(job.recipe, frame.row["split"], frame.row["frame_index"])
    findings = []
    for product, record in frame.records.items():
        drawn = factor_values(parameters, product)
        wrong = [name for name in drawn if canonical_json(drawn[name]) != canonical_json(record.drawn.get(name))]
        if wrong:
            findings.append(
                in_dataset(
                    job.dataset.folder / DATASET_MANIFEST,
                    job.dataset.folder,
                    expected=f"a recipe that draws {product} of frame {_address(frame.row)} as its record says",
                    found=f"one that draws another {', '.join(wrong)}",
                )
            )
    return findings


def _check_file(frame: PublishedFrame, product: str, record: FrameRecord) -> list[Finding]:
    """The hash of a frame's file, then its pixels by the checks that it passed when it was rendered."""
    path = frame.files[product]
    try:
        content = path.read_bytes()
    except OSError:
        return []  # a missing file is a finding of its shard
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != record.file_sha256:
        found = f"sha256 {sha256[:16]}… of its {len(content)} bytes"
        return [in_shard(path, path.parent, expected=f"sha256 {record.file_sha256[:16]}…, as published", found=found)]
    try:
        size = _check_pixels(frame, product, path)
    except (BadFrameError, DatasetError) as error:
        return [in_shard(path, path.parent, expected="pixels that pass the checks of rendering", found=str(error))]
    expected = (frame.geometry.height_px, frame.geometry.width_px)
    if size != expected:
        words = [f"{width} x {height} pixels" for height, width in (expected, size)]
        return [in_shard(path, path.parent, expected=words[0], found=words[1])]
    return []


def _check_pixels(frame: PublishedFrame, product: str, path: Path) -> tuple[int, ...]:
    """Height and width of a file. Raises: BadFrameError, DatasetError."""
    if product == "gt":
        truth = read_ground_truth(path)
        if truth.labels.shape == (frame.geometry.height_px, frame.geometry.width_px):
            camera = frame.records["gt"].drawn["camera"]
            near_m, far_m = camera["clip_near_m"], camera["clip_far_m"]
            check_ground_truth(truth, frame.geometry, near_m=near_m, far_m=far_m)
        return truth.labels.shape
    if product == "sensor":
        return np.shape(read_millimetres(path))
    picture = read_rgb(path)
    check_picture(picture)
    return picture.shape[:2]


def _address(row: dict) -> str:
    return f"{row['split']}/{row['frame_index']}"
