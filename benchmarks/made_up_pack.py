"""A made-up pack of noise, with the layout of a real one: for measuring, not for learning."""

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from render.dataset_format import LAYERS
from train.data.pack import PACK_INFO, PACK_ROWS, PACK_VERSION, PackInfo, PackRow, array_layout

NEAREST_M, FARTHEST_M = 0.7, 1.2


def write_made_up_pack(folder: Path, *, frames: int, width_px: int, height_px: int) -> None:
    """Write a pack of `frames` training frames: random pictures, smooth depths, no person twice."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    focal_px = 1.2 * width_px
    intrinsics_px = [[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1]]
    ramp_m = np.linspace(NEAREST_M, FARTHEST_M, width_px, dtype=np.float32)
    for name, (dtype, shape) in array_layout(frames, width_px=width_px, height_px=height_px).items():
        if name == "rgb":
            array = random.integers(0, 256, size=shape, dtype=np.uint8)
        elif name == "intrinsics_px":
            array = np.broadcast_to(np.array(intrinsics_px, dtype), shape)
        elif name.endswith("depth_m"):
            array = np.broadcast_to(ramp_m, shape)
        else:
            array = np.ones(shape, dtype)
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array))
    rows = [
        PackRow(
            row=number,
            split="train",
            frame_index=number,
            identity_index=number,
            identity_id=f"nobody-{number}",
            gt_key="",
            rgb_key="",
            backdrop_kind="",
            yaw_deg=0.0,
            pitch_deg=0.0,
            roll_deg=0.0,
        )
        for number in range(frames)
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row.model_dump() for row in rows]), folder / PACK_ROWS)
    info = PackInfo(
        pack_version=PACK_VERSION,
        dataset_id="made up",
        dataset_name="made up",
        index_sha256="0" * 64,
        width_px=width_px,
        height_px=height_px,
        frames={"train": frames},
        identities={"train": frames},
        nearest_depth_m=dict.fromkeys(LAYERS, NEAREST_M),
        farthest_depth_m=dict.fromkeys(LAYERS, FARTHEST_M),
    )
    (folder / PACK_INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")
