"""Wavefront OBJ: one mesh with its polygons and texture coordinates, or only the positions of a morph target."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64, Int


class ObjError(Exception):
    """An OBJ file cannot be used; the message names the file and what is wrong with it."""


@dataclass(frozen=True)
class ObjMesh:
    """A polygon mesh in the units of its file. `face_materials` holds, for each face, a position in `materials`
    (the names after `usemtl`, in order of appearance; faces before the first `usemtl` have the name "")."""

    vertices: Float64[np.ndarray, "n 3"]
    face_sizes: Int[np.ndarray, " f"]
    face_vertices: Int[np.ndarray, " c"]
    corner_uvs: Float64[np.ndarray, "c 2"]
    materials: tuple[str, ...]
    face_materials: Int[np.ndarray, " f"]


def read_positions(path: Path, *, expected_count: int | None = None) -> Float64[np.ndarray, "n 3"]:
    """Positions of all vertices in the units of the file; faces and texture coordinates are skipped unread.

    Raises: ObjError when the file is missing, holds another number of vertices than expected, or a position that is
    no finite number.
    """
    return _positions(_lines(path), path, expected_count=expected_count)


def read_obj(path: Path) -> ObjMesh:
    """The mesh of an OBJ file: every corner must name a vertex and a texture coordinate (`f 1/1 2/2 3/3`).

    Raises: ObjError when positions or corners are broken, or there is no face at all.
    """
    lines = _lines(path)
    vertices = _positions(lines, path, expected_count=None)
    uvs = _numbers([line[3:] for line in lines if line.startswith(b"vt ")], path, what="texture coordinate", least=2)
    sizes: list[int] = []
    corners: list[bytes] = []
    materials: dict[str, int] = {}
    face_materials: list[int] = []
    material = ""
    for line in lines:
        if line.startswith(b"f "):
            face = line[2:].split()
            if len(face) < 3:
                raise ObjError(f"{path}: a face needs 3 corners or more, but {line.decode(errors='replace')!r} came")
            sizes.append(len(face))
            corners.extend(face)
            face_materials.append(materials.setdefault(material, len(materials)))
        elif line.startswith(b"usemtl "):
            material = line[7:].strip().decode(errors="replace")
    if not sizes:
        raise ObjError(f"{path} holds no face, only {len(vertices)} vertices; it is no mesh (is the file cut off?)")
    try:
        indices = np.array([corner.split(b"/")[:2] for corner in corners], dtype=np.int64)
    except ValueError as error:
        raise ObjError(f"{path}: every corner must read vertex/texture, such as 12/7 ({error})") from error
    for column, count, what in ((0, len(vertices), "vertex"), (1, len(uvs), "texture coordinate")):
        outside = (indices[:, column] < 1) | (indices[:, column] > count)
        if outside.any():
            raise ObjError(
                f"{path}: a face names {what} {indices[outside, column][0]}, but the file has 1 to {count} "
                "(counting backwards with negative numbers is not read)"
            )
    return ObjMesh(
        vertices=vertices,
        face_sizes=np.array(sizes, dtype=np.int32),
        face_vertices=(indices[:, 0] - 1).astype(np.int32),
        corner_uvs=uvs[indices[:, 1] - 1, :2],
        materials=tuple(materials),
        face_materials=np.array(face_materials, dtype=np.int32),
    )


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise ObjError(f"{path} cannot be read ({error.strerror}); verify the asset it belongs to") from error


def _positions(lines: list[bytes], path: Path, *, expected_count: int | None) -> Float64[np.ndarray, "n 3"]:
    values = _numbers([line[2:] for line in lines if line.startswith(b"v ")], path, what="vertex", least=3)
    if expected_count is not None and len(values) != expected_count:
        raise ObjError(
            f"{path} holds {len(values)} vertices, but {expected_count} were expected; every shape of a morphable "
            "head must have the vertices of its neutral mesh"
        )
    return values[:, :3]


def _numbers(rows: list[bytes], path: Path, *, what: str, least: int) -> Float[np.ndarray, "n k"]:
    """Rows of numbers as one array; all rows must be equally long."""
    if not rows:
        raise ObjError(f"{path} holds no {what}; is it an OBJ file?")
    try:
        values = np.array(b" ".join(rows).split(), dtype=np.float64)
    except ValueError as error:
        raise ObjError(f"{path}: a {what} is no number ({error})") from error
    width = values.size // len(rows)
    if width < least or values.size != width * len(rows):
        raise ObjError(f"{path}: {values.size} numbers for {len(rows)} x {what}; each needs {least} or more")
    values = values.reshape(len(rows), width)
    broken = ~np.isfinite(values).all(axis=1)
    if broken.any():
        first = int(np.argmax(broken))
        raise ObjError(
            f"{path}: {what} {first + 1} of {len(rows)} is {values[first].tolist()}, but finite numbers were expected"
        )
    return values
