"""Arrays as pictures: one colour scale a quantity, with a legend that states its unit.

Colour maps of depth and slope are perceptually uniform: equal steps in the quantity look equally large. Pixels
without a value are `NO_VALUE_SRGB`, a grey that no map contains.
"""

import math
from dataclasses import dataclass

import matplotlib
import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from render.dataset_format import Label

NO_VALUE_SRGB = (226, 226, 224)
LABEL_SRGB: dict[Label, tuple[int, int, int]] = {
    Label.BACKGROUND: (226, 226, 224),
    Label.SKIN: (222, 170, 136),
    Label.EYES: (46, 110, 166),
    Label.MOUTH_INTERIOR: (166, 44, 60),
    Label.HAIR: (84, 62, 54),
    Label.GLASSES: (30, 30, 34),
    Label.CLOTHING: (104, 142, 110),
    Label.OCCLUDER: (150, 92, 178),
}
# Slopes from 5.7 degrees (0.1) to 84 degrees (10).
GRADIENT_BOUNDS = (0.1, 10.0)


@dataclass(frozen=True)
class ColourScale:
    """How a quantity becomes a colour: values from `low` to `high` (both in `unit`) run through a matplotlib map."""

    title: str
    unit: str
    low: float
    high: float
    colour_map: str
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(
                f"the scale {self.title!r} needs low < high, both finite, but low={self.low}, high={self.high} came"
            )
        if self.logarithmic and self.low <= 0:
            raise ValueError(f"the logarithmic scale {self.title!r} needs low > 0, but low={self.low} came")


def depth_scale(title: str, *, low: float, high: float, unit: str = "m") -> ColourScale:
    """Near is bright, far is dark (viridis, reversed)."""
    return ColourScale(title=title, unit=unit, low=low, high=high, colour_map="viridis_r")


def error_scale(title: str, *, limit_mm: float) -> ColourScale:
    """Signed error in millimetres, the same reach on both sides: blue is too near, white is right, red is too far."""
    return ColourScale(title=title, unit="mm", low=-limit_mm, high=limit_mm, colour_map="RdBu_r")


def angle_scale() -> ColourScale:
    """Angular error in degrees; 30, the widest that bouafif2020 counts, is the brightest."""
    return ColourScale(title="angular error", unit="°", low=0.0, high=30.0, colour_map="inferno")


def gradient_scale(title: str = "gradient magnitude") -> ColourScale:
    """Slope of the surface per unit of lateral distance, logarithmic, no unit."""
    low, high = GRADIENT_BOUNDS
    return ColourScale(title=title, unit="", low=low, high=high, colour_map="magma", logarithmic=True)


