"""Glasses in Blender: the pair of a person as a mesh that is worn and moves with the skull, and its materials."""

from collections.abc import Mapping

import bpy
import numpy as np

from render.accessories.envelope import triangles_of
from render.accessories.glasses import ACETATE, LENS, METAL, SILICONE, glasses_mesh
from render.accessories.head_shape import HeadShape, head_shape
from render.accessories.pieces import moved
from render.blender import node_graph as graph
from render.blender.head import Person
from render.blender.node_graph import Socket
from render.blender.passes import WORN
from render.blender.quad_object import quad_object
from render.blender.rig import bind_to_armature
from render.dataset_format import Label
from render.geometry.frames import WORLD_FROM_HEAD_AXES
from render.heads.model import SHADING_ONLY_REGIONS
from render.parameters import Glasses, Lenses

NO_GLASSES = "none"
LENS_HEIGHT = "lens_height"
# Two surfaces of CR-39 or polycarbonate mirror light; anti-reflex coatings take most of it away.
LENS_IOR, COATED_SHARE = 1.5, 0.45


def add_glasses(
    collections: Mapping[str, bpy.types.Collection],
    person: Person,
    glasses: Glasses,
    lenses: Lenses,
    *,
    subdivision_level: int,
) -> bpy.types.Object | None:
    """Put glasses on a person: a mesh in the `worn` collection, labelled glasses; None when the style is `none`.

    In ground truth a lens is a surface like any other: the first hit. In the picture it lets light through.
    Raises: ValueError on an unknown style, or when this head has no ears to rest them on.
    """
    if glasses.style == NO_GLASSES:
        return None
    made = glasses_mesh(shape_of(person), style=glasses.style, seed=glasses.seed)
    pieces = [moved(piece, WORLD_FROM_HEAD_AXES, np.zeros(3)) for piece in made.pieces]
    worn = quad_object(
        "glasses",
        pieces,
        glasses_materials(lenses),
        label=Label.GLASSES,
        subdivision_level=subdivision_level,
        attributes={LENS_HEIGHT: made.lens_height},
    )
    collections[WORN].objects.link(worn)
    bind_to_armature(worn, person.armature, {"head": np.ones(len(worn.data.vertices))})
    # The rig must move the cage before it is subdivided.
    worn.modifiers.move(len(worn.modifiers) - 1, 0)
    return worn


def shape_of(person: Person) -> HeadShape:
    """What glasses must know of a person's head, whatever its expression."""
    model = person.model
    solid = ~np.isin(model.face_regions, [int(region) for region in SHADING_ONLY_REGIONS])
    triangles = triangles_of(model.face_sizes[solid], model.face_vertices[np.repeat(solid, model.face_sizes)])
    return head_shape(
        person.vertices_m.astype(np.float64),
        triangles,
        person.vertices_m[model.eye_landmark_vertices].astype(np.float64),
        forward_reach_m=np.maximum(model.expression_basis_m[:, :, 2].max(axis=0), 0.0).astype(np.float64),
    )


def glasses_materials(lenses: Lenses) -> dict[str, bpy.types.Material]:
    """A new material for each part of a pair of glasses."""
    return {
        METAL: _metal("glasses_metal", lenses),
        ACETATE: _acetate("glasses_acetate", lenses),
        SILICONE: _silicone("glasses_pads"),
        LENS: lens_material("glasses_lens", lenses),
    }


def lens_material(name: str, lenses: Lenses) -> bpy.types.Material:
    """A thin lens: light goes straight through (coloured by the tint, deeper at the top of a gradient), and the rest is
    mirrored as two surfaces do. Straight light needs no caustics, so a face behind clear lenses is lit as without."""
    material, tree = graph.empty_material(name)
    height = graph.attribute(tree, LENS_HEIGHT)
    # Gradient 1 leaves the lower half almost clear.
    fade = graph.math(tree, "MULTIPLY", graph.step(tree, height, 0.55, -0.85), lenses.gradient)
    tint = graph.mix_colour(tree, fade, lenses.tint_rgb, tuple(0.5 + 0.5 * value for value in lenses.tint_rgb))
    through = graph.add_node(tree, "ShaderNodeBsdfTransparent", inputs={"Color": tint}).outputs[0]
    fresnel = graph.add_node(tree, "ShaderNodeFresnel", inputs={"IOR": LENS_IOR}).outputs[0]
    both = graph.math(tree, "DIVIDE", graph.math(tree, "MULTIPLY", fresnel, 2.0), graph.math(tree, "ADD", fresnel, 1.0))
    coated = graph.math(tree, "MULTIPLY", both, COATED_SHARE)
    mirrored = graph.math(tree, "MAXIMUM", coated, lenses.mirror)
    gloss = graph.add_node(
        tree, "ShaderNodeBsdfAnisotropic", inputs={"Color": _mirror_rgb(lenses), "Roughness": 0.02}
    ).outputs[0]
    mixed = graph.add_node(tree, "ShaderNodeMixShader", inputs={0: mirrored, 1: through, 2: gloss}).outputs[0]
    # Light on its way to the face passes with the tint alone: no mirror image on the cheeks, no noise.
    path = graph.add_node(tree, "ShaderNodeLightPath").outputs["Is Shadow Ray"]
    graph.finish(tree, graph.add_node(tree, "ShaderNodeMixShader", inputs={0: path, 1: mixed, 2: through}).outputs[0])
    return material


def _mirror_rgb(lenses: Lenses) -> tuple[float, float, float]:
    """A coating mirrors a hint of green, a mirror lens the colour that it does not let through."""
    if lenses.mirror <= 0:
        return (0.86, 1.0, 0.92)
    strongest = max(*lenses.tint_rgb, 1e-3)
    red, green, blue = (1.0 - 0.55 * value / strongest for value in lenses.tint_rgb)
    return red, green, blue


def _metal(name: str, lenses: Lenses) -> bpy.types.Material:
    material, tree = graph.empty_material(name)
    shader = graph.principled(tree, {"Base Color": lenses.metal_rgb, "Metallic": 1.0, "Roughness": 0.22})
    graph.finish(tree, shader.outputs[0])
    return material


def _acetate(name: str, lenses: Lenses) -> bpy.types.Material:
    material, tree = graph.empty_material(name)
    shader = graph.principled(
        tree,
        {"Base Color": _acetate_colour(tree, lenses), "Roughness": 0.18, "Coat Weight": 0.6, "Coat Roughness": 0.05},
    )
    graph.finish(tree, shader.outputs[0])
    return material


def _acetate_colour(tree: bpy.types.NodeTree, lenses: Lenses) -> Socket:
    """Plain, or tortoiseshell: warm patches in the dark colour."""
    place = graph.add_node(tree, "ShaderNodeTexCoord").outputs["Object"]
    cloud = graph.noise(tree, place, 85.0, detail=3.0, distortion=1.2)
    patches = graph.math(tree, "MULTIPLY", graph.step(tree, cloud, 0.50, 0.64), lenses.tortoise)
    return graph.mix_colour(tree, patches, lenses.acetate_rgb, (0.30, 0.12, 0.025))


def _silicone(name: str) -> bpy.types.Material:
    material, tree = graph.empty_material(name)
    clear = graph.add_node(tree, "ShaderNodeBsdfTransparent", inputs={"Color": (0.96, 0.95, 0.93)}).outputs[0]
    shader = graph.principled(tree, {"Base Color": (0.75, 0.72, 0.68), "Roughness": 0.25}).outputs[0]
    graph.finish(tree, graph.add_node(tree, "ShaderNodeMixShader", inputs={0: 0.45, 1: clear, 2: shader}).outputs[0])
    return material
