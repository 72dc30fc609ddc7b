"""The world: an environment map that lights the head, and a backdrop that only the camera sees behind it."""

import math

import bpy

from render.blender import node_graph as graph
from render.blender.backdrop_patterns import gradient_colour, pattern_colour
from render.blender.lights import environment_light, environment_radiance_scale
from render.blender.node_graph import Socket, Value
from render.bundled_assets import environment_path
from render.parameters import Backdrop, Lighting

BACKDROP_KINDS = ("plain", "gradient", "texture", "environment")
# Radius of the circle to which a 50 mm lens at f/2.8, focused at 0.85 m, blurs a far point: half of 17.9 / 850 rad.
ENVIRONMENT_BLUR_RAD = 0.0105
# Width of the map by which Cycles finds bright directions. Its own choice (4096) takes 0.9 CPU seconds more a frame for
# 3 to 30 % less noise; half of ours misses the sunrise's sun between its points and has five times the noise there.
_IMPORTANCE_MAP_WIDTH = 2048
_BLUR_TAPS = ((1, 0.0), (6, 0.5), (12, 1.0))
# A camera rolls highlights off instead of cutting them: radiance c of the blurred map shows as c / (1 + c / this).
HIGHLIGHT_SHOULDER = 1.6
# Brightest pixel that the blur spreads, in units of mean light: a sun would show the single taps.
_BLUR_CEILING = 30.0


def build_world(lighting: Lighting, backdrop: Backdrop) -> bpy.types.World:
    """A new world; make it the scene's.

    Positive rotation turns the map counter-clockwise seen from above, about the z axis.
    Raises: ValueError when the environment or the kind of backdrop is unknown; AssetError when the map on this machine
    is not the one that keys are made of.
    """
    if backdrop.kind not in BACKDROP_KINDS:
        raise ValueError(f"backdrop.kind is {backdrop.kind!r}, expected one of {', '.join(BACKDROP_KINDS)}")
    scale = environment_radiance_scale(lighting)
    path = environment_path(lighting.environment)
    world = bpy.data.worlds.new("environment")
    world.use_nodes = True
    world.cycles.sampling_method = "MANUAL"
    world.cycles.sample_map_resolution = _IMPORTANCE_MAP_WIDTH
    tree = world.node_tree
    tree.nodes.clear()
    image = bpy.data.images.load(str(path), check_existing=True)
    direction = _map_direction(tree, lighting.environment_rotation_deg)
    light = _background(tree, _lookup(tree, image, direction, smooth=False), scale)
    if backdrop.kind == "environment":
        seen = _background(tree, _rolled_off(tree, _blurred_lookup(tree, image, direction, lighting), scale), 1.0)
    else:
        seen = _background(tree, _painted(tree, backdrop), 1.0)
    camera_ray = graph.add_node(tree, "ShaderNodeLightPath").outputs["Is Camera Ray"]
    mixed = graph.add_node(tree, "ShaderNodeMixShader", inputs={0: camera_ray, 1: light, 2: seen}).outputs[0]
    output = graph.add_node(tree, "ShaderNodeOutputWorld")
    tree.links.new(mixed, output.inputs["Surface"])
    return world


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


def _blurred_lookup(tree: bpy.types.NodeTree, image: bpy.types.Image, direction: Socket, lighting: Lighting) -> Socket:
    """The mean of the map over a small disc about the direction, as a lens focused on the face would see it."""
    aside = graph.vector_math(tree, "NORMALIZE", graph.vector_math(tree, "CROSS_PRODUCT", (0.0, 0.0, 1.0), direction))
    ceiling = _BLUR_CEILING * environment_light(lighting.environment).mean
    count = sum(taps for taps, _ in _BLUR_TAPS)
    total: Socket | None = None
    for taps, radius in _BLUR_TAPS:
        for tap in range(taps):
            angle = 2 * math.pi * (tap + 0.5 * radius) / taps
            reach = radius * ENVIRONMENT_BLUR_RAD
            shift = graph.scale_vector(tree, aside, reach * math.cos(angle))
            lifted = graph.vector_math(tree, "ADD", shift, (0.0, 0.0, reach * math.sin(angle)))
            colour = _lookup(tree, image, graph.vector_math(tree, "ADD", direction, lifted), smooth=True)
            capped = graph.vector_math(tree, "MINIMUM", colour, (ceiling, ceiling, ceiling))
            part = graph.scale_vector(tree, capped, 1.0 / count)
            total = part if total is None else graph.vector_math(tree, "ADD", total, part)
    assert total is not None
    return total


def _rolled_off(tree: bpy.types.NodeTree, colour: Socket, scale: float) -> Socket:
    exposed = graph.scale_vector(tree, colour, scale)
    divisor = graph.vector_math(
        tree, "ADD", graph.scale_vector(tree, exposed, 1.0 / HIGHLIGHT_SHOULDER), (1.0, 1.0, 1.0)
    )
    return graph.vector_math(tree, "DIVIDE", exposed, divisor)


def _painted(tree: bpy.types.NodeTree, backdrop: Backdrop) -> Value:
    if backdrop.kind == "plain":
        return backdrop.rgb
    if backdrop.kind == "gradient":
        return gradient_colour(tree, backdrop)
    return pattern_colour(tree, backdrop)
