"""Skin: pigments, blood, lips, freckles, moles, pores, folds, stubble and oil in one node tree.

Reads the mesh attributes of render.geometry.face_paint; where they are missing, what they paint is missing too.
Relief is bump only: it changes the shading normal, never geometry, depth or the interpolated surface normal.
"""

from dataclasses import dataclass

import bpy
import numpy as np

from render.blender import node_graph as graph
from render.blender.node_graph import Socket
from render.parameters import Skin
from render.sampling.skin_colour import HAEMOGLOBIN_LIMITS, MELANIN_LIMITS, skin_albedo_rgb

# Mean free paths of red, green and blue light in skin. Source: Jensen and others 2001 (dipole fits, skin1). Scaled down
# (ours, by eye).
SCATTER_RADIUS_MM = (3.67, 1.37, 0.68)
SCATTER_SCALE = 0.6
SKIN_IOR = 1.4
# Roughness of the wet surface of dry and of oily skin (ours, by eye from photographs).
DRY_ROUGHNESS, OILY_ROUGHNESS = 0.56, 0.34
FOLD_DEPTH_M = 0.0011
# The mesh attribute that tells how dark the roots of hair make the skin between them, 0..1.
ROOTS = "roots"


@dataclass(frozen=True)
class SkinTones:
    """Albedos (scene-linear RGB) of one person: plain skin, flushed with blood, drained of it, and what grows on it."""

    plain: tuple[float, float, float]
    flushed: tuple[float, float, float]
    pale: tuple[float, float, float]
    tanned: tuple[float, float, float]
    lips: tuple[float, float, float]
    freckle: tuple[float, float, float]
    mole: tuple[float, float, float]
    stubble: tuple[float, float, float]
    brow: tuple[float, float, float]


@dataclass(frozen=True)
class _SkinFields:
    """Where on the skin, and noise (0..1 about 0.5) of three sizes there, worked out once and used for everything."""

    position: Socket
    coarse: Socket
    middle: Socket
    fine: Socket


def skin_tones(skin: Skin) -> SkinTones:
    """The albedos of this person's skin, all from the same two pigments."""
    plain = _tone(skin.melanin, skin.haemoglobin)
    lips = _tone(
        (0.85 - 0.45 * skin.lip_colour) * skin.melanin, 2.2 * skin.haemoglobin + 0.005 + 0.05 * skin.lip_colour
    )
    # Lip skin is thin: blood shows more purely than two diffuse layers tell.
    purity = 0.35 + 0.65 * skin.lip_colour
    lips = ((1 - 0.10 * purity) * lips[0], (1 - 0.40 * purity) * lips[1], (1 - 0.32 * purity) * lips[2])
    mole = _tone(1.8 * skin.melanin + 0.25, skin.haemoglobin)
    return SkinTones(
        plain=plain,
        flushed=_tone(skin.melanin, 2.2 * skin.haemoglobin + 0.015),
        pale=_tone(0.88 * skin.melanin, 0.7 * skin.haemoglobin),
        tanned=_tone(1.25 * skin.melanin + 0.004, 1.1 * skin.haemoglobin),
        lips=lips,
        freckle=_tone(1.6 * skin.melanin + 0.07, skin.haemoglobin),
        # Pigment of a mole lies deeper than the model's, too.
        mole=(0.8 * mole[0], 0.75 * mole[1], 0.75 * mole[2]),
        # Cut hair shines through skin darker and bluer than it is.
        stubble=(0.26 * plain[0], 0.29 * plain[1], 0.36 * plain[2]),
        brow=(0.004 + 0.07 * plain[0], 0.003 + 0.05 * plain[1], 0.002 + 0.04 * plain[2]),
    )


