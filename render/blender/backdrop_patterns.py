"""Painted backdrops in window coordinates: gradients, and patterns that pass for walls, cloth, leaves and lights."""

from collections.abc import Callable, Mapping

import bpy
import numpy as np

from render.blender import node_graph as graph
from render.blender.node_graph import Socket
from render.parameters import Backdrop

# A maker gets coordinates in picture heights (upwards), and of the backdrop both colours and features a height.
PatternMaker = Callable[[bpy.types.NodeTree, Socket, Backdrop], Socket]


def gradient_colour(tree: bpy.types.NodeTree, backdrop: Backdrop, *, aspect: float) -> Socket:
    """From `rgb` to `second_rgb` across the window, along a line or out from a point; the seed says which.

    `aspect` is the picture's width over its height.
    """
    stream = _stream(backdrop)
    window = _window(tree, aspect)
    if stream.random() < 0.5:
        angle = stream.uniform(0, 2 * np.pi)
        along = graph.vector_math(
            tree,
            "DOT_PRODUCT",
            graph.vector_math(tree, "SUBTRACT", window, (0.5 * aspect, 0.5, 0.0)),
            (float(np.cos(angle)), float(np.sin(angle)), 0.0),
        )
        share = graph.step(tree, along, -0.6, 0.6)
    else:
        centre = (float(stream.uniform(0.22, 0.75)) * aspect, float(stream.uniform(0.3, 0.8)), 0.0)
        distance = graph.vector_math(tree, "LENGTH", graph.vector_math(tree, "SUBTRACT", window, centre))
        share = graph.step(tree, distance, 0.05, 0.95)
    return graph.mix_colour(tree, share, backdrop.rgb, backdrop.second_rgb)


def pattern_colour(tree: bpy.types.NodeTree, backdrop: Backdrop, *, aspect: float) -> Socket:
    """The pattern in its two colours, turned and placed by the seed, under light that falls off to one side.

    Raises: ValueError when the pattern is unknown.
    """
    if backdrop.pattern not in PATTERN_MAKERS:
        raise ValueError(
            f"backdrop.pattern is {backdrop.pattern!r}, but known are {', '.join(PATTERN_MAKERS)}; take one of these"
        )
    stream = _stream(backdrop)
    window = _window(tree, aspect)
    start = tuple(float(value) for value in stream.uniform(-50.0, 50.0, 3))
    placed = graph.vector_math(tree, "ADD", window, start)
    colour = PATTERN_MAKERS[backdrop.pattern](tree, placed, backdrop)
    bright_spot = (float(stream.uniform(-0.15, 1.13)) * aspect, float(stream.uniform(0.1, 1.2)), 0.0)
    distance = graph.vector_math(tree, "LENGTH", graph.vector_math(tree, "SUBTRACT", window, bright_spot))
    falloff = graph.spread(tree, graph.step(tree, distance, 1.5, 0.0), 0.45, 1.1)
    return graph.scale_vector(tree, colour, falloff)


def _stream(backdrop: Backdrop) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=backdrop.seed))


def _window(tree: bpy.types.NodeTree, aspect: float) -> Socket:
    """Coordinates in picture heights: window coordinates run 0..1 both ways, and patterns are to stay square."""
    window = graph.add_node(tree, "ShaderNodeTexCoord").outputs["Window"]
    return graph.vector_math(tree, "MULTIPLY", window, (aspect, 1.0, 0.0))


def _stained(tree: bpy.types.NodeTree, at: Socket, colour: Socket, amount: float) -> Socket:
    """The colour under stains and dust: no wall is of one colour."""
    dirt = graph.noise(tree, at, 3.0, detail=6.0, distortion=0.4)
    return graph.scale_vector(tree, colour, graph.spread(tree, dirt, 1.0 - amount, 1.0 + amount))


def _plaster(tree: bpy.types.NodeTree, at: Socket, backdrop: Backdrop) -> Socket:
    clouds = graph.noise(tree, at, 0.5 * backdrop.pattern_scale, detail=5.0, distortion=0.3)
    colour = graph.mix_colour(tree, graph.step(tree, clouds, 0.35, 0.65), backdrop.rgb, backdrop.second_rgb)
    return _stained(tree, at, colour, 0.25)


def _leaves(tree: bpy.types.NodeTree, at: Socket, backdrop: Backdrop) -> Socket:
    """Overlapping soft cells of random brightness: leaves or lights out of focus."""
    bend = graph.scale_vector(tree, graph.noise(tree, at, backdrop.pattern_scale, output="Color"), 0.5)
    total = None
    for scale, share in ((1.0, 0.6), (2.3, 0.4)):
        bent = graph.vector_math(tree, "ADD", at, graph.scale_vector(tree, bend, 1.0 / backdrop.pattern_scale))
        cells = graph.voronoi(tree, bent, scale * backdrop.pattern_scale, output="Color", dimensions="2D")
        edge = graph.voronoi(tree, bent, scale * backdrop.pattern_scale, feature="SMOOTH_F1", dimensions="2D")
        level = graph.math(tree, "MULTIPLY", graph.split(tree, cells)[0], graph.step(tree, edge, 0.75, 0.15))
        part = graph.math(tree, "MULTIPLY", level, share)
        total = part if total is None else graph.math(tree, "ADD", total, part)
    assert total is not None
    depth = graph.noise(tree, at, 1.5, detail=2.0)
    colour = graph.mix_colour(tree, graph.step(tree, total, 0.1, 0.7), backdrop.second_rgb, backdrop.rgb)
    return graph.scale_vector(tree, colour, graph.spread(tree, graph.step(tree, depth, 0.3, 0.7), 0.35, 1.2))


