"""Lashes and brows that a head family models as surfaces: dark hair, a little glossy."""

import bpy

from render.blender import node_graph as graph

LASH_RGB = (0.012, 0.008, 0.006)


def lash_material(name: str) -> bpy.types.Material:
    """A new material of lashes: nearly black, opaque, so that its depth is that of the modelled strips."""
    return _hair_surface(name, LASH_RGB)


def brow_material(name: str, hair_rgb: tuple[float, float, float]) -> bpy.types.Material:
    """A new material of modelled brows in this colour (scene-linear RGB)."""
    return _hair_surface(name, hair_rgb)


def _hair_surface(name: str, rgb: tuple[float, float, float]) -> bpy.types.Material:
    material, tree = graph.empty_material(name)
    shader = graph.principled(tree, {"Base Color": rgb, "Roughness": 0.45, "IOR": 1.55})
    graph.finish(tree, shader.outputs[0])
    return material
