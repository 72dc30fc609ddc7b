"""Triangles of a VRML 2.0 file: the mesh of all its IndexedFaceSets, found by keyword, not by line number."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int32, Int64

from train.errors import InputError

HEADER = "#VRML V2.0"
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|#[^\n]*', re.DOTALL)
_FACE_SET = re.compile(r"\bIndexedFaceSet\s*\{")
_POINTS = re.compile(r"\bCoordinate\s*\{\s*point\s*\[")
_DEFINED_POINTS = re.compile(r"\bDEF\s+(\S+)\s+Coordinate\s*\{\s*point\s*\[")
_USED_POINTS = re.compile(r"\bcoord\s+USE\s+([^\s{}\[\],]+)")
_INDICES = re.compile(r"\bcoordIndex\s*\[")
_CLOCKWISE = re.compile(r"\bccw\s+FALSE\b")
_PERHAPS_CONCAVE = re.compile(r"\bconvex\s+FALSE\b")
_MOTION = re.compile(r"\b(translation|rotation|scale)((?:[\s,]+[-+.\d][-+.\deE]*)+)")
# What leaves vertices where they are. Textures move too, but with fewer numbers.
_REST = {("translation", 3): (0.0, 0.0, 0.0), ("rotation", 4): (0.0,), ("scale", 3): (1.0, 1.0, 1.0)}
_VALUE = re.compile(r"[^\s,]+")
_END_OF_FACE = -1


@dataclass(frozen=True)
class VrmlMesh:
    """Vertices in the unit of the file and in its order; triangles counter-clockwise as seen from outside."""

    vertices: Float64[np.ndarray, "n 3"]
    triangles: Int32[np.ndarray, "t 3"]


@dataclass(frozen=True)
class _Source:
    """A file's text, with strings and comments blanked out so that every place keeps its line."""

    path: Path
    text: str

    def error(self, place: int, message: str) -> InputError:
        return InputError(f"{self.path}:{self.text.count(chr(10), 0, place) + 1}: {message}")


def read_vrml(path: Path) -> VrmlMesh:
    """The mesh of a VRML 2.0 file; several shapes become one mesh, polygons are cut into fans of triangles.

    Vertices that no face names are kept, so that other files may point at vertices by number. Commas, comments,
    `DEF` and `USE`, `ccw FALSE` and a last face without -1 are understood; textures, colours and normals are skipped.
    Raises: InputError naming file and line: no VRML 2.0, no face set, a list that is not closed, a value that is no
    number, an index without vertex, a face of fewer than three corners, a node that moves its vertices, a polygon
    that may be concave.
    """
    source = _read(path)
    _refuse_motion(source)
    defined = {match.group(1): match.end() for match in _DEFINED_POINTS.finditer(source.text)}
    # Lists of points by their place in the file, each with the number of its first vertex in the whole mesh.
    lists: dict[int, tuple[int, Float64[np.ndarray, "k 3"]]] = {}
    triangles: list[Int64[np.ndarray, "t 3"]] = []
    for face_set in _FACE_SET.finditer(source.text):
        start, end = face_set.start(), _end_of_node(source, face_set)
        place = _place_of_points(source, start, end, defined)
        if place not in lists:
            lists[place] = sum(len(points) for _, points in lists.values()), _vertices(source, place)
        first, points = lists[place]
        triangles.append(first + _triangles(source, start, end, vertex_count=len(points)))
    if not triangles:
        raise source.error(0, "expected an IndexedFaceSet, but the file has none; is it the mesh of a scan?")
    vertices = np.concatenate([points for _, points in lists.values()])
    return VrmlMesh(vertices, np.concatenate(triangles).astype(np.int32))


def _read(path: Path) -> _Source:
    try:
        # Every byte is a character: numbers and keywords are ASCII, whatever the comments are written in.
        text = path.read_bytes().decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the folder of the dataset") from error
    if not text.startswith(HEADER):
        raise InputError(
            f"{path}:1: expected the file to begin with {HEADER!r}, but {text[:20]!r} came; VRML 1.0, compressed files "
            "and X3D are not read"
        )
    return _Source(path, _STRING_OR_COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text))


def _refuse_motion(source: _Source) -> None:
    """Vertices are read as they stand, so nothing may say that they lie elsewhere."""
    for match in _MOTION.finditer(source.text):
        values = _VALUE.findall(match.group(2))
        rest = _REST.get((match.group(1), len(values)))
        if rest and tuple(_numbers(source, match.start(2), match.end(2), kind=np.float64)[-len(rest) :]) != rest:
            raise source.error(
                match.start(),
                f"expected vertices that lie where they stand, but {' '.join(match.group().split())!r} moves them; "
                "export the mesh with its transforms applied",
            )


