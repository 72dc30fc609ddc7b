"""Skin: pigments, blood, lips, freckles, pores, stubble and painted brows in one node tree.

Reads the mesh attributes of render.geometry.face_paint; where they are missing, what they paint is missing too.
Relief is bump only: it changes the shading normal, never geometry, depth or the interpolated surface normal.
"""

from dataclasses import dataclass

import bpy
import numpy as np

from render.blender import node_graph as graph
from render.blender.node_graph import Socket, Value
from render.parameters import Skin
from render.sampling.skin_colour import HAEMOGLOBIN_LIMITS, MELANIN_LIMITS, skin_albedo_rgb

# Mean free paths of red, green and blue light in skin. Source: d'Eon, Luebke, Enderton 2007, via the lead's brief; scaled
# down because Cycles' random walk spreads farther than the dipole that these were fitted with.
SCATTER_RADIUS_MM = (3.67, 1.37, 0.68)
SCATTER_SCALE = 0.45
SKIN_IOR = 1.4


@dataclass(frozen=True)
class SkinTones:
    """Albedos (scene-linear RGB) of one person: plain, flushed with blood, drained, lips, freckles, hair roots, brows."""

    plain: tuple[float, float, float]
    flushed: tuple[float, float, float]
    pale: tuple[float, float, float]
    lips: tuple[float, float, float]
    freckle: tuple[float, float, float]
    stubble: tuple[float, float, float]
    brow: tuple[float, float, float]


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
        brow=(0.012 + 0.05 * plain[0], 0.007 + 0.04 * plain[1], 0.004 + 0.03 * plain[2]),
    )


def skin_material(name: str, skin: Skin) -> bpy.types.Material:
    """A new skin material; the same tree serves face, neck, lips and scalp, whose paint differs by vertex."""
    tones = skin_tones(skin)
    material, tree = graph.empty_material(name)
    rest = graph.attribute(tree, "rest_position", output="Vector")
    position = graph.vector_math(tree, "ADD", rest, _texture_offset(skin.texture_seed))
    lips = _lip_mask(tree, position)
    brow = _brow_mask(tree, position)
    colour = _colour(tree, tones, position, freckles=skin.freckles, lips=lips, brow=brow)
    shader = graph.principled(
        tree,
        {
            "Base Color": colour,
            "Subsurface Weight": 1.0,
            "Subsurface Radius": tuple(0.001 * radius for radius in SCATTER_RADIUS_MM),
            "Subsurface Scale": SCATTER_SCALE,
            "Subsurface Anisotropy": 0.8,
            "IOR": SKIN_IOR,
            "Roughness": _roughness(tree, position, skin.roughness, lips),
            "Coat Weight": graph.math(
                tree, "ADD", graph.spread(tree, graph.attribute(tree, "oil"), 0.0, 0.14),
                graph.math(tree, "MULTIPLY", lips, 0.12),
            ),
            "Coat Roughness": 0.28,
            "Normal": _relief(tree, position, lips, brow),
        },
    )  # fmt: skip
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


def _lip_mask(tree: bpy.types.NodeTree, position: Socket) -> Socket:
    # The border of the lips wanders a little and is soft, about 1.5 mm wide.
    wander = graph.math(tree, "MULTIPLY", graph.math(tree, "SUBTRACT", graph.noise(tree, position, 250.0), 0.5), 0.12)
    return graph.step(tree, graph.math(tree, "ADD", graph.attribute(tree, "lips"), wander), 0.42, 0.62)


def _brow_mask(tree: bpy.types.NodeTree, position: Socket) -> Socket:
    """1 on a painted hair, 0 between hairs: sparse where `fill` is low, so that the brow has no outline."""
    along, across, fill = graph.split(tree, graph.attribute(tree, "brow", output="Vector"))
    seed_depth = graph.math(tree, "MULTIPLY", graph.split(tree, position)[2], 2.0)
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
        strokes = graph.noise(tree, place, 1.0, detail=1.0)
        density = strokes if density is None else graph.math(tree, "MAXIMUM", density, strokes)
    assert density is not None
    uneven = graph.spread(tree, graph.noise(tree, position, 170.0), -0.12, 0.12)
    wanted = graph.math(tree, "ADD", graph.math(tree, "MULTIPLY", fill, 0.30), uneven)
    hair = graph.step(tree, graph.math(tree, "ADD", density, wanted), 0.62, 0.86)
    # Skin under dense hair is in its shade.
    shade = graph.math(tree, "MULTIPLY", graph.step(tree, fill, 0.0, 0.9), 0.35)
    hair = graph.math(tree, "MAXIMUM", graph.math(tree, "MULTIPLY", hair, 0.9), shade)
    return graph.math(tree, "MULTIPLY", hair, graph.step(tree, fill, -0.05, 0.35))


