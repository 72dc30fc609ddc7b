"""Whether a head model read from a file is a human head: finite, whole, of human size, landmarks in their places."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from render.heads.model import BONE_NAMES, HeadModel, Region

# Between the middles of the eyes: adults 63 mm on average, 51 to 77 mm in 99 of 100 (Dodgson 2004, "Variation and
# extrema of human interpupillary distance"); wider here, for children and for stylised characters.
EYE_DISTANCE_M = (0.040, 0.095)
# From the root of the nose to the chin: adults about 0.12 m (Farkas 1994, n-gn); widened likewise.
FACE_HEIGHT_M = (0.065, 0.200)
UNITS_M = {"m": 1.0, "cm": 0.01, "mm": 1e-3, "um": 1e-6}
# Weights of one vertex may exceed 1 by the rounding of single precision, and by no more.
_ROUNDING = 1e-4


class HeadModelError(Exception):
    """A file cannot be used as a head; the message says what was expected, what came, where, and what to try."""


def check_finite(mean: Float[np.ndarray, "n 3"], *, where: str) -> None:
    """Nothing, when every vertex of a file's mean is finite. Raises: HeadModelError that names the first other one."""
    broken = np.flatnonzero(~np.isfinite(mean).all(axis=1))
    if len(broken):
        raise HeadModelError(
            f"{where}: every vertex must be finite, but {len(broken)} of {len(mean)} are not, the first is vertex "
            f"{broken[0]} at {mean[broken[0]].tolist()}. The file is damaged or was exported from a broken mesh: "
            "export or download it again"
        )


def check_head_model(model: HeadModel, *, where: str, units: str | None = None, rigged: bool = True) -> None:
    """Nothing, when the model is a human head.

    `where` names the file that it was read from, `units` the unit that it was taken to be in. With `rigged` false, only
    the mesh and its landmarks are looked at: bones and eyes are still to come.
    Raises: HeadModelError that says what was expected, what came, where, and what to try.
    """

    def fail(problem: str) -> None:
        raise HeadModelError(f"head family {model.family!r}, {where}: {problem}")

    _check_arrays(model, fail)
    _check_mesh(model, fail)
    landmarks_m = model.mean_vertices_m[model.landmark_vertices].astype(np.float64)
    _check_size(landmarks_m, units, fail)
    _check_places(model, landmarks_m, fail)
    if rigged:
        _check_bones(model, fail)


def _check_arrays(model: HeadModel, fail: Callable[[str], None]) -> None:
    count = len(model.mean_vertices_m)
    for name in ("identity_basis_m", "expression_basis_m"):
        basis = getattr(model, name)
        if basis.shape[1:] != (count, 3):
            fail(
                f"{name} has the shape {basis.shape}, but the mean has {count} vertices, so (modes, {count}, 3) was "
                "expected. Mean and modes must come from the same file"
            )
    if len(model.expression_names) != len(model.expression_basis_m):
        fail(f"{len(model.expression_names)} expression names came for {len(model.expression_basis_m)} shapes")
    for name in ("mean_vertices_m", "identity_basis_m", "expression_basis_m"):
        values = getattr(model, name)
        finite = np.isfinite(values)
        if not finite.all():
            spot = tuple(int(number) for number in np.argwhere(~finite)[0])
            vertex = spot[-2]
            fail(
                f"{name} must be finite everywhere, but {np.count_nonzero(~finite)} of its numbers are not, the first "
                f"is {values[spot]} at vertex {vertex} of {count}. The file is damaged or was exported from a broken "
                "mesh: export or download it again"
            )


def _check_mesh(model: HeadModel, fail: Callable[[str], None]) -> None:
    count = len(model.mean_vertices_m)
    if len(model.face_sizes) == 0:
        fail(
            f"the mesh has {count} vertices and no face; at least one was expected. A point cloud cannot be rendered: "
            "export the mesh with its faces"
        )
    if len(model.face_vertices) != int(model.face_sizes.sum()) or model.face_sizes.min() < 3:
        fail(
            f"{len(model.face_vertices)} corners came for faces with {int(model.face_sizes.sum())} corners in all, the "
            f"smallest of {int(model.face_sizes.min())}; every face needs 3 or more. Triangulate the mesh and try again"
        )
    for name, numbers in (
        ("faces", model.face_vertices),
        ("landmarks", model.landmark_vertices),
        ("pupils", model.eye_landmark_vertices),
    ):
        if numbers.min() < 0 or numbers.max() >= count:
            fail(
                f"the {name} name vertices {int(numbers.min())} to {int(numbers.max())}, but the mesh has vertices "
                f"0 to {count - 1}. Numbers start at 0: subtract 1 from a list made in MATLAB"
            )
    used = np.zeros(count, dtype=bool)
    used[model.face_vertices] = True
    loose = [number for number, vertex in enumerate(model.landmark_vertices) if not used[vertex]]
    if loose:
        fail(f"landmarks {loose} lie on vertices that belong to no face; choose vertices of the surface")


