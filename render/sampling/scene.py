"""What stands behind the head."""

import colorsys

from render.config import Backdrops
from render.draws import draw_between, draw_one, draw_weighted, random_stream
from render.parameters import Backdrop

PATTERNS = ("noise", "voronoi", "brick", "wave", "checker", "magic")


def draw_backdrop(backdrops: Backdrops, seed: int, split: str, index: int) -> Backdrop:
    """A kind by its share, two colours, and a pattern for the kinds that need one."""

    def stream(field: str):
        return random_stream(seed, split, f"backdrop.{field}", index)

    def colour(field: str) -> tuple[float, float, float]:
        hue, saturation, value = (float(number) for number in stream(field).random(3))
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.6 * saturation, 0.03 + 0.8 * value**2)
        return round(red, 6), round(green, 6), round(blue, 6)

    return Backdrop(
        kind=draw_weighted(stream("kind"), dict(sorted(backdrops.shares.items()))),
        rgb=colour("rgb"),
        second_rgb=colour("second_rgb"),
        pattern=draw_one(stream("pattern"), PATTERNS),
        pattern_scale=draw_between(stream("pattern_scale"), (2, 14)),
        seed=int(stream("seed").integers(1_000_000)),
    )