def _colour(
    tree: bpy.types.NodeTree, tones: SkinTones, position: Socket, *, freckles: float, lips: Socket, brow: Socket
) -> Socket:
    mottle = graph.noise(tree, position, 55.0, detail=4.0, distortion=0.6)
    colour = graph.mix_colour(tree, graph.step(tree, mottle, 0.42, 0.75), tones.plain, tones.pale)
    # Blood shows in blotches: the flush of a place is broken up by noise of two sizes.
    blotch = graph.spread(tree, graph.noise(tree, position, 140.0, detail=5.0), 0.25, 1.35)
    flush = graph.math(tree, "MULTIPLY", graph.attribute(tree, "flush"), blotch)
    everywhere = graph.math(
        tree, "MULTIPLY", graph.step(tree, graph.noise(tree, position, 220.0, detail=3.0), 0.42, 0.75), 0.4
    )
    lids = graph.math(tree, "MULTIPLY", graph.attribute(tree, "lids"), 0.75)
    redness = graph.math(tree, "ADD", graph.math(tree, "ADD", flush, everywhere), lids, clamp=True)
    colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", redness, 0.7), colour, tones.flushed)
    colour = graph.mix_colour(tree, _freckle_mask(tree, position, freckles), colour, tones.freckle)
    colour = graph.mix_colour(tree, _stubble_mask(tree, position), colour, tones.stubble)
    lip_tone = graph.mix_colour(tree, graph.noise(tree, position, 400.0, detail=3.0), tones.lips, tones.flushed)
    colour = graph.mix_colour(tree, graph.math(tree, "MULTIPLY", lips, 0.85), colour, lip_tone)
    return graph.mix_colour(tree, graph.math(tree, "MULTIPLY", brow, 0.9), colour, tones.brow)


def _freckle_mask(tree: bpy.types.NodeTree, position: Socket, freckles: float) -> Socket:
    wobble = graph.scale_vector(tree, graph.noise(tree, position, 900.0, output="Color"), 0.0012)
    distance = graph.voronoi(tree, graph.vector_math(tree, "ADD", position, wobble), 190.0)
    # A patchy noise decides where freckles sit at all; the more freckles, the more of the face it lets through.
    patch = graph.step(
        tree, graph.noise(tree, position, 28.0, detail=2.0), 0.75 - 0.4 * freckles, 0.95 - 0.4 * freckles
    )
    spot = graph.step(tree, distance, 0.32, 0.12)
    return graph.math(tree, "MULTIPLY", graph.math(tree, "MULTIPLY", spot, patch), 0.8 * min(1.0, 2.0 * freckles))


def _stubble_mask(tree: bpy.types.NodeTree, position: Socket) -> Socket:
    grain = graph.step(tree, graph.voronoi(tree, position, 900.0), 0.75, 0.15)
    scalp = graph.attribute(tree, "scalp")
    edge = graph.math(tree, "MULTIPLY", graph.math(tree, "SUBTRACT", graph.noise(tree, position, 90.0), 0.5), 0.35)
    area = graph.step(tree, graph.math(tree, "ADD", scalp, edge), 0.3, 0.8)
    return graph.math(tree, "MULTIPLY", area, graph.spread(tree, grain, 0.45, 0.95))


def _roughness(tree: bpy.types.NodeTree, position: Socket, roughness: float, lips: Socket) -> Socket:
    grain = graph.spread(tree, graph.noise(tree, position, 350.0, detail=4.0), -0.12, 0.12)
    oily = graph.math(tree, "MULTIPLY", graph.attribute(tree, "oil"), -0.08)
    wet = graph.math(tree, "MULTIPLY", lips, -0.1)
    total = graph.math(tree, "ADD", graph.math(tree, "ADD", grain, oily), wet)
    return graph.math(tree, "ADD", total, roughness, clamp=True)


def _relief(tree: bpy.types.NodeTree, position: Socket, lips: Socket, brow: Socket) -> Socket:
    """Relief heights in metres: unevenness of 1 cm, wrinkle net of 1.2 mm, pores of 0.6 mm, grooves on the lips."""
    pores: Value = graph.math(tree, "MULTIPLY", graph.voronoi(tree, position, 1500.0), 0.00007)
    net = graph.math(tree, "MULTIPLY", graph.noise(tree, position, 800.0, detail=3.0, distortion=1.5), 0.00035)
    uneven = graph.math(tree, "MULTIPLY", graph.noise(tree, position, 130.0, detail=4.0), 0.0009)
    stretched = graph.vector_math(tree, "MULTIPLY", position, (1.0, 0.25, 0.25))
    grooves = graph.math(
        tree, "MULTIPLY", graph.math(tree, "MULTIPLY", graph.noise(tree, stretched, 700.0, detail=2.0), lips), 0.0007
    )
    hairs = graph.math(tree, "MULTIPLY", brow, 0.0003)
    total = graph.math(tree, "ADD", graph.math(tree, "ADD", pores, net), uneven)
    total = graph.math(tree, "ADD", graph.math(tree, "ADD", total, grooves), hairs)
    return graph.bump(tree, total, strength=0.6)
