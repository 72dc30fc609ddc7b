"""A head of some four hundred vertices with all 68 landmarks, and model files of several makers written from it.

It is an egg with a nose: a front sheet and a back sheet of triangles that share their rim. Metres; x to the person's
left, y up, z out of the face; the origin is far from where Headroom puts it, as in real files. Nothing is symmetric.
"""

import pickle
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import scipy.io
import scipy.sparse
import yaml
from scipy.spatial import Delaunay

HALF_WIDTH_M, HALF_HEIGHT_M, DEPTH_M = 0.085, 0.150, 0.100
CENTRE_M = np.array([0.013, -0.03, -0.008])


@dataclass(frozen=True)
class SmallHead:
    """Vertices in metres, triangles counter-clockwise from outside, and the vertex of each landmark."""

    vertices_m: np.ndarray
    triangles: np.ndarray
    landmarks: np.ndarray
    modes_m: np.ndarray
    """Three orthogonal modes of one standard deviation, (3, n, 3)."""
    expressions_m: np.ndarray


def landmark_places() -> np.ndarray:
    """The 68 landmarks seen from the front, metres from the root of the nose, (68, 2)."""
    angle = np.linspace(0.0, np.pi, 17)
    jaw = np.stack([-0.072 * np.cos(angle), -0.012 - 0.098 * np.sin(angle)], axis=1)
    brow = np.array([[-0.055, 0.017], [-0.046, 0.023], [-0.035, 0.025], [-0.024, 0.023], [-0.013, 0.019]])
    bridge = np.array([[0.0, 0.004], [0.0, -0.010], [0.0, -0.022], [0.0, -0.033]])
    base = np.array([[-0.014, -0.043], [-0.007, -0.045], [0.0, -0.047], [0.007, -0.045], [0.014, -0.043]])
    eye = np.array([[-0.045, 0.0], [-0.036, 0.006], [-0.026, 0.006], [-0.017, 0.0], [-0.026, -0.005], [-0.036, -0.005]])
    turn = np.arange(12) * np.pi / 6
    outer = np.stack([-0.025 * np.cos(turn), -0.068 + 0.010 * np.sin(turn)], axis=1)
    turn = np.arange(8) * np.pi / 4
    inner = np.stack([-0.019 * np.cos(turn), -0.068 + 0.004 * np.sin(turn)], axis=1)
    mirror = np.array([-1.0, 1.0])
    left_eye = (eye * mirror)[[3, 2, 1, 0, 5, 4]]
    return np.concatenate([jaw, brow, (brow * mirror)[::-1], bridge, base, eye, left_eye, outer, inner])


def small_head() -> SmallHead:
    """The head; made anew at every call, always the same."""
    stream = np.random.default_rng(68)
    turn = np.arange(40) * 2 * np.pi / 40
    rim = np.stack([HALF_WIDTH_M * np.cos(turn), HALF_HEIGHT_M * np.sin(turn)], axis=1)
    nasion = np.array([0.0, 0.03])
    landmarks = landmark_places() + nasion
    eyes = np.concatenate(
        [np.array([[x, 0.0], [x - 0.004, 0.001], [x + 0.004, -0.001], [x, 0.003]]) for x in (-0.031, 0.031)]
    )
    grid = np.stack(np.meshgrid(np.linspace(-0.08, 0.08, 12), np.linspace(-0.14, 0.14, 16)), axis=-1).reshape(-1, 2)
    grid = grid + stream.normal(0.0, 0.001, grid.shape)
    grid = grid[np.hypot(grid[:, 0] / HALF_WIDTH_M, grid[:, 1] / HALF_HEIGHT_M) < 0.95]
    away = np.linalg.norm(grid[:, None] - np.concatenate([landmarks, eyes + nasion])[None], axis=2).min(axis=1)
    front = np.concatenate([rim, landmarks, eyes + nasion, grid[away > 0.006]])
    back = np.concatenate([rim, grid])
    faces_front = _counter_clockwise(front, Delaunay(front).simplices)
    faces_back = _counter_clockwise(back, Delaunay(back).simplices)[:, ::-1]
    # The back sheet shares the rim and continues the numbers of the front.
    faces_back = np.where(faces_back < len(rim), faces_back, faces_back + len(front) - len(rim))
    vertices = np.concatenate(
        [
            np.column_stack([front, _height(front)]),
            np.column_stack([back[len(rim) :], -0.9 * _height(back[len(rim) :], nose=0.0)]),
        ]
    )
    x, y, z = vertices.T
    wide, tall, deep = (np.zeros_like(vertices) for _ in range(3))
    wide[:, 0] = 0.05 * x + 0.02 * np.maximum(x, 0.0)
    tall[:, 1] = 0.06 * y
    deep[:, 2] = 0.04 * z
    mouth = np.exp(-((x / 0.03) ** 2) - ((y + 0.04) / 0.02) ** 2) * (z > 0)
    smile, pout = np.zeros_like(vertices), np.zeros_like(vertices)
    smile[:, 1], pout[:, 2] = 0.006 * mouth * np.abs(x) / 0.03, 0.004 * mouth
    return SmallHead(
        vertices + CENTRE_M,
        np.concatenate([faces_front, faces_back]),
        np.arange(len(rim), len(rim) + 68),
        np.stack([wide, tall, deep]),
        np.stack([smile, pout]),
    )


