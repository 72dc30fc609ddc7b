"""Triangle mesh of a depth map, and its file: binary PLY in metres, with a colour at each vertex.

In the file y points up and z towards the viewer: camera axes (x right, y down, z forward) turned by 180 degrees about
x. That is a rotation, so nothing is mirrored, and mesh viewers show the face upright and from the front.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, UInt8

from train.geometry import back_project

# Neighbouring pixels that differ by more than this slope (depth change per lateral distance; 83 degrees) belong to
# two surfaces. Ground truth of faces stays below it but for the last pixel at a silhouette.
LARGEST_SLOPE = 8.0
VIEWER_FROM_CAMERA = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Mesh:
    """Vertices in metres (x right, y up, z to the viewer), sRGB colours, and triangles counter-clockwise from there."""

    vertices_m: Float32[np.ndarray, "n 3"]
    colours_srgb: UInt8[np.ndarray, "n 3"]
    triangles: Int32[np.ndarray, "t 3"]


def mesh_of_depth(
    depth_m: Float[np.ndarray, "h w"],
    rgb_srgb: UInt8[np.ndarray, "h w 3"],
    intrinsics_px: Float[np.ndarray, "3 3"],
    *,
    largest_slope: float = LARGEST_SLOPE,
) -> Mesh:
    """One vertex at each pixel centre that some triangle uses; no triangle touches a pixel without surface (depth 0).

    A triangle is left out where the depth of its corners differs by more than `largest_slope` times the width of a
    pixel there, so that the face is never tied to what lies behind it.
    """
    corners = _triangles_of_grid(*depth_m.shape)
    flat_depth_m = depth_m.reshape(-1).astype(np.float64)
    corner_depth_m = flat_depth_m[corners]
    nearest_m, farthest_m = corner_depth_m.min(axis=1), corner_depth_m.max(axis=1)
    pixel_width_m = nearest_m / min(intrinsics_px[0, 0], intrinsics_px[1, 1])
    kept: Bool[np.ndarray, " t"] = (nearest_m > 0) & (farthest_m - nearest_m <= largest_slope * pixel_width_m)
    used, triangles = np.unique(corners[kept], return_inverse=True)
    points_m = back_project(depth_m, intrinsics_px).reshape(-1, 3)[used] @ VIEWER_FROM_CAMERA
    return Mesh(
        vertices_m=points_m.astype(np.float32),
        colours_srgb=rgb_srgb.reshape(-1, 3)[used],
        triangles=triangles.reshape(-1, 3).astype(np.int32),
    )


def write_ply(path: Path, mesh: Mesh) -> None:
    """Write a mesh as binary little-endian PLY: float32 x y z in metres, uchar red green blue, int triangles."""
    vertices = np.empty(len(mesh.vertices_m), dtype=[("xyz", "<f4", 3), ("rgb", "u1", 3)])
    vertices["xyz"], vertices["rgb"] = mesh.vertices_m, mesh.colours_srgb
    faces = np.empty(len(mesh.triangles), dtype=[("corners", "u1"), ("vertices", "<i4", 3)])
    faces["corners"], faces["vertices"] = 3, mesh.triangles
    header = "\n".join(
        [
            "ply",
            "format binary_little_endian 1.0",
            "comment Headroom: metres; x right, y up, z towards the viewer (camera axes turned 180 degrees about x)",
            f"element vertex {len(vertices)}",
            *(f"property float {axis}" for axis in "xyz"),
            *(f"property uchar {channel}" for channel in ("red", "green", "blue")),
            f"element face {len(faces)}",
            "property list uchar int vertex_indices",
            "end_header\n",
        ]
    )
    path.write_bytes(header.encode("ascii") + vertices.tobytes() + faces.tobytes())


def _triangles_of_grid(height_px: int, width_px: int) -> Int32[np.ndarray, "t 3"]:
    """Two triangles a cell of pixel centres, counter-clockwise as seen from the camera; flat pixel numbers."""
    pixel = np.arange(height_px * width_px, dtype=np.int32).reshape(height_px, width_px)
    upper_left, upper_right = pixel[:-1, :-1].ravel(), pixel[:-1, 1:].ravel()
    lower_left, lower_right = pixel[1:, :-1].ravel(), pixel[1:, 1:].ravel()
    upper = np.stack([upper_left, lower_left, upper_right], axis=-1)
    lower = np.stack([upper_right, lower_left, lower_right], axis=-1)
    return np.concatenate([upper, lower])
