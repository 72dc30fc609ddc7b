"""VRML 2.0: what is read, byte by byte, and that every malformed place is named by file and line."""

from pathlib import Path

import numpy as np
import pytest

from train.data.vrml import VrmlMesh, read_vrml
from train.errors import InputError

# As scans are written: commas after points and indices, a texture with a list of points of its own, Windows lines.
SCAN = (
    b"#VRML V2.0 utf8\r\n"
    b"# a comment with point [ 9 9 9 ] and coordIndex [ 0, 1, 2, -1 ]\r\n"
    b"Shape {\r\n"
    b'  appearance Appearance { texture ImageTexture { url "F0001 #1 { [.bmp" } }\r\n'
    b"  geometry IndexedFaceSet {\r\n"
    b"    texCoord TextureCoordinate { point [ 0.5 0.25, 1 1, ] }\r\n"
    b"    texCoordIndex [ 0, 1, 0, -1, 0, 0, 0, -1 ]\r\n"
    b"    coord Coordinate {\r\n"
    b"      point [\r\n"
    b"        -41.5 20 1e1, # the first\r\n"
    b"        +12.25 -3.5E-1 .5,\r\n"
    b"        7 8 -9.75,\r\n"
    b"        100 0 0\r\n"
    b"      ]\r\n"
    b"    }\r\n"
    b"    coordIndex [\r\n"
    b"      0, 1, 2, -1,\r\n"
    b"      2, 1, 3, -1\r\n"
    b"    ]\r\n"
    b"  }\r\n"
    b"}\r\n"
)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "F0001_NE00WH_F3D.wrl"
    path.write_bytes(content)
    return path


def face_set(points: str, indices: str, *, fields: str = "") -> str:
    return f"geometry IndexedFaceSet {{ {fields} coord Coordinate {{ point [{points}] }} coordIndex [{indices}] }}"


def read_text(folder: Path, body: str) -> VrmlMesh:
    return read_vrml(written(folder, b"#VRML V2.0 utf8\n" + body.encode()))


FIVE = "0 0 0, 4 0 0, 5 3 0, 2 5 0, -1 3 0"


def test_a_scan_is_read_byte_by_byte(tmp_path: Path):
    """Comments, strings, texture coordinates, commas, signs and exponents: exactly four points, two triangles."""
    mesh = read_vrml(written(tmp_path, SCAN))
    np.testing.assert_array_equal(
        mesh.vertices, [[-41.5, 20, 10], [12.25, -0.35, 0.5], [7, 8, -9.75], [100, 0, 0]], strict=True
    )
    np.testing.assert_array_equal(mesh.triangles, np.array([[0, 1, 2], [2, 1, 3]], dtype=np.int32), strict=True)


def test_line_ends_do_not_matter(tmp_path: Path):
    """Unix, Windows and old Macintosh lines, or a file that is all on few lines, give the same mesh."""
    expected = read_vrml(written(tmp_path, SCAN))
    for end in (b"\n", b"\r"):
        found = read_vrml(written(tmp_path, SCAN.replace(b"\r\n", end)))
        np.testing.assert_array_equal(found.vertices, expected.vertices)
        np.testing.assert_array_equal(found.triangles, expected.triangles)


def test_polygons_become_fans(tmp_path: Path):
    """Five corners give three triangles that share the first corner; a triangle beside them stays as it is."""
    mesh = read_text(tmp_path, face_set(FIVE, "2 0 1 -1 0 1 2 3 4 -1 1 2 3 4 -1"))
    np.testing.assert_array_equal(mesh.triangles, [[2, 0, 1], [0, 1, 2], [0, 2, 3], [0, 3, 4], [1, 2, 3], [1, 3, 4]])


def test_the_last_face_needs_no_end(tmp_path: Path):
    """VRML lets the last -1 go."""
    np.testing.assert_array_equal(
        read_text(tmp_path, face_set(FIVE, "0,1,2,-1,2,3,4")).triangles, [[0, 1, 2], [2, 3, 4]]
    )


def test_clockwise_faces_are_turned_over(tmp_path: Path):
    """`ccw FALSE` says that corners run clockwise: triangles come back the other way round."""
    mesh = read_text(tmp_path, face_set(FIVE, "0 1 2 -1", fields="solid FALSE ccw FALSE"))
    np.testing.assert_array_equal(mesh.triangles, [[2, 1, 0]])


def test_several_shapes_become_one_mesh(tmp_path: Path):
    """Points follow each other in the file's order, a list that is named and used again stands there once."""
    first = face_set(FIVE, "0 1 2 -1").replace("coord Coordinate", "coord DEF face-points Coordinate")
    second = face_set("7 7 7 8 8 8 9 9 0", "0 1 2 -1")
    third = "geometry IndexedFaceSet { coordIndex [2 3 4 -1] coord USE face-points }"
    lines = "geometry IndexedLineSet { coord Coordinate { point [1 1 1, 2 2 2] } coordIndex [0 1 -1] }"
    mesh = read_text(
        tmp_path, f"Group {{ children [ Shape {{{first}}} Shape {{{lines}}} Shape {{{third}}} Shape {{{second}}} ] }}"
    )
    assert mesh.vertices.shape == (8, 3)
    np.testing.assert_array_equal(mesh.vertices[5:], [[7, 7, 7], [8, 8, 8], [9, 9, 0]])
    np.testing.assert_array_equal(mesh.triangles, [[0, 1, 2], [2, 3, 4], [5, 6, 7]])


