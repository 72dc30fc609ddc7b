"""The Basel Face Model 2017: its HDF5 file made into a HeadModel, with expression modes and its own landmarks.

Source of the layout: Gerig et al. 2018, "Morphable Face Models: An Open Framework", and the Statismo format: groups
`shape` and `expression` with model/{mean, pcaBasis, pcaVariance} (xyz interleaved, millimetres, variances) and
shape/representer/cells (3 x faces, counted from 0); metadata/landmarks/json holds named points on the mean. The
models of 2019 have the same layout. Only shape and expression are read; skin and eyes are drawn as for any family.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float, Int

from render.heads.model import HeadModel
from render.heads.model_checks import HeadModelError
from render.heads.model_description import Bfm2017Description
from render.heads.morphable import FileShapes, morphable_head, numbered_names, scaled_modes

LANDMARKS = "metadata/landmarks/json"


def read_bfm2017(
    description: Bfm2017Description, files: dict[str, Path], *, content_sha256: str, identity_modes: int
) -> HeadModel:
    """The head of a BFM 2017 file with its first `identity_modes` modes and as many expressions as described.

    Expressions are called expression_00, expression_01 and so on. They are added to the neutral face of the shape
    model; the mean of the expression model, with which the file's own combinations begin, is left out.
    Raises: HeadModelError that names the file and what is wrong with it.
    """
    path = files["file"]
    where = str(path)
    try:
        with h5py.File(path, "r") as file:
            mean = _read(file, "shape/model/mean", where).astype(np.float64).reshape(-1, 3)
            modes = _read_modes(file, "shape", identity_modes, len(mean), "identity", where)
            cells = _read(file, "shape/representer/cells", where)
            count = description.expression_modes
            expressions = np.zeros((0, len(mean), 3))
            if count:
                expressions = _read_modes(file, "expression", count, len(mean), "expression", where)
            landmarks = _landmark_vertices(description.landmarks, file, mean, where)
    except (OSError, ValueError) as error:
        raise HeadModelError(
            f"{where} cannot be read as a Basel Face Model ({error}). Download model2017-1_bfm_nomouth.h5 again"
        ) from error
    if cells.ndim != 2 or 3 not in cells.shape:
        raise HeadModelError(f"{where}: shape/representer/cells has the shape {cells.shape}; (3, faces) was expected")
    shapes = FileShapes(
        mean=mean,
        triangles=(cells.T if cells.shape[0] == 3 else cells).astype(np.int64),
        identity_modes=modes,
        expression_names=numbered_names(count),
        expression_modes=expressions,
        landmark_vertices=landmarks,
    )
    return morphable_head("bfm2017", content_sha256, shapes, units=description.units, where=where)


def _read(file: h5py.File, name: str, where: str) -> np.ndarray:
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        raise HeadModelError(
            f"{where} has no dataset {name}; it has the groups {', '.join(sorted(file))}. Name the file of the whole "
            "model, for example model2017-1_bfm_nomouth.h5"
        )
    return np.asarray(found)


def _read_modes(
    file: h5py.File, group: str, count: int, vertices: int, what: str, where: str
) -> Float[np.ndarray, "k n 3"]:
    basis = file.get(f"{group}/model/pcaBasis")
    if not isinstance(basis, h5py.Dataset):
        raise HeadModelError(f"{where} has no dataset {group}/model/pcaBasis; name the file of the whole model")
    variances = _read(file, f"{group}/model/pcaVariance", where)
    # Read from the file no more columns than are wanted: the whole basis has hundreds of megabytes.
    columns = np.asarray(basis[:, :count]) if count <= basis.shape[-1] else np.empty(basis.shape, dtype=np.float32)
    return scaled_modes(columns, variances, count=count, vertices=vertices, what=what, where=where)


def _landmark_vertices(
    points: Sequence[int | str], file: h5py.File, mean: Float[np.ndarray, "n 3"], where: str
) -> Int[np.ndarray, "68"]:
    """Vertex numbers as they are; a name stands for the vertex next to that landmark of the file."""
    named = _named_points(file, where) if any(isinstance(point, str) for point in points) else {}
    vertices = []
    for number, point in enumerate(points):
        if isinstance(point, str):
            if point not in named:
                raise HeadModelError(
                    f"{where} has no landmark {point!r}, which the description names as landmark {number}; it has "
                    f"{', '.join(sorted(named))}. Give a vertex number instead"
                )
            vertices.append(int(np.argmin(((mean - named[point]) ** 2).sum(axis=1))))
        else:
            vertices.append(point)
    return np.array(vertices)


def _named_points(file: h5py.File, where: str) -> dict[str, np.ndarray]:
    content = _read(file, LANDMARKS, where)
    value = content.item() if content.ndim == 0 or content.size == 1 else content.tobytes()
    listed = json.loads(value.decode() if isinstance(value, bytes) else str(value))
    entries = listed.items() if isinstance(listed, dict) else ((entry["id"], entry["coordinates"]) for entry in listed)
    return {str(name): np.asarray(place, dtype=np.float64) for name, place in entries}
