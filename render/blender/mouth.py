"""Teeth, gums and tongue: wet, translucent, each with its own colour."""

import bpy

from render.blender import node_graph as graph

TEETH_RGB = (0.68, 0.60, 0.46)
TEETH_STAIN_RGB = (0.55, 0.43, 0.27)
GUMS_RGB = (0.42, 0.13, 0.12)
TONGUE_RGB = (0.45, 0.17, 0.15)
TONGUE_COAT_RGB = (0.55, 0.32, 0.28)


def teeth_material(name: str) -> bpy.types.Material:
    """A new material of teeth: slightly translucent, faintly stained in patches, wet with saliva."""
    material, tree = graph.empty_material(name)
    position = graph.attribute(tree, "rest_position", output="Vector")
    stain = graph.step(tree, graph.noise(tree, position, 160.0, detail=3.0), 0.45, 0.85)
    colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", stain, 0.6), TEETH_RGB, TEETH_STAIN_RGB)
    shader = graph.principled(
        tree,
        {
            "Base Color": colour,
            "Subsurface Weight": 0.7,
            "Subsurface Radius": (0.0012, 0.0010, 0.0007),
            "Subsurface Scale": 1.0,
            "IOR": 1.6,
            "Roughness": 0.32,
            "Coat Weight": 0.4,
            "Coat Roughness": 0.08,
            "Normal": graph.bump(tree, graph.math(tree, "MULTIPLY", graph.noise(tree, position, 420.0), 0.0002)),
        },
    )
    graph.finish(tree, shader.outputs[0])
    return material


def gums_material(name: str) -> bpy.types.Material:
    """A new material of gums and the inside of the mouth."""
    return _wet_flesh(name, GUMS_RGB, (0.30, 0.07, 0.07), grain_per_m=250.0, relief_m=0.0003)


def tongue_material(name: str) -> bpy.types.Material:
    """A new material of the tongue: fine papillae under a pale coat."""
    return _wet_flesh(name, TONGUE_RGB, TONGUE_COAT_RGB, grain_per_m=1100.0, relief_m=0.0005)


def _wet_flesh(
    name: str,
    rgb: tuple[float, float, float],
    patch_rgb: tuple[float, float, float],
    *,
    grain_per_m: float,
    relief_m: float,
) -> bpy.types.Material:
    material, tree = graph.empty_material(name)
    position = graph.attribute(tree, "rest_position", output="Vector")
    patches = graph.step(tree, graph.noise(tree, position, 180.0, detail=4.0), 0.4, 0.8)
    grain = graph.noise(tree, position, grain_per_m, detail=3.0)
    shader = graph.principled(
        tree,
        {
            "Base Color": graph.mix_colour(tree, patches, rgb, patch_rgb),
            "Subsurface Weight": 0.8,
            "Subsurface Radius": (0.0030, 0.0008, 0.0006),
            "Subsurface Scale": 1.0,
            "Roughness": 0.38,
            "Coat Weight": 0.5,
            "Coat Roughness": 0.12,
            "Normal": graph.bump(tree, graph.math(tree, "MULTIPLY", grain, relief_m)),
        },
    )
    graph.finish(tree, shader.outputs[0])
    return material
