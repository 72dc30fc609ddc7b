"""THE CONTRACT: what a rendered dataset holds on disk, and how it is written and read.

docs/conventions.md explains axes and units. `train` may import this module and no other of `render`.
"""

import hashlib
import json
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Literal

import numpy as np
import OpenEXR
from jaxtyping import Float32, UInt8
from PIL import Image
from pydantic import BaseModel, ConfigDict

from render.publishing import publish as publish

FORMAT_VERSION = 2
Product = Literal["gt", "rgb", "sensor"]
PRODUCTS: tuple[Product, ...] = ("gt", "rgb", "sensor")
LAYERS = ("visible", "head")
SPLITS = ("train", "validation", "test")
NORMAL_STEP = 2.0**-14
SHARD_MANIFEST = "shard.json"
SHARD_RECORDS = "records.jsonl"
SHARD_RUN = "run.json"
SHARD_RECIPE = "recipe.yaml"
DATASET_MANIFEST = "manifest.json"
DATASET_INDEX = "index.parquet"
DATASET_CERTIFICATE = "certificate.json"


class Label(IntEnum):
    """Classes of the label map of the `visible` layer."""

    BACKGROUND = 0
    SKIN = 1
    EYES = 2
    MOUTH_INTERIOR = 3
    HAIR = 4
    GLASSES = 5
    CLOTHING = 6
    OCCLUDER = 7


Visibility = Literal[
    "visible",
    "outside_image",
    "behind_camera",
    "occluded_by_skin",
    "occluded_by_eyes",
    "occluded_by_mouth_interior",
    "occluded_by_hair",
    "occluded_by_glasses",
    "occluded_by_clothing",
    "occluded_by_occluder",
]


class DatasetError(Exception):
    """A dataset, shard or frame on disk is not what the contract says."""


@dataclass(frozen=True)
class SurfaceLayer:
    """One layer of ground truth: planar depth in metres (0 = invalid), unit normals in the camera frame with
    normal . ray <= 0 ((0, 0, 0) = invalid), and the dimensionless slope of the surface per unit of lateral distance."""

    depth_m: Float32[np.ndarray, "h w"]
    normals_cam: Float32[np.ndarray, "h w 3"]
    gradient_magnitude: Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class GroundTruth:
    """`visible` is the first hit of everything; `head` is head and eyes alone; `labels` belongs to `visible`."""

    visible: SurfaceLayer
    head: SurfaceLayer
    labels: UInt8[np.ndarray, "h w"]


