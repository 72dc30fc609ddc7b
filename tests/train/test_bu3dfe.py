"""BU-3DFE's names, landmarks and folders, on small files of its own form."""

from pathlib import Path

import numpy as np
import pytest

from train.data.bu3dfe import ScanName, find_scans, parse_scan_name, read_bnd, read_scan, scans
from train.errors import InputError

MESH = (
    b"#VRML V2.0 utf8\nShape { geometry IndexedFaceSet { coord Coordinate { point [\n"
    b"-30.5 40.25 80, 30.5 40 80,\n0 -60 90.125, 0 10 120.75\n] }\n"
    b"coordIndex [ 0, 3, 1, -1, 0, 2, 3, -1, 3, 2, 1, -1 ] } }\n"
)
# Vertex, two tabs, x y z; then an empty line, as the files end.
LANDMARKS = b"".join(b"%d\t\t%d.5 -2 3.25e1\r\n" % (number % 4, number) for number in range(83)) + b"\r\n"


def write_scan(folder: Path, stem: str, *, mesh: bytes = MESH, landmarks: bytes | None = LANDMARKS) -> Path:
    path = folder / stem[:5] / f"{stem}.wrl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mesh)
    if landmarks is not None:
        path.with_suffix(".bnd").write_bytes(landmarks)
    return path


def test_a_name_says_who_and_how():
    """Subject, sex, expression, intensity and ethnicity are where SPEC C says."""
    assert parse_scan_name("F0001_AN04WH_F3D") == ScanName("F0001", "F", "AN", 4, "WH")
    assert parse_scan_name("M0044_NE00LA_F3D") == ScanName("M0044", "M", "NE", 0, "LA")


@pytest.mark.parametrize(
    ("stem", "message"),
    [
        ("F0001_AN01WH_RAW", "to read like F0001_AN01WH_F3D, but 'F0001_AN01WH_RAW' came"),
        ("F0057_AN01WH_F3D", "F0001 to F0056 or M0001 to M0044, but F0057 came"),
        ("M0045_AN01WH_F3D", "but M0045 came"),
        ("M0000_AN01WH_F3D", "but M0000 came"),
        ("X0001_AN01WH_F3D", "but X0001 came"),
        ("F0001_XX01WH_F3D", "an expression of .*, but 'XX' came"),
        ("F0001_AN01XX_F3D", "an ethnicity of .*, but 'XX' came"),
        ("F0001_AN05WH_F3D", r"an intensity of \[1, 2, 3, 4\] with AN, but '05' came"),
        ("F0001_AN00WH_F3D", "with AN, but '00' came"),
        ("F0001_NE01WH_F3D", r"an intensity of \[0\] with NE, but '01' came"),
    ],
)
def test_wrong_names_say_which_part_is_wrong(stem: str, message: str):
    """The part, what it may be, and the name."""
    with pytest.raises(InputError, match=message):
        parse_scan_name(stem)


def test_a_scan_is_read_byte_by_byte(tmp_path: Path):
    """Vertices, triangles and all 83 landmarks with their vertices, in the order of the files, millimetres."""
    write_scan(tmp_path, "M0007_SU03IN_F3D")
    (files,) = find_scans(tmp_path)
    scan = read_scan(files)
    assert scan.name == ScanName("M0007", "M", "SU", 3, "IN")
    np.testing.assert_array_equal(
        scan.vertices_mm, [[-30.5, 40.25, 80], [30.5, 40, 80], [0, -60, 90.125], [0, 10, 120.75]]
    )
    np.testing.assert_array_equal(scan.triangles, [[0, 3, 1], [0, 2, 3], [3, 2, 1]])
    np.testing.assert_array_equal(scan.landmarks.vertices, np.arange(83) % 4)
    expected_mm = np.stack([np.arange(83) + 0.5, np.full(83, -2.0), np.full(83, 32.5)], axis=1)
    np.testing.assert_array_equal(scan.landmarks.points_mm, expected_mm)
    assert files.picture == tmp_path / "M0007" / "M0007_SU03IN_F2D.bmp"


