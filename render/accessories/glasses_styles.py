"""Six kinds of glasses: outline of the lens, sizes relative to the face, and how stout the frame is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

OUTLINE_POINTS = 72


@dataclass(frozen=True)
class GlassesStyle:
    """Lengths in metres unless said otherwise; all numbers are ours, by eye, near sizes that opticians sell.

    `frame_breadth` is that of the front over the head's at the temples, `lens_breadth` the lens's over half the
    front's, `lens_height` over its breadth. `power` makes the outline an ellipse (2) or a rectangle (more); `taper`
    widens its top; `lift` raises its outer end; `droop` draws its lower end outwards and narrows it; `nasal_cut` takes
    away the corner that would rest on the nose. The rim has half the height `rim_m` in the plane of the lens (the upper
    part `brow` times that) and half the depth `rim_depth_m`.
    """

    frame_breadth: float
    lens_breadth: float
    lens_height: float
    power: float
    taper: float = 0.0
    lift: float = 0.0
    droop: float = 0.0
    nasal_cut: float = 0.12
    rim_m: float = 0.0008
    rim_depth_m: float = 0.0010
    brow: float = 1.0
    temple_m: tuple[float, float] = (0.0012, 0.0022)
    """Half the height of the temple at the hinge and at its end."""
    temple_width_m: float = 0.0007
    bridge_height: float = 0.25
    """Where the bridge meets the rims, in half lens heights above the middle."""
    hinge_height: float = 0.50
    """Where the temple meets the rim, as above."""
    top_bar: bool = False
    open_below: bool = False
    metal: bool = True


GLASSES = {
    "round": GlassesStyle(0.975, 0.72, 0.94, 2.1, taper=0.02, nasal_cut=0.06, bridge_height=0.35, hinge_height=0.35),
    "rectangular": GlassesStyle(
        0.975, 0.775, 0.60, 4.2, taper=0.03, rim_m=0.0014, rim_depth_m=0.0017, temple_m=(0.0030, 0.0028),
        temple_width_m=0.0013, nasal_cut=0.20, bridge_height=0.45, metal=False,
    ),
    "aviator": GlassesStyle(0.98, 0.80, 0.86, 2.5, taper=0.03, droop=0.20, bridge_height=0.10, top_bar=True),
    "cat_eye": GlassesStyle(
        0.97, 0.765, 0.70, 2.6, taper=0.05, lift=0.26, nasal_cut=0.20, rim_m=0.0017, rim_depth_m=0.0018, brow=1.75,
        temple_m=(0.0036, 0.0030), temple_width_m=0.0015, bridge_height=0.30, hinge_height=0.80, metal=False,
    ),
    "wayfarer": GlassesStyle(
        0.985, 0.745, 0.72, 4.0, taper=0.10, lift=0.08, nasal_cut=0.22, rim_m=0.0021, rim_depth_m=0.0021, brow=1.55,
        temple_m=(0.0060, 0.0034), temple_width_m=0.0018, bridge_height=0.42, hinge_height=0.66, metal=False,
    ),
    "half_rim": GlassesStyle(
        0.97, 0.78, 0.60, 3.4, taper=0.05, nasal_cut=0.18, rim_m=0.0012, rim_depth_m=0.0014, brow=1.2,
        temple_m=(0.0022, 0.0026), temple_width_m=0.0009, bridge_height=0.55, open_below=True,
    ),
}  # fmt: skip


def lens_outline(style: GlassesStyle, *, height: float) -> Float[np.ndarray, "72 2"]:
    """The outline of the left lens (x to the person's left, that is outwards; y up), counter-clockwise.

    Its breadth is 2, its height 2 * `height`, its middle the origin; points lie evenly along it.
    """
    angle = np.linspace(0.0, 2 * np.pi, 1440, endpoint=False)
    cosine, sine = np.cos(angle), np.sin(angle)
    x = np.sign(cosine) * np.abs(cosine) ** (2 / style.power)
    y = np.sign(sine) * np.abs(sine) ** (2 / style.power)
    below = np.clip(-y, 0.0, 1.0)
    x = x * (1 + style.taper * y - 0.9 * style.droop * below**2) + 0.75 * style.droop * below**1.5
    x = x - style.nasal_cut * 1.6 * below**1.2 * np.minimum(x, 0.0)
    y = y + style.lift * np.clip(x, 0.0, None) ** 2 - 0.3 * style.lift * np.clip(-x, 0.0, None)
    x, y = (2 * (part - part.min()) / (part.max() - part.min()) - 1 for part in (x, y))
    closed = np.stack([np.append(x, x[0]), np.append(y, y[0]) * height], axis=1)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    even = np.linspace(0.0, length[-1], OUTLINE_POINTS, endpoint=False)
    return np.stack([np.interp(even, length, closed[:, axis]) for axis in (0, 1)], axis=1)
