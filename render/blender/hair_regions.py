"""Lashes and brows that a head family models as surfaces: dark hair, cut into strands where it comes as cards.

UVs of LASHES faces: on a card (a strip that stands for many lashes) u runs along the lid, 0..1 plus an integer that
tells cards apart, and v from 0 at the root to 1 at the tips. Lashes modelled one by one have u below 0 and stay whole.
"""

import bpy

from render.blender import node_graph as graph
from render.blender.node_graph import Socket

LASH_RGB = (0.012, 0.008, 0.006)
STRANDS_PER_CARD = 38
# Half the width of a strand at its root, as a share of the strip that belongs to it.
STRAND_HALF_WIDTH = 0.10


def lash_material(name: str) -> bpy.types.Material:
    """A new material of lashes, nearly black; a point of it is either wholly hair or wholly clear, never between.

    So the depth at a pixel centre is that of a strand or of what lies behind, as with modelled hair.
    """
    material, tree = graph.empty_material(name)
    opacity = strand_opacity(tree)
    clear = graph.add_node(tree, "ShaderNodeBsdfTransparent").outputs[0]
    mixed = graph.add_node(tree, "ShaderNodeMixShader", inputs={0: opacity, 1: clear, 2: _hair(tree, LASH_RGB)})
    graph.finish(tree, mixed.outputs[0])
    return material


def brow_material(name: str, hair_rgb: tuple[float, float, float]) -> bpy.types.Material:
    """A new material of modelled brows in this colour (scene-linear RGB)."""
    material, tree = graph.empty_material(name)
    graph.finish(tree, _hair(tree, hair_rgb))
    return material


def _hair(tree: bpy.types.NodeTree, rgb: tuple[float, float, float]) -> Socket:
    return graph.principled(tree, {"Base Color": rgb, "Roughness": 0.45, "IOR": 1.55}).outputs[0]


def strand_opacity(tree: bpy.types.NodeTree) -> Socket:
    """1 on a strand, 0 between strands, 1 all over lashes that are modelled one by one; from the UVs alone."""
    uv = graph.add_node(tree, "ShaderNodeUVMap", settings={"uv_map": "UVMap"}).outputs["UV"]
    u, v, _ = graph.split(tree, uv)
    strip = graph.math(tree, "MULTIPLY", u, float(STRANDS_PER_CARD))
    number = graph.math(tree, "FLOOR", strip)
    chance = graph.add_node(
        tree, "ShaderNodeTexWhiteNoise", settings={"noise_dimensions": "1D"}, inputs={"W": number}
    ).outputs["Color"]
    place, bend, length = graph.split(tree, chance)
    # Roots jitter and tips lean aside, but a strand stays within its strip, so no strand is cut off.
    middle = graph.math(
        tree,
        "ADD",
        graph.spread(tree, place, 0.35, 0.65),
        graph.math(tree, "MULTIPLY", graph.math(tree, "POWER", v, 2.0), graph.spread(tree, bend, -0.35, 0.35)),
    )
    gap = graph.math(tree, "ABSOLUTE", graph.math(tree, "SUBTRACT", graph.math(tree, "FRACT", strip), middle))
    reach = graph.math(tree, "DIVIDE", v, graph.spread(tree, length, 0.45, 0.9))
    taper = graph.math(tree, "SUBTRACT", 1.0, graph.math(tree, "POWER", reach, 1.5))
    strand = graph.math(tree, "LESS_THAN", gap, graph.math(tree, "MULTIPLY", taper, STRAND_HALF_WIDTH))
    whole = graph.math(tree, "LESS_THAN", u, 0.0)
    return graph.math(tree, "MAXIMUM", strand, whole)
