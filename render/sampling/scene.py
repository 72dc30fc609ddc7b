"""What stands behind the head."""

import colorsys

from render.draws import Draws
from render.image_folder import image_names, image_sha256
from render.parameters import Backdrop
from render.ranges.backdrops import Backdrops

PATTERNS = ("noise", "voronoi", "brick", "wave", "checker", "magic")


def draw_backdrop(backdrops: Backdrops, draw: Draws) -> Backdrop:
    """A kind by its share, two colours, and a pattern or a picture for the kinds that need one.

    Raises: ImageFolderError when a picture is drawn and the recipe's folder has none.
    """

    def colour(field: str) -> tuple[float, float, float]:
        hue, saturation, value = (float(number) for number in draw.stream(f"backdrop.{field}").random(3))
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.6 * saturation, 0.03 + 0.8 * value**2)
        return round(red, 6), round(green, 6), round(blue, 6)

    kind = draw.weighted("backdrop.kind", dict(backdrops.shares))
    image = sha256 = ""
    blur = 0.0
    if kind == "image":
        assert backdrops.image_folder is not None  # the recipe is checked for it
        image = draw.one("backdrop.image", image_names(backdrops.image_folder))
        sha256 = image_sha256(backdrops.image_folder, image)
        blur = draw.between("backdrop.image_blur", backdrops.image_blur)
    return Backdrop(
        kind=kind,
        rgb=colour("rgb"),
        second_rgb=colour("second_rgb"),
        pattern=draw.one("backdrop.pattern", PATTERNS),
        pattern_scale=draw.between("backdrop.pattern_scale", (2, 14)),
        seed=draw.new_seed("backdrop.seed"),
        image=image,
        image_sha256=sha256,
        image_blur=blur,
    )