def colour_values(
    values: Float[np.ndarray, "h w"], scale: ColourScale, *, valid: Bool[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w 3"]:
    """sRGB picture of a quantity in the unit of its scale; values beyond the ends take the colour of the end."""
    share = (_axis(np.where(valid, values, scale.low), scale) - _axis(scale.low, scale)) / (
        _axis(scale.high, scale) - _axis(scale.low, scale)
    )
    coloured = matplotlib.colormaps[scale.colour_map](np.clip(share, 0.0, 1.0), bytes=True)[..., :3]
    return np.where(valid[..., None], coloured, np.array(NO_VALUE_SRGB, dtype=np.uint8)).astype(np.uint8)


def colour_depth(depth_m: Float[np.ndarray, "h w"], scale: ColourScale) -> UInt8[np.ndarray, "h w 3"]:
    """sRGB picture of depth by a scale in metres (`depth_scale`); depth 0 has no value."""
    return colour_values(depth_m, scale, valid=depth_m > 0)


def colour_gradient(
    gradient_magnitude: Float[np.ndarray, "h w"], *, valid: Bool[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w 3"]:
    """sRGB picture of the gradient magnitude, logarithmic from 0.1 to 10; flatter is as dark as 0.1."""
    scale = gradient_scale()
    return colour_values(np.maximum(gradient_magnitude, scale.low), scale, valid=valid)


def colour_normals(normals_cam: Float[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """sRGB picture of normals in camera axes: (n * (1, -1, -1) + 1) / 2 as red, green and blue.

    Red grows to the right, green upwards, blue towards the camera, so that a frontal surface is lavender
    (128, 128, 255). The normal (0, 0, 0) has no value.
    """
    valid = np.any(normals_cam != 0, axis=-1)
    coloured = np.rint((normals_cam * np.array([1.0, -1.0, -1.0]) + 1) * 127.5)
    return np.where(valid[..., None], coloured, NO_VALUE_SRGB).clip(0, 255).astype(np.uint8)


def colour_labels(labels: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """sRGB picture of a label map. Raises: ValueError that names a label which the format does not know."""
    unknown = sorted(set(np.unique(labels).tolist()) - {int(label) for label in Label})
    if unknown:
        raise ValueError(f"expected labels {[int(label) for label in Label]}, but the map also holds {unknown}")
    palette = np.zeros((max(Label) + 1, 3), dtype=np.uint8)
    for label, colour in LABEL_SRGB.items():
        palette[label] = colour
    return palette[labels]


def colour_error(
    depth_pred_m: Float[np.ndarray, "h w"],
    depth_true_m: Float[np.ndarray, "h w"],
    scale: ColourScale,
) -> UInt8[np.ndarray, "h w 3"]:
    """sRGB picture of predicted minus true depth by a scale in millimetres; pixels without true depth have no value."""
    return colour_values((depth_pred_m - depth_true_m) * 1000.0, scale, valid=depth_true_m > 0)


def ticks(scale: ColourScale, *, most: int = 6) -> list[float]:
    """At most `most` round numbers between the ends of a scale, evenly spaced (or 1, 2, 5 a decade), ends included
    when they are round."""
    if scale.logarithmic:
        decades = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
        choices = [[step * 10.0**decade for decade in decades for step in steps] for steps in ((1, 2, 5), (1, 3), (1,))]
        inside = [[value for value in choice if scale.low * 0.999 <= value <= scale.high * 1.001] for choice in choices]
        return next((choice for choice in inside if len(choice) <= most), inside[-1])
    return round_ticks(scale.low, scale.high, most=most)


def round_ticks(low: float, high: float, *, most: int) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten between two numbers, as many as fit, at most `most` (>= 2)."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 2.5, 5, 10, 20):
        step = factor * power
        first = math.ceil(low / step - 1e-6)
        last = math.floor(high / step + 1e-6)
        if last - first + 1 <= most:
            return [round(number * step, 12) for number in range(first, last + 1)]
    return [low, high]


def tick_text(value: float) -> str:
    """A tick's number without needless zeros, with a true minus sign."""
    text = f"{0.0 if abs(value) < 1e-12 else value:.6g}"
    return text.replace("-", "\N{MINUS SIGN}")


def legend_image(scale: ColourScale, *, width_px: int = 320) -> UInt8[np.ndarray, "h w 3"]:
    """A legend as dark text on white: the title with its unit, the bar of colours, and round numbers below."""
    height_px, margin_px, bar_top_px, bar_height_px = 62, 16, 24, 14
    ink, below_px = (40, 40, 44), bar_top_px + bar_height_px
    picture = Image.new("RGB", (width_px, height_px), "white")
    drawing = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=12)
    unit = f" [{scale.unit}]" if scale.unit else ""
    drawing.text((margin_px, 4), scale.title + unit, fill=ink, font=font)
    bar_width_px = width_px - 2 * margin_px
    share = (np.arange(bar_width_px) + 0.5) / bar_width_px
    bar = matplotlib.colormaps[scale.colour_map](share, bytes=True)[None, :, :3].repeat(bar_height_px, axis=0)
    picture.paste(Image.fromarray(np.ascontiguousarray(bar)), (margin_px, bar_top_px))
    for value in ticks(scale):
        x_px = margin_px + position_on_scale(value, scale) * bar_width_px
        drawing.line([(x_px, below_px), (x_px, below_px + 4)], fill=ink)
        drawing.text((x_px, below_px + 5), tick_text(value), fill=ink, font=font, anchor="ma")
    return np.asarray(picture)


def position_on_scale(value: float, scale: ColourScale) -> float:
    """Where a value lies between the ends of a scale: 0 at `low`, 1 at `high`."""
    low, high = float(_axis(scale.low, scale)), float(_axis(scale.high, scale))
    return (float(_axis(value, scale)) - low) / (high - low)


def with_legend(picture: UInt8[np.ndarray, "h w 3"], scale: ColourScale) -> UInt8[np.ndarray, "h2 w2 3"]:
    """A picture with its legend below; a picture narrower than 240 pixels is centred on white."""
    height_px, width_px, _ = picture.shape
    legend = legend_image(scale, width_px=max(width_px, 240))
    canvas = np.full((height_px + legend.shape[0], legend.shape[1], 3), 255, dtype=np.uint8)
    left_px = (legend.shape[1] - width_px) // 2
    canvas[:height_px, left_px : left_px + width_px] = picture
    canvas[height_px:] = legend
    return canvas


def _axis(value: float | np.ndarray, scale: ColourScale) -> np.ndarray:
    """A value in the coordinate in which the colours of its scale are evenly spread."""
    return np.asarray(np.log10(value) if scale.logarithmic else value, dtype=np.float64)
