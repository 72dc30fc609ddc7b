"""The files of one frame as an export holds them: pictures as published, ground truth in a form to choose."""

import io
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from pipeline.errors import PipelineError
from pipeline.published_dataset import PublishedFrame, read_as_published
from render.dataset_format import LAYERS, FrameRecord, GroundTruth, Product

TruthForm = Literal["exr", "png", "npy"]
TRUTH_FORMS: tuple[TruthForm, ...] = ("exr", "png", "npy")
PNG_STEPS_PER_METRE = 10_000
MOST = 2**16 - 1
ADDRESS = (
    "split",
    "frame_index",
    "identity_index",
    "instant_index",
    "view_index",
    "light_index",
    "sequence",
    "step",
)


@dataclass(frozen=True)
class ExportedFile:
    """One file: what it shows (`rgb`, `gt`, `depth_visible` …), its suffix without the dot, its bytes."""

    kind: str
    suffix: str
    content: bytes


def frame_files(
    frame: PublishedFrame, *, products: Collection[Product], truth_form: TruthForm
) -> Iterator[ExportedFile]:
    """The files of a frame, sorted by kind. Published bytes are compared with their hash on the way.

    Raises: DatasetError when a file is not what its record promises; PipelineError when it cannot be held by the form.
    """
    files = []
    for product in products:
        if product == "gt" and truth_form != "exr":
            files += _truth_files(frame, truth_form)
        else:
            path = frame.files[product]
            content = read_as_published(path, frame.records[product].file_sha256)
            files.append(ExportedFile(product, path.suffix[1:], content))
    yield from sorted(files, key=lambda file: file.kind)


def frame_description(frame: PublishedFrame, files: dict[str, str]) -> dict:
    """All that is known of a frame as plain data; `files` maps each kind of file to its name in the export."""
    records: list[FrameRecord] = list(frame.records.values())
    return {
        "name": frame.name,
        **{name: frame.row[name] for name in ADDRESS},
        "identity_id": records[0].identity_id,
        "files": files,
        "geometry": frame.geometry.model_dump(mode="json"),
        "drawn": {factor: values for record in records for factor, values in record.drawn.items()},
        "keys": {record.product: record.key for record in records},
        "assets": {asset: sha256 for record in records for asset, sha256 in record.assets.items()},
        "epochs": {part: epoch for record in records for part, epoch in record.epochs.items()},
        "software": {name: version for record in records for name, version in record.software.items()},
    }


def _truth_files(frame: PublishedFrame, form: TruthForm) -> list[ExportedFile]:
    truth = frame.read_truth()
    arrays: dict[str, np.ndarray] = {"labels": truth.labels}
    for layer in LAYERS:
        surface = getattr(truth, layer)
        arrays |= {f"depth_{layer}": surface.depth_m, f"normals_{layer}": surface.normals_cam}
        arrays[f"gradient_{layer}"] = surface.gradient_magnitude
    if form == "npy":
        return [ExportedFile(kind, "npy", npy_bytes(array)) for kind, array in arrays.items()]
    return [ExportedFile(kind, "png", content) for kind, content in _png_files(frame.name, truth)]


def _png_files(name: str, truth: GroundTruth) -> Iterator[tuple[str, bytes]]:
    yield "labels", png_bytes(truth.labels)
    for layer in LAYERS:
        surface = getattr(truth, layer)
        if surface.depth_m.max() * PNG_STEPS_PER_METRE > MOST:
            raise PipelineError(
                f"frame {name} shows something {surface.depth_m.max():.2f} m away, but 16-bit PNG in steps of 0.1 mm "
                f"ends at {MOST / PNG_STEPS_PER_METRE:.2f} m; export with --truth exr or --truth npy"
            )
        yield f"depth_{layer}", png_bytes(np.rint(surface.depth_m * PNG_STEPS_PER_METRE).astype(np.uint16))
        yield f"normals_{layer}", png_bytes(normals_in_16_bits(surface.normals_cam))


def normals_in_16_bits(normals_cam: Float32[np.ndarray, "h w 3"]) -> UInt16[np.ndarray, "h w 3"]:
    """Components -1 … 1 as 1 … 65535, so that 0, 0, 0 is free to mean that there is none."""
    steps = np.rint((normals_cam + 1) / 2 * (MOST - 1)).astype(np.uint16) + np.uint16(1)
    return np.where(normals_cam.any(axis=-1, keepdims=True), steps, np.uint16(0))


def npy_bytes(array: np.ndarray) -> bytes:
    """An array as NumPy's own file."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


def png_bytes(pixels: UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"] | UInt16[np.ndarray, "h w 3"]) -> bytes:
    """A PNG of grey or RGB pixels with 8 or 16 bits a channel; the same pixels always make the same bytes.

    Written here because Pillow has no RGB of 16 bits. Source: the PNG specification, third edition; every row holds
    differences to the row above (filter 2).
    """
    height, width = pixels.shape[:2]
    depth = 8 * pixels.dtype.itemsize
    rows = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    filtered = np.full((height, 1 + rows.shape[1]), 2, np.uint8)
    filtered[0, 1:], filtered[1:, 1:] = rows[0], rows[1:] - rows[:-1]
    header = struct.pack(">IIBBBBB", width, height, depth, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
