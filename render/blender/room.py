"""A room of real surfaces behind and around the head: seen in the picture, absent from the ground truth.

Only the camera sees it. It keeps no light from the head and throws none back: the head looks as it does under the same
light without a room.
"""

import math

import bpy
import mathutils
import numpy as np
from jaxtyping import Float

from render.blender import node_graph as graph
from render.blender.polygon_mesh import polygon_mesh
from render.exposure import exposure_gain
from render.parameters import Backdrop, Lighting
from render.ranges.lighting import NO_ENVIRONMENT
from render.room.light import corner_light, irradiance_over_pi
from render.room.plan import Room, furnish_room
from render.room.quads import CornerArrays

# How bright a window is beside a white surface in the light of the environment (ours: bright, but not all white).
_WINDOW_BRIGHTNESS = 1.1
# Light is known at the corners of tiles of this size, and linear between.
_TILE_M = 0.15
# The camera of the picture sees whole rooms, however near the depth range of the ground truth ends.
_FAR_M = 50.0
_SHOWN = "room_shown"


def add_room(
    scene: bpy.types.Scene, backdrop: Backdrop, lighting: Lighting, eyes_midpoint_world: Float[np.ndarray, "3"]
) -> bpy.types.Object:
    """Link a room to this scene alone, around the eyes, and let the scene's camera see to its walls."""
    room = furnish_room(rgb=backdrop.rgb, second_rgb=backdrop.second_rgb, seed=backdrop.seed)
    tiles = room.quads.tiled(_TILE_M)
    turn = math.radians(room.turn_deg)
    rotation = np.array(
        [[math.cos(turn), -math.sin(turn), 0.0], [math.sin(turn), math.cos(turn), 0.0], [0.0, 0.0, 1.0]]
    )
    origin = eyes_midpoint_world - np.array([0.0, 0.0, room.eye_height_m])
    shown = _shown_colours(room, tiles, lighting, rotation, origin, eyes_midpoint_world)
    placed = bpy.data.objects.new("room", _mesh(tiles, shown))
    placed.data.materials.append(_material())
    placed.matrix_world = mathutils.Matrix.LocRotScale(origin.tolist(), mathutils.Matrix(rotation.tolist()), None)
    placed.visible_shadow = placed.visible_diffuse = placed.visible_glossy = False
    scene.collection.objects.link(placed)
    _see_far(scene)
    return placed


def _shown_colours(
    room: Room,
    tiles: CornerArrays,
    lighting: Lighting,
    rotation: Float[np.ndarray, "3 3"],
    origin: Float[np.ndarray, "3"],
    eyes: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "n 4 3"]:
    """Radiance of every corner of every tile."""
    points = tiles.corners_m.reshape(-1, 3).astype(np.float64)
    normals = np.repeat(tiles.normals().astype(np.float64) @ rotation.T, 4, axis=0)
    light = irradiance_over_pi(points @ rotation.T + origin, normals, lighting, eyes)
    light *= corner_light(points, np.array(room.low_m), np.array(room.high_m))[:, None]
    daylight = 0.0
    if lighting.environment != NO_ENVIRONMENT:
        daylight = _WINDOW_BRIGHTNESS * min(2.0, lighting.environment_strength * exposure_gain(lighting))
    glow = tiles.glows[:, None, None].astype(np.float64)
    return tiles.colours[:, None, :] * ((1.0 - glow) * light.reshape(-1, 4, 3) + glow * daylight)


def _mesh(tiles: CornerArrays, shown: Float[np.ndarray, "n 4 3"]) -> bpy.types.Mesh:
    count = len(tiles.corners_m)
    points = tiles.corners_m.reshape(-1, 3)
    mesh = polygon_mesh("room", points, np.arange(4 * count), np.full(count, 4), made_by="render/room/plan.py")
    colour = mesh.attributes.new(_SHOWN, "FLOAT_COLOR", "POINT")
    colour.data.foreach_set(
        "color", np.concatenate([shown, np.ones((count, 4, 1))], axis=-1).astype(np.float32).ravel()
    )
    return mesh


def _material() -> bpy.types.Material:
    """Shines in the colours that were worked out, a little uneven as paint is.

    The backs of walls are not there, so that a camera outside looks in.
    """
    material, tree = graph.empty_material("room")
    colour = graph.attribute(tree, _SHOWN, output="Color")
    at = graph.add_node(tree, "ShaderNodeTexCoord").outputs["Object"]
    uneven = graph.spread(tree, graph.noise(tree, at, 2.5, detail=3.0, distortion=0.3), 0.93, 1.07)
    front = graph.add_node(
        tree, "ShaderNodeEmission", inputs={"Color": graph.scale_vector(tree, colour, uneven), "Strength": 1.0}
    ).outputs[0]
    behind = graph.add_node(tree, "ShaderNodeNewGeometry").outputs["Backfacing"]
    nothing = graph.add_node(tree, "ShaderNodeBsdfTransparent").outputs[0]
    graph.finish(tree, graph.add_node(tree, "ShaderNodeMixShader", inputs={0: behind, 1: front, 2: nothing}).outputs[0])
    material.cycles.emission_sampling = "NONE"  # it is to be seen, not to light anything
    return material


def _see_far(scene: bpy.types.Scene) -> None:
    """Give this scene a camera of its own that differs in nothing but where its view ends."""
    camera = scene.camera
    data = camera.data.copy()
    data.clip_end = max(_FAR_M, data.clip_end)
    far = camera.copy()
    far.data = data
    scene.collection.objects.link(far)
    scene.camera = far
