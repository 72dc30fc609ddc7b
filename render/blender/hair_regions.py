"""Lashes and brows that a head family models hair by hair: one dark, opaque material each."""

import bpy

from render.blender import node_graph as graph

LASH_RGB = (0.012, 0.008, 0.006)


def modelled_hair_material(name: str, hair_rgb: tuple[float, float, float]) -> bpy.types.Material:
    """A new material of modelled lashes or brows in this colour (scene-linear RGB)."""
    material, tree = graph.empty_material(name)
    hair = graph.principled(tree, {"Base Color": hair_rgb, "Roughness": 0.45, "IOR": 1.55})
    graph.finish(tree, hair.outputs[0])
    return material