def _height(places: np.ndarray, *, nose: float = 0.022) -> np.ndarray:
    round_part = np.clip(1.0 - (places[:, 0] / HALF_WIDTH_M) ** 2 - (places[:, 1] / HALF_HEIGHT_M) ** 2, 0.0, None)
    bump = np.exp(-((places[:, 0] / 0.012) ** 2) - ((places[:, 1] - 0.0) / 0.02) ** 2)
    return DEPTH_M * np.sqrt(round_part) + nose * bump


def _counter_clockwise(places: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    first, second = places[triangles[:, 1]] - places[triangles[:, 0]], places[triangles[:, 2]] - places[triangles[:, 0]]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    return np.where((area > 0)[:, None], triangles, triangles[:, ::-1])


def principal_modes(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal columns (3n, k) and variances (k) of modes (k, n, 3) that are orthogonal."""
    flat = offsets.reshape(len(offsets), -1)
    lengths = np.linalg.norm(flat, axis=1)
    return (flat / lengths[:, None]).T, lengths**2


def write_description(folder: Path, **settings: object) -> Path:
    """A description named model.yaml in a folder."""
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def write_lyhm(folder: Path, head: SmallHead, **settings: object) -> Path:
    """A LYHM file of MATLAB's format 5 (millimetres, clockwise triangles counted from 1) with its description."""
    scipy.io.savemat(folder / "LYHM.mat", _lyhm_fields(head))
    return write_description(folder, **{"file": "LYHM.mat", "landmarks": head.landmarks.tolist()} | settings)


def write_lyhm_73(folder: Path, head: SmallHead) -> Path:
    """The same in format 7.3: HDF5 after a header of 512 bytes, every matrix transposed."""
    path = folder / "LYHM73.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for group, fields in _lyhm_fields(head).items():
            for name, values in fields.items():
                file[f"{group}/{name}"] = np.asarray(values).T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124, b" ") + b"\x00\x02IM")
    return write_description(folder, file="LYHM73.mat", landmarks=head.landmarks.tolist())


def _lyhm_fields(head: SmallHead) -> dict[str, dict[str, np.ndarray]]:
    modes, variances = principal_modes(1000 * head.modes_m)
    shape = {"mu": 1000 * head.vertices_m.reshape(1, -1), "eigVec": modes, "eigVal": variances[:, None]}
    return {"shp": shape, "tri": {"faces": head.triangles[:, [0, 2, 1]] + 1.0}}


BFM_NAMES = {8: "center.chin.tip", 30: "center.nose.tip", 36: "right.eye.corner_outer", 45: "left.eye.corner_outer"}


