"""Temples: from the rim's outer end round the corner, along the head's side, over the ear's root and down behind."""

import numpy as np
from jaxtyping import Float

from render.accessories.envelope import height_at
from render.accessories.glasses_fit import GlassesFit, edge_u_m, front_depth_m, placed
from render.accessories.glasses_styles import GlassesStyle
from render.accessories.head_shape import HeadSide
from render.accessories.pieces import Piece, sweep

CLEARANCE_M = 0.0010
_BEHIND_EAR_M, _BEND_DEG = 0.034, 48.0
_CORNER_M = 0.0050


def temple(fit: GlassesFit, style: GlassesStyle, side: HeadSide, sign: float, material: str) -> Piece:
    """One temple; `sign` is 1 for the person's left. It keeps clear of the head and bends around it like a spring."""
    v = style.hinge_height * float(fit.outline_m[:, 1].max())
    edge = fit.lens_centre_u_m + edge_u_m(fit, v, outer=True) + 0.3 * style.rim_m
    depth = float(front_depth_m(fit, np.array([[edge, v]]))[0]) - style.rim_depth_m * fit.stoutness
    start = placed(fit, np.array([[edge, v, depth]]))[0]
    half_heights = np.array(style.temple_m) * fit.stoutness
    half_width = style.temple_width_m * fit.stoutness
    hinge = np.array([max(fit.half_breadth_m, start[0] + 0.003), start[1], start[2] - _CORNER_M])
    rest = np.array([side.rest_zy_m[0], side.rest_zy_m[1] + half_heights.mean() + 0.0004])
    bar = _bar(side, hinge, rest, half_width=half_width, half_height=float(half_heights.max()))
    tail = _tail(side, bar, half_width=half_width)
    corner = _corner(start, bar[0])
    path = np.concatenate([corner, bar, tail])
    share = np.concatenate([np.zeros(len(corner)), np.linspace(0.0, 1.0, len(bar)), np.ones(len(tail))])
    tall = half_heights[0] + (half_heights[1] - half_heights[0]) * share
    # Slender in the middle of the way, a broad tip behind the ear.
    tall = tall * (1 - 0.22 * np.sin(np.pi * share) ** 2)
    tall[-3:] *= [1.0, 0.92, 0.70]
    tall[: len(corner)] = np.linspace(max(0.75 * tall[0], min(tall[0], 1.3 * style.rim_m)), tall[0], len(corner))
    up = np.tile([0.0, 1.0, 0.0], (len(path), 1))
    return sweep(
        path * [sign, 1.0, 1.0],
        up=up,
        half_height_m=tall,
        half_width_m=half_width,
        material=material,
        squareness=1.5 if style.metal else 2.0,
    )


def _corner(start: Float[np.ndarray, "3"], hinge: Float[np.ndarray, "3"]) -> Float[np.ndarray, "c 3"]:
    """A quarter of an ellipse from the rim's end outwards and back to the hinge."""
    angle = np.linspace(0.0, np.pi / 2, 7)[:-1]
    out, back = hinge[0] - start[0], start[2] - hinge[2]
    return np.stack(
        [
            start[0] + out * np.sin(angle),
            start[1] + (hinge[1] - start[1]) * angle / (np.pi / 2),
            start[2] - back * (1 - np.cos(angle)),
        ],
        axis=1,
    )


def _bar(
    side: HeadSide, hinge: np.ndarray, rest_zy: np.ndarray, *, half_width: float, half_height: float
) -> Float[np.ndarray, "b 3"]:
    """From hinge to ear: straight seen from the side, a bow that just clears the head seen from above."""
    z = np.linspace(hinge[2], rest_zy[0], 30)
    share = np.linspace(0.0, 1.0, len(z))
    y = hinge[1] + (rest_zy[1] - hinge[1]) * share
    wanted = np.full(len(z), -np.inf)
    for height in (-half_height, 0.0, half_height):
        zy = np.column_stack([z, y + height])
        behind_front = z < side.ear_front_z_m + 0.003
        reach = np.where(behind_front, height_at(side.skull, zy), height_at(side.reach, zy, within_m=0.001))
        wanted = np.maximum(wanted, reach + half_width + CLEARANCE_M)
    wanted[0] = max(wanted[0], hinge[0])
    return np.stack([_taut(share, wanted), y, z], axis=1)


def _taut(share: Float[np.ndarray, " b"], wanted: Float[np.ndarray, " b"]) -> Float[np.ndarray, " b"]:
    """The least concave curve above all wanted values: a spring pulled around the head."""
    corners = [0]
    while corners[-1] < len(share) - 1:
        here = corners[-1]
        slopes = (wanted[here + 1 :] - wanted[here]) / (share[here + 1 :] - share[here])
        corners.append(here + 1 + int(len(slopes) - 1 - np.argmax(slopes[::-1])))
    return np.interp(share, share[corners], wanted[corners])


def _tail(side: HeadSide, bar: np.ndarray, *, half_width: float) -> Float[np.ndarray, "t 3"]:
    """Down behind the ear, close to the skull."""
    heading = np.arctan2(bar[-1, 1] - bar[-2, 1], bar[-2, 2] - bar[-1, 2])
    steps = 12
    turn = heading - np.radians(_BEND_DEG) * np.clip(np.arange(1, steps + 1) / 5.0, 0.0, 1.0)
    length = _BEHIND_EAR_M / steps
    z = bar[-1, 2] - np.cumsum(np.cos(turn)) * length
    y = bar[-1, 1] + np.cumsum(np.sin(turn)) * length
    near = height_at(side.skull, np.column_stack([z, y])) + half_width + 0.0014
    fade = np.clip(np.arange(1, steps + 1) / 4.0, 0.0, 1.0)
    return np.stack([bar[-1, 0] + (near - bar[-1, 0]) * fade, y, z], axis=1)