class Record(BaseModel):
    """Base of what is stored as JSON: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FrameGeometry(Record):
    """Geometry of a frame: matrices row by row, lengths in metres, angles in degrees, landmarks in iBUG 68 order."""

    width_px: int
    height_px: int
    intrinsics_px: tuple[tuple[float, float, float], ...]
    cam_from_world: tuple[tuple[float, float, float, float], ...]
    head_from_world: tuple[tuple[float, float, float, float], ...]
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    landmarks_cam_m: tuple[tuple[float, float, float], ...]
    landmarks_2d_px: tuple[tuple[float, float], ...]
    landmarks_visibility: tuple[Visibility, ...]


class FrameRecord(Record):
    """One published frame of one product; `file` is the name of its file inside the shard.

    Nothing here changes from one rendering to the next: times and machines stand in the shard's run.json.
    """

    key: str
    product: Product
    identity_id: str
    drawn: dict[str, dict]
    assets: dict[str, str]
    epochs: dict[str, int]
    software: dict[str, str]
    file: str
    file_sha256: str
    geometry: FrameGeometry | None = None


class QuarantinedFrame(Record):
    """A frame that was planned for a shard and is not in it, because it failed its checks twice.

    `failed` is the product whose check it was, which may not be the shard's own. `command`, run in the store's folder,
    makes the frame fail again; it reads the recipe that lies beside the shard's manifest.
    """

    key: str
    split: str
    index: int
    failed: str
    reason: str
    command: str


class ShardManifest(Record):
    """What a shard promises: its records table by hash, the keys of its frames in order, and what it was to hold."""

    format_version: int
    product: Product
    frame_keys: tuple[str, ...]
    records_sha256: str
    quarantined: tuple[QuarantinedFrame, ...] = ()


class DatasetManifest(Record):
    """A dataset: the shards it uses (paths relative to the store), its index (one row a frame) and its certificate.

    `frames` and `identities` count what is there; `quarantined` counts the frames that are not.
    """

    format_version: int
    dataset_id: str
    name: str
    frames: dict[str, int]
    identities: dict[str, int]
    shards: dict[str, tuple[str, ...]]
    recipe: dict
    index_sha256: str
    quarantined: dict[str, int]
    certificate_sha256: str


def write_ground_truth(path: Path, truth: GroundTruth) -> None:
    """Write one EXR: float32 depth and gradient magnitude as they are, labels (exact), and float32 normals rounded to
    multiples of NORMAL_STEP, which turns them by 0.003 degrees at worst and lets them compress."""
    channels: dict[str, np.ndarray] = {"visible.label": truth.labels.astype(np.float16)}
    for layer in LAYERS:
        surface: SurfaceLayer = getattr(truth, layer)
        channels[f"{layer}.depth_m"] = np.ascontiguousarray(surface.depth_m)
        channels[f"{layer}.gradient_magnitude"] = np.ascontiguousarray(surface.gradient_magnitude)
        for axis, name in enumerate("XYZ"):
            steps = np.rint(surface.normals_cam[..., axis] / NORMAL_STEP)
            channels[f"{layer}.normal.{name}"] = (steps * NORMAL_STEP).astype(np.float32)
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "headroom": f"format {FORMAT_VERSION}; depth planar z in metres; normals in OpenCV camera axes",
    }
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))


def read_ground_truth(path: Path) -> GroundTruth:
    """Read what `write_ground_truth` wrote; normals come back as unit vectors.

    Raises: DatasetError naming the file, and what is missing or broken in it.
    """
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = {name: channel.pixels for name, channel in file.channels().items()}
    except (OSError, RuntimeError, ValueError) as error:  # ValueError: a file that was cut or changed
        raise DatasetError(f"{path} cannot be read as EXR ({error}); delete its shard and render it again") from error

    def pixels(name: str) -> np.ndarray:
        if name not in channels:
            raise DatasetError(f"{path} has no channel {name!r}, only {sorted(channels)}; it is no Headroom gt file")
        return channels[name]

    layers = {
        layer: SurfaceLayer(
            depth_m=pixels(f"{layer}.depth_m").astype(np.float32),
            normals_cam=_unit(np.stack([pixels(f"{layer}.normal.{axis}") for axis in "XYZ"], axis=-1)),
            gradient_magnitude=pixels(f"{layer}.gradient_magnitude").astype(np.float32),
        )
        for layer in LAYERS
    }
    return GroundTruth(labels=pixels("visible.label").astype(np.uint8), **layers)


def _unit(vectors: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    """Vectors of length 1; (0, 0, 0) stays as it is."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def write_rgb(path: Path, rgb_srgb: UInt8[np.ndarray, "h w 3"], *, jpeg_quality: int = 95) -> None:
    """Write sRGB 8-bit pixels as JPEG (no chroma subsampling) or PNG, by the suffix of the path."""
    image = Image.fromarray(rgb_srgb)
    if path.suffix == ".jpg":
        image.save(path, quality=jpeg_quality, subsampling=0)
    elif path.suffix == ".png":
        image.save(path, compress_level=6)
    else:
        raise ValueError(f"an rgb frame is written as .jpg or .png, but {path.name!r} came")


def read_rgb(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """sRGB pixels of one frame. Raises: DatasetError when the file is no readable picture."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise DatasetError(f"{path} cannot be read as a picture ({error})") from error


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: object) -> str:
    """The one JSON text of a value: sorted keys, no spaces, shortest floats; hashes are taken of it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_sha256(value: object) -> str:
    """Hexadecimal sha256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def read_shard_manifest(shard: Path) -> ShardManifest:
    """The manifest of a published shard. Raises: DatasetError when it is missing or of another format version."""
    path = shard / SHARD_MANIFEST
    try:
        content = path.read_bytes()
        version = json.loads(content)["format_version"]
        if version != FORMAT_VERSION:
            raise DatasetError(f"{shard} has format {version}; this Headroom reads {FORMAT_VERSION}")
        return ShardManifest.model_validate_json(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{shard} is no shard: {path.name} cannot be read ({error}); delete it and run again"
        ) from error


def read_records(shard: Path) -> list[FrameRecord]:
    """All records of a published shard, in order. Raises: DatasetError when the table was changed or cut."""
    manifest = read_shard_manifest(shard)
    table = shard / SHARD_RECORDS
    content = table.read_bytes() if table.exists() else b""
    if hashlib.sha256(content).hexdigest() != manifest.records_sha256:
        raise DatasetError(f"{table} is not the table its shard was published with; restore it or delete the shard")
    records = [FrameRecord.model_validate_json(line) for line in content.splitlines()]
    if tuple(record.key for record in records) != manifest.frame_keys:
        raise DatasetError(f"{table} does not list the frames that {SHARD_MANIFEST} promises; delete the shard")
    return records
