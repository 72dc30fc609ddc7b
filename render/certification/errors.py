"""How far measured points and normals are off, and how far they may be."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

# Depth and normals are compared to this angle between normal and view. Beyond, a ray grazes, 1 um beside the surface is
# 5 um of depth and more, and only the distance to the surface tells.
OBLIQUE_DEG = 78.0
# A pixel of hair agrees when its point is this near to the strand.
HAIR_UM = 5.0
# Single precision places camera and surface, about 1 m apart, and the ray between them to 6e-8 each: after some
# roundings to 0.3 um, in Cycles and once more in Embree. A ray through an outline, or through the crease where one part
# runs into another (the temple of glasses into their front), meets either surface by chance; where a lip curls up in a
# pixel, the normal turns on that way. So a pixel that is out of bounds for its centre's ray agrees when a ray that
# passes this near to it, per metre of depth, says what it shows. At 1024 px that is about 0.001 px.
NEAR_CENTRE_UM = 1.0


@dataclass(frozen=True)
class Bounds:
    """What the worst pixel may be off by, in micrometres, degrees, and shares of 1 + slope; and how far beside the
    centre's ray, in micrometres per metre of depth, another ray may tell what a pixel shows."""

    depth_um: float
    distance_um: float
    normal_deg: float
    slope: float
    beside_um: float = NEAR_CENTRE_UM


@dataclass(frozen=True)
class SurfaceErrors:
    """Errors of every pixel: planar depth, distance of the measured point from the surface, angle of the normal; and
    where depth and angle are meaningful, because the surface is seen from the front enough."""

    depth_um: Float[np.ndarray, "*shape"]
    distance_um: Float[np.ndarray, "*shape"]
    angle_deg: Float[np.ndarray, "*shape"]
    frontal: Bool[np.ndarray, "*shape"]

    def over(self, bounds: Bounds, *, also: Bool[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """The largest error of every pixel over its bound (up to 1: within); depth and angle count where the surface is
        seen from the front, and `also` where the caller says so."""
        where_frontal = np.maximum(self.depth_um / bounds.depth_um, self.angle_deg / bounds.normal_deg)
        return np.maximum(self.distance_um / bounds.distance_um, np.where(self.frontal | also, where_frontal, 0.0))


def surface_errors(
    shown_m: Float[np.ndarray, "*shape"],
    shown_normals: Float[np.ndarray, "*shape 3"],
    expected_m: Float[np.ndarray, "*shape"],
    expected_normals: Float[np.ndarray, "*shape 3"],
    rays: Float[np.ndarray, "*shape 3"],
) -> SurfaceErrors:
    """Errors of what is shown against what is expected along rays with z = 1, where both meet a surface."""
    depth_um = np.abs(shown_m - expected_m) * 1e6
    across = np.abs((expected_normals * rays).sum(axis=-1))
    frontal = across > np.cos(np.radians(OBLIQUE_DEG)) * np.linalg.norm(rays, axis=-1)
    return SurfaceErrors(depth_um, depth_um * across, degrees_between(shown_normals, expected_normals), frontal)


def degrees_between(a: Float[np.ndarray, "*shape 3"], b: Float[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape"]:
    """Angles between unit vectors, exact for small ones too."""
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0.0, 1.0)))
