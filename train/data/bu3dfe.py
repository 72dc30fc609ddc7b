"""BU-3DFE, read from its own folders: scans of 100 people with seven expressions, and 83 landmarks on each.

Lengths are millimetres, as in the files; y is up and z out of the face. Source: Yin et al. 2006; SPEC C.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int32

from train.data.vrml import read_vrml
from train.errors import InputError

SUBJECTS = {"F": 56, "M": 44}
EXPRESSIONS = {
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}
ETHNICITIES = {
    "WH": "white",
    "AE": "East Asian",
    "AM": "Middle-East Asian",
    "BL": "black",
    "IN": "Indian",
    "LA": "Hispanic or Latino",
}
NEUTRAL = "NE"
LANDMARKS = 83
_NAME = re.compile(r"([A-Z])(\d{4})_([A-Z]{2})(\d\d)([A-Z]{2})_F3D")
_EXAMPLE = "F0001_AN01WH_F3D"


@dataclass(frozen=True)
class ScanName:
    """What a file name says: subject such as F0001, sex F or M, expression and ethnicity by their two letters, and
    intensity 1 to 4, which is 0 for the neutral face."""

    subject: str
    sex: str
    expression: str
    intensity: int
    ethnicity: str


@dataclass(frozen=True)
class ScanFiles:
    """Where one scan lies: its mesh, its landmarks, and the frontal picture that a network is shown."""

    name: ScanName
    mesh: Path
    landmarks: Path
    picture: Path


@dataclass(frozen=True)
class Landmarks:
    """Landmarks in the file's order: their vertex, counted from 0, and position in millimetres."""

    vertices: Int32[np.ndarray, " k"]
    points_mm: Float64[np.ndarray, "k 3"]


@dataclass(frozen=True)
class Scan:
    """One scan as it was read: vertices in millimetres, triangles counter-clockwise from outside, landmarks."""

    name: ScanName
    vertices_mm: Float64[np.ndarray, "n 3"]
    triangles: Int32[np.ndarray, "t 3"]
    landmarks: Landmarks


def parse_scan_name(stem: str) -> ScanName:
    """The parts of a name such as F0001_AN01WH_F3D (subject, expression, intensity, ethnicity).

    Raises: InputError naming the part that is wrong and what it may be.
    """
    match = _NAME.fullmatch(stem)
    if not match:
        raise InputError(f"expected the name of a scan to read like {_EXAMPLE}, but {stem!r} came")
    sex, number, expression, intensity, ethnicity = match.groups()
    if not 1 <= int(number) <= SUBJECTS.get(sex, 0):
        raise InputError(f"expected subjects F0001 to F0056 or M0001 to M0044, but {sex}{number} came in {stem!r}")
    if expression not in EXPRESSIONS:
        raise InputError(f"expected an expression of {list(EXPRESSIONS)}, but {expression!r} came in {stem!r}")
    if ethnicity not in ETHNICITIES:
        raise InputError(f"expected an ethnicity of {list(ETHNICITIES)}, but {ethnicity!r} came in {stem!r}")
    intensities = (0,) if expression == NEUTRAL else (1, 2, 3, 4)
    if int(intensity) not in intensities:
        raise InputError(
            f"expected an intensity of {list(intensities)} with {expression}, but {intensity!r} came in {stem!r}"
        )
    return ScanName(sex + number, sex, expression, int(intensity), ethnicity)


def find_scans(folder: Path, *, expressions: tuple[str, ...] = tuple(EXPRESSIONS)) -> tuple[ScanFiles, ...]:
    """All scans with these expressions in the dataset's folder, which holds F0001, M0001 and so on, in order of names.

    Raises: InputError when there is none, when a name is wrong, when a scan lies in another subject's folder, or has
    no landmarks beside it.
    """
    unknown = [expression for expression in expressions if expression not in EXPRESSIONS]
    if unknown or not expressions:
        raise InputError(f"expected one or more expressions of {list(EXPRESSIONS)}, but {list(expressions)} came")
    found = []
    for mesh in sorted(folder.glob("[FM][0-9][0-9][0-9][0-9]/*_F3D.wrl")):
        name = parse_scan_name(mesh.stem)
        if name.subject != mesh.parent.name:
            raise InputError(f"{mesh}: expected scans of {mesh.parent.name} in this folder, but {name.subject} came")
        if name.expression not in expressions:
            continue
        files = ScanFiles(
            name, mesh, mesh.with_suffix(".bnd"), mesh.with_name(mesh.stem.removesuffix("F3D") + "F2D.bmp")
        )
        if not files.landmarks.is_file():
            raise InputError(f"{mesh} has no landmarks: expected {files.landmarks.name} beside it; unpack it again")
        found.append(files)
    if not found:
        raise InputError(
            f"{folder} holds no scan of {list(expressions)}: expected files such as F0001/{_EXAMPLE}.wrl. Name the "
            "folder in which F0001 to M0044 lie"
        )
    return tuple(found)


def read_scan(files: ScanFiles) -> Scan:
    """Mesh and landmarks of one scan.

    Raises: InputError naming file and line of what is malformed, or a landmark at a vertex that the mesh lacks.
    """
    mesh = read_vrml(files.mesh)
    landmarks = read_bnd(files.landmarks)
    outside = landmarks.vertices >= len(mesh.vertices)
    if outside.any():
        which = int(np.argmax(outside))
        raise InputError(
            f"{files.landmarks}:{which + 1}: expected a vertex of {files.mesh.name}, 0 to {len(mesh.vertices) - 1}, "
            f"but {landmarks.vertices[which]} came; are both files of one release?"
        )
    return Scan(files.name, mesh.vertices, mesh.triangles, landmarks)


def scans(folder: Path, *, expressions: tuple[str, ...] = tuple(EXPRESSIONS)) -> Iterator[Scan]:
    """Every scan of `find_scans`, read one at a time."""
    for files in find_scans(folder, expressions=expressions):
        yield read_scan(files)


def read_bnd(path: Path) -> Landmarks:
    """Landmarks of a .bnd file: lines `vertex x y z` up to the first empty line or the end, 83 or more of them.

    Raises: InputError naming file and line: a line of another form, a number that is not finite, too few lines.
    Source: SPEC C.
    """
    try:
        lines = path.read_bytes().decode("latin-1").splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the folder of the dataset") from error
    vertices, points_mm = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            break
        try:
            vertex, *point_mm = line.split()
            vertices.append(int(vertex))
            points_mm.append([float(value) for value in point_mm])
            sound = len(point_mm) == 3 and vertices[-1] >= 0 and np.isfinite(points_mm[-1]).all()
        except ValueError:
            sound = False
        if not sound:
            raise InputError(f"{path}:{number}: expected a vertex number and finite x y z, but {line.strip()!r} came")
    if len(vertices) < LANDMARKS:
        raise InputError(
            f"{path}:{len(vertices) + 1}: expected {LANDMARKS} landmarks or more before the first empty line, but "
            f"{len(vertices)} came; is the file cut off?"
        )
    return Landmarks(np.array(vertices, dtype=np.int32), np.array(points_mm))