def test_landmarks_end_at_the_first_empty_line_or_with_the_file(tmp_path: Path):
    """More than 83 are kept; what follows an empty line is not; the empty line itself may be missing."""
    path = tmp_path / "scan.bnd"
    path.write_bytes(LANDMARKS.rstrip() + b"\r\n3\t\t1 2 3\r\n\r\nanything\r\n")
    assert len(read_bnd(path).vertices) == 84
    path.write_bytes(LANDMARKS.rstrip())
    assert len(read_bnd(path).vertices) == 83


@pytest.mark.parametrize(
    "line", [b"7\t\t1 2", b"7\t\t1 2 3 4", b"7.0\t\t1 2 3", b"-1\t\t1 2 3", b"7\t\t1 x 3", b"7\t\t1 inf 3"]
)
def test_malformed_landmarks_are_named_by_line(tmp_path: Path, line: bytes):
    """File, line, what was expected and what came."""
    path = tmp_path / "scan.bnd"
    lines = LANDMARKS.splitlines()
    path.write_bytes(b"\n".join([*lines[:10], line, *lines[10:]]))
    with pytest.raises(InputError, match=r"scan\.bnd:11: expected a vertex number and finite x y z, but '-?7?1?"):
        read_bnd(path)


def test_too_few_landmarks_are_refused(tmp_path: Path):
    """82 of 83, and the line where the last was expected."""
    path = tmp_path / "scan.bnd"
    path.write_bytes(b"\n".join(LANDMARKS.splitlines()[1:]))
    with pytest.raises(InputError, match=r"scan\.bnd:83: expected 83 landmarks or more .* but 82 came"):
        read_bnd(path)


def test_a_landmark_at_a_vertex_that_the_mesh_lacks_is_refused(tmp_path: Path):
    """The line of the landmark, the vertices there are, and the one that came."""
    write_scan(tmp_path, "F0001_NE00WH_F3D", landmarks=LANDMARKS.replace(b"2\t\t6.5", b"4\t\t6.5"))
    with pytest.raises(InputError, match=r"\.bnd:7: expected a vertex of F0001_NE00WH_F3D\.wrl, 0 to 3, but 4 came"):
        list(scans(tmp_path))


def test_a_folder_is_walked_in_order_and_by_expression(tmp_path: Path):
    """Names in order, other files passed over, and only the expressions that were asked for."""
    for stem in ("M0002_NE00BL_F3D", "F0001_NE00WH_F3D", "F0001_AN02WH_F3D", "F0003_HA01AE_F3D"):
        write_scan(tmp_path, stem)
    (tmp_path / "F0001" / "F0001_NE00WH_RAW.wrl").write_bytes(b"raw")
    (tmp_path / "readme.txt").write_bytes(b"text")
    everybody = [(scan.name.subject, scan.name.expression) for scan in scans(tmp_path)]
    assert everybody == [("F0001", "AN"), ("F0001", "NE"), ("F0003", "HA"), ("M0002", "NE")]
    neutral = find_scans(tmp_path, expressions=("NE",))
    assert [files.name.subject for files in neutral] == ["F0001", "M0002"]


def test_folders_that_are_not_the_dataset_are_refused(tmp_path: Path):
    """No scan at all, an expression that does not exist, a scan in another's folder, landmarks that are missing."""
    with pytest.raises(InputError, match=r"holds no scan of .*Name the folder in which F0001 to M0044 lie"):
        find_scans(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"expected one or more expressions of .* but \['neutral'\] came"):
        find_scans(tmp_path, expressions=("neutral",))
    stray = write_scan(tmp_path, "F0002_NE00WH_F3D")
    stray.rename(stray.with_name("F0001_NE00WH_F3D.wrl"))
    with pytest.raises(InputError, match="expected scans of F0002 in this folder, but F0001 came"):
        find_scans(tmp_path)
    write_scan(tmp_path / "other", "F0002_NE00WH_F3D", landmarks=None)
    with pytest.raises(InputError, match=r"no landmarks: expected F0002_NE00WH_F3D\.bnd beside it"):
        find_scans(tmp_path / "other")
