"""Texture coordinates of the ICT head's eyes and lashes, laid out anew the way their materials read them.

Eyeballs: as render.heads.model says, with the optical axis at (0.5, 0.5). Lashes: u runs along a card, 0..1 plus the
number of the card, v from 0 at the root to 1 at the tip. All other faces keep the coordinates of the file.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from render.heads.eyeballs import PUPIL_UV, eyeball_uvs
from render.heads.ict_regions import LASH_FACES, OUTER_EYE_SHELL_FACES, corner_range, face_mean
from render.heads.model import LIMBUS_RADIUS_M, LIMBUS_RADIUS_UV
from render.heads.obj_file import ObjMesh

# In the file, an outer shell is unwrapped in rings around (0.5, 0.5); these two enclose the human limbus (5.4, 6.2 mm).
_FILE_LIMBUS_RINGS_UV = (0.100, 0.127)
# Each eye has three cards on the upper and three on the lower lid, one below the other in the texture.
CARDS_PER_EYE = 6
_CARD_FACES = 90


@dataclass(frozen=True)
class EyeLayout:
    """One eyeball: its centre, the direction through the middle of its iris, the angle between that axis and the
    limbus, and the vertex of the cornea in front of the pupil."""

    centre_m: Float[np.ndarray, "3"]
    axis: Float[np.ndarray, "3"]
    limbus_angle_rad: float
    pupil_vertex: int


def eye_layouts(mesh: ObjMesh, mean_m: Float[np.ndarray, "n 3"]) -> tuple[EyeLayout, EyeLayout]:
    """The left and the right eye, measured on their outer shells (sclera and cornea in one)."""
    left, right = (_eye_layout(mesh, mean_m, corner_range(mesh, *faces)) for faces in OUTER_EYE_SHELL_FACES)
    return left, right


def eye_centre_m(shell_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "3"]:
    """Centre of the sphere that fits the vertices of one shell best (least squares on squared distances)."""
    system = np.column_stack([2.0 * shell_m, np.ones(len(shell_m))])
    return np.linalg.lstsq(system, (shell_m**2).sum(axis=1), rcond=None)[0][:3]


def ict_corner_uvs(
    mesh: ObjMesh, mean_m: Float[np.ndarray, "n 3"], eyes: tuple[EyeLayout, EyeLayout]
) -> Float32[np.ndarray, "c 2"]:
    """Texture coordinates of every corner of the neutral mesh (see the module)."""
    uvs = mesh.corner_uvs.copy()
    for eye, faces in zip(eyes, OUTER_EYE_SHELL_FACES, strict=True):
        corners = corner_range(mesh, *faces)
        points_m = mean_m[mesh.face_vertices[corners]]
        uvs[corners] = eyeball_uvs(points_m, eye.centre_m, limbus_rad=eye.limbus_angle_rad, axis=eye.axis)
    first, end = LASH_FACES
    eye_cards = CARDS_PER_EYE * _CARD_FACES
    for card, start in enumerate(range(first, end, _CARD_FACES)):
        corners = corner_range(mesh, start, start + _CARD_FACES)
        eye = eyes[(start - first) // eye_cards]
        uvs[corners] = _card_uvs(card, mesh.corner_uvs[corners], mean_m[mesh.face_vertices[corners]], eye.centre_m)
    return uvs.astype(np.float32)


def iris_faces(mesh: ObjMesh, corner_uvs: Float32[np.ndarray, "c 2"]) -> Bool[np.ndarray, " f"]:
    """Faces of the outer shells whose middle lies within the limbus."""
    middle = np.stack([face_mean(mesh, corner_uvs[:, axis].astype(np.float64)) for axis in (0, 1)], axis=1)
    within = np.linalg.norm(middle - PUPIL_UV, axis=1) < LIMBUS_RADIUS_UV
    shells = np.zeros(len(within), dtype=bool)
    for first, end in OUTER_EYE_SHELL_FACES:
        shells[first:end] = True
    return within & shells


def _eye_layout(mesh: ObjMesh, mean_m: Float[np.ndarray, "n 3"], corners: slice) -> EyeLayout:
    vertices: Int[np.ndarray, " v"] = np.unique(mesh.face_vertices[corners])
    ring_uv = np.linalg.norm(mesh.corner_uvs[corners] - 0.5, axis=1)
    low, high = _FILE_LIMBUS_RINGS_UV
    rim = np.unique(mesh.face_vertices[corners][(ring_uv > low) & (ring_uv < high)])
    centre_m = eye_centre_m(mean_m[vertices])
    axis = mean_m[rim].mean(axis=0) - centre_m
    axis /= np.linalg.norm(axis)
    along_m = (mean_m[vertices] - centre_m) @ axis
    aside_m = np.linalg.norm(mean_m[vertices] - centre_m - along_m[:, None] * axis, axis=1)
    angle_rad = np.arctan2(aside_m, along_m)
    front = np.argsort(angle_rad)[: np.count_nonzero(angle_rad < 1.0)]
    return EyeLayout(
        centre_m=centre_m,
        axis=axis,
        limbus_angle_rad=float(np.interp(LIMBUS_RADIUS_M, np.sort(aside_m[front]), angle_rad[front])),
        pupil_vertex=int(vertices[np.argmin(angle_rad)]),
    )


def _card_uvs(
    card: int,
    file_uvs: Float[np.ndarray, "c 2"],
    points_m: Float[np.ndarray, "c 3"],
    eye_centre: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "c 2"]:
    """A card of the file is an upright rectangle in the texture; the long edge nearer to the eye is the root."""
    low, high = file_uvs.min(axis=0), file_uvs.max(axis=0)
    share = (file_uvs - low) / (high - low)
    distance_m = np.linalg.norm(points_m - eye_centre, axis=1)
    if distance_m[share[:, 1] > 0.9].mean() < distance_m[share[:, 1] < 0.1].mean():
        share[:, 1] = 1.0 - share[:, 1]
    return share + np.array([card, 0])
