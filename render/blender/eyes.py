"""Eyes: iris, pupil and sclera painted by UV under a clear wet coat, and the film and shadow around the lids.

All head families give SCLERA and IRIS faces the same UVs (LIMBUS_RADIUS_UV in render.heads.model tells which).
So one material serves eyes of one shell (cornea and sclera together) and of two.
"""

import bpy

from render.blender import node_graph as graph
from render.blender.node_graph import Socket
from render.heads.model import LIMBUS_RADIUS_M, LIMBUS_RADIUS_UV
from render.parameters import Eyes

CORNEA_IOR = 1.376
# How deep the plane of the iris lies under the top of the cornea; anatomy gives 2.5 to 3.5 mm.
CHAMBER_DEPTH_M = 0.0024
SCLERA_RGB = (0.70, 0.64, 0.60)
SCLERA_RED_RGB = (0.62, 0.38, 0.33)
VEIN_RGB = (0.45, 0.10, 0.08)
_MIDDLE_UV = (0.5, 0.5, 0.0)


def eye_material(name: str, eyes: Eyes) -> bpy.types.Material:
    """A new material of the whole eyeball, for SCLERA and for IRIS faces."""
    material, tree = graph.empty_material(name)
    uv = graph.add_node(tree, "ShaderNodeUVMap", settings={"uv_map": "UVMap"}).outputs["UV"]
    offset = graph.vector_math(tree, "SUBTRACT", uv, _MIDDLE_UV)
    surface_share = graph.math(tree, "DIVIDE", graph.vector_math(tree, "LENGTH", offset), LIMBUS_RADIUS_UV)
    seen = graph.vector_math(tree, "ADD", offset, _refraction_shift(tree, surface_share))
    share = graph.math(tree, "DIVIDE", graph.vector_math(tree, "LENGTH", seen), LIMBUS_RADIUS_UV)
    # The sclera creeps over the rim of the iris: a soft, slightly uneven border.
    fray = graph.math(tree, "MULTIPLY", graph.math(tree, "SUBTRACT", graph.noise(tree, offset, 14.0), 0.5), 0.10)
    in_iris = graph.step(tree, graph.math(tree, "ADD", surface_share, fray), 1.04, 0.90)
    colour = graph.mix_colour(
        tree, in_iris, _sclera_colour(tree, offset, surface_share, eyes.redness), _iris_colour(tree, seen, share, eyes)
    )
    # The iris is a shallow bowl: lit from above, its lower half is the brighter one.
    bowl = graph.math(tree, "MULTIPLY", graph.math(tree, "POWER", share, 2.0), 0.0011)
    bowl = graph.math(tree, "MULTIPLY", bowl, in_iris)
    shader = graph.principled(
        tree,
        {
            "Base Color": colour,
            "Roughness": 0.55,
            "Specular IOR Level": 0.2,
            "Subsurface Weight": graph.math(tree, "MULTIPLY", graph.math(tree, "SUBTRACT", 1.0, in_iris), 0.6),
            "Subsurface Radius": (0.0012, 0.0006, 0.0004),
            "Subsurface Scale": 1.0,
            "Normal": graph.bump(tree, bowl),
            "Coat Weight": 1.0,
            "Coat Roughness": 0.03,
            "Coat IOR": CORNEA_IOR,
        },
    )
    graph.finish(tree, shader.outputs[0])
    return material


def lacrimal_fluid_material(name: str) -> bpy.types.Material:
    """A new material of the line of tears on the lower lid: mirrors at grazing angles, clear otherwise."""
    material, tree = graph.empty_material(name)
    fresnel = graph.add_node(tree, "ShaderNodeFresnel", inputs={"IOR": 1.34}).outputs[0]
    clear = graph.add_node(tree, "ShaderNodeBsdfTransparent").outputs[0]
    gloss = graph.add_node(tree, "ShaderNodeBsdfAnisotropic", inputs={"Color": (1.0, 1.0, 1.0), "Roughness": 0.05})
    graph.finish(tree, _mix_shader(tree, fresnel, clear, gloss.outputs[0]))
    return material


def eye_occlusion_material(name: str) -> bpy.types.Material:
    """A new material of the shell before the eye: the soft shadow of the lids, darkest where lid meets eye.

    Needs no UVs: the shell lies close to lids at its rim, so its own ambient occlusion tells how close they are.
    """
    material, tree = graph.empty_material(name)
    openness = graph.add_node(
        tree, "ShaderNodeAmbientOcclusion", settings={"samples": 4}, inputs={"Distance": 0.006}
    ).outputs["AO"]
    shade = graph.math(tree, "MULTIPLY", graph.step(tree, openness, 0.85, 0.1), 0.7)
    clear = graph.add_node(tree, "ShaderNodeBsdfTransparent").outputs[0]
    shadow = graph.add_node(tree, "ShaderNodeBsdfTransparent", inputs={"Color": (0.10, 0.04, 0.03)}).outputs[0]
    graph.finish(tree, _mix_shader(tree, shade, clear, shadow))
    return material


def eye_blend_material(name: str) -> bpy.types.Material:
    """A new material of the shell that blends lid and eye in game engines: invisible, as path tracing blends itself."""
    material, tree = graph.empty_material(name)
    graph.finish(tree, graph.add_node(tree, "ShaderNodeBsdfTransparent").outputs[0])
    return material


def _mix_shader(tree: bpy.types.NodeTree, factor: Socket, first: Socket, second: Socket) -> Socket:
    return graph.add_node(tree, "ShaderNodeMixShader", inputs={0: factor, 1: first, 2: second}).outputs[0]


