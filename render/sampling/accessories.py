"""Glasses of a person, and what is held before the face in a frame."""

import colorsys

from render.draws import Draws
from render.parameters import NOTHING_HELD, Glasses, Lenses, Occluder
from render.ranges.accessories import Accessories

# What a lens of each colour lets through at depth 1 (ours, by eye): grey, brown, green, amber, blue, rose.
LENS_COLOURS = (
    (0.35, 0.35, 0.36), (0.50, 0.31, 0.18), (0.28, 0.40, 0.28),
    (0.72, 0.48, 0.14), (0.26, 0.36, 0.58), (0.68, 0.36, 0.40),
)  # fmt: skip
_TINT_DEPTH = {"tinted": (0.25, 0.7), "sunglasses": (1.3, 2.6), "mirrored": (1.3, 2.6)}
# Reflectance of polished metals and coatings (ours, by eye): steel, gunmetal, gold, rose gold, black.
METALS = (
    (0.62, 0.62, 0.64), (0.16, 0.16, 0.17), (0.78, 0.56, 0.26), (0.76, 0.48, 0.38), (0.015, 0.015, 0.016),
)  # fmt: skip


def draw_glasses(accessories: Accessories, draw: Draws) -> Glasses:
    """A kind of glasses by its share."""
    return Glasses(style=draw.weighted("glasses.style", dict(accessories.glasses)), seed=draw.new_seed("glasses.seed"))


def draw_lenses(accessories: Accessories, draw: Draws) -> Lenses:
    """Lenses of a kind by its share, in one of the colours that opticians sell, and colours of the frame."""
    kind = draw.weighted("lenses.kind", dict(accessories.lenses))
    tint, gradient, mirror = (1.0, 1.0, 1.0), 0.0, 0.0
    if kind != "clear":
        tint = _let_through(draw.one("lenses.colour", LENS_COLOURS), draw.between("lenses.depth", _TINT_DEPTH[kind]))
        gradient = draw.one("lenses.gradient", (0.0, 0.0, 0.85)) if kind != "mirrored" else 0.0
        mirror = draw.between("lenses.mirror", (0.25, 0.55)) if kind == "mirrored" else 0.0
    hue, saturation, value = (float(number) for number in draw.stream("lenses.acetate_rgb").random(3))
    # Cubes and squares: most frames are dark, and few are gaudy.
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.9 * saturation, 0.006 + 0.45 * value**3)
    return Lenses(
        tint_rgb=tint,
        gradient=gradient,
        mirror=mirror,
        acetate_rgb=(round(red, 6), round(green, 6), round(blue, 6)),
        tortoise=draw.one("lenses.tortoise", (0.0, 0.0, 1.0)),
        metal_rgb=draw.one("lenses.metal_rgb", METALS),
    )


def _let_through(colour: tuple[float, float, float], depth: float) -> tuple[float, float, float]:
    """Twice the depth lets through the square (Beer and Lambert)."""
    red, green, blue = (round(channel**depth, 6) for channel in colour)
    return red, green, blue


def draw_occluder(accessories: Accessories, draw: Draws) -> Occluder:
    """A kind of thing by its share, where it is held, and how it is turned; `turn_deg` limits each of its angles."""
    kind = draw.weighted("occluder.kind", dict(accessories.occluders))
    if kind == NOTHING_HELD.kind:
        return NOTHING_HELD  # not a seed must differ, else frames that differ in light alone share no geometry
    turns = {"yaw_deg": accessories.turn_deg, "pitch_deg": accessories.turn_deg, "roll_deg": accessories.turn_deg}
    aims = {"aim_x": accessories.aim_x, "aim_y": accessories.aim_y, "gap_mm": accessories.gap_mm}
    return Occluder(
        kind=kind,
        seed=draw.new_seed("occluder.seed"),
        **draw.between_jointly("occluder.place", aims),
        **draw.between_jointly("occluder.turn", turns),
        size=draw.between("occluder.size", (0.92, 1.08)),
    )
