"""Pack: a dataset at one resolution as memory-mapped arrays, built once and published by one rename."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from jaxtyping import Bool, Float16, Float32, UInt8
from numpy.lib.format import open_memmap

from render.dataset_format import LAYERS, SPLITS, Label, Record, SurfaceLayer, publish
from train.data.dataset import Frame, RenderedDataset, open_dataset, read_frame
from train.data.resize import SurfaceSampler, resize_rgb_area
from train.errors import InputError
from train.progress import progress
from train.unpublished import unpublished_folder

PACK_VERSION = 3
PACK_INFO = "pack.json"
PACK_ROWS = "rows.parquet"
LANDMARKS = 68
# What counts as head in the `visible` layer; in the `head` layer every valid pixel does.
HEAD_LABELS = (Label.SKIN, Label.EYES, Label.MOUTH_INTERIOR, Label.HAIR, Label.GLASSES)


class PackInfo(Record):
    """What a pack was made of. Depths are the smallest and largest valid ones by layer; None without any."""

    pack_version: int
    dataset_id: str
    dataset_name: str
    index_sha256: str
    width_px: int
    height_px: int
    frames: dict[str, int]
    identities: dict[str, int]
    nearest_depth_m: dict[str, float | None]
    farthest_depth_m: dict[str, float | None]


class PackRow(Record):
    """A frame of a pack: its row in the arrays, who it shows, both products, kind of backdrop, and head pose."""

    row: int
    split: str
    frame_index: int
    identity_index: int
    identity_id: str
    gt_key: str
    rgb_key: str
    backdrop_kind: str
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True)
class PackLayer:
    """One layer of all frames. Depth in metres (0 = invalid), unit normals in the camera frame, slope, head mask."""

    depth_m: Float32[np.ndarray, "n h w"]
    normals_cam: Float16[np.ndarray, "n h w 3"]
    gradient_magnitude: Float16[np.ndarray, "n h w"]
    head_mask: Bool[np.ndarray, "n h w"]


@dataclass(frozen=True)
class Pack:
    """An opened pack; its arrays are read from disk as they are indexed, and cannot be written.

    Intrinsics and the landmarks (iBUG 68 order, hidden ones and those beyond the border too) are in its own pixels.
    """

    folder: Path
    info: PackInfo
    rows: tuple[PackRow, ...]
    rgb: UInt8[np.ndarray, "n h w 3"]
    intrinsics_px: Float32[np.ndarray, "n 3 3"]
    landmarks_2d_px: Float32[np.ndarray, "n 68 2"]
    layers: dict[str, PackLayer]


def pack_dataset(dataset: Path, out: Path, *, width_px: int, height_px: int) -> None:
    """Pack every frame of a dataset at width_px x height_px into the folder `out`.

    An equal pack that is already there is kept. Raises: InputError when the aspect ratio differs, when the frames are
    smaller than asked for, when a file is not what its record promises, or when `out` is something else.
    """
    source = open_dataset(dataset)
    if out.exists():
        _check_equal(open_pack(out).info, source, out, width_px=width_px, height_px=height_px)
        return
    if not source.rows:
        raise InputError(f"{dataset} holds no frame; nothing to pack")
    with unpublished_folder(out) as temporary:
        _write_pack(source, temporary, width_px=width_px, height_px=height_px)
        if not publish(temporary, out):
            _check_equal(open_pack(out).info, source, out, width_px=width_px, height_px=height_px)


def open_pack(folder: Path) -> Pack:
    """Open a published pack without reading its arrays.

    Raises: InputError when the folder is no pack, or its arrays do not fit its description.
    """
    try:
        info = PackInfo.model_validate_json((folder / PACK_INFO).read_bytes())
        table = pyarrow.parquet.read_table(folder / PACK_ROWS)
        rows = tuple(PackRow.model_validate(row) for row in table.to_pylist())
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r")
            for name in array_layout(len(rows), width_px=info.width_px, height_px=info.height_px)
        }
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise InputError(f"{folder} is no version {PACK_VERSION} pack: {error}. Use `python -m train pack`") from error
    if info.pack_version != PACK_VERSION:
        raise InputError(f"{folder} is a pack of version {info.pack_version}; this Headroom reads {PACK_VERSION}")
    for name, expected in array_layout(len(rows), width_px=info.width_px, height_px=info.height_px).items():
        found = (arrays[name].dtype, arrays[name].shape)
        if found != expected:
            raise InputError(
                f"{folder / name}.npy holds {found[0]} {found[1]}, but {PACK_INFO} asks for {expected[0]} "
                f"{expected[1]}; delete the pack and make it again"
            )
    layers = {
        layer: PackLayer(**{name: arrays[f"{layer}_{name}"] for name in PackLayer.__dataclass_fields__})
        for layer in LAYERS
    }
    return Pack(
        folder=folder,
        info=info,
        rows=rows,
        rgb=arrays["rgb"],
        intrinsics_px=arrays["intrinsics_px"],
        landmarks_2d_px=arrays["landmarks_2d_px"],
        layers=layers,
    )


def array_layout(frames: int, *, width_px: int, height_px: int) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
    """Type and shape of every array of a pack, by name."""
    plane = (frames, height_px, width_px)
    layout = {
        "rgb": (np.dtype(np.uint8), (*plane, 3)),
        "intrinsics_px": (np.dtype(np.float32), (frames, 3, 3)),
        "landmarks_2d_px": (np.dtype(np.float32), (frames, LANDMARKS, 2)),
    }
    for layer in LAYERS:
        layout[f"{layer}_depth_m"] = (np.dtype(np.float32), plane)
        layout[f"{layer}_normals_cam"] = (np.dtype(np.float16), (*plane, 3))
        layout[f"{layer}_gradient_magnitude"] = (np.dtype(np.float16), plane)
        layout[f"{layer}_head_mask"] = (np.dtype(np.bool_), plane)
    return layout


def rows_of_split(pack: Pack, split: str) -> np.ndarray:
    """Row numbers of one split, in pack order. Raises: InputError on an unknown split."""
    if split not in SPLITS:
        raise InputError(f"no split {split!r}; expected one of {', '.join(SPLITS)}")
    return np.array([row.row for row in pack.rows if row.split == split], dtype=np.int64)


def _write_pack(source: RenderedDataset, folder: Path, *, width_px: int, height_px: int) -> None:
    count = len(source.rows)
    arrays = {
        name: open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)
        for name, (dtype, shape) in array_layout(count, width_px=width_px, height_px=height_px).items()
    }
    nearest_m: dict[str, float | None] = dict.fromkeys(LAYERS)
    farthest_m: dict[str, float | None] = dict.fromkeys(LAYERS)
    rows: list[PackRow] = []
    for number, row in enumerate(progress(source.rows, total=count, label="packing", unit="frames")):
        frame = read_frame(source, row)
        for name, value in resize_frame(frame, width_px=width_px, height_px=height_px).items():
            arrays[name][number] = value
        for layer in LAYERS:
            depth_m = arrays[f"{layer}_depth_m"][number]
            if (depth_m > 0).any():
                nearest_m[layer] = min(float(depth_m[depth_m > 0].min()), nearest_m[layer] or np.inf)
                farthest_m[layer] = max(float(depth_m.max()), farthest_m[layer] or 0.0)
        rows.append(
            PackRow(
                row=number,
                split=row.split,
                frame_index=row.frame_index,
                identity_index=row.identity_index,
                identity_id=row.identity_id,
                gt_key=row.gt_key,
                rgb_key=row.rgb_key,
                backdrop_kind=row.backdrop_kind,
                yaw_deg=frame.geometry.yaw_deg,
                pitch_deg=frame.geometry.pitch_deg,
                roll_deg=frame.geometry.roll_deg,
            )
        )
    for array in arrays.values():
        array.flush()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row.model_dump() for row in rows]), folder / PACK_ROWS)
    info = PackInfo(
        pack_version=PACK_VERSION,
        dataset_id=source.manifest.dataset_id,
        dataset_name=source.manifest.name,
        index_sha256=source.manifest.index_sha256,
        width_px=width_px,
        height_px=height_px,
        frames={split: sum(row.split == split for row in rows) for split in SPLITS},
        identities={split: len({row.identity_id for row in rows if row.split == split}) for split in SPLITS},
        nearest_depth_m=nearest_m,
        farthest_depth_m=farthest_m,
    )
    (folder / PACK_INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")


def resize_frame(frame: Frame, *, width_px: int, height_px: int) -> dict[str, np.ndarray]:
    """One frame at another resolution, as the arrays of a pack by name.

    Intrinsics and landmarks scale by the ratio alone: pixel centres lie at +0.5, so the image corner stays at 0.
    Raises: InputError when the aspect ratio differs, or the frame has fewer pixels than asked for.
    """
    height, width = frame.rgb_srgb.shape[:2]
    if width_px * height != height_px * width:
        raise InputError(
            f"frames of {width} x {height} pixels cannot become {width_px} x {height_px}: the aspect ratio differs. "
            f"At width {width_px} the height is {width_px * height / width:g}; "
            f"at height {height_px} the width is {height_px * width / height:g}"
        )
    if width_px > width:
        raise InputError(
            f"frames of {width} x {height} pixels cannot be packed larger, at {width_px} x {height_px}; "
            "render the dataset at that size"
        )
    intrinsics_px = np.array(frame.geometry.intrinsics_px, dtype=np.float64)
    landmarks_2d_px = np.array(frame.geometry.landmarks_2d_px, dtype=np.float64)
    ratio = (width_px / width, height_px / height)
    arrays: dict[str, np.ndarray] = {
        "rgb": resize_rgb_area(frame.rgb_srgb, width_px=width_px, height_px=height_px),
        "intrinsics_px": (np.diag([*ratio, 1.0]) @ intrinsics_px).astype(np.float32),
        "landmarks_2d_px": (landmarks_2d_px * ratio).astype(np.float32),
    }
    for layer in LAYERS:
        surface: SurfaceLayer = getattr(frame.truth, layer)
        sampler = SurfaceSampler(surface.depth_m, width_px=width_px, height_px=height_px)
        labelled = np.isin(frame.truth.labels, HEAD_LABELS) if layer == "visible" else surface.depth_m > 0
        arrays[f"{layer}_depth_m"] = sampler.depth_m
        arrays[f"{layer}_normals_cam"] = sampler.normals(surface.normals_cam).astype(np.float16)
        # Half floats end at 65504; a slope beyond that is a jump between two surfaces, and any number says so.
        slope = np.minimum(sampler.scalars(surface.gradient_magnitude), np.finfo(np.float16).max)
        arrays[f"{layer}_gradient_magnitude"] = slope.astype(np.float16)
        arrays[f"{layer}_head_mask"] = sampler.mask(labelled)
    return arrays


def _check_equal(info: PackInfo, source: RenderedDataset, out: Path, *, width_px: int, height_px: int) -> None:
    there = (info.index_sha256, info.width_px, info.height_px)
    asked = (source.manifest.index_sha256, width_px, height_px)
    if there != asked:
        raise InputError(
            f"{out} is already a pack of dataset {info.dataset_id} at {info.width_px} x {info.height_px}, not of "
            f"{source.manifest.dataset_id} at {width_px} x {height_px}; choose another folder or delete it"
        )
