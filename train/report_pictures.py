"""Pictures inside a page: compressed, as data URIs, with landmarks as vectors on top."""

import base64
import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from train.figures import ColourScale

# Runs of the 68 iBUG landmarks that are joined by a line: (first, last, closed).
LANDMARK_RUNS = (
    (0, 16, False),
    (17, 21, False),
    (22, 26, False),
    (27, 30, False),
    (31, 35, False),
    (36, 41, True),
    (42, 47, True),
    (48, 59, True),
    (60, 67, True),
)


def picture_uri(picture: UInt8[np.ndarray, "h w 3"], *, width_px: int, exact: bool = False, quality: int = 88) -> str:
    """A picture as a WebP data URI, at most that wide; `exact` keeps every pixel's colour (for label maps)."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    if image.width > width_px:
        height_px = max(1, round(image.height * width_px / image.width))
        image = image.resize((width_px, height_px), Image.Resampling.NEAREST if exact else Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", lossless=exact, quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def colour_bar_uri(scale: ColourScale) -> str:
    """The colours of a scale from low to high, one pixel high, as a PNG data URI."""
    bar = matplotlib.colormaps[scale.colour_map](np.linspace(0, 1, 128), bytes=True)[None, :, :3]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(bar)).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def landmark_overlay(
    landmarks_2d_px: Sequence[tuple[float, float]], visibility: Sequence[str], *, width_px: int, height_px: int
) -> str:
    """68 landmarks as SVG to lay over a picture: lines along the face's features, full dots seen, rings hidden."""
    parts = []
    for first, last, closed in LANDMARK_RUNS:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in landmarks_2d_px[first : last + 1])
        parts.append(f'<{"polygon" if closed else "polyline"} points="{points}"/>')
    radius = width_px / 280
    for (x, y), state in zip(landmarks_2d_px, visibility, strict=True):
        kind = "seen" if state == "visible" else "hidden"
        parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>')
    return f'<svg class="landmarks" viewBox="0 0 {width_px} {height_px}" aria-hidden="true">{"".join(parts)}</svg>'
