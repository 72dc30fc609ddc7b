"""An independent ray caster: Embree, through trimesh, on the meshes that were rendered."""

from dataclasses import dataclass

import numpy as np
import trimesh
from jaxtyping import Float, Float32, UInt8
from trimesh.ray.ray_pyembree import RayMeshIntersector

from render.geometry.frames import rigid_inverse


@dataclass(frozen=True)
class RayHits:
    """First hits of n rays in the camera frame: planar depth (0: nothing), unit normal facing the ray, label."""

    depth_m: Float[np.ndarray, " n"]
    normals_cam: Float[np.ndarray, "n 3"]
    labels: UInt8[np.ndarray, " n"]


@dataclass(frozen=True)
class Caster:
    """Triangles (world axes, metres) with the normals of their corners and their labels, ready to be met by rays."""

    triangles_m: Float[np.ndarray, "t 3 3"]
    corner_normals: Float32[np.ndarray, "t 3 3"]
    labels: UInt8[np.ndarray, " t"]
    intersector: RayMeshIntersector | None


def build_caster(
    triangles_m: Float32[np.ndarray, "t 3 3"],
    corner_normals: Float32[np.ndarray, "t 3 3"],
    labels: UInt8[np.ndarray, " t"],
) -> Caster:
    """A caster for these triangles; none at all are allowed."""
    triangles = triangles_m.astype(np.float64)
    faces = np.arange(len(triangles) * 3).reshape(-1, 3)
    mesh = trimesh.Trimesh(triangles.reshape(-1, 3), faces, process=False)
    return Caster(triangles, corner_normals, labels, RayMeshIntersector(mesh) if len(triangles) else None)


def cast(
    caster: Caster,
    rays_cam: Float[np.ndarray, "n 3"],
    cam_from_world: Float[np.ndarray, "4 4"],
    *,
    clip_m: tuple[float, float],
    measured_along: Float[np.ndarray, "n 3"] | None = None,
) -> RayHits:
    """First hits of rays (camera frame, z = 1) from the camera; with `measured_along`, where those other rays meet the
    planes of the triangles that the first ones meet.

    Embree chooses the triangle; where the ray meets its plane is computed here, in double precision. Normals are those
    of the corners, weighted by where the triangle was met; one that leans away is laid across the ray, as the format
    says.
    """
    found = RayHits(np.zeros(len(rays_cam)), np.zeros((len(rays_cam), 3)), np.zeros(len(rays_cam), dtype=np.uint8))
    if caster.intersector is None:
        return found
    world_from_cam = rigid_inverse(cam_from_world)
    directions = rays_cam @ world_from_cam[:3, :3].T
    origins = np.broadcast_to(world_from_cam[:3, 3], directions.shape)
    triangles, rays = caster.intersector.intersects_id(origins, directions, multiple_hits=False)[:2]
    if measured_along is not None:
        directions = measured_along @ world_from_cam[:3, :3].T
    depth, weights = _meet(caster.triangles_m[triangles], origins[rays], directions[rays])
    inside = (depth > clip_m[0]) & (depth < clip_m[1])
    triangles, rays, depth, weights = triangles[inside], rays[inside], depth[inside], weights[inside]
    normals = (weights[..., None] * caster.corner_normals[triangles]).sum(axis=1)
    flat = np.cross(
        *(caster.triangles_m[triangles][:, corner] - caster.triangles_m[triangles][:, 0] for corner in (1, 2))
    )
    normals *= -np.sign((flat * directions[rays]).sum(axis=-1, keepdims=True))
    normals = _facing(normals, directions[rays]) @ cam_from_world[:3, :3].T
    found.depth_m[rays], found.normals_cam[rays], found.labels[rays] = depth, normals, caster.labels[triangles]
    return found


def _meet(
    triangles: Float[np.ndarray, "n 3 3"], origins: Float[np.ndarray, "n 3"], directions: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 3"]]:
    """How far along each ray the plane of its triangle is, and the weights of the corners there.

    Source: Moeller and Trumbore 1997. The weights are clipped, as Embree works in single precision.
    """
    corner = triangles[:, 0]
    first, second = triangles[:, 1] - corner, triangles[:, 2] - corner
    across = np.cross(directions, second)
    scale = (first * across).sum(axis=-1)
    scale = np.where(scale == 0, np.finfo(np.float64).tiny, scale)
    start = origins - corner
    u = (start * across).sum(axis=-1) / scale
    turned = np.cross(start, first)
    v = (directions * turned).sum(axis=-1) / scale
    depth = (second * turned).sum(axis=-1) / scale
    return depth, np.clip(np.stack([1 - u - v, u, v], axis=-1), 0.0, 1.0)


def _facing(normals: Float[np.ndarray, "n 3"], directions: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    unit = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    normals = normals / np.linalg.norm(normals, axis=-1, keepdims=True).clip(1e-12)
    normals = normals - np.maximum((normals * unit).sum(axis=-1, keepdims=True), 0.0) * unit
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True).clip(1e-12)
