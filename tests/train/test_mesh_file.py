"""Rules of train.mesh_file, checked by reading the file back with a parser of our own."""

from pathlib import Path

import numpy as np

from train.geometry import pinhole_intrinsics_px
from train.mesh_file import Mesh, mesh_of_depth, write_ply

INTRINSICS_PX = pinhole_intrinsics_px(40.0, width_px=9, height_px=7)


def read_ply(path: Path) -> Mesh:
    """Read a binary PLY with exactly the properties that write_ply promises."""
    header, body = path.read_bytes().split(b"end_header\n", 1)
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    counts = {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("element")}
    vertex = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])
    vertices = np.frombuffer(body[: counts["vertex"] * vertex.itemsize], vertex)
    face = np.dtype([("corners", "u1"), ("vertices", "<i4", 3)])
    faces = np.frombuffer(body[counts["vertex"] * vertex.itemsize :], face)
    assert len(faces) == counts["face"]
    assert np.all(faces["corners"] == 3)
    return Mesh(vertices_m=vertices["xyz"], colours_srgb=vertices["rgb"], triangles=faces["vertices"])


def colours(height_px: int, width_px: int) -> np.ndarray:
    """A picture in which every pixel has another colour."""
    pixel = np.arange(height_px * width_px).reshape(height_px, width_px)
    return np.stack([pixel, 255 - pixel, pixel * 2], axis=-1).astype(np.uint8)


def test_a_full_picture_becomes_two_triangles_a_cell_and_survives_the_file(tmp_path: Path):
    """A slanted plane of 7 x 9 pixels gives 63 vertices and 96 triangles, unchanged by writing and reading."""
    depth_m = np.linspace(0.8, 0.9, 63).reshape(7, 9)
    mesh = mesh_of_depth(depth_m, colours(7, 9), INTRINSICS_PX)
    write_ply(tmp_path / "mesh.ply", mesh)
    read = read_ply(tmp_path / "mesh.ply")
    assert read.vertices_m.shape == (63, 3)
    assert read.triangles.shape == (2 * 6 * 8, 3)
    np.testing.assert_array_equal(read.vertices_m, mesh.vertices_m)
    np.testing.assert_array_equal(read.triangles, mesh.triangles)
    np.testing.assert_array_equal(read.colours_srgb, colours(7, 9).reshape(-1, 3))


def test_vertices_are_upright_for_a_viewer_and_nothing_is_mirrored():
    """Image right is +x, image up is +y, nearer is greater z; all triangles face the viewer."""
    depth_m = np.full((7, 9), 0.8)
    depth_m[:, 4] = 0.79
    mesh = mesh_of_depth(depth_m, colours(7, 9), INTRINSICS_PX)
    grid = mesh.vertices_m.reshape(7, 9, 3)
    assert np.all(np.diff(grid[..., 0], axis=1) > 0)
    assert np.all(np.diff(grid[..., 1], axis=0) < 0)
    np.testing.assert_allclose(grid[3, 4], [0, 0, -0.79], atol=1e-7)
    a, b, c = (mesh.vertices_m[mesh.triangles[:, corner]].astype(np.float64) for corner in range(3))
    outward = np.cross(b - a, c - a)
    assert np.all(np.einsum("ij,ij->i", outward, -(a + b + c) / 3) > 0)


def test_no_triangle_bridges_a_depth_jump_or_touches_the_background():
    """Two halves 30 cm apart, and a hole: each triangle stays on one half, and no vertex has depth 0."""
    depth_m = np.full((7, 9), 0.8)
    depth_m[:, 5:] = 1.1
    depth_m[2, 2] = 0.0
    mesh = mesh_of_depth(depth_m, colours(7, 9), INTRINSICS_PX)
    depth_of_corners = -mesh.vertices_m[mesh.triangles][..., 2]
    assert np.ptp(depth_of_corners, axis=1).max() < 1e-6
    assert depth_of_corners.min() > 0.79
    # 6 x 7 cells beside the jump; the hole is a corner of six triangles.
    assert len(mesh.triangles) == 2 * 6 * 7 - 6
    assert len(np.unique(mesh.triangles)) == len(mesh.vertices_m) == 7 * 9 - 1


def test_a_picture_without_surface_gives_an_empty_but_readable_file(tmp_path: Path):
    """Depth 0 everywhere is no error: the file has no vertex and no triangle."""
    write_ply(tmp_path / "empty.ply", mesh_of_depth(np.zeros((7, 9)), colours(7, 9), INTRINSICS_PX))
    read = read_ply(tmp_path / "empty.ply")
    assert len(read.vertices_m) == len(read.triangles) == 0