def skin_material(name: str, skin: Skin, *, with_face: bool) -> bpy.types.Material:
    """A new skin material. `with_face` adds what only faces have and what costs time: lips, folds and brows' shade.

    The wet, rough surface is the coat, and the relief bends that alone: light that went through skin leaves it
    smoothly, and Cycles need not work out the relief again wherever a ray comes out.
    """
    tones = skin_tones(skin)
    material, tree = graph.empty_material(name)
    rest = graph.attribute(tree, "rest_position", output="Vector")
    position = graph.vector_math(tree, "ADD", rest, _texture_offset(skin.texture_seed))
    fields = _SkinFields(
        position=position,
        coarse=graph.noise(tree, position, 55.0, detail=2.0),
        middle=graph.noise(tree, position, 210.0, detail=3.0),
        fine=graph.noise(tree, position, 800.0, detail=2.0),
    )
    colour = _colour(tree, tones, fields, skin)
    roughness = _roughness(tree, fields, skin)
    relief = _relief(tree, fields)
    if with_face:
        if skin.wrinkles > 0:
            fold = graph.math(tree, "MULTIPLY", _fold_mask(tree, fields), skin.wrinkles)
            relief = graph.math(tree, "SUBTRACT", relief, graph.math(tree, "MULTIPLY", fold, FOLD_DEPTH_M))
            # Little light reaches the bottom of a fold, and what leaves it has passed more blood.
            colour = _multiplied(tree, colour, fold, (0.72, 0.60, 0.56))
        lips = _lip_mask(tree, fields)
        lip_tone = graph.mix_colour(tree, graph.step(tree, fields.fine, 0.3, 0.8), tones.lips, tones.flushed)
        colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", lips, 0.85), colour, lip_tone)
        # Skin under the hair of brows is in its shade; the hair itself is modelled.
        fill = graph.split(tree, graph.attribute(tree, "brow", output="Vector"))[2]
        shade = graph.math(tree, "MULTIPLY", graph.step(tree, fill, 0.0, 0.9), 0.22)
        colour = graph.mix_colour(tree, shade, colour, tones.brow)
        roughness = graph.math(tree, "SUBTRACT", roughness, graph.math(tree, "MULTIPLY", lips, 0.12), clamp=True)
    shader = graph.principled(
        tree,
        {
            "Base Color": colour,
            "Subsurface Weight": 1.0,
            "Subsurface Radius": tuple(0.001 * radius for radius in SCATTER_RADIUS_MM),
            "Subsurface Scale": SCATTER_SCALE,
            "Specular IOR Level": 0.0,
            "Coat Weight": 1.0,
            "Coat IOR": SKIN_IOR,
            "Coat Roughness": roughness,
            "Coat Normal": graph.bump(tree, relief, strength=0.8),
        },
    )
    graph.finish(tree, shader.outputs[0])
    return material


def _tone(melanin: float, haemoglobin: float) -> tuple[float, float, float]:
    # Variants of a person's pigments may leave the model's range although the person does not.
    rgb = skin_albedo_rgb(min(melanin, MELANIN_LIMITS[1]), min(haemoglobin, HAEMOGLOBIN_LIMITS[1]))
    return float(rgb[0]), float(rgb[1]), float(rgb[2])


def _texture_offset(seed: int) -> tuple[float, float, float]:
    """Where this person's skin is cut out of the endless noise: a point within 20 m, so single precision still
    resolves a hundredth of a millimetre."""
    x, y, z = np.random.Generator(np.random.Philox(key=seed)).uniform(-20.0, 20.0, 3)
    return float(x), float(y), float(z)


def _multiplied(tree: bpy.types.NodeTree, colour: Socket, amount: Socket, by: tuple[float, float, float]) -> Socket:
    return graph.mix_colour(tree, amount, colour, by, blend="MULTIPLY")


def _lip_mask(tree: bpy.types.NodeTree, fields: _SkinFields) -> Socket:
    # The border of the lips wanders a little and is soft, about 1.5 mm wide.
    wander = graph.spread(tree, fields.middle, -0.06, 0.06)
    return graph.step(tree, graph.math(tree, "ADD", graph.attribute(tree, "lips"), wander), 0.42, 0.62)


def _fold_mask(tree: bpy.types.NodeTree, fields: _SkinFields) -> Socket:
    """1 at the bottom of a fold of full depth, 0 between folds: the attribute tells how many folds across."""
    across, _, depth = graph.split(tree, graph.attribute(tree, "crease", output="Vector"))
    # Folds wander and break off, each in its own way: the noise is that of the skin there.
    wandering = graph.math(tree, "ADD", across, graph.spread(tree, fields.coarse, -0.45, 0.45))
    wandering = graph.math(tree, "ADD", wandering, graph.spread(tree, fields.middle, -0.10, 0.10))
    gap = graph.math(tree, "ABSOLUTE", graph.math(tree, "SUBTRACT", graph.math(tree, "FRACT", wandering), 0.5))
    valley = graph.step(tree, gap, 0.22, 0.0)
    broken = graph.step(tree, fields.middle, 0.28, 0.55)
    return graph.math(tree, "MULTIPLY", graph.math(tree, "MULTIPLY", valley, depth), broken)