def _bricks(tree: bpy.types.NodeTree, at: Socket, backdrop: Backdrop) -> Socket:
    red, green, blue = backdrop.rgb
    rough = graph.scale_vector(tree, graph.noise(tree, at, 40.0, output="Color"), 0.006)
    node = graph.add_node(
        tree,
        "ShaderNodeTexBrick",
        inputs={
            "Vector": graph.vector_math(tree, "ADD", at, rough),
            "Color1": backdrop.rgb,
            "Color2": (0.6 * red, 0.55 * green, 0.5 * blue),
            "Mortar": backdrop.second_rgb,
            "Scale": backdrop.pattern_scale,
            "Mortar Size": 0.018,
            "Mortar Smooth": 0.6,
            "Bias": -0.2,
            "Brick Width": 0.55,
            "Row Height": 0.22,
        },
    )
    return _stained(tree, at, node.outputs["Color"], 0.45)


def _curtain(tree: bpy.types.NodeTree, at: Socket, backdrop: Backdrop) -> Socket:
    """Folds of cloth: bright ridges and dark valleys that wander a little, over a faint weave of the second colour."""
    node = graph.add_node(
        tree,
        "ShaderNodeTexWave",
        settings={"wave_type": "BANDS", "bands_direction": "X", "wave_profile": "SIN"},
        inputs={
            "Vector": graph.vector_math(tree, "MULTIPLY", at, (1.0, 0.15, 1.0)),
            "Scale": 0.32 * backdrop.pattern_scale,
            "Distortion": 3.5,
            "Detail": 2.0,
            "Detail Scale": 1.2,
        },
    )
    shade = graph.spread(tree, node.outputs["Fac"], 0.25, 1.15)
    motif = graph.voronoi(tree, at, 2.0 * backdrop.pattern_scale, dimensions="2D")
    motif = graph.math(tree, "MULTIPLY", graph.step(tree, motif, 0.35, 0.25), 0.35)
    cloth = graph.mix_colour(tree, motif, backdrop.rgb, backdrop.second_rgb)
    return graph.scale_vector(tree, cloth, shade)


def _tiles(tree: bpy.types.NodeTree, at: Socket, backdrop: Backdrop) -> Socket:
    """Tiles in two colours, each a little brighter or darker than its neighbours, with dark joints."""
    inputs: Mapping[str | int, graph.Value] = {
        "Vector": at,
        "Color1": backdrop.rgb,
        "Color2": backdrop.second_rgb,
        "Scale": backdrop.pattern_scale,
    }
    colour = graph.add_node(tree, "ShaderNodeTexChecker", inputs=inputs).outputs["Color"]
    scaled = graph.scale_vector(tree, at, backdrop.pattern_scale)
    cell = graph.vector_math(tree, "FLOOR", scaled)
    shade = graph.add_node(tree, "ShaderNodeTexWhiteNoise", inputs={"Vector": cell}).outputs["Value"]
    colour = graph.scale_vector(tree, colour, graph.spread(tree, shade, 0.7, 1.1))
    inside = graph.vector_math(tree, "SUBTRACT", graph.vector_math(tree, "FRACTION", scaled), (0.5, 0.5, 0.5))
    x, y, _ = graph.split(tree, graph.vector_math(tree, "ABSOLUTE", inside))
    joint = graph.step(tree, graph.math(tree, "MAXIMUM", x, y), 0.5, 0.47)
    return _stained(tree, at, graph.scale_vector(tree, colour, graph.spread(tree, joint, 0.35, 1.0)), 0.2)


def _mural(tree: bpy.types.NodeTree, at: Socket, backdrop: Backdrop) -> Socket:
    """Winding shapes in both colours, as on painted walls and printed cloth."""
    node = graph.add_node(
        tree,
        "ShaderNodeTexMagic",
        settings={"turbulence_depth": 3},
        inputs={"Vector": at, "Scale": 0.6 * backdrop.pattern_scale, "Distortion": 1.4},
    )
    colour = graph.mix_colour(
        tree, graph.step(tree, node.outputs["Fac"], 0.35, 0.65), backdrop.rgb, backdrop.second_rgb
    )
    return _stained(tree, at, colour, 0.3)


PATTERN_MAKERS: dict[str, PatternMaker] = {
    "noise": _plaster,
    "voronoi": _leaves,
    "brick": _bricks,
    "wave": _curtain,
    "checker": _tiles,
    "magic": _mural,
}
