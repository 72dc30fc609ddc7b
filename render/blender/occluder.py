"""Occluder in Blender: what is held before the face in one frame, with the hand that holds it, and its materials."""

import colorsys
from collections.abc import Mapping

import bpy
import mathutils
import numpy as np

from render.accessories.hand import NAIL, SKIN, SLEEVE
from render.accessories.held_things import ACCENT, BODY, PAGES, PRINT, SCREEN, held_thing
from render.accessories.holding import held_place, holding_axes
from render.blender import node_graph as graph
from render.blender.clothing import fabric_material
from render.blender.head import Person, PosedPerson, landmarks_world_m, surface_vertices_m
from render.blender.passes import WORN
from render.blender.quad_object import quad_object
from render.blender.skin import skin_material, skin_tones
from render.dataset_format import Label
from render.geometry.frames import WORLD_FROM_HEAD_AXES, rigid
from render.parameters import Fabric, Occluder, Skin

NOTHING = "none"
_CHIN, _EYES = 8, slice(36, 48)


def add_occluder(
    collections: Mapping[str, bpy.types.Collection],
    person: Person,
    posed: PosedPerson,
    occluder: Occluder,
    skin: Skin,
    fabric: Fabric,
) -> bpy.types.Object | None:
    """Hold a thing before a posed person: a mesh in the `worn` collection, labelled occluder; None for `none`.

    It keeps clear of the head and of glasses (hair and loose cloth may touch it). The hand has the person's skin, its
    sleeve their fabric. Raises: ValueError on an unknown kind.
    """
    if occluder.kind == NOTHING:
        return None
    pieces = held_thing(occluder.kind, seed=occluder.seed, size=occluder.size)
    solid = [posed.surface_world_m]
    solid += [surface_vertices_m(worn) for worn in collections[WORN].objects if worn.name.startswith("glasses")]
    head_m = np.concatenate(solid).astype(np.float64) @ WORLD_FROM_HEAD_AXES
    landmarks_m = landmarks_world_m(person, posed.surface_world_m).astype(np.float64) @ WORLD_FROM_HEAD_AXES
    turn, place = held_place(
        head_m,
        np.concatenate([piece.vertices_m for piece in pieces if piece.material != SLEEVE]),
        np.concatenate([piece.vertices_m for piece in pieces if piece.material == SLEEVE]),
        pupils_m=landmarks_m[_EYES].mean(axis=0),
        chin_m=landmarks_m[_CHIN],
        axes=holding_axes(WORLD_FROM_HEAD_AXES.T @ posed.rig.head_from_world[:3, :3].T),
        occluder=occluder,
    )
    held = quad_object(
        "occluder",
        pieces,
        occluder_materials(occluder, skin, fabric),
        label=Label.OCCLUDER,
        subdivision_level=1,
        # The texture of skin goes by where a point was at rest.
        attributes={"rest_position": np.concatenate([piece.vertices_m for piece in pieces])},
    )
    # Vertices stay in the held frame, so that textures stick to the thing.
    held.matrix_world = mathutils.Matrix(rigid(WORLD_FROM_HEAD_AXES @ turn, WORLD_FROM_HEAD_AXES @ place).tolist())
    collections[WORN].objects.link(held)
    return held


def occluder_materials(occluder: Occluder, skin: Skin, fabric: Fabric) -> dict[str, bpy.types.Material]:
    """A new material for each part; colours of the thing come from its seed."""
    stream = np.random.default_rng([occluder.seed, 1])
    body, accent = _colour(stream), _colour(stream)
    metallic = float(occluder.kind in ("smartphone", "tablet") and stream.random() < 0.6)
    tones = skin_tones(skin)
    return {
        BODY: _plain("held_body", body, roughness=0.35 if metallic else 0.42, metallic=metallic),
        ACCENT: _plain("held_accent", accent, roughness=0.4),
        SCREEN: _plain("held_screen", (0.006, 0.006, 0.007), roughness=0.06),
        PAGES: _plain("held_pages", (0.70, 0.66, 0.56), roughness=0.9),
        PRINT: _print("held_print", accent if occluder.kind == "bottle" else (0.82, 0.81, 0.78)),
        SKIN: skin_material("hand_skin", skin, with_face=False),
        NAIL: _plain("nail", tuple(0.75 * value + 0.10 for value in tones.flushed), roughness=0.25),
        SLEEVE: fabric_material("sleeve", fabric),
    }


def _colour(stream: np.random.Generator) -> tuple[float, float, float]:
    hue, saturation, value = stream.random(3)
    red, green, blue = colorsys.hsv_to_rgb(float(hue), 0.85 * float(saturation), 0.02 + 0.65 * float(value) ** 2)
    return red, green, blue


def _plain(name: str, rgb: tuple[float, ...], *, roughness: float, metallic: float = 0.0) -> bpy.types.Material:
    material, tree = graph.empty_material(name)
    shader = graph.principled(tree, {"Base Color": rgb, "Roughness": roughness, "Metallic": metallic})
    graph.finish(tree, shader.outputs[0])
    return material


def _print(name: str, rgb: tuple[float, ...]) -> bpy.types.Material:
    """Lines of text on paper, 5 mm apart, broken into words."""
    material, tree = graph.empty_material(name)
    place = graph.add_node(tree, "ShaderNodeTexCoord").outputs["Object"]
    x, y, _ = graph.split(tree, place)
    row = graph.math(tree, "DIVIDE", y, 0.0055)
    ink = graph.step(tree, graph.math(tree, "FRACT", row), 0.52, 0.58)
    words = graph.noise(
        tree, graph.join(tree, x, graph.math(tree, "MULTIPLY", graph.math(tree, "FLOOR", row), 0.37), 0.0), 190.0
    )
    inside = graph.step(tree, graph.math(tree, "ABSOLUTE", x), 0.060, 0.058)
    ink = graph.math(tree, "MULTIPLY", graph.math(tree, "MULTIPLY", ink, graph.step(tree, words, 0.44, 0.48)), inside)
    colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", ink, 0.85), rgb, (0.03, 0.03, 0.035))
    shader = graph.principled(tree, {"Base Color": colour, "Roughness": 0.8})
    graph.finish(tree, shader.outputs[0])
    return material