def write_bfm2017(folder: Path, head: SmallHead, **settings: object) -> Path:
    """A BFM 2017 file whose metadata name four landmarks, used by name in the description."""
    import json

    modes, variances = principal_modes(1000 * head.modes_m)
    expressions, expression_variances = principal_modes(1000 * head.expressions_m)
    with h5py.File(folder / "model2017.h5", "w") as file:
        file["shape/model/mean"] = (1000 * head.vertices_m).ravel().astype(np.float32)
        file["shape/model/pcaBasis"], file["shape/model/pcaVariance"] = modes, variances
        file["shape/representer/cells"] = head.triangles.T.astype(np.int32)
        file["expression/model/mean"] = np.full(head.vertices_m.size, 0.25, dtype=np.float32)
        file["expression/model/pcaBasis"] = expressions
        file["expression/model/pcaVariance"] = expression_variances
        places = {name: (1000 * head.vertices_m[head.landmarks[number]]).tolist() for number, name in BFM_NAMES.items()}
        listed = [{"id": name, "coordinates": place} for name, place in places.items()]
        file["metadata/landmarks/json"] = np.bytes_(json.dumps(listed))
    landmarks = [BFM_NAMES.get(number, int(vertex)) for number, vertex in enumerate(head.landmarks)]
    entries = {"file": "model2017.h5", "landmarks": landmarks, "expression_modes": 2}
    return write_description(folder, **entries | settings)


def flame_fields(head: SmallHead) -> dict[str, object]:
    """What a FLAME pickle holds; the eyeballs are the front vertices within the lids."""
    count = len(head.vertices_m)
    points = head.vertices_m - CENTRE_M - [0.0, 0.03, 0.0]
    eyes = [
        np.flatnonzero((np.hypot(points[:, 0] - x, points[:, 1]) < 0.0055) & (points[:, 2] > 0))
        for x in (0.031, -0.031)
    ]
    chin = np.flatnonzero((points[:, 1] < -0.07) & (points[:, 1] > -0.11) & (points[:, 2] > 0.05))
    neck = np.flatnonzero(points[:, 1] < -0.15)
    weights = np.zeros((count, 5))
    weights[:, 1] = 1.0
    for joint, members, share in ((0, neck, 0.75), (2, chin, 0.5), (3, eyes[0], 1.0), (4, eyes[1], 1.0)):
        weights[members, 1], weights[members, joint] = 1.0 - share, share
    regressor = np.zeros((5, count))
    for joint, members in enumerate((neck, np.arange(count), chin, *eyes)):
        regressor[joint, members] = 1.0 / len(members)
    directions = np.zeros((count, 3, 302))
    directions[:, :, :3] = np.moveaxis(head.modes_m, 0, 2)
    directions[:, :, 300:] = np.moveaxis(head.expressions_m, 0, 2)
    return {
        "v_template": head.vertices_m,
        "shapedirs": directions,
        "posedirs": np.zeros((count, 3, 36)),
        "J_regressor": scipy.sparse.csc_matrix(regressor),
        "weights": weights,
        "kintree_table": np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
        "f": head.triangles.astype(np.uint32),
        "bs_type": "lrotmin",
        "bs_style": "lbs",
    }


def write_flame(folder: Path, head: SmallHead, fields: dict[str, object] | None = None, **settings: object) -> Path:
    """A FLAME pickle as Python 2 left it: some arrays are objects of chumpy, whose package nobody has."""
    fields = dict(flame_fields(head) if fields is None else fields)
    package, module = types.ModuleType("chumpy"), types.ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.x = x

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    module.Ch = Ch  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules |= {"chumpy": package, "chumpy.ch": module}
    try:
        for name in ("v_template", "shapedirs", "weights"):
            fields[name] = Ch(np.asarray(fields[name]))
        with (folder / "flame.pkl").open("wb") as file:
            pickle.dump(fields, file, protocol=2)
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]
    entries = {"file": "flame.pkl", "landmarks": head.landmarks.tolist(), "expression_modes": 2}
    return write_description(folder, **entries | settings)
