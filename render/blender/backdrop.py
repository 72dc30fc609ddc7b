"""The world: an environment map that lights the head, and a backdrop that only the camera sees behind it."""

import math

import bpy

from render.blender import node_graph as graph
from render.blender.backdrop_image import linear_image, picture_colour
from render.blender.backdrop_patterns import gradient_colour, pattern_colour
from render.blender.node_graph import Socket, Value
from render.environment_maps import defocused_radiance, lighting_radiance
from render.exposure import environment_light, environment_radiance_scale
from render.image_folder import backdrop_pixels
from render.parameters import Backdrop, Lighting
from render.ranges.backdrops import BACKDROP_KINDS
from render.ranges.lighting import NO_ENVIRONMENT

# Radius of the circle to which a 50 mm lens at f/2.8, focused at 0.85 m, blurs a far point: half of 17.9 / 850 rad.
ENVIRONMENT_BLUR_RAD = 0.0105
# Width of the map by which Cycles finds bright directions: that of the environment maps, which are smoothed for it
# (render.environment_maps). Cycles' own choice (4096) takes 0.9 CPU seconds more a frame.
_IMPORTANCE_MAP_WIDTH = 1024
# A camera rolls highlights off instead of cutting them: radiance c of the blurred map shows as c / (1 + c / this).
HIGHLIGHT_SHOULDER = 1.6
# Brightest pixel that the blur spreads, in units of mean light: a sun would show the single taps.
_BLUR_CEILING = 30.0
_BLACK = (0.0, 0.0, 0.0)


def build_world(
    lighting: Lighting, backdrop: Backdrop, *, width_px: int, height_px: int, image_folder: str | None
) -> bpy.types.World:
    """A new world; make it the scene's. The picture's size is that of the camera, the folder that of the recipe.

    Positive rotation turns the map counter-clockwise seen from above, about the z axis.
    Raises: ValueError when the environment or the kind of backdrop is unknown; AssetError when the map on this machine
    is not the one that keys are made of; ImageFolderError when the picture is not.
    """
    if backdrop.kind not in BACKDROP_KINDS:
        raise ValueError(f"backdrop.kind is {backdrop.kind!r}, expected one of {', '.join(BACKDROP_KINDS)}")
    world = bpy.data.worlds.new("environment")
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    light, seen_environment = _environment(world, lighting, seen=backdrop.kind == "environment")
    if seen_environment is not None:
        seen = _background(tree, seen_environment, 1.0)
    elif backdrop.kind == "image":
        if image_folder is None:
            raise ValueError("the frame shows a picture behind the head, but no backdrops.image_folder was given")
        pixels = backdrop_pixels(
            image_folder,
            backdrop.image,
            sha256=backdrop.image_sha256,
            width_px=width_px,
            height_px=height_px,
            blur=backdrop.image_blur,
        )
        seen = _background(tree, picture_colour(tree, pixels), 1.0)
    else:
        seen = _background(tree, _painted(tree, backdrop, aspect=width_px / height_px), 1.0)
    camera_ray = graph.add_node(tree, "ShaderNodeLightPath").outputs["Is Camera Ray"]
    mixed = graph.add_node(tree, "ShaderNodeMixShader", inputs={0: camera_ray, 1: light, 2: seen}).outputs[0]
    output = graph.add_node(tree, "ShaderNodeOutputWorld")
    tree.links.new(mixed, output.inputs["Surface"])
    return world


def _environment(world: bpy.types.World, lighting: Lighting, *, seen: bool) -> tuple[Socket, Value | None]:
    """The light of the environment map, and, if it is the backdrop, the colour that the camera sees."""
    tree = world.node_tree
    if lighting.environment == NO_ENVIRONMENT:
        world.cycles.sampling_method = "NONE"
        return _background(tree, _BLACK, 0.0), _BLACK if seen else None
    scale = environment_radiance_scale(lighting)
    world.cycles.sampling_method = "MANUAL"
    world.cycles.sample_map_resolution = _IMPORTANCE_MAP_WIDTH
    direction = _map_direction(tree, lighting.environment_rotation_deg)
    light_map = linear_image("light", lighting_radiance(lighting.environment))
    light = _background(tree, _lookup(tree, light_map, direction, smooth=False), scale)
    if not seen:
        return light, None
    ceiling = _BLUR_CEILING * environment_light(lighting.environment).mean
    blurred = defocused_radiance(lighting.environment, radius_rad=ENVIRONMENT_BLUR_RAD, ceiling=ceiling)
    seen_map = linear_image("backdrop", blurred)
    return light, _rolled_off(tree, _lookup(tree, seen_map, direction, smooth=True), scale)


def _background(tree: bpy.types.NodeTree, colour: Value, strength: float) -> Socket:
    return graph.add_node(tree, "ShaderNodeBackground", inputs={"Color": colour, "Strength": strength}).outputs[0]


def _map_direction(tree: bpy.types.NodeTree, rotation_deg: float) -> Socket:
    direction = graph.add_node(tree, "ShaderNodeTexCoord").outputs["Generated"]
    mapping = graph.add_node(
        tree,
        "ShaderNodeMapping",
        settings={"vector_type": "POINT"},
        # Turning the map one way is looking the other way into it.
        inputs={"Vector": direction, "Rotation": (0.0, 0.0, -math.radians(rotation_deg))},
    )
    return mapping.outputs["Vector"]


def _lookup(tree: bpy.types.NodeTree, image: bpy.types.Image, direction: Socket, *, smooth: bool) -> Socket:
    node = graph.add_node(
        tree,
        "ShaderNodeTexEnvironment",
        settings={"image": image, "interpolation": "Cubic" if smooth else "Linear"},
        inputs={"Vector": direction},
    )
    return node.outputs["Color"]


def _rolled_off(tree: bpy.types.NodeTree, colour: Socket, scale: float) -> Socket:
    exposed = graph.scale_vector(tree, colour, scale)
    divisor = graph.vector_math(
        tree, "ADD", graph.scale_vector(tree, exposed, 1.0 / HIGHLIGHT_SHOULDER), (1.0, 1.0, 1.0)
    )
    return graph.vector_math(tree, "DIVIDE", exposed, divisor)


def _painted(tree: bpy.types.NodeTree, backdrop: Backdrop, *, aspect: float) -> Value:
    if backdrop.kind == "texture":
        return pattern_colour(tree, backdrop, aspect=aspect)
    if backdrop.kind == "gradient":
        return gradient_colour(tree, backdrop, aspect=aspect)
    return backdrop.rgb  # plain; of a room this is never seen