def _refraction_shift(tree: bpy.types.NodeTree, share: Socket) -> Socket:
    """How far refraction by the cornea displaces the seen point of the iris, in UV.

    The view ray bends into the cornea and travels on to the plane of the iris, whose depth falls to 0 at the limbus.
    """
    geometry = graph.add_node(tree, "ShaderNodeNewGeometry")
    incoming, normal = geometry.outputs["Incoming"], geometry.outputs["Normal"]
    along_u = graph.add_node(
        tree, "ShaderNodeTangent", settings={"direction_type": "UV_MAP", "uv_map": "UVMap"}
    ).outputs[0]
    along_v = graph.vector_math(tree, "CROSS_PRODUCT", normal, along_u)
    facing = graph.vector_math(tree, "DOT_PRODUCT", incoming, normal)
    # Snell: only the part of the ray along the surface matters, shrunk by 1/ior, over the part that goes inwards.
    sine_squared = graph.math(tree, "SUBTRACT", 1.0, graph.math(tree, "MULTIPLY", facing, facing))
    inwards = graph.math(
        tree,
        "SQRT",
        graph.math(tree, "SUBTRACT", 1.0, graph.math(tree, "MULTIPLY", sine_squared, CORNEA_IOR**-2)),
    )
    depth = graph.math(
        tree,
        "MULTIPLY",
        graph.math(tree, "SUBTRACT", 1.0, graph.math(tree, "POWER", share, 2.0), clamp=True),
        CHAMBER_DEPTH_M * LIMBUS_RADIUS_UV / LIMBUS_RADIUS_M / CORNEA_IOR,
    )
    reach = graph.math(tree, "DIVIDE", depth, inwards)
    # The ray travels against `incoming`.
    u = graph.math(tree, "MULTIPLY", graph.vector_math(tree, "DOT_PRODUCT", incoming, along_u), reach)
    v = graph.math(tree, "MULTIPLY", graph.vector_math(tree, "DOT_PRODUCT", incoming, along_v), reach)
    return graph.scale_vector(tree, graph.join(tree, u, v, 0.0), -1.0)


def _iris_colour(tree: bpy.types.NodeTree, offset: Socket, share: Socket, eyes: Eyes) -> Socket:
    u, v, _ = graph.split(tree, offset)
    angle = graph.math(tree, "ARCTAN2", v, u)

    def around(turns: float, radial: float) -> Socket:
        # A circle in noise space has no seam; a slow third axis draws features out into radial fibres.
        return graph.join(
            tree,
            graph.math(tree, "MULTIPLY", graph.math(tree, "COSINE", angle), turns),
            graph.math(tree, "MULTIPLY", graph.math(tree, "SINE", angle), turns),
            graph.math(tree, "MULTIPLY", share, radial),
        )

    red, green, blue = eyes.iris_rgb
    bright = (min(1.0, 1.4 * red + 0.035), min(1.0, 1.35 * green + 0.03), min(1.0, 1.2 * blue + 0.02))
    dark = (0.35 * red, 0.35 * green, 0.35 * blue)
    warm = (min(1.0, 0.7 * red + 0.10), min(1.0, 0.7 * green + 0.045), 0.7 * blue + 0.005)
    fibres = graph.noise(tree, around(9.0, 2.2), 1.0, detail=4.0, distortion=0.4)
    colour = graph.mix_colour(tree, graph.step(tree, fibres, 0.35, 0.68), dark, bright)
    crypts = graph.step(tree, graph.noise(tree, around(3.0, 4.5), 1.0, detail=2.0), 0.62, 0.72)
    colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", crypts, 0.45), colour, dark)
    # The collarette: a warmer wreath around the pupil.
    wreath_noise = graph.spread(tree, graph.noise(tree, around(5.0, 0.0), 1.0, detail=3.0), -0.12, 0.12)
    wreath = graph.step(
        tree, graph.math(tree, "ADD", share, wreath_noise), eyes.pupil_share + 0.32, eyes.pupil_share + 0.06
    )
    colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", wreath, 0.6), colour, warm)
    limbal_ring = graph.math(tree, "MULTIPLY", graph.step(tree, share, 0.72, 0.98), 0.8)
    colour = graph.mix_colour(tree, limbal_ring, colour, tuple(0.4 * value for value in dark))
    pupil = graph.step(tree, share, eyes.pupil_share + 0.02, eyes.pupil_share - 0.02)
    return graph.mix_colour(tree, pupil, colour, (0.002, 0.002, 0.002))


def _sclera_colour(tree: bpy.types.NodeTree, offset: Socket, share: Socket, redness: float) -> Socket:
    # Blood vessels: thin lines between cells of a bent pattern, dense far from the iris.
    bend = graph.scale_vector(tree, graph.noise(tree, offset, 9.0, detail=4.0, output="Color"), 0.16)
    lines = graph.voronoi(tree, graph.vector_math(tree, "ADD", offset, bend), 9.0, feature="DISTANCE_TO_EDGE")
    vein = graph.step(tree, lines, 0.035, 0.0)
    fading = graph.step(tree, share, 1.15, 2.1)
    patchy = graph.step(tree, graph.noise(tree, offset, 5.0, detail=2.0), 0.40, 0.70)
    amount = graph.math(tree, "MULTIPLY", graph.math(tree, "MULTIPLY", vein, fading), patchy)
    red = graph.math(tree, "MULTIPLY", graph.step(tree, share, 1.3, 2.6), 0.35 + 0.4 * redness)
    colour = graph.mix_colour(tree, red, SCLERA_RGB, SCLERA_RED_RGB)
    return graph.mix_colour(tree, graph.math(tree, "MULTIPLY", amount, 0.25 + 0.4 * redness), colour, VEIN_RGB)
