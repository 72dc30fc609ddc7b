"""The `procedural` head family: a whole morphable head in code, with nothing to download."""

import functools
import hashlib

import numpy as np
from jaxtyping import Float, Float32

from render.heads.model import LIMBUS_RADIUS_UV, HeadModel, Region
from render.heads.procedural_anatomy import Anatomy, build_anatomy
from render.heads.procedural_expressions import expressions_mm
from render.heads.procedural_identity import identity_fields_mm
from render.heads.procedural_parts import IRIS_RADIUS_MM
from render.heads.procedural_rig import bones, eye_landmark_vertices, landmark_vertices
from render.heads.procedural_skull import EYE_CENTRE_MM

# Raise it with every change to what this family looks like; a test with recorded numbers tells when. Hashing the arrays
# instead would give each machine its own frame keys, for their last bits depend on its linear algebra library.
EPOCH = 2
GRID_STEPS_PER_M = 2.0**22


@functools.cache
def load_procedural() -> HeadModel:
    """The mean head with 24 identity modes, expressions and rig; built in memory in about a second, then kept."""
    anatomy = build_anatomy()
    shapes = expressions_mm(anatomy)
    arrays = {
        "mean_vertices_m": _metres(anatomy.vertices_mm),
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
        bones=bones(anatomy),
        landmark_vertices=landmark_vertices(anatomy),
        eye_landmark_vertices=eye_landmark_vertices(anatomy),
        **arrays,
    )


def _metres(values_mm: Float[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    # LAPACK may round differently from process to process; a grid of 0.24 um makes that vanish from the bytes.
    return (np.rint(values_mm / 1000.0 * GRID_STEPS_PER_M) / GRID_STEPS_PER_M).astype(np.float32)


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
