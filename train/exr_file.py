"""EXR files of results: named 32-bit planes, what they mean, and the camera they were seen by."""

from pathlib import Path

import numpy as np
import OpenEXR
from jaxtyping import Float, Float32


def write_exr(
    path: Path, channels: dict[str, Float32[np.ndarray, "h w"]], intrinsics_px: Float[np.ndarray, "3 3"], meaning: str
) -> None:
    """Write planes by channel name; the header says what they mean (`headroom`) and holds `intrinsicsPx`."""
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "headroom": meaning,
        "intrinsicsPx": intrinsics_px.astype(np.float32),
    }
    # OpenEXR replaces the values of the dictionary it is given, so it gets one of its own.
    with OpenEXR.File(header, dict(channels)) as file:
        file.write(str(path))


def write_normals_exr(
    path: Path, normals_cam: Float32[np.ndarray, "h w 3"], intrinsics_px: Float[np.ndarray, "3 3"]
) -> None:
    """Write unit normals as the channels normal.X, normal.Y and normal.Z."""
    axes = {f"normal.{axis}": np.ascontiguousarray(normals_cam[..., number]) for number, axis in enumerate("XYZ")}
    meaning = "unit normals in camera axes (x right, y down, z forward), 0 0 0 = none"
    write_exr(path, axes, intrinsics_px, meaning)