def _check_size(landmarks_m: Float[np.ndarray, "68 3"], units: str | None, fail: Callable[[str], None]) -> None:
    right, left = landmarks_m[36:42].mean(axis=0), landmarks_m[42:48].mean(axis=0)
    measured = (
        ("between the middles of the eyes (landmarks 36-41 and 42-47)", np.linalg.norm(left - right), EYE_DISTANCE_M),
        (
            "from the root of the nose (landmark 27) to the chin (8)",
            np.linalg.norm(landmarks_m[27] - landmarks_m[8]),
            FACE_HEIGHT_M,
        ),
    )
    for what, length_m, (low, high) in measured:
        if low <= length_m <= high:
            continue
        advice = "Check the 68 landmarks"
        if units is not None:
            fitting = [unit for unit, unit_m in UNITS_M.items() if low <= length_m / UNITS_M[units] * unit_m <= high]
            advice = f"The file was read in {units}"
            if fitting:
                advice += f"; `units: {fitting[0]}` in its description makes this "
                advice += f"{length_m / UNITS_M[units] * UNITS_M[fitting[0]]:.4g} m"
            else:
                advice += ", and no other unit (m, cm, mm, um) makes it human: check the 68 landmarks"
        fail(f"it measures {length_m:.4g} m {what}; a human head has {low} to {high} m. {advice}")


def _check_places(model: HeadModel, landmarks_m: Float[np.ndarray, "68 3"], fail: Callable[[str], None]) -> None:
    numbers, counts = np.unique(model.landmark_vertices, return_counts=True)
    if (counts > 1).any():
        vertex = int(numbers[counts > 1][0])
        twice = [int(number) for number in np.flatnonzero(model.landmark_vertices == vertex)]
        fail(f"landmarks {twice} are one and the same vertex, {vertex}; each of the 68 needs its own")
    x, y, z = landmarks_m.T
    eyes, mouth = slice(36, 48), slice(48, 60)
    order = (
        (
            "the person's left eye (landmarks 42-47) lies at larger x than the right eye (36-41)",
            x[42:48].mean() - x[36:42].mean(),
            "left and right are swapped, or the head is mirrored; left is the person's, not the picture's",
        ),
        ("the eyes lie above the mouth (48-59)", y[eyes].mean() - y[mouth].mean(), "the head is upside down"),
        ("the mouth lies above the chin (8)", y[mouth].mean() - y[8], "landmark 8 is not the chin"),
        (
            "the tip of the nose (30) lies before the jaw at the ears (0, 16)",
            z[30] - z[[0, 16]].mean(),
            "the face looks backwards",
        ),
        ("the tip of the nose (30) lies before the eyes", z[30] - z[eyes].mean(), "the face looks aside"),
    )
    for rule, difference_m, diagnosis in order:
        if difference_m <= 0:
            fail(
                f"{rule}, by the axes x to the person's left, y up, z out of the face; here the difference is "
                f"{difference_m * 1000:.1f} mm. Probably {diagnosis}: check the landmarks and the axes of the file"
            )


def _check_bones(model: HeadModel, fail: Callable[[str], None]) -> None:
    names = [bone.name for bone in model.bones]
    if not {"neck", "head"} <= set(names) <= set(BONE_NAMES) or len(set(names)) != len(names):
        fail(f"the bones are {names}; expected are neck and head, and of {list(BONE_NAMES)} each at most once")
    total = np.zeros(len(model.mean_vertices_m))
    for bone in model.bones:
        if not (np.isfinite(bone.joint_m).all() and np.isfinite(bone.tail_m).all()):
            fail(f"bone {bone.name!r} has the joint {bone.joint_m.tolist()}; it must be finite. Export the rig again")
        if not np.isfinite(bone.weights).all() or bone.weights.min() < 0:
            fail(f"the weights of bone {bone.name!r} must be finite and 0 or more; export the rig again")
        if len(bone.anchor_vertices) == 0:
            fail(f"bone {bone.name!r} has no vertex that it belongs to; bind some vertices to it, or leave it out")
        total += bone.weights
    worst = int(np.argmax(total))
    if total[worst] > 1.0 + _ROUNDING:
        fail(
            f"the weights of vertex {worst} add up to {total[worst]:.4f} over all bones; at most 1 was expected. "
            "Normalise the weights and export again"
        )
    eyes = np.isin(model.face_regions, [int(Region.SCLERA), int(Region.IRIS)])
    if len(model.face_regions) != len(model.face_sizes) or (model.face_regions > max(Region)).any():
        fail(f"{len(model.face_regions)} regions came for {len(model.face_sizes)} faces")
    if not eyes.any():
        fail(
            "no face belongs to an eye. The outlines of the eyes (landmarks 36-41 and 42-47) must enclose faces, or a "
            "material must be mapped to `sclera` or `iris`"
        )