def test_transforms_that_do_nothing_are_allowed(tmp_path: Path):
    """Identity transforms, and those of textures, are no motion of vertices."""
    body = (
        "Transform { translation 0 0 0 rotation 0 1 0 0 scale 1 1.0 1e0 children [ Shape { appearance Appearance { "
        f"textureTransform TextureTransform {{ translation 0.5 0.5 scale 2 2 rotation 1 }} }} {face_set(FIVE, '0 1 2')}"
        " } ] }"
    )
    assert len(read_text(tmp_path, body).triangles) == 1


@pytest.mark.parametrize("motion", ["translation 0 0 -1e-2", "rotation 0 0 1 1.57", "scale 1 1 -1", "scale 2, 2, 2"])
def test_transforms_that_move_vertices_are_refused(tmp_path: Path, motion: str):
    """The message shows the field and its line."""
    body = f"Transform {{\n{motion}\nchildren [ Shape {{ {face_set(FIVE, '0 1 2')} }} ] }}"
    with pytest.raises(InputError, match=rf"\.wrl:3: .*'{motion.replace('.', '[.]')}' moves them"):
        read_text(tmp_path, body)


@pytest.mark.parametrize(
    ("replaced", "by", "line", "message"),
    [
        (b"#VRML V2.0 utf8", b"#VRML V1.0 ascii", 1, "expected the file to begin with '#VRML V2.0'"),
        (b"IndexedFaceSet", b"IndexedLineSet", 1, "expected an IndexedFaceSet"),
        (b"coord Coordinate", b"coord USE nothing", 5, "the name 'nothing', of which the file defines"),
        (b"    coord Coordinate {", b"    normal Normal {", 5, "expected 'coord Coordinate .* but none came"),
        (b"    coordIndex", b"    normalIndex", 5, "expected 'coordIndex .* it has no faces"),
        (b"7 8 -9.75", b"7 8,0 -9.75", 14, "x y z for each point, but the list that ends here has 13 numbers"),
        (b"7 8 -9.75", b"7 eight -9.75", 12, "expected a finite number, but 'eight' came"),
        (b"7 8 -9.75", b"7 nan -9.75", 12, "expected a finite number, but 'nan' came"),
        (b"2, 1, 3, -1", b"2, 1, 4, -1", 18, "expected vertex numbers 0 to 3, or -1 after a face, but 4 came"),
        (b"2, 1, 3, -1", b"2, 1, -3, -1", 18, "or -1 after a face, but -3 came"),
        (b"2, 1, 3, -1", b"2, 1, 3.0, -1", 18, "expected a whole number, but '3.0' came"),
        (b"2, 1, 3, -1", b"2, 1, -1", 18, "expected faces of 3 corners or more, but one of 2 came"),
        (b"2, 1, 3, -1", b"-1", 18, "expected faces of 3 corners or more, but one of 0 came"),
    ],
)
def test_malformed_places_are_named_by_line(tmp_path: Path, replaced: bytes, by: bytes, line: int, message: str):
    """Each message has file and line, what was expected and what came."""
    assert SCAN.count(replaced) == 1
    with pytest.raises(InputError, match=rf"F0001_NE00WH_F3D\.wrl:{line}: .*{message}"):
        read_vrml(written(tmp_path, SCAN.replace(replaced, by)))


@pytest.mark.parametrize(
    ("last", "line", "message"),
    [
        (b"100 0 0\r\n", 5, "expected a } that closes this IndexedFaceSet; is the file cut off"),
        (b"2, 1, 3, -1\r\n    ]", 5, "expected a } that closes this IndexedFaceSet"),
    ],
)
def test_files_that_are_cut_off_are_refused(tmp_path: Path, last: bytes, line: int, message: str):
    """What is missing is named, with the line where it was opened."""
    cut = SCAN[: SCAN.index(last) + len(last)]
    with pytest.raises(InputError, match=rf":{line}: {message}"):
        read_vrml(written(tmp_path, cut))


def test_lists_that_are_not_closed_or_empty_are_refused(tmp_path: Path):
    """A list of indices without ], one without a face, and one without points."""
    with pytest.raises(InputError, match=r":2: expected a \] that closes this list of coordIndex"):
        read_text(tmp_path, face_set(FIVE, "0 1 2 -1").replace("-1]", "-1"))
    with pytest.raises(InputError, match=":2: expected faces of 3 corners or more, but none came"):
        read_text(tmp_path, face_set(FIVE, " , "))
    with pytest.raises(InputError, match=":2: expected x y z for each point, but the list that ends here has 0"):
        read_text(tmp_path, face_set("", "0 1 2 -1"))


def test_polygons_that_may_be_concave_are_refused(tmp_path: Path):
    """A fan of a concave polygon would cover what is no face; triangles cannot be concave, and are read."""
    with pytest.raises(InputError, match="a polygon of 5 corners in a face set that says 'convex FALSE'"):
        read_text(tmp_path, face_set(FIVE, "0 1 2 -1 0 1 2 3 4 -1", fields="convex FALSE"))
    assert len(read_text(tmp_path, face_set(FIVE, "0 1 2 -1", fields="convex FALSE")).triangles) == 1


def test_a_missing_file_is_named(tmp_path: Path):
    """The path and the reason."""
    with pytest.raises(InputError, match=r"nowhere\.wrl cannot be read \(No such file"):
        read_vrml(tmp_path / "nowhere.wrl")
