"""Skin: pigments, blood, lips, freckles, pores, stubble and painted brows in one node tree.

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
# (ours, by eye), because Cycles' random walk spreads light farther than the dipole does at the same radius.
SCATTER_RADIUS_MM = (3.67, 1.37, 0.68)
SCATTER_SCALE = 0.45
SKIN_IOR = 1.4


@dataclass(frozen=True)
class SkinTones:
    """Albedos (scene-linear RGB) of one person: plain skin, flushed with blood, drained of it, and what grows on it."""

    plain: tuple[float, float, float]
    flushed: tuple[float, float, float]
    pale: tuple[float, float, float]
    lips: tuple[float, float, float]
    freckle: tuple[float, float, float]
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
    lips = _tone(0.55 * skin.melanin, 2.6 * skin.haemoglobin + 0.02)
    # Lip skin is thin: blood shows more purely than two diffuse layers tell.
    lips = (0.86 * lips[0], 0.60 * lips[1], 0.70 * lips[2])
    return SkinTones(
        plain=plain,
        flushed=_tone(skin.melanin, 2.2 * skin.haemoglobin + 0.015),
        pale=_tone(0.9 * skin.melanin, 0.75 * skin.haemoglobin),
        lips=lips,
        freckle=_tone(1.6 * skin.melanin + 0.07, skin.haemoglobin),
        # Cut hair shines through skin darker and bluer than it is.
        stubble=(0.26 * plain[0], 0.29 * plain[1], 0.36 * plain[2]),
        brow=(0.004 + 0.07 * plain[0], 0.003 + 0.05 * plain[1], 0.002 + 0.04 * plain[2]),
    )


def skin_material(name: str, skin: Skin, *, with_face: bool) -> bpy.types.Material:
    """A new skin material. `with_face` adds lips and brows, which cost time and which neck and scalp do not have.

    The wet, rough surface is the coat, and only it is bumped: light that went through skin leaves it smoothly, and
    Cycles need not work out the relief again wherever a ray comes out.
    """
    tones = skin_tones(skin)
    material, tree = graph.empty_material(name)
    rest = graph.attribute(tree, "rest_position", output="Vector")
    position = graph.vector_math(tree, "ADD", rest, _texture_offset(skin.texture_seed))
    fields = _SkinFields(
        position=position,
        coarse=graph.noise(tree, position, 55.0, detail=2.0, distortion=0.6),
        middle=graph.noise(tree, position, 210.0, detail=3.0),
        fine=graph.noise(tree, position, 800.0, detail=2.0),
    )
    colour = _colour(tree, tones, fields, freckles=skin.freckles)
    roughness = _roughness(tree, fields, skin.roughness)
    relief = _relief(tree, fields)
    if with_face:
        lips = _lip_mask(tree, fields)
        lip_tone = graph.mix_colour(tree, graph.step(tree, fields.fine, 0.3, 0.8), tones.lips, tones.flushed)
        colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", lips, 0.85), colour, lip_tone)
        colour = graph.mix_colour(tree, _brow_mask(tree, fields), colour, tones.brow)
        roughness = graph.math(tree, "SUBTRACT", roughness, graph.math(tree, "MULTIPLY", lips, 0.12), clamp=True)
    shader = graph.principled(
        tree,
        {
            "Base Color": colour,
            "Subsurface Weight": 1.0,
            "Subsurface Radius": tuple(0.001 * radius for radius in SCATTER_RADIUS_MM),
            "Subsurface Scale": SCATTER_SCALE,
            "Subsurface Anisotropy": 0.8,
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


def _lip_mask(tree: bpy.types.NodeTree, fields: _SkinFields) -> Socket:
    # The border of the lips wanders a little and is soft, about 1.5 mm wide.
    wander = graph.spread(tree, fields.middle, -0.06, 0.06)
    return graph.step(tree, graph.math(tree, "ADD", graph.attribute(tree, "lips"), wander), 0.42, 0.62)


def _brow_mask(tree: bpy.types.NodeTree, fields: _SkinFields) -> Socket:
    """1 on a painted hair, 0 between hairs: sparse where `fill` is low, so that the brow has no outline."""
    along, across, fill = graph.split(tree, graph.attribute(tree, "brow", output="Vector"))
    seed_depth = graph.math(tree, "MULTIPLY", graph.split(tree, fields.position)[2], 2.0)
    density: Socket | None = None
    # Hairs lean towards the temple, upper ones more than lower ones: two fields of strokes cross each other.
    for lean, strokes_per_m in ((1.1, 2300.0), (0.45, 1900.0)):
        slanted = graph.math(tree, "SUBTRACT", along, graph.math(tree, "MULTIPLY", across, lean))
        place = graph.join(
            tree,
            graph.math(tree, "MULTIPLY", slanted, strokes_per_m),
            graph.math(tree, "MULTIPLY", across, 230.0),
            graph.math(tree, "ADD", seed_depth, lean),
        )
        strokes = graph.noise(tree, place, 1.0, detail=0.0)
        density = strokes if density is None else graph.math(tree, "MAXIMUM", density, strokes)
    assert density is not None
    uneven = graph.spread(tree, fields.middle, -0.12, 0.12)
    wanted = graph.math(tree, "ADD", graph.math(tree, "MULTIPLY", fill, 0.30), uneven)
    hair = graph.step(tree, graph.math(tree, "ADD", density, wanted), 0.62, 0.86)
    # Skin under dense hair is in its shade.
    shade = graph.math(tree, "MULTIPLY", graph.step(tree, fill, 0.0, 0.9), 0.35)
    hair = graph.math(tree, "MAXIMUM", graph.math(tree, "MULTIPLY", hair, 0.9), shade)
    inside = graph.step(tree, fill, -0.05, 0.35)
    return graph.math(tree, "MULTIPLY", graph.math(tree, "MULTIPLY", hair, inside), 0.9)


def _colour(tree: bpy.types.NodeTree, tones: SkinTones, fields: _SkinFields, *, freckles: float) -> Socket:
    colour = graph.mix_colour(tree, graph.step(tree, fields.coarse, 0.42, 0.75), tones.plain, tones.pale)
    # Blood shows in blotches: the flush of a place is broken up by noise.
    blotch = graph.spread(tree, fields.middle, 0.25, 1.35)
    flush = graph.math(tree, "MULTIPLY", graph.attribute(tree, "flush"), blotch)
    everywhere = graph.math(tree, "MULTIPLY", graph.step(tree, fields.middle, 0.42, 0.75), 0.4)
    lids = graph.math(tree, "MULTIPLY", graph.attribute(tree, "lids"), 0.75)
    redness = graph.math(tree, "ADD", graph.math(tree, "ADD", flush, everywhere), lids, clamp=True)
    colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", redness, 0.7), colour, tones.flushed)
    if freckles > 0:
        colour = graph.mix_colour(tree, _freckle_mask(tree, fields, freckles), colour, tones.freckle)
    colour = graph.mix_colour(tree, _stubble_mask(tree, fields), colour, tones.stubble)
    # Pores and fine lines are darker than the ridges between them.
    return graph.scale_vector(tree, colour, graph.spread(tree, graph.step(tree, fields.fine, 0.25, 0.7), 0.92, 1.04))


def _freckle_mask(tree: bpy.types.NodeTree, fields: _SkinFields, freckles: float) -> Socket:
    distance = graph.voronoi(tree, fields.position, 190.0)
    ragged = graph.math(tree, "ADD", distance, graph.spread(tree, fields.fine, -0.12, 0.12))
    # A patchy noise decides where freckles sit at all; the more freckles, the more of the face it lets through.
    patch = graph.step(tree, fields.coarse, 0.75 - 0.4 * freckles, 0.95 - 0.4 * freckles)
    spot = graph.step(tree, ragged, 0.34, 0.12)
    return graph.math(tree, "MULTIPLY", graph.math(tree, "MULTIPLY", spot, patch), 0.8 * min(1.0, 2.0 * freckles))


def _stubble_mask(tree: bpy.types.NodeTree, fields: _SkinFields) -> Socket:
    grain = graph.step(tree, fields.fine, 0.35, 0.65)
    edge = graph.spread(tree, fields.middle, -0.25, 0.25)
    area = graph.step(tree, graph.math(tree, "ADD", graph.attribute(tree, "scalp"), edge), 0.25, 0.85)
    return graph.math(tree, "MULTIPLY", area, graph.spread(tree, grain, 0.5, 0.95))


def _roughness(tree: bpy.types.NodeTree, fields: _SkinFields, roughness: float) -> Socket:
    grain = graph.spread(tree, fields.middle, -0.08, 0.16)
    oily = graph.math(tree, "MULTIPLY", graph.attribute(tree, "oil"), -0.10)
    return graph.math(tree, "ADD", graph.math(tree, "ADD", grain, oily), roughness, clamp=True)


def _relief(tree: bpy.types.NodeTree, fields: _SkinFields) -> Socket:
    """Height in metres: a net of wrinkles and pores of about 1 mm on unevenness of about 5 mm."""
    net = graph.math(tree, "MULTIPLY", fields.fine, 0.00045)
    uneven = graph.math(tree, "MULTIPLY", fields.middle, 0.0010)
    return graph.math(tree, "ADD", net, uneven)
