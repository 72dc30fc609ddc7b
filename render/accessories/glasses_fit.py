"""Fit: sizes of a pair of glasses for one face, and where their front stands before it without touching."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from render.accessories.envelope import height_at
from render.accessories.glasses_styles import GlassesStyle, lens_outline
from render.accessories.head_shape import HeadShape

# Between the back of the frame and the skin, and between the back of the lens and anything (lashes).
RIM_CLEARANCE_M, LENS_CLEARANCE_M = 0.0012, 0.0020
# From the pupil to the lens; opticians count 12 to 14 mm from the cornea.
VERTEX_DISTANCE_M = 0.0135
# Opticians sell bridges of 14 to 24 mm; broad noses get pads on longer arms.
NARROWEST_BRIDGE_M, WIDEST_BRIDGE_M = 0.015, 0.0265


@dataclass(frozen=True)
class GlassesFit:
    """Where the front stands: a point (u, v, w) of it lies at origin + turn @ (u, v, w), head frame, metres.

    u runs to the person's left, v up, w forward. `outline_m` is that of the left lens about `lens_centre_u_m`.
    """

    origin_m: Float[np.ndarray, "3"]
    turn: Float[np.ndarray, "3 3"]
    outline_m: Float[np.ndarray, "72 2"]
    lens_centre_u_m: float
    half_breadth_m: float
    base_radius_m: float
    wrap_radius_m: float
    stoutness: float
    """Factor on the thickness of rims and temples."""


def front_depth_m(fit: GlassesFit, uv_m: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
    """w of the front surface of lenses and frame: each lens bulges, and the whole front is wrapped about the face."""
    beside = np.abs(uv_m[:, 0]) - fit.lens_centre_u_m
    bulge = (beside**2 + uv_m[:, 1] ** 2) / (2 * fit.base_radius_m)
    return -bulge - uv_m[:, 0] ** 2 / (2 * fit.wrap_radius_m)


def placed(fit: GlassesFit, uvw_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Points of the front in the head frame."""
    return uvw_m @ fit.turn.T + fit.origin_m


def fit_glasses(style: GlassesStyle, shape: HeadShape, *, stream: np.random.Generator) -> GlassesFit:
    """Draw sizes near the style's and move the front as close to the face as it can stand.

    The lenses are set as far apart as the nose asks for: an optician takes the narrowest bridge that fits.
    """
    share = stream.uniform(-1.0, 1.0, size=6)
    stoutness = float(stream.uniform(0.88, 1.15))
    half_breadth = shape.temple_half_breadth_m * style.frame_breadth * (1 + 0.02 * share[0])
    tilt = np.radians(7.0 + 2.5 * share[4])
    turn = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(tilt), -np.sin(tilt)], [0.0, np.sin(tilt), np.cos(tilt)]])
    eyes = shape.pupils_m.mean(axis=0)
    farthest = eyes[2] + VERTEX_DISTANCE_M + 0.002 + 0.002 * share[1]
    fits: list[GlassesFit] = []
    for bridge in np.arange(NARROWEST_BRIDGE_M, WIDEST_BRIDGE_M, 0.001):
        room = half_breadth - bridge / 2 - 0.003
        lens = min(style.lens_breadth * half_breadth * (1 + 0.04 * share[2]), room)
        height = style.lens_height * (1 + 0.06 * share[3])
        # Pupils look through the lens above its middle; high lenses hang lower.
        drop = (0.08 + 0.03 * share[5]) * lens * height
        fit = GlassesFit(
            origin_m=np.array([0.0, eyes[1] - drop, 0.0]),
            turn=turn,
            outline_m=0.5 * lens * lens_outline(style, height=height),
            lens_centre_u_m=0.5 * (bridge + lens),
            half_breadth_m=half_breadth,
            base_radius_m=0.125,
            wrap_radius_m=0.32,
            stoutness=stoutness,
        )
        stand_off = np.array([0.0, 0.0, _stand_off_m(fit, style, shape)])
        fits.append(dataclasses.replace(fit, origin_m=fit.origin_m + stand_off))
        if fits[-1].origin_m[2] <= farthest:
            return fits[-1]
    return min(fits, key=lambda fit: fit.origin_m[2])


def bridge_path_m(fit: GlassesFit, style: GlassesStyle, *, v_m: float, rise_m: float) -> Float[np.ndarray, "b 3"]:
    """A bar from the right rim's nasal edge to the left's at this height, arched upwards and forward (u, v, w)."""
    end = fit.lens_centre_u_m + edge_u_m(fit, v_m, outer=False) - 0.5 * style.rim_m * fit.stoutness
    share = np.linspace(-1.0, 1.0, 15)
    arch = 1.0 - share**2
    w = float(front_depth_m(fit, np.array([[end, v_m]]))[0]) - style.rim_depth_m * fit.stoutness + 0.0022 * arch
    return np.stack([share * end, v_m + rise_m * arch, w], axis=1)


def edge_u_m(fit: GlassesFit, v_m: float, *, outer: bool) -> float:
    """u of the left lens's edge at a height, from the lens's middle: negative towards the nose."""
    half = fit.outline_m[(fit.outline_m[:, 0] > 0) == outer]
    half = half[np.argsort(half[:, 1])]
    return float(np.interp(v_m, half[:, 1], half[:, 0]))


def _stand_off_m(fit: GlassesFit, style: GlassesStyle, shape: HeadShape) -> float:
    """The smallest z of the front at which nothing of it comes closer to the face than the clearances."""
    rim = style.rim_m * fit.stoutness
    wanted = [float(shape.pupils_m[:, 2].mean()) + VERTEX_DISTANCE_M]
    for side in (1.0, -1.0):
        grown = 1 + rim * (1 + style.brow) / np.linalg.norm(fit.outline_m, axis=1, keepdims=True)
        for scale, back, clearance in (
            (grown, 2 * style.rim_depth_m * fit.stoutness, RIM_CLEARANCE_M),
            (0.93, 0.0, LENS_CLEARANCE_M),
            (0.75, 0.0, LENS_CLEARANCE_M),
            (0.50, 0.0, LENS_CLEARANCE_M),
        ):
            outline = fit.outline_m * scale
            uv = np.stack([side * (outline[:, 0] + fit.lens_centre_u_m), outline[:, 1]], axis=1)
            uvw = np.column_stack([uv, front_depth_m(fit, uv) - back])
            wanted.append(_needed(fit, uvw, shape, clearance, within_m=0.001))
    bar = bridge_path_m(fit, style, v_m=bridge_v_m(fit, style), rise_m=0.0015)
    back = np.array([0.0, 0.0, style.rim_depth_m * fit.stoutness])
    wanted.append(_needed(fit, bar - back, shape, RIM_CLEARANCE_M, within_m=rim))
    return max(wanted)


def bridge_v_m(fit: GlassesFit, style: GlassesStyle) -> float:
    """Height of the bridge above the middle of the lenses."""
    return style.bridge_height * float(fit.outline_m[:, 1].max())


def _needed(fit: GlassesFit, uvw_m: np.ndarray, shape: HeadShape, clearance_m: float, *, within_m: float) -> float:
    points = uvw_m @ fit.turn.T + fit.origin_m
    return float((height_at(shape.face, points[:, :2], within_m=within_m) - points[:, 2]).max()) + clearance_m
