"""The Liverpool-York Head Model: MATLAB structs `shp` (mean, modes, variances) and `tri` (faces) made into a HeadModel.

Source of the layout: Dai, Pears, Smith and Duncan 2019, "Statistical Modeling of Craniofacial Shape and Texture", and
the model files as public readers of them know them: xyz interleaved, orthonormal modes, eigenvalues that are
variances, 1-based triangles that are wound clockwise. Only the shape is read.
"""

from pathlib import Path

import h5py
import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from render.heads.model import HeadModel
from render.heads.model_checks import HeadModelError
from render.heads.model_description import LyhmDescription
from render.heads.morphable import FileShapes, morphable_head, scaled_modes


def read_lyhm(
    description: LyhmDescription, files: dict[str, Path], *, content_sha256: str, identity_modes: int
) -> HeadModel:
    """The head of a .mat file, of MATLAB's format 5 or 7.3, with its first `identity_modes` modes.

    The file has no expressions, no skeleton and no landmarks: see render.heads.morphable.
    Raises: HeadModelError that names the file and what is wrong with it.
    """
    path = files["file"]
    fields = _read_fields(path)
    mean = np.asarray(fields["shp.mu"], dtype=np.float64).ravel()
    if len(mean) == 0 or len(mean) % 3:
        raise HeadModelError(f"{path}: shp.mu has {len(mean)} numbers; x, y, z for each vertex were expected")
    vertices = len(mean) // 3
    modes = scaled_modes(
        fields["shp.eigVec"],
        fields["shp.eigVal"],
        count=identity_modes,
        vertices=vertices,
        what="identity",
        where=str(path),
    )
    faces = np.asarray(fields["tri"])
    if faces.size and (faces.ndim != 2 or faces.shape[1] != 3):
        raise HeadModelError(
            f"{path}: tri.faces has the shape {faces.shape}; three vertex numbers a face were expected"
        )
    shapes = FileShapes(
        mean=mean.reshape(vertices, 3),
        # Counted from 1, and clockwise seen from outside.
        triangles=faces.reshape(-1, 3).astype(np.int64)[:, [0, 2, 1]] - 1,
        identity_modes=modes,
        expression_names=(),
        expression_modes=np.zeros((0, vertices, 3)),
        landmark_vertices=np.array(description.landmarks),
    )
    return morphable_head("lyhm", content_sha256, shapes, units=description.units, where=str(path))


def _read_fields(path: Path) -> dict[str, np.ndarray]:
    try:
        return _read_format_5(path)
    except NotImplementedError:  # how SciPy says that a file is of format 7.3, which is HDF5
        return _read_format_73(path)
    except (OSError, ValueError, MatReadError) as error:
        raise HeadModelError(
            f"{path} cannot be read as a MATLAB file ({error}). Download the model again, and name its .mat file"
        ) from error


def _read_format_5(path: Path) -> dict[str, np.ndarray]:
    content = scipy.io.loadmat(path, variable_names=["shp", "tri"])
    fields = {}
    for name in ("mu", "eigVec", "eigVal"):
        if "shp" not in content or name not in (content["shp"].dtype.names or ()):
            raise _missing(path, f"shp.{name}", sorted(name for name, *_ in scipy.io.whosmat(path)))
        fields[f"shp.{name}"] = content["shp"][0, 0][name]
    if "tri" not in content:
        raise _missing(path, "tri", sorted(name for name, *_ in scipy.io.whosmat(path)))
    tri = content["tri"]
    fields["tri"] = tri[0, 0]["faces"] if tri.dtype.names and "faces" in tri.dtype.names else tri
    return fields


def _read_format_73(path: Path) -> dict[str, np.ndarray]:
    """The same fields; MATLAB counts by columns and HDF5 by rows, so every matrix comes transposed."""
    try:
        with h5py.File(path, "r") as file:
            places = {f"shp.{name}": f"shp/{name}" for name in ("mu", "eigVec", "eigVal")}
            places["tri"] = "tri/faces" if isinstance(file.get("tri"), h5py.Group) else "tri"
            for place in places.values():
                if not isinstance(file.get(place), h5py.Dataset):
                    raise _missing(path, place.replace("/", "."), sorted(file))
            return {name: np.asarray(file[place]).T for name, place in places.items()}
    except OSError as error:
        raise HeadModelError(
            f"{path} cannot be read as a MATLAB 7.3 file ({error}). Download the model again"
        ) from error


def _missing(path: Path, field: str, present: list[str]) -> HeadModelError:
    return HeadModelError(
        f"{path} has no {field}; a LYHM file holds the structs shp (mu, eigVec, eigVal) and tri (faces), but this one "
        f"holds {', '.join(present)}. Name the file of the model itself, for example LYHM_global.mat"
    )
