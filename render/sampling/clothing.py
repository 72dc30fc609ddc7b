"""What a person wears: a neckline with its folds, and a fabric."""

import colorsys

from render.config import Outfits
from render.draws import draw_one, draw_weighted, random_stream
from render.parameters import Fabric, Outfit

# Share of each pattern (ours): most shirts and sweaters are of one colour.
PATTERN_SHARES = {"plain": 0.55, "heather": 0.25, "stripes": 0.20}


def draw_outfit(outfits: Outfits, seed: int, split: str, person: int) -> Outfit:
    """A style out of those that the recipe allows, each as likely as the other."""
    return Outfit(
        style=draw_one(random_stream(seed, split, "outfit.style", person), outfits.styles),
        seed=int(random_stream(seed, split, "outfit.seed", person).integers(1_000_000)),
    )


def draw_fabric(seed: int, split: str, person: int) -> Fabric:
    """Two colours, usually muted and dark, and a pattern by its share. No recipe limits them."""

    def stream(field: str):
        return random_stream(seed, split, f"fabric.{field}", person)

    def colour(field: str) -> tuple[float, float, float]:
        hue, saturation, value = (float(number) for number in stream(field).random(3))
        # Squares: most clothes are greyish, and linear values spread evenly to the eye. White cloth reflects 0.75.
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.85 * saturation**1.5, 0.012 + 0.74 * value**2.2)
        return round(red, 6), round(green, 6), round(blue, 6)

    pattern = draw_weighted(stream("pattern"), PATTERN_SHARES)
    return Fabric(rgb=colour("rgb"), second_rgb=colour("second_rgb"), pattern=pattern)
