"""What hair is made of: melanin in every strand, a little different from strand to strand, some grey."""

import bpy

from render.blender import node_graph as graph
from render.parameters import HairColour

TINT, GREY = "tint", "grey"
ROUGHNESS, RADIAL_ROUGHNESS = 0.30, 0.35
# How far a strand's melanin may be from the person's, and how much darker roots are than tips (shares; ours).
STRAND_VARIATION, ROOT_DARKNESS = 0.22, 0.18


def hair_material(name: str, colour: HairColour) -> bpy.types.Material:
    """A new material for strands with the curve attributes `tint` (0..1, at random) and `grey` (1: no pigment)."""
    material, tree = graph.empty_material(name)
    tint = graph.attribute(tree, TINT)
    grey = graph.attribute(tree, GREY)
    along = graph.add_node(tree, "ShaderNodeHairInfo").outputs["Intercept"]
    shade = graph.math(
        tree,
        "MULTIPLY",
        graph.spread(tree, tint, 1.0 - STRAND_VARIATION, 1.0 + STRAND_VARIATION),
        graph.spread(tree, graph.step(tree, along, 0.0, 0.6), 1.0, 1.0 - ROOT_DARKNESS),
    )
    pigment = graph.spread(tree, grey, colour.melanin, 0.07 * colour.melanin)
    node = graph.add_node(
        tree,
        "ShaderNodeBsdfHairPrincipled",
        settings={"model": "CHIANG", "parametrization": "MELANIN"},
        inputs={
            "Melanin": graph.math(tree, "MULTIPLY", shade, pigment, clamp=True),
            "Melanin Redness": colour.redness,
            "Roughness": ROUGHNESS,
            "Radial Roughness": RADIAL_ROUGHNESS,
            "Coat": 0.0,
            "Random Roughness": 0.0,
            "Random Color": 0.0,
        },
    )
    graph.finish(tree, node.outputs[0])
    return material
