"""HeadModel: the one interface behind which every head family stands."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8


class Region(IntEnum):
    """What a face of the mesh is made of; it decides the material and the ground-truth label."""

    SKIN = 0
    SCALP = 1
    GUMS = 2
    TEETH = 3
    TONGUE = 4
    SCLERA = 5
    IRIS = 6
    LACRIMAL_FLUID = 7
    EYE_BLEND = 8
    EYE_OCCLUSION = 9
    LASHES = 10
    LIPS = 11
    BROWS = 12
    NECK = 13


# Shells that an artist adds for shading only: they have no place in measured geometry.
SHADING_ONLY_REGIONS = frozenset({Region.LACRIMAL_FLUID, Region.EYE_BLEND, Region.EYE_OCCLUSION})
# Present in the `visible` layer, absent from the amodal `head` layer.
HAIR_REGIONS = frozenset({Region.LASHES, Region.BROWS})

# UVs of SCLERA and IRIS faces: the pupil at (0.5, 0.5), around it the limbus (where iris meets sclera) as a circle of
# this radius, u to the person's left and v up.
LIMBUS_RADIUS_UV = 0.25
# Radius of the human iris: half of 11.7 to 11.9 mm.
LIMBUS_RADIUS_M = 0.0059

# Statistical expression modes mean nothing by themselves, so they are numbered: expression_00, expression_01, …
NUMBERED_EXPRESSION = "expression_{:02d}"

BONE_NAMES = ("neck", "head", "jaw", "eye_left", "eye_right")


@dataclass(frozen=True)
class Bone:
    """A joint in the head frame; it follows the mean motion of its anchor vertices when the identity changes.

    `weights` binds each vertex to this bone (0..1); over all bones of a rig the weights of a vertex add up to at
    most 1, and the rest stays with the torso, which does not move.
    """

    name: str
    parent: str | None
    joint_m: Float[np.ndarray, "3"]
    tail_m: Float[np.ndarray, "3"]
    anchor_vertices: Int[np.ndarray, " a"]
    weights: Float32[np.ndarray, " n"]


@dataclass(frozen=True)
class HeadModel:
    """A morphable, rigged head in the head frame: metres, x to the person's left, y up, z out of the face.

    The origin lies inside the head, between the ears. A person is `mean + coefficients @ identity_basis`, where
    the basis is scaled so that a coefficient is a standard normal variate (LYHM style: X = mean + W y, y ~ N(0, 1)).
    Polygons may have any number of corners: `face_sizes` counts them, `face_vertices` lists them one face after
    the other, counter-clockwise seen from outside.
    """

    family: str
    content_sha256: str
    mean_vertices_m: Float32[np.ndarray, "n 3"]
    face_sizes: Int[np.ndarray, " f"]
    face_vertices: Int[np.ndarray, " c"]
    corner_uvs: Float32[np.ndarray, "c 2"]
    face_regions: UInt8[np.ndarray, " f"]
    identity_basis_m: Float32[np.ndarray, "k n 3"]
    expression_names: tuple[str, ...]
    expression_basis_m: Float32[np.ndarray, "e n 3"]
    bones: tuple[Bone, ...]
    landmark_vertices: Int[np.ndarray, "68"]
    eye_landmark_vertices: Int[np.ndarray, "2"]
    """One vertex at the pupil of the left and of the right eye (the person's left and right)."""


def modelled_hair(model: HeadModel) -> Bool[np.ndarray, " f"]:
    """Faces of lashes and brows that are hairs as they stand. Cards (u from 0 on), which stand for many lashes each,
    are not among them: render.hair grows strands in their place."""
    first_corners = np.concatenate([[0], np.cumsum(model.face_sizes)[:-1]])
    cards = (model.face_regions == Region.LASHES) & (model.corner_uvs[first_corners, 0] >= 0)
    return np.isin(model.face_regions, [int(region) for region in HAIR_REGIONS]) & ~cards


def person_vertices_m(model: HeadModel, identity_coefficients: Float[np.ndarray, " k"]) -> Float32[np.ndarray, "n 3"]:
    """Neutral vertices of one person in the head frame, metres.

    Raises: ValueError when the number of coefficients is not the number of identity modes.
    """
    modes = model.identity_basis_m.shape[0]
    if identity_coefficients.shape != (modes,):
        raise ValueError(
            f"head family {model.family!r} has {modes} identity modes, but {identity_coefficients.shape[0]} "
            "coefficients came. Draw the identity from this family's own model."
        )
    vertices = model.mean_vertices_m.astype(np.float64)
    # One mode after the other: a basis in double precision at once takes longer to make than to use.
    for coefficient, mode in zip(identity_coefficients.tolist(), model.identity_basis_m, strict=True):
        vertices += coefficient * mode.astype(np.float64)
    return vertices.astype(np.float32)


def person_joint_m(bone: Bone, model: HeadModel, vertices_m: Float32[np.ndarray, "n 3"]) -> Float[np.ndarray, "3"]:
    """Where this bone's joint sits in one person, head frame, metres."""
    moved = vertices_m[bone.anchor_vertices].astype(np.float64) - model.mean_vertices_m[bone.anchor_vertices]
    return bone.joint_m + moved.mean(axis=0)


def eyes_midpoint_m(model: HeadModel, vertices_m: Float32[np.ndarray, "n 3"]) -> Float[np.ndarray, "3"]:
    """The point between the pupils of one person, head frame, metres; camera distances are measured to it."""
    return vertices_m[model.eye_landmark_vertices].astype(np.float64).mean(axis=0)
