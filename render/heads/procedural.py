"""The `procedural` head family: a whole morphable head in code, with nothing to download."""

import functools
import hashlib
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float32

from render.heads.model import LIMBUS_RADIUS_UV, HeadModel, Region
from render.heads.procedural_anatomy import Anatomy, build_anatomy, ramp
from render.heads.procedural_expressions import expressions_mm
from render.heads.procedural_identity import identity_fields_mm
from render.heads.procedural_parts import IRIS_RADIUS_MM
from render.heads.procedural_rig import bones, eye_landmark_vertices, landmark_vertices
from render.heads.procedural_skull import EYE_CENTRE_MM

# Raise it with every change to what this family looks like; a test with recorded numbers tells when. Hashing the arrays
# instead would give each machine its own frame keys, for their last bits depend on its linear algebra library.
EPOCH = 5
GRID_STEPS_PER_M = 2.0**22
# The face is sculpted with room for its features and then shortened to the height that render/heads/norms.py names.
# How much shorter nose and chin become, mm, and between which heights of the sculpted head; lips keep theirs.
_SHORTER_MM = ((2.5, (6.0, -37.0)), (3.5, (-57.0, -104.0)))
RIGID_PARTS = ("upper_teeth", "upper_gums", "lower_teeth", "lower_gums", "tongue")


@functools.cache
def load_procedural() -> HeadModel:
    """The mean head with its identity modes, expressions and rig; built in memory in about two seconds, then kept."""
    anatomy = build_anatomy()
    shapes = expressions_mm(anatomy)
    arrays = {
        "mean_vertices_m": _metres(_proportioned(anatomy)),
        "identity_basis_m": _metres(identity_fields_mm(anatomy)),
        "expression_basis_m": _metres(np.stack(list(shapes.values()))),
    }
    return HeadModel(
        family="procedural",
        content_sha256=hashlib.sha256(f"headroom/heads/procedural/{EPOCH}".encode()).hexdigest(),
        face_sizes=np.full(len(anatomy.quads), 4),
        face_vertices=anatomy.quads.ravel(),
        corner_uvs=_corner_uvs(anatomy),
        face_regions=anatomy.regions.astype(np.uint8),
        expression_names=tuple(shapes),
        bones=tuple(
            replace(
                bone, joint_m=_shortened(bone.joint_m, unit_mm=1000.0), tail_m=_shortened(bone.tail_m, unit_mm=1000.0)
            )
            for bone in bones(anatomy)
        ),
        landmark_vertices=landmark_vertices(anatomy),
        eye_landmark_vertices=eye_landmark_vertices(anatomy),
        **arrays,
    )


def _proportioned(anatomy: Anatomy) -> Float[np.ndarray, "n 3"]:
    """The mean head in mm with its face as short as adults have it; teeth and tongue keep their shapes."""
    result = _shortened(anatomy.vertices_mm, unit_mm=1.0)
    for name in RIGID_PARTS:
        ids = anatomy.parts[name]
        result[ids] = anatomy.vertices_mm[ids] + (result[ids] - anatomy.vertices_mm[ids]).mean(axis=0)
    return result


def _shortened(points: Float[np.ndarray, "*n 3"], *, unit_mm: float) -> Float[np.ndarray, "*n 3"]:
    """Everything below the eyes raised, most the chin and what is under it; the eyes stay."""
    heights_mm = points[..., 1:2] * unit_mm
    raised_mm = sum(shorter * ramp(heights_mm, *between) for shorter, between in _SHORTER_MM)
    return points + raised_mm / unit_mm * np.array([0.0, 1.0, 0.0])


def _metres(values_mm: Float[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    # Splines are solved by LAPACK, which may round differently from process to process; a grid of 0.24 um makes that
    # vanish from the bytes.
    # Adding 0 turns -0 into 0, whose bytes differ.
    return (np.rint(values_mm / 1000.0 * GRID_STEPS_PER_M) / GRID_STEPS_PER_M + 0.0).astype(np.float32)


def _corner_uvs(anatomy: Anatomy) -> Float32[np.ndarray, "c 2"]:
    """Around the head from the nape (u 0) over the right ear, the face (0.5) and the left ear; v up from the chest."""
    corners = anatomy.vertices_mm[anatomy.quads]
    azimuth = np.degrees(np.arctan2(corners[..., 0], corners[..., 2]))
    middle = np.degrees(np.arctan2(corners[..., 0].mean(axis=1), corners[..., 2].mean(axis=1)))[:, None]
    # Corners on the seam at the nape take the side on which their face lies.
    azimuth = azimuth + 360.0 * np.round((middle - azimuth) / 360.0)
    low, high = anatomy.vertices_mm[:, 1].min(), anatomy.vertices_mm[:, 1].max()
    uvs = np.stack([np.clip(0.5 + azimuth / 360.0, 0.0, 1.0), (corners[..., 1] - low) / (high - low)], axis=2)
    eyes = np.isin(anatomy.regions, [Region.SCLERA, Region.IRIS])
    uvs[eyes] = _eye_uvs(corners[eyes])
    lashes = anatomy.regions == Region.LASHES
    uvs[lashes] = anatomy.lash_uvs[anatomy.quads[lashes]]
    return uvs.reshape(-1, 2).astype(np.float32)


def _eye_uvs(corners: Float[np.ndarray, "f 4 3"]) -> Float[np.ndarray, "f 4 2"]:
    offset = corners - EYE_CENTRE_MM * np.stack(
        [np.sign(corners[..., 0]), np.ones(corners.shape[:2]), np.ones(corners.shape[:2])], axis=2
    )
    aside = np.hypot(offset[..., 0], offset[..., 1])
    polar = np.arctan2(aside, offset[..., 2])
    limbus = np.arcsin(IRIS_RADIUS_MM / np.linalg.norm(offset, axis=2).min())
    # Even over the iris; beyond it even too, so that the back of the globe ends on the edge of the square.
    radius = np.interp(polar, [0.0, limbus, np.pi], [0.0, LIMBUS_RADIUS_UV, 0.5])
    # The pole at the back has no direction of its own: it takes that of its face.
    spoke = np.where((aside > 1e-6)[..., None], offset[..., :2], offset[..., :2].mean(axis=1, keepdims=True))
    return 0.5 + radius[..., None] * spoke / np.linalg.norm(spoke, axis=2, keepdims=True)
