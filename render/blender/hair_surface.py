"""The neutral skin of a person, and what is worn over it, as the hair sees them: from Blender's meshes to arrays."""

import bpy
import numpy as np

from render.blender.head import Person, pose_person, surface_triangles
from render.blender.passes import HEAD
from render.geometry.frames import WORLD_FROM_HEAD_AXES
from render.hair.surface import HairSurface, Shell, head_shell, vertex_normals
from render.heads.model import HAIR_REGIONS, SHADING_ONLY_REGIONS, Region
from render.parameters import Expression, HeadPose

GROWING_REGIONS = (Region.SKIN, Region.SCALP, Region.NECK)
_AT_REST = HeadPose(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, gaze_yaw_deg=0.0, gaze_pitch_deg=0.0)


def hair_surface(person: Person) -> HairSurface:
    """The skin as it is rendered (subdivided), neutral and frontal, in the head frame. Leaves the person at rest."""
    pose_person(person, Expression(name="neutral", weights=()), _AT_REST)
    part = person.parts[HEAD]
    world, triangles = surface_triangles(part)
    vertices = world.astype(np.float64) @ WORLD_FROM_HEAD_AXES
    evaluated = part.evaluated_get(part.users_scene[0].view_layers[0].depsgraph)
    mesh = evaluated.to_mesh()
    try:
        mesh.calc_loop_triangles()
        materials = np.empty(len(mesh.loop_triangles), dtype=np.int32)
        mesh.loop_triangles.foreach_get("material_index", materials)
        scalp = np.empty(len(mesh.vertices), dtype=np.float32)
        mesh.attributes["scalp"].data.foreach_get("value", scalp)
        brow = np.empty(3 * len(mesh.vertices), dtype=np.float32)
        mesh.attributes["brow"].data.foreach_get("vector", brow)
    finally:
        evaluated.to_mesh_clear()
    growing = np.array([region in GROWING_REGIONS for region in _regions_by_slot(person)])
    return HairSurface(
        vertices_m=vertices,
        triangles=triangles.astype(np.int64),
        normals=vertex_normals(vertices, triangles.astype(np.int64)),
        growing=growing[materials],
        scalp=scalp.astype(np.float64),
        brow=brow.reshape(-1, 3).astype(np.float64),
        landmarks_m=person.vertices_m[person.model.landmark_vertices].astype(np.float64),
    )


def _regions_by_slot(person: Person) -> list[Region]:
    """Which region each material slot of the head stands for: add_person fills slots by ascending region."""
    elsewhere = HAIR_REGIONS | SHADING_ONLY_REGIONS
    return [Region(int(region)) for region in np.unique(person.model.face_regions) if region not in elsewhere]


def shell_with_clothing(surface: HairSurface, garment: bpy.types.Object | None) -> Shell:
    """Skin and garment as something to stay outside of, at rest."""
    if garment is None:
        return head_shell(surface, np.zeros((0, 3)), np.zeros((0, 3)))
    world, triangles = surface_triangles(garment)
    cloth = world.astype(np.float64) @ WORLD_FROM_HEAD_AXES
    return head_shell(surface, cloth, vertex_normals(cloth, triangles.astype(np.int64)))
