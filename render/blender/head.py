"""A person in Blender: mesh objects with shape keys, skinned to the armature, smooth and subdivided."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import bpy
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from render.blender.evaluated import as_rendered
from render.blender.passes import HEAD, RIG, SHADING_ONLY, WORN, set_surface_labels
from render.blender.polygon_mesh import paint_points, polygon_mesh, subdivide
from render.blender.rig import ROOT, PosedRig, add_armature, bind_to_armature, pose_armature
from render.blender.skin import ROOTS
from render.dataset_format import Label
from render.geometry.face_paint import face_paint
from render.geometry.frames import WORLD_FROM_HEAD_AXES
from render.heads.model import (
    HAIR_REGIONS,
    SHADING_ONLY_REGIONS,
    HeadModel,
    Region,
    modelled_hair,
    person_vertices_m,
)
from render.parameters import Expression, HeadPose, Identity

LABEL_OF_REGION = {
    Region.SCLERA: Label.EYES,
    Region.IRIS: Label.EYES,
    Region.GUMS: Label.MOUTH_INTERIOR,
    Region.TEETH: Label.MOUTH_INTERIOR,
    Region.TONGUE: Label.MOUTH_INTERIOR,
    Region.LASHES: Label.HAIR,
    Region.BROWS: Label.HAIR,
}


# A hit this close before a point of the surface does not hide it: landmarks of closed lips lie within the crease.
SAME_POINT_M = 0.001


@dataclass(frozen=True)
class Person:
    """One person in the scene. `part_vertices` tells which vertices of the model each mesh object holds, in order."""

    model: HeadModel
    vertices_m: Float32[np.ndarray, "n 3"]
    armature: bpy.types.Object
    joints_m: Mapping[str, np.ndarray]
    parts: Mapping[str, bpy.types.Object]
    part_vertices: Mapping[str, np.ndarray]
    followers: list[Callable[["PosedPerson"], None]] = field(default_factory=list)
    """What must be placed anew, by ourselves and not by Blender, whenever the person is posed."""


@dataclass(frozen=True)
class PosedPerson:
    """A person in a pose: where the bones are, and the vertices of the head as rendered (world axes, metres; those of
    the unsubdivided mesh come first, in their order)."""

    rig: PosedRig
    surface_world_m: Float32[np.ndarray, "v 3"]


def add_person(
    collections: Mapping[str, bpy.types.Collection],
    model: HeadModel,
    identity: Identity,
    materials: Mapping[Region, bpy.types.Material],
    *,
    subdivision_level: int,
) -> Person:
    """Build one identity: rest shape, one shape key an expression, weights, and the subdivision modifier.

    Faces go to the `head`, `worn` (modelled lashes and brows) or `shading_only` collection by their region.
    """
    vertices = person_vertices_m(model, np.asarray(identity.coefficients))
    armature, joints = add_armature(collections[RIG], model, vertices)
    paint = face_paint(vertices, vertices[model.landmark_vertices].astype(np.float64))
    parts, part_vertices = {}, {}
    for name, chosen in _faces_by_collection(model).items():
        if chosen.any():
            parts[name], part_vertices[name] = _add_part(name, model, vertices, chosen, materials)
            collections[name].objects.link(parts[name])
            for attribute, values in paint.items():
                paint_points(parts[name].data, attribute, values[part_vertices[name]])
            # No hair grows yet.
            paint_points(parts[name].data, ROOTS, np.zeros(len(part_vertices[name])))
            _skin(parts[name], armature, model, part_vertices[name])
            subdivide(parts[name], subdivision_level)
    return Person(model, vertices, armature, joints, parts, part_vertices)


def pose_person(person: Person, expression: Expression, pose: HeadPose) -> PosedPerson:
    """Set expression weights and bones, then place what follows the person.

    Raises: ValueError when the family lacks an expression.
    """
    weights = dict(expression.weights)
    unknown = sorted(set(weights) - set(person.model.expression_names))
    if unknown:
        raise ValueError(
            f"expression {expression.name!r} needs the shapes {unknown}, which head family "
            f"{person.model.family!r} does not have; it has {list(person.model.expression_names)}"
        )
    for part in person.parts.values():
        for key in part.data.shape_keys.key_blocks[1:]:
            key.value = weights.get(key.name, 0.0)
    rig = pose_armature(person.armature, person.model, person.joints_m, pose)
    posed = PosedPerson(rig, surface_vertices_m(person.parts[HEAD]))
    for follow in person.followers:
        follow(posed)
    return posed


def surface_triangles(
    part: bpy.types.Object,
) -> tuple[Float32[np.ndarray, "v 3"], Int[np.ndarray, "t 3"]]:
    """World vertices and triangles of a part as it is rendered: deformed, posed and subdivided.

    The corners of the unsubdivided mesh come first, in their order.
    """
    evaluated = as_rendered(part)
    mesh = evaluated.to_mesh()
    try:
        vertices = _vertices(mesh)
        mesh.calc_loop_triangles()
        triangles = np.empty(len(mesh.loop_triangles) * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("vertices", triangles)
    finally:
        evaluated.to_mesh_clear()
    return vertices, triangles.reshape(-1, 3)


def _vertices(mesh: bpy.types.Mesh) -> Float32[np.ndarray, "v 3"]:
    vertices = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    mesh.vertices.foreach_get("co", vertices)
    return vertices.reshape(-1, 3)


def surface_vertices_m(part: bpy.types.Object) -> Float32[np.ndarray, "v 3"]:
    """The vertices alone of `surface_triangles`."""
    evaluated = as_rendered(part)
    mesh = evaluated.to_mesh()
    try:
        return _vertices(mesh)
    finally:
        evaluated.to_mesh_clear()


def landmarks_world_m(person: Person, surface_world_m: Float32[np.ndarray, "v 3"]) -> Float32[np.ndarray, "68 3"]:
    """The 68 landmarks on the rendered surface of the posed head, world axes, metres."""
    # The vertices of a part are in ascending order.
    places = np.searchsorted(person.part_vertices[HEAD], person.model.landmark_vertices)
    return surface_world_m[places]


def hidden_by_head(
    person: Person, points_world_m: Float32[np.ndarray, "n 3"], camera_world_m: Float[np.ndarray, "3"]
) -> Bool[np.ndarray, " n"]:
    """Which points of the surface cannot be seen from the camera because the head itself stands before them."""
    head = as_rendered(person.parts[HEAD])
    rays = points_world_m.astype(np.float64) - camera_world_m
    distances_m = np.linalg.norm(rays, axis=1)
    hidden = np.zeros(len(rays), dtype=bool)
    for number, (ray, distance_m) in enumerate(zip(rays, distances_m, strict=True)):
        reach_m = float(distance_m) - SAME_POINT_M
        hidden[number] = head.ray_cast(camera_world_m.tolist(), (ray / distance_m).tolist(), distance=reach_m)[0]
    return hidden


def _faces_by_collection(model: HeadModel) -> dict[str, Bool[np.ndarray, " f"]]:
    hair = np.isin(model.face_regions, [int(region) for region in HAIR_REGIONS])
    shading = np.isin(model.face_regions, [int(region) for region in SHADING_ONLY_REGIONS])
    return {HEAD: ~(hair | shading), WORN: modelled_hair(model), SHADING_ONLY: shading}


def _add_part(
    name: str,
    model: HeadModel,
    vertices_m: Float32[np.ndarray, "n 3"],
    chosen: Bool[np.ndarray, " f"],
    materials: Mapping[Region, bpy.types.Material],
) -> tuple[bpy.types.Object, np.ndarray]:
    corner_chosen = np.repeat(chosen, model.face_sizes)
    used, corners = np.unique(model.face_vertices[corner_chosen], return_inverse=True)
    base = _world_axes(vertices_m[used])
    mesh = polygon_mesh(
        name,
        base,
        corners,
        model.face_sizes[chosen],
        corner_uvs=model.corner_uvs[corner_chosen],
        made_by=f"the faces of head family {model.family!r}",
    )
    regions = model.face_regions[chosen]
    present = sorted({Region(int(region)) for region in np.unique(regions)})
    for region in present:
        mesh.materials.append(materials[region])
    slots = np.zeros(max(Region) + 1, dtype=np.int32)
    slots[[int(region) for region in present]] = np.arange(len(present))
    mesh.polygons.foreach_set("material_index", slots[regions])
    label_of_region = np.array([LABEL_OF_REGION.get(region, Label.SKIN) for region in Region], dtype=np.uint8)
    set_surface_labels(mesh, label_of_region[regions])
    part = bpy.data.objects.new(name, mesh)
    rest = part.shape_key_add(name="Basis", from_mix=False)
    rest.data.foreach_set("co", base.ravel())
    for key_name, offsets in zip(model.expression_names, model.expression_basis_m, strict=True):
        key = part.shape_key_add(name=key_name, from_mix=False)
        key.data.foreach_set("co", (base + _world_axes(offsets[used])).ravel())
        # Statistical expressions go below 0 and above 1; Blender would clip them to its slider.
        key.slider_min, key.slider_max = -10.0, 10.0
    return part, used


def _skin(part: bpy.types.Object, armature: bpy.types.Object, model: HeadModel, used: np.ndarray) -> None:
    weights = {bone.name: bone.weights[used].astype(np.float64) for bone in model.bones}
    # Blender divides by the sum of the weights, so what is bound to no bone must be bound to one that stays.
    weights[ROOT] = np.clip(1.0 - sum(weights.values()), 0.0, 1.0)
    bind_to_armature(part, armature, weights)


def _world_axes(points_head: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    return np.ascontiguousarray(points_head @ WORLD_FROM_HEAD_AXES.T.astype(np.float32))
