"""What a certificate measures: scenes of known shapes, and the surfaces and strands of a scene as they are rendered."""

from dataclasses import dataclass

import bpy
import mathutils
import numpy as np
from bpy_extras.object_utils import world_to_camera_view  # pyright: ignore[reportMissingImports]
from jaxtyping import Float, Float32, Int, UInt8

from render.blender.camera import place_camera
from render.blender.evaluated import as_rendered
from render.blender.passes import LABEL_AOV, Stage, render_surface, set_surface_labels
from render.blender.polygon_mesh import polygon_mesh
from render.blender.session import temporary_datablocks
from render.dataset_format import GroundTruth, Label
from render.geometry.pinhole import intrinsics_px
from render.ground_truth.assemble import ground_truth
from render.parameters import Camera


@dataclass(frozen=True)
class RenderedMesh:
    """Triangles of all meshes of a collection as they are rendered (posed, subdivided), in world axes.

    `corner_normals` are the smooth normals at the corners of each triangle.
    """

    triangles_m: Float32[np.ndarray, "t 3 3"]
    corner_normals: Float32[np.ndarray, "t 3 3"]
    labels: UInt8[np.ndarray, " t"]


@dataclass(frozen=True)
class RenderedStrands:
    """Points of all hair curves of a collection, in world axes, one strand after the other, and their radii."""

    points_m: Float32[np.ndarray, "p 3"]
    radii_m: Float32[np.ndarray, " p"]
    points_of_strand: Int[np.ndarray, " s"]


def add_polygons(
    collection: bpy.types.Collection,
    vertices_m: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f c"],
    label: Label,
    *,
    smooth: bool,
) -> None:
    """Add a mesh of polygons with equally many corners, all of one label."""
    count, corners = faces.shape
    sizes = np.full(count, corners)
    mesh = polygon_mesh("measured", vertices_m, faces.ravel(), sizes, smooth=smooth, made_by="the measured scene")
    set_surface_labels(mesh, np.full(count, label, dtype=np.uint8))
    collection.objects.link(bpy.data.objects.new("measured", mesh))


def sphere_polygons(
    centre_m: Float[np.ndarray, "3"], radius_m: float, *, subdivisions: int
) -> tuple[Float[np.ndarray, "v 3"], Int[np.ndarray, "f 3"]]:
    """Vertices (on the sphere to double precision) and triangles of an icosphere."""
    import bmesh  # pyright: ignore[reportMissingImports] - Python finds it only after bpy was imported

    form = bmesh.new()
    bmesh.ops.create_icosphere(form, subdivisions=subdivisions, radius=1.0)
    mesh = bpy.data.meshes.new("icosphere")
    form.to_mesh(mesh)
    form.free()
    vertices = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    mesh.vertices.foreach_get("co", vertices)
    faces = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", faces)
    bpy.data.meshes.remove(mesh)
    directions = vertices.reshape(-1, 3).astype(np.float64)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return centre_m + radius_m * directions, faces.reshape(-1, 3)


def measured(stage: Stage, camera: Camera, cam_from_world: Float[np.ndarray, "4 4"]) -> GroundTruth:
    """The ground truth of what stands on the stage, by the same steps as that of a frame."""
    with temporary_datablocks():
        place_camera(stage, camera, cam_from_world)
        head, worn = (render_surface(stage.scenes[name]) for name in ("gt_head", "gt_worn"))
    return ground_truth(head, worn, cam_from_world=cam_from_world, intrinsics=intrinsics_px(camera))


def rendered_mesh(stage: Stage, collection: str) -> RenderedMesh:
    """All meshes of a collection as Cycles gets them."""
    parts = [
        _rendered_mesh(placed)
        for placed in map(as_rendered, stage.collections[collection].all_objects)
        if placed.type == "MESH"
    ]
    empty = RenderedMesh(np.empty((0, 3, 3), np.float32), np.empty((0, 3, 3), np.float32), np.empty(0, np.uint8))
    names = ("triangles_m", "corner_normals", "labels")
    return RenderedMesh(*(np.concatenate([getattr(part, name) for part in [empty, *parts]]) for name in names))


def rendered_strands(stage: Stage, collection: str) -> RenderedStrands:
    """All hair curves of a collection as Cycles gets them."""
    points, radii, counts = [np.empty((0, 3), np.float32)], [np.empty(0, np.float32)], [np.empty(0, np.int64)]
    for placed in map(as_rendered, stage.collections[collection].all_objects):
        if placed.type != "CURVES":
            continue
        curves = placed.data
        position = np.empty(len(curves.points) * 3, dtype=np.float32)
        curves.attributes["position"].data.foreach_get("vector", position)
        radius = np.empty(len(curves.points), dtype=np.float32)
        curves.attributes["radius"].data.foreach_get("value", radius)
        offsets = np.empty(len(curves.curves) + 1, dtype=np.int32)
        curves.curve_offset_data.foreach_get("value", offsets)
        points.append(_in_world(placed, position.reshape(-1, 3)))
        radii.append(radius)
        counts.append(np.diff(offsets).astype(np.int64))
    return RenderedStrands(np.concatenate(points), np.concatenate(radii), np.concatenate(counts))


def blender_projection_px(
    stage: Stage, camera: Camera, cam_from_world: Float[np.ndarray, "4 4"], points_world_m: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "n 2"]:
    """Where Blender itself projects points, in pixels."""
    scene = stage.scenes["gt_head"]
    with temporary_datablocks():
        place_camera(stage, camera, cam_from_world)
        scene.view_layers[0].update()
        views = [
            world_to_camera_view(scene, scene.camera, mathutils.Vector(point.tolist())) for point in points_world_m
        ]
    return np.array([(view.x * camera.width_px, (1.0 - view.y) * camera.height_px) for view in views])


def _rendered_mesh(placed: bpy.types.Object) -> RenderedMesh:
    mesh = placed.to_mesh()
    try:
        mesh.calc_loop_triangles()
        count = len(mesh.loop_triangles)
        vertices = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", vertices)
        corners = np.empty(count * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        loops = np.empty(count * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("loops", loops)
        polygons = np.empty(count, dtype=np.int32)
        mesh.loop_triangles.foreach_get("polygon_index", polygons)
        normals = np.empty(len(mesh.loops) * 3, dtype=np.float32)
        mesh.corner_normals.foreach_get("vector", normals)
        labels = np.empty(len(mesh.polygons), dtype=np.float32)
        mesh.attributes[LABEL_AOV].data.foreach_get("value", labels)
    finally:
        placed.to_mesh_clear()
    places = _in_world(placed, vertices.reshape(-1, 3))[corners].reshape(-1, 3, 3)
    turned = normals.reshape(-1, 3)[loops] @ np.array(placed.matrix_world, dtype=np.float32)[:3, :3].T
    return RenderedMesh(places, turned.reshape(-1, 3, 3), np.rint(labels[polygons]).astype(np.uint8))


def _in_world(placed: bpy.types.Object, points_m: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    matrix = np.array(placed.matrix_world, dtype=np.float64)
    return (points_m @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
