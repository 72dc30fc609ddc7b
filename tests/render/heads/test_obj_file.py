"""OBJ files: polygons of any size read exactly, and every kind of damage named."""

from pathlib import Path

import numpy as np
import pytest

from render.heads.obj_file import ObjError, read_obj, read_positions

# A unit square and a triangle on its upper edge, two materials, texture coordinates in an order of their own.
HOUSE = """# a house
mtllib house.mtl
v 0 0 0
v 1 0 0.5
v 1 1 -2e-1
v 0 1 0
v 0.5 1.5 0
vt 0.25 0.75
vt 0 0
vt 1 0
usemtl Wall
f 1/2 2/3 3/1 4/1
usemtl Roof
f 4/1 3/2 5/3
"""


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="ascii")
    return path


def test_polygons_materials_and_texture_coordinates_are_read_exactly(tmp_path: Path):
    """Corners keep their order, counted from 0; sizes tell where each face ends; Windows line ends do not matter."""
    for text in (HOUSE, HOUSE.replace("\n", "\r\n")):
        mesh = read_obj(_write(tmp_path / "house.obj", text))
        assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0.5], [1, 1, -0.2], [0, 1, 0], [0.5, 1.5, 0]]
        assert mesh.face_sizes.tolist() == [4, 3]
        assert mesh.face_vertices.tolist() == [0, 1, 2, 3, 3, 2, 4]
        assert mesh.corner_uvs.tolist() == [[0, 0], [1, 0], [0.25, 0.75], [0.25, 0.75], [0.25, 0.75], [0, 0], [1, 0]]
        assert mesh.materials == ("Wall", "Roof")
        assert mesh.face_materials.tolist() == [0, 1]


def test_positions_alone_equal_those_of_the_mesh(tmp_path: Path):
    """A morph target is read by its positions; its faces may even be broken."""
    path = _write(tmp_path / "house.obj", HOUSE + "f 1/1 2/2 99/99\n")
    np.testing.assert_array_equal(read_positions(path, expected_count=5), read_positions(path))
    assert read_positions(path).shape == (5, 3)


def test_extra_columns_such_as_vertex_colours_are_ignored(tmp_path: Path):
    """Some programs write x y z r g b."""
    path = _write(tmp_path / "a.obj", "v 1 2 3 .1 .2 .3\nv 4 5 6 .4 .5 .6\n")
    assert read_positions(path).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("word", ["nan", "inf"])
def test_a_position_that_is_not_finite_is_named_by_its_number(tmp_path: Path, word: str):
    """NaN would spread through a whole render unnoticed."""
    path = _write(tmp_path / "a.obj", HOUSE.replace("v 1 1 -2e-1", f"v 1 {word} 0"))
    with pytest.raises(ObjError, match=rf"a\.obj: vertex 3 of 5 is \[1\.0, {word}, 0\.0\].*finite"):
        read_positions(path)


def test_another_number_of_vertices_says_both_numbers(tmp_path: Path):
    """A shape of another mesh must never be added to this one."""
    path = _write(tmp_path / "a.obj", HOUSE)
    with pytest.raises(ObjError, match=r"a\.obj holds 5 vertices, but 6 were expected"):
        read_positions(path, expected_count=6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("f ", "# ", "holds no face, only 5 vertices"),
        ("v ", "# ", "holds no vertex"),
        ("v 1 0 0.5", "v 1 0", "14 numbers for 5 x vertex"),
        ("v 1 0 0.5", "v 1 zero 0.5", "vertex is no number"),
        ("f 1/2 2/3 3/1 4/1", "f 1/2 2/3", "3 corners or more"),
        ("f 1/2 2/3 3/1 4/1", "f 1 2 3 4", "vertex/texture"),
        ("f 1/2 2/3 3/1 4/1", "f 1/2 2/3 6/1", "vertex 6, but the file has 1 to 5"),
        ("f 1/2 2/3 3/1 4/1", "f -1/2 2/3 3/1", "vertex -1, but"),
        ("f 1/2 2/3 3/1 4/1", "f 1/2 2/3 3/4", "texture coordinate 4, but the file has 1 to 3"),
    ],
)
def test_a_broken_mesh_says_what_is_broken(tmp_path: Path, old: str, new: str, message: str):
    """Each message names the file and what was found in it."""
    path = _write(tmp_path / "a.obj", HOUSE.replace(old, new))
    with pytest.raises(ObjError, match=message) as error:
        read_obj(path)
    assert "a.obj" in str(error.value)


def test_a_missing_file_says_so(tmp_path: Path):
    """With its path and the remedy."""
    with pytest.raises(ObjError, match=r"absent\.obj cannot be read.*verify the asset"):
        read_positions(tmp_path / "absent.obj")
