"""What a person wears: a neckline with its folds, and a fabric."""

import colorsys

from render.draws import Draws
from render.parameters import Fabric, Outfit
from render.ranges.people import Outfits

# Share of each pattern (ours): most shirts and sweaters are of one colour.
PATTERN_SHARES = {"plain": 0.55, "heather": 0.25, "stripes": 0.20}


def draw_outfit(outfits: Outfits, draw: Draws) -> Outfit:
    """A style out of those that the recipe allows, each as likely as the other."""
    return Outfit(style=draw.one("outfit.style", outfits.styles), seed=draw.new_seed("outfit.seed"))


def draw_fabric(draw: Draws) -> Fabric:
    """Two colours, usually muted and dark, and a pattern by its share. No recipe limits them."""

    def colour(field: str) -> tuple[float, float, float]:
        hue, saturation, value = (float(number) for number in draw.stream(f"fabric.{field}").random(3))
        # Squares: most clothes are greyish, and linear values spread evenly to the eye. White cloth reflects 0.75.
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.85 * saturation**1.5, 0.012 + 0.74 * value**2.2)
        return round(red, 6), round(green, 6), round(blue, 6)

    pattern = draw.weighted("fabric.pattern", PATTERN_SHARES)
    return Fabric(rgb=colour("rgb"), second_rgb=colour("second_rgb"), pattern=pattern)