def _end_of_node(source: _Source, opened: re.Match[str]) -> int:
    depth = 0
    for brace in re.finditer(r"[{}]", source.text[opened.end() - 1 :]):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return opened.end() - 1 + brace.end()
    raise source.error(opened.start(), "expected a } that closes this IndexedFaceSet; is the file cut off?")


def _place_of_points(source: _Source, start: int, end: int, defined: dict[str, int]) -> int:
    """Where the list of the face set's points begins, in the face set or where a name leads."""
    points = _POINTS.search(source.text, start, end)
    if points:
        return points.end()
    used = _USED_POINTS.search(source.text, start, end)
    if used and used.group(1) in defined:
        return defined[used.group(1)]
    came = f"the name {used.group(1)!r}, of which the file defines {sorted(defined)}" if used else "none"
    raise source.error(start, f"expected 'coord Coordinate {{ point [' in this IndexedFaceSet, but {came} came")


def _vertices(source: _Source, place: int) -> Float64[np.ndarray, "k 3"]:
    end = _end_of_list(source, place, what="point")
    values = _numbers(source, place, end, kind=np.float64)
    if values.size == 0 or values.size % 3:
        raise source.error(end, f"expected x y z for each point, but the list that ends here has {values.size} numbers")
    return values.reshape(-1, 3)


def _triangles(source: _Source, start: int, end: int, *, vertex_count: int) -> Int64[np.ndarray, "t 3"]:
    """Triangles of one face set, by vertex numbers of its own list."""
    opened = _INDICES.search(source.text, start, end)
    if not opened:
        raise source.error(start, "expected 'coordIndex [' in this IndexedFaceSet, but none came: it has no faces")
    closed = _end_of_list(source, opened.end(), what="coordIndex")
    indices = _numbers(source, opened.end(), closed, kind=np.int64)
    outside = (indices < _END_OF_FACE) | (indices >= vertex_count)
    if outside.any():
        which = int(np.argmax(outside))
        raise source.error(
            _place_of_value(source, opened.end(), which),
            f"expected vertex numbers 0 to {vertex_count - 1}, or -1 after a face, but {indices[which]} came",
        )
    if indices.size and indices[-1] != _END_OF_FACE:
        indices = np.append(indices, _END_OF_FACE)
    ends = np.flatnonzero(indices == _END_OF_FACE)
    starts = np.concatenate([[0], ends + 1])[:-1]
    sizes = ends - starts
    if sizes.size == 0 or sizes.min() < 3:
        place = _place_of_value(source, opened.end(), int(starts[np.argmin(sizes)])) if sizes.size else opened.start()
        came = f"one of {sizes.min()}" if sizes.size else "none"
        raise source.error(place, f"expected faces of 3 corners or more, but {came} came")
    if sizes.max() > 3 and _PERHAPS_CONCAVE.search(source.text, start, end):
        raise source.error(
            _place_of_value(source, opened.end(), int(starts[np.argmax(sizes)])),
            f"a polygon of {sizes.max()} corners in a face set that says 'convex FALSE' may be concave, and is not cut "
            "into triangles; export the mesh as triangles",
        )
    fans = np.repeat(np.arange(len(sizes)), sizes - 2)
    within = np.arange(len(fans)) - np.repeat(np.cumsum(sizes - 2) - (sizes - 2), sizes - 2)
    corners = starts[fans][:, None] + np.stack([np.zeros_like(within), within + 1, within + 2], axis=1)
    return indices[corners][:, ::-1] if _CLOCKWISE.search(source.text, start, end) else indices[corners]


def _end_of_list(source: _Source, place: int, *, what: str) -> int:
    end = source.text.find("]", place)
    if end < 0:
        raise source.error(place, f"expected a ] that closes this list of {what}; is the file cut off?")
    return end


def _numbers(source: _Source, start: int, end: int, *, kind: type[np.float64] | type[np.int64]) -> np.ndarray:
    """The finite numbers between two places."""
    try:
        values = np.array(source.text[start:end].replace(",", " ").split(), dtype=kind)
        if np.isfinite(values).all():
            return values
    except (ValueError, OverflowError):
        pass
    expected = "a whole number" if kind is np.int64 else "a finite number"
    for match in _VALUE.finditer(source.text, start, end):
        try:
            sound = np.isfinite(kind(match.group()))
        except (ValueError, OverflowError):
            sound = False
        if not sound:
            raise source.error(match.start(), f"expected {expected}, but {match.group()[:40]!r} came")
    raise source.error(start, f"expected only {expected} after the other in this list")


def _place_of_value(source: _Source, place: int, which: int) -> int:
    """Where the value of that number, counted from 0, stands in the list that begins at a place."""
    for number, match in enumerate(_VALUE.finditer(source.text, place)):
        if number == which:
            return match.start()
    return place
