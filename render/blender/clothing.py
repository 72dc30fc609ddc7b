"""Clothing in Blender: the garment of a person as a mesh that is worn, and the material of its fabric."""

from collections.abc import Mapping

import bpy
import numpy as np
from jaxtyping import Float32
from scipy.spatial import KDTree

from render.blender import node_graph as graph
from render.blender.head import Person
from render.blender.node_graph import Socket
from render.blender.passes import WORN, set_surface_labels
from render.blender.polygon_mesh import polygon_mesh, subdivide
from render.blender.rig import ROOT, bind_to_armature
from render.dataset_format import Label
from render.geometry.frames import WORLD_FROM_HEAD_AXES
from render.heads.garment import GarmentMesh, garment_mesh
from render.heads.model import HeadModel, Region
from render.parameters import Fabric, Outfit

BARE = "none"
SKIN_REGIONS = (Region.SKIN, Region.SCALP, Region.NECK)
# Where cloth lies within the first of these distances it moves with the skin; beyond the second it stays.
MOVES_WITH_SKIN_M = (0.012, 0.060)
STRIPE_M = 0.052
# Along u, which is three times as long as the way around the neck.
RIB_M, RIB_HEIGHT_M, FUZZ_HEIGHT_M = 0.0100, 0.0006, 0.0004


def add_clothing(
    collections: Mapping[str, bpy.types.Collection],
    person: Person,
    outfit: Outfit,
    fabric: Fabric,
    *,
    subdivision_level: int,
) -> bpy.types.Object | None:
    """Dress a person: a mesh in the `worn` collection, labelled clothing; None when the style is `none`.

    Its collar moves with the neck, the rest stays with the torso.
    Raises: ValueError on an unknown style, or when this head has too little neck for a garment.
    """
    if outfit.style == BARE:
        return None
    model = person.model
    chosen = np.isin(model.face_regions, [int(region) for region in SKIN_REGIONS])
    skin = np.unique(model.face_vertices[np.repeat(chosen, model.face_sizes)])
    garment = garment_mesh(
        person.vertices_m[skin],
        person.vertices_m[model.landmark_vertices].astype(np.float64),
        style=outfit.style,
        seed=outfit.seed,
    )
    cloth = bpy.data.objects.new("garment", _mesh(garment, fabric_material("fabric", fabric)))
    collections[WORN].objects.link(cloth)
    _bind(cloth, person, garment, skin)
    subdivide(cloth, subdivision_level)
    return cloth


def _mesh(garment: GarmentMesh, material: bpy.types.Material) -> bpy.types.Mesh:
    mesh = polygon_mesh(
        "garment",
        garment.vertices_m @ WORLD_FROM_HEAD_AXES.T.astype(np.float32),
        garment.quads.ravel(),
        np.full(len(garment.quads), 4),
        corner_uvs=garment.corner_uvs.reshape(-1, 2),
        made_by="render/heads/garment.py",
    )
    mesh.materials.append(material)
    set_surface_labels(mesh, np.full(len(garment.quads), Label.CLOTHING, dtype=np.uint8))
    return mesh


def _bind(cloth: bpy.types.Object, person: Person, garment: GarmentMesh, skin: np.ndarray) -> None:
    weights = cloth_weights(person.model, person.vertices_m, garment.vertices_m, skin)
    rest = 1.0 - np.sum(list(weights.values()), axis=0)
    bind_to_armature(cloth, person.armature, {**weights, ROOT: rest})


