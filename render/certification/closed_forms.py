"""Closed forms: where a ray through a pixel centre meets a plane, a sphere or a cone, and the normal there."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from render.geometry.frames import transform_points


@dataclass(frozen=True)
class Hits:
    """What rays with z = 1 meet first, in the camera frame: planar depth (0: nothing) and the unit normal that faces
    the camera ((0, 0, 0): nothing)."""

    depth_m: Float[np.ndarray, "h w"]
    normals_cam: Float[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class Plane:
    """A plane through a point, or the half of it on the side that `inward` (within the plane) points to."""

    point_m: Float[np.ndarray, "3"]
    normal: Float[np.ndarray, "3"]
    inward: Float[np.ndarray, "3"] | None = None


@dataclass(frozen=True)
class Sphere:
    """A sphere."""

    centre_m: Float[np.ndarray, "3"]
    radius_m: float


@dataclass(frozen=True)
class Cone:
    """The open mantle of a cone, between two distances from its apex along its axis."""

    apex_m: Float[np.ndarray, "3"]
    axis: Float[np.ndarray, "3"]
    half_angle_deg: float
    from_m: float
    to_m: float


Shape = Plane | Sphere | Cone


def closed_form(shape: Shape, rays: Float[np.ndarray, "h w 3"], cam_from_world: Float[np.ndarray, "4 4"]) -> Hits:
    """First hits of rays (camera frame, z = 1) with a shape given in the world."""
    if isinstance(shape, Plane):
        depth, outward = _plane(shape, rays, cam_from_world)
    elif isinstance(shape, Sphere):
        depth, outward = _sphere(shape, rays, cam_from_world)
    else:
        depth, outward = _cone(shape, rays, cam_from_world)
    facing = -np.sign((outward * rays).sum(axis=-1, keepdims=True))
    return Hits(depth, np.where(depth[..., None] > 0, facing * outward, 0.0))


def _plane(plane: Plane, rays: np.ndarray, cam_from_world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    point = transform_points(cam_from_world, plane.point_m[None])[0]
    normal = cam_from_world[:3, :3] @ plane.normal
    depth = (normal @ point) / (rays @ normal)
    if plane.inward is not None:
        inside = (depth[..., None] * rays - point) @ (cam_from_world[:3, :3] @ plane.inward) > 0
        depth = np.where(inside, depth, 0.0)
    return np.where(depth > 0, depth, 0.0), np.broadcast_to(normal, rays.shape)


def _sphere(sphere: Sphere, rays: np.ndarray, cam_from_world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre = transform_points(cam_from_world, sphere.centre_m[None])[0]
    a, b = (rays**2).sum(axis=-1), rays @ centre
    inside_root = b * b - a * (centre @ centre - sphere.radius_m**2)
    depth = np.where(inside_root > 0, (b - np.sqrt(np.maximum(inside_root, 0.0))) / a, 0.0)
    return depth, (depth[..., None] * rays - centre) / sphere.radius_m


def _cone(cone: Cone, rays: np.ndarray, cam_from_world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    apex = transform_points(cam_from_world, cone.apex_m[None])[0]
    axis = cam_from_world[:3, :3] @ cone.axis
    squared_cosine = np.cos(np.radians(cone.half_angle_deg)) ** 2
    # Points t r - apex on the cone: ((t r - apex) . axis)^2 = cos^2 |t r - apex|^2.
    along, start = rays @ axis, -apex @ axis
    a = along**2 - squared_cosine * (rays**2).sum(axis=-1)
    b = along * start + squared_cosine * (rays @ apex)
    c = start**2 - squared_cosine * (apex @ apex)
    inside_root = np.maximum(b * b - a * c, 0.0)
    depth = np.full(a.shape, np.inf)
    for sign in (-1.0, 1.0):
        root = (-b + sign * np.sqrt(inside_root)) / a
        height = root * along + start
        on_mantle = (b * b > a * c) & (root > 0) & (height > cone.from_m) & (height < cone.to_m)
        depth = np.where(on_mantle, np.minimum(depth, root), depth)
    depth = np.where(np.isfinite(depth), depth, 0.0)
    from_apex = depth[..., None] * rays - apex
    outward = from_apex * squared_cosine - (from_apex @ axis)[..., None] * axis
    length = np.linalg.norm(outward, axis=-1, keepdims=True)
    return depth, np.divide(outward, length, out=np.zeros_like(outward), where=length > 0)