def _colour(tree: bpy.types.NodeTree, tones: SkinTones, fields: _SkinFields, skin: Skin) -> Socket:
    colour = graph.mix_colour(tree, graph.step(tree, fields.coarse, 0.25, 0.78), tones.tanned, tones.pale)
    colour = graph.mix_colour(tree, 0.35, colour, tones.plain)
    # Blood shows in blotches: the flush of a place is broken up by noise.
    blotch = graph.spread(tree, graph.step(tree, fields.middle, 0.3, 0.72), 0.35, 1.25)
    flush = graph.math(tree, "MULTIPLY", graph.attribute(tree, "flush"), blotch)
    flush = graph.math(tree, "MULTIPLY", flush, 0.35 + 1.1 * skin.redness)
    everywhere = graph.math(tree, "MULTIPLY", graph.step(tree, fields.middle, 0.42, 0.75), 0.2 + 0.5 * skin.redness)
    lids = graph.math(tree, "MULTIPLY", graph.attribute(tree, "lids"), 0.75)
    redness = graph.math(tree, "ADD", graph.math(tree, "ADD", flush, everywhere), lids, clamp=True)
    colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", redness, 0.75), colour, tones.flushed)
    if skin.freckles > 0:
        colour = graph.mix_colour(tree, _freckle_mask(tree, fields, skin.freckles), colour, tones.freckle)
    if skin.moles > 0:
        colour = graph.mix_colour(tree, _mole_mask(tree, fields, skin.moles), colour, tones.mole)
    colour = graph.mix_colour(tree, _stubble_mask(tree, fields, skin.stubble), colour, tones.stubble)
    # Pores and fine lines are darker than the ridges between them.
    return graph.scale_vector(tree, colour, graph.spread(tree, graph.step(tree, fields.fine, 0.25, 0.7), 0.87, 1.06))


def _freckle_mask(tree: bpy.types.NodeTree, fields: _SkinFields, freckles: float) -> Socket:
    distance = graph.voronoi(tree, fields.position, 190.0)
    ragged = graph.math(tree, "ADD", distance, graph.spread(tree, fields.fine, -0.12, 0.12))
    # A patchy noise decides where freckles sit at all; the more freckles, the more of the face it lets through.
    patch = graph.step(tree, fields.coarse, 0.75 - 0.4 * freckles, 0.95 - 0.4 * freckles)
    spot = graph.step(tree, ragged, 0.34, 0.12)
    return graph.math(tree, "MULTIPLY", graph.math(tree, "MULTIPLY", spot, patch), 0.8 * min(1.0, 2.0 * freckles))


def _mole_mask(tree: bpy.types.NodeTree, fields: _SkinFields, moles: float) -> Socket:
    """A cell of 28 mm holds a mole when its chance says so: at `moles` 1 about one in three, of 1 to 5 mm."""
    distance = graph.voronoi(tree, fields.position, 36.0)
    chance = graph.voronoi(tree, fields.position, 36.0, output="Color")
    present, size, _ = graph.split(tree, chance)
    radius = graph.math(tree, "MULTIPLY", graph.math(tree, "POWER", size, 3.0), 0.07)
    radius = graph.math(tree, "ADD", radius, 0.025)
    spot = graph.step(tree, graph.math(tree, "DIVIDE", distance, radius), 1.15, 0.7)
    here = graph.math(tree, "LESS_THAN", present, 0.35 * moles)
    return graph.math(tree, "MULTIPLY", graph.math(tree, "MULTIPLY", spot, here), 0.85)


def _stubble_mask(tree: bpy.types.NodeTree, fields: _SkinFields, stubble: float) -> Socket:
    grain = graph.spread(tree, graph.step(tree, fields.fine, 0.35, 0.65), 0.5, 0.95)
    edge = graph.spread(tree, fields.middle, -0.25, 0.25)
    scalp = graph.step(tree, graph.math(tree, "ADD", graph.attribute(tree, "scalp"), edge), 0.25, 0.85)
    # The roots of hair show on every scalp, a beard's only where it is shaved late.
    area = graph.math(tree, "MULTIPLY", scalp, 0.45 + 0.55 * stubble)
    beard = graph.step(tree, graph.math(tree, "ADD", graph.attribute(tree, "beard"), edge), 0.2, 1.0)
    area = graph.math(tree, "MAXIMUM", area, graph.math(tree, "MULTIPLY", beard, 0.7 * stubble))
    # Between roots, and in a parting, one sees more hair than skin.
    area = graph.math(tree, "MAXIMUM", area, graph.attribute(tree, ROOTS))
    return graph.math(tree, "MULTIPLY", area, grain)


def _roughness(tree: bpy.types.NodeTree, fields: _SkinFields, skin: Skin) -> Socket:
    middle = DRY_ROUGHNESS + (OILY_ROUGHNESS - DRY_ROUGHNESS) * skin.oiliness
    grain = graph.spread(tree, fields.middle, -0.10, 0.16)
    oily = graph.math(tree, "MULTIPLY", graph.attribute(tree, "oil"), -0.06 - 0.10 * skin.oiliness)
    return graph.math(tree, "ADD", graph.math(tree, "ADD", grain, oily), middle, clamp=True)


def _relief(tree: bpy.types.NodeTree, fields: _SkinFields) -> Socket:
    """Height in metres: a net of wrinkles and pores of about 1 mm on unevenness of about 5 mm."""
    net = graph.math(tree, "MULTIPLY", fields.fine, 0.00055)
    uneven = graph.math(tree, "MULTIPLY", fields.middle, 0.0012)
    return graph.math(tree, "ADD", net, uneven)