def cloth_weights(
    model: HeadModel, vertices_m: Float32[np.ndarray, "n 3"], cloth_m: Float32[np.ndarray, "m 3"], skin: np.ndarray
) -> dict[str, Float32[np.ndarray, " m"]]:
    """Weight of every bone on each vertex of the cloth: that of the skin beneath, fading with the distance from it."""
    distance, index = KDTree(vertices_m[skin]).query(cloth_m, k=4)
    closeness = 1.0 / np.maximum(distance, 1e-4)
    closeness /= closeness.sum(axis=1, keepdims=True)
    near, far = MOVES_WITH_SKIN_M
    follow = np.clip((far - distance[:, 0]) / (far - near), 0.0, 1.0)
    return {
        bone.name: (follow * (closeness * bone.weights[skin][index]).sum(axis=1)).astype(np.float32)
        for bone in model.bones
        if bone.weights[skin].any()
    }


def fabric_material(name: str, fabric: Fabric) -> bpy.types.Material:
    """A new material of soft knitted cotton: rough, with a little fuzz and a ribbed collar."""
    material, tree = graph.empty_material(name)
    uv = graph.add_node(tree, "ShaderNodeUVMap", settings={"uv_map": "UVMap"}).outputs["UV"]
    around, down, _ = graph.split(tree, uv)
    collar = graph.step(tree, down, 0.0, -0.0008)
    fuzz = graph.noise(tree, uv, 900.0, detail=2.0)
    colour = _colour(tree, fabric, around, down, collar)
    tone = graph.spread(tree, graph.noise(tree, uv, 260.0, detail=3.0), 0.82, 1.12)
    shader = graph.principled(
        tree,
        {
            "Base Color": graph.scale_vector(tree, colour, tone),
            "Roughness": 0.9,
            "Specular IOR Level": 0.25,
            "Sheen Weight": 0.25,
            "Sheen Roughness": 0.5,
            "Normal": graph.bump(tree, _relief(tree, around, collar, fuzz)),
        },
    )
    graph.finish(tree, shader.outputs[0])
    return material


def _colour(tree: bpy.types.NodeTree, fabric: Fabric, around: Socket, down: Socket, collar: Socket) -> Socket:
    """The plain colour, stripes across the body (not on the collar), or threads of both colours mixed."""
    if fabric.pattern == "plain":
        return graph.mix_colour(tree, 0.0, fabric.rgb, fabric.second_rgb)
    if fabric.pattern == "heather":
        flecks = graph.noise(
            tree, graph.join(tree, graph.math(tree, "MULTIPLY", around, 3.0), down, 0.0), 420.0, detail=3.0
        )
        return graph.mix_colour(tree, graph.math(tree, "MULTIPLY", graph.step(tree, flecks, 0.45, 0.65), 0.45),
                                fabric.rgb, fabric.second_rgb)  # fmt: skip
    if fabric.pattern != "stripes":
        raise ValueError(f"unknown pattern of fabric {fabric.pattern!r}; known are plain, stripes, heather")
    # The cloth is cut flat, so its stripes lie at the same height wherever the body stands upright.
    _, _, height = graph.split(tree, graph.add_node(tree, "ShaderNodeTexCoord").outputs["Object"])
    phase = graph.math(tree, "FRACT", graph.math(tree, "DIVIDE", height, STRIPE_M))
    stripe = graph.math(
        tree, "MULTIPLY", graph.step(tree, phase, 0.58, 0.60), graph.math(tree, "SUBTRACT", 1.0, collar)
    )
    return graph.mix_colour(tree, stripe, fabric.rgb, fabric.second_rgb)


def _relief(tree: bpy.types.NodeTree, around: Socket, collar: Socket, fuzz: Socket) -> Socket:
    """Height of the collar's ribs and of loose fibres, metres.

    Single wales of the knit, a millimetre apart, are left out: they would beat with the pixels.
    """
    ribs = graph.math(tree, "SINE", graph.math(tree, "MULTIPLY", around, 2 * np.pi / RIB_M))
    ribs = graph.math(tree, "MULTIPLY", graph.math(tree, "MULTIPLY", ribs, RIB_HEIGHT_M), collar)
    return graph.math(tree, "ADD", ribs, graph.math(tree, "MULTIPLY", fuzz, FUZZ_HEIGHT_M))
