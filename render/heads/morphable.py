"""A statistical head from a file (mean, modes, triangles, landmarks) made into a HeadModel: origin, regions, rig.

Such files come without skeleton, and their eyes are part of the skin. So two bones, neck and head, are placed by the
landmarks, and the faces within the lids become eyes on which the iris is painted; these eyes cannot turn.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from render.geometry.face_paint import face_paint
from render.heads.eyeballs import PUPIL_UV, flat_eye_uvs, within_lids
from render.heads.model import LIMBUS_RADIUS_UV, NUMBERED_EXPRESSION, Bone, HeadModel, Region
from render.heads.model_checks import UNITS_M, HeadModelError, check_finite, check_head_model

RIGHT_EYE, LEFT_EYE, CHIN = slice(36, 42), slice(42, 48), 8
# Places in distances between the middles of the eyes, from the point between these: means of the two families whose
# skeletons we know, ict and procedural (measured on their mean heads).
HEAD_JOINT = (0.0, -0.69, -1.51)
NECK_JOINT = (0.0, -2.44, -2.00)
ORIGIN = (0.0, -0.40, -1.34)
# Height along the neck, which leans forward: y + SLOPE * z. Over these heights the skin joins the skull and leaves the
# torso; they are those of render.heads.ict_rig, in distances between the eyes below the eyes.
NECK_SLOPE = 0.285
SKULL_RAMP = (-2.70, -1.88)
NECK_RAMP = (-3.16, -2.24)
# Skin below this height is neck.
NECK_LINE = -1.95
WEIGHT_STEP = 2.0**-16


@dataclass(frozen=True)
class FileShapes:
    """What a statistical model file holds, in its own units; modes are scaled to one standard deviation."""

    mean: Float[np.ndarray, "n 3"]
    triangles: Int[np.ndarray, "f 3"]
    identity_modes: Float[np.ndarray, "k n 3"]
    expression_names: tuple[str, ...]
    expression_modes: Float[np.ndarray, "e n 3"]
    landmark_vertices: Int[np.ndarray, "68"]


def scaled_modes(
    basis: np.ndarray, variances: np.ndarray, *, count: int, vertices: int, what: str, where: str
) -> Float[np.ndarray, "k n 3"]:
    """The first `count` orthonormal modes (columns, xyz interleaved), each times the root of its variance.

    Raises: HeadModelError when there are fewer, or they do not fit the mesh.
    """
    variances = np.asarray(variances, dtype=np.float64).ravel()
    if basis.ndim != 2 or basis.shape[0] != 3 * vertices:
        raise HeadModelError(
            f"{where}: the {what} modes have the shape {basis.shape}; ({3 * vertices}, modes) was expected for a mean "
            f"of {vertices} vertices. Mean and modes must come from the same file"
        )
    check_mode_count(basis.shape[1], count, what=what, where=where)
    if len(variances) < count or not (variances[:count] >= 0).all():
        raise HeadModelError(
            f"{where}: the first {count} {what} modes need as many variances of 0 or more, but {len(variances)} came, "
            f"the least of them {variances.min(initial=np.inf)}. The file is damaged, or another model's"
        )
    modes = np.asarray(basis[:, :count], dtype=np.float64) * np.sqrt(variances[:count])
    return np.ascontiguousarray(modes.T).reshape(count, vertices, 3)


def check_mode_count(available: int, wanted: int, *, what: str, where: str) -> None:
    """Raise HeadModelError when a file has fewer modes than wanted."""
    if wanted > available:
        setting = "heads.identity_modes in the recipe" if what == "identity" else "expression_modes in the description"
        raise HeadModelError(
            f"{where} has {available} {what} modes, but {wanted} were asked for; set {setting} to {available} or less"
        )


def numbered_names(count: int) -> tuple[str, ...]:
    """Names of the first statistical expression modes."""
    return tuple(NUMBERED_EXPRESSION.format(number) for number in range(count))


def morphable_head(family: str, content_sha256: str, shapes: FileShapes, *, units: str, where: str) -> HeadModel:
    """A HeadModel with a neck and a head bone, its origin between the ears, eyes painted within the lids.

    The axes of the file must be x to the person's left, y up, z out of the face.
    Raises: HeadModelError when the result is no human head (see render.heads.model_checks).
    """
    vertices = len(shapes.mean)
    if shapes.landmark_vertices.max() >= vertices:
        raise HeadModelError(
            f"{where} has vertices 0 to {vertices - 1}, but a landmark names {int(shapes.landmark_vertices.max())}. "
            "Numbers start at 0: subtract 1 from a list made in MATLAB"
        )
    # What follows measures the mesh, so the mesh must be sound; bones and eyes are added and checked after.
    model = unrigged_head(family, content_sha256, shapes, units=units, where=where)
    regions, uvs, pupils = fused_eyes(model, skin_regions(model))
    model = replace(model, face_regions=regions, corner_uvs=uvs, eye_landmark_vertices=pupils)
    model = replace(model, bones=neck_and_head(model))
    check_head_model(model, where=where, units=units)
    return model


def unrigged_head(family: str, content_sha256: str, shapes: FileShapes, *, units: str, where: str) -> HeadModel:
    """The mesh, modes and landmarks of a file in the head frame: all skin, without texture, bones or pupils.

    Raises: HeadModelError when they are no head, whatever bones and eyes may follow.
    """
    check_finite(shapes.mean, where=where)
    unit_m, triangles = UNITS_M[units], shapes.triangles
    model = HeadModel(
        family=family,
        content_sha256=content_sha256,
        mean_vertices_m=mean_in_head_frame_m(shapes, units=units).astype(np.float32),
        face_sizes=np.full(len(triangles), 3, dtype=np.int32),
        face_vertices=triangles.astype(np.int32).ravel(),
        corner_uvs=np.zeros((triangles.size, 2), dtype=np.float32),
        face_regions=np.zeros(len(triangles), dtype=np.uint8),
        identity_basis_m=(unit_m * shapes.identity_modes).astype(np.float32),
        expression_names=shapes.expression_names,
        expression_basis_m=(unit_m * shapes.expression_modes).astype(np.float32),
        bones=(),
        landmark_vertices=shapes.landmark_vertices.astype(np.int32),
        eye_landmark_vertices=shapes.landmark_vertices[[42, 36]].astype(np.int32),
    )
    check_head_model(model, where=where, units=units, rigged=False)
    return model


def mean_in_head_frame_m(shapes: FileShapes, *, units: str) -> Float[np.ndarray, "n 3"]:
    """The mean in metres, its origin between the ears."""
    mean_m = UNITS_M[units] * shapes.mean
    middle_m, unit = eye_frame(mean_m[shapes.landmark_vertices])
    return mean_m - (middle_m + unit * np.array(ORIGIN))


def eye_frame(landmarks_m: Float[np.ndarray, "68 3"]) -> tuple[Float[np.ndarray, "3"], float]:
    """The point between the middles of the eyes, and their distance."""
    right, left = landmarks_m[RIGHT_EYE].mean(axis=0), landmarks_m[LEFT_EYE].mean(axis=0)
    return (right + left) / 2, float(np.linalg.norm(left - right))


def skin_regions(model: HeadModel) -> UInt8[np.ndarray, " f"]:
    """SKIN, SCALP or NECK for each face, read off the landmarks."""
    landmarks_m = model.mean_vertices_m[model.landmark_vertices].astype(np.float64)
    scalp = face_paint(model.mean_vertices_m, landmarks_m)["scalp"]
    height = _neck_height(model.mean_vertices_m.astype(np.float64), landmarks_m)
    regions = np.full(len(model.face_sizes), Region.SKIN, dtype=np.uint8)
    regions[_face_mean(model, scalp) > 0.5] = Region.SCALP
    regions[_face_mean(model, height) < NECK_LINE] = Region.NECK
    return regions


def fused_eyes(
    model: HeadModel, regions: UInt8[np.ndarray, " f"]
) -> tuple[UInt8[np.ndarray, " f"], Float32[np.ndarray, "c 2"], Int[np.ndarray, "2"]]:
    """Regions and texture coordinates with the faces within the lids made eyes, and the left and right pupil vertex."""
    vertices_m = model.mean_vertices_m.astype(np.float64)
    landmarks_m = vertices_m[model.landmark_vertices]
    _, unit = eye_frame(landmarks_m)
    centres_m = np.stack([_face_mean(model, vertices_m[:, axis]) for axis in range(3)], axis=1)
    regions, uvs, pupils = regions.copy(), model.corner_uvs.copy(), []
    for eye in (LEFT_EYE, RIGHT_EYE):
        outline_m = landmarks_m[eye]
        centre_m = outline_m.mean(axis=0)
        mine = within_lids(centres_m, outline_m, unit)
        corners = np.repeat(mine, model.face_sizes)
        uvs[corners] = flat_eye_uvs(vertices_m[model.face_vertices[corners]], centre_m)
        iris = np.linalg.norm(flat_eye_uvs(centres_m, centre_m) - PUPIL_UV, axis=1) < LIMBUS_RADIUS_UV
        regions[mine] = Region.SCLERA
        regions[mine & iris] = Region.IRIS
        near = np.unique(model.face_vertices[corners]) if mine.any() else model.landmark_vertices[eye]
        pupils.append(near[np.argmin(np.linalg.norm(vertices_m[near, :2] - centre_m[:2], axis=1))])
    return regions, uvs, np.array(pupils, dtype=np.int32)


def neck_and_head(model: HeadModel) -> tuple[Bone, Bone]:
    """The two bones; all above the jaw line moves with the head, and down the neck the torso takes over."""
    vertices_m = model.mean_vertices_m.astype(np.float64)
    landmarks_m = vertices_m[model.landmark_vertices]
    middle_m, unit = eye_frame(landmarks_m)
    head_joint_m, neck_joint_m = middle_m + unit * np.array(HEAD_JOINT), middle_m + unit * np.array(NECK_JOINT)
    height = _neck_height(vertices_m, landmarks_m)
    above_torso = _stepped(_smooth_step(height, *NECK_RAMP))
    head = np.minimum(_stepped(_smooth_step(height, *SKULL_RAMP)), above_torso)
    neck = above_torso - head
    skull = model.landmark_vertices[[0, 16]]
    below = np.flatnonzero(neck > 0)
    crown_m = np.array([head_joint_m[0], vertices_m[:, 1].max(), head_joint_m[2]])
    return (
        Bone("neck", None, neck_joint_m, head_joint_m, below if len(below) else skull, neck.astype(np.float32)),
        Bone("head", "neck", head_joint_m, crown_m, skull, head.astype(np.float32)),
    )


def _neck_height(vertices_m: np.ndarray, landmarks_m: np.ndarray) -> Float[np.ndarray, " n"]:
    """Height along the neck above the eyes, in distances between the eyes."""
    middle_m, unit = eye_frame(landmarks_m)
    return ((vertices_m[:, 1] - middle_m[1]) + NECK_SLOPE * (vertices_m[:, 2] - middle_m[2])) / unit


def _face_mean(model: HeadModel, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " f"]:
    starts = np.concatenate([[0], np.cumsum(model.face_sizes)[:-1]])
    return np.add.reduceat(np.asarray(values, dtype=np.float64)[model.face_vertices], starts) / model.face_sizes


def _smooth_step(values: Float[np.ndarray, " n"], low: float, high: float) -> Float[np.ndarray, " n"]:
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _stepped(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    # Multiples of a power of two add up exactly in single precision.
    return np.floor(values / WEIGHT_STEP) * WEIGHT_STEP
