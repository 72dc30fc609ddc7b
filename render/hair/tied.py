"""Hair that is drawn together behind the head: smooth over the skull to a tie, then a ponytail, a braid or a bun."""

import numpy as np
from jaxtyping import Float

from render.hair.braid import braided, bundle_of, places_in_bundle
from render.hair.curves import resampled
from render.hair.styles import Style
from render.hair.surface import HairSurface, Roots, Shell, height_over

_OVER_SKULL = 16
_TAIL, _BRAID = 30, 90
# How far the middle of a tail keeps from neck and back.
_TAIL_CLEAR_M = 0.018
# Where the tie sits, as a direction from the skull's middle (up, behind), and how far it stands off the skin.
_TIE = {"ponytail": ((0.30, 1.0), 0.010), "braid": ((-0.45, 1.0), 0.012), "bun": ((0.45, 1.0), 0.008)}
TIE_RADIUS_M = 0.011
BUN_RADIUS_M = 0.030


def tie_point(surface: HairSurface, style: Style, centre_m: Float[np.ndarray, "3"]) -> np.ndarray:
    """Middle of the tie behind the head, head frame, metres."""
    (up, behind), off_m = _TIE[style.tail]
    direction = np.array([0.0, up, -behind]) / np.hypot(up, behind)
    skull = surface.vertices_m[surface.scalp > 0.3] - centre_m
    along = skull @ direction
    nearest = np.argsort(np.linalg.norm(skull - along[:, None] * direction, axis=1))[:12]
    return centre_m + (along[nearest].mean() + off_m) * direction


def tied_guides(
    surface: HairSurface,
    shell: Shell,
    style: Style,
    roots: Roots,
    centre_m: Float[np.ndarray, "3"],
    stream: np.random.Generator,
) -> Float[np.ndarray, "g k 3"]:
    """Guides from these roots through the tie to the end of the tail, `style.points` points each."""
    tie = tie_point(surface, style, centre_m)
    start, end = roots.points_m - centre_m, tie - centre_m
    share = np.linspace(0.0, 1.0, _OVER_SKULL)[None, :, None]
    curves = centre_m + _along_sphere(start, end, share)
    # Push out to the layer that the hair lies in: loose soon behind the hairline.
    layer = (0.001 * style.volume_mm) * stream.uniform(0.3, 1.0, (len(start), 1)) * np.minimum(share[..., 0] * 5, 1.0)
    least = (layer + 0.0008 * (share[..., 0] > 0)).ravel()
    curves = _pushed_out(shell, curves.reshape(-1, 3), least).reshape(curves.shape)
    curves[:, 0] = roots.points_m
    outward = end / np.linalg.norm(end)
    around = _places_in_tie(roots, tie, outward)
    if style.tail == "bun":
        tail = tie + _wound_up(outward, around, np.linspace(0.0, 1.0, _TAIL + 1)[1:])
        entry = tie + around
    else:
        line = _tail_line(style, shell, tie, outward, stream)
        if style.tail == "braid":
            bundles = bundle_of(surface.vertices_m[surface.triangles[roots.triangles]].mean(axis=1), tie)
            side = np.array([1.0, 0.0, 0.0])
            tail = braided(line, side, bundles, places_in_bundle(roots.points_m, tie, bundles))
        else:
            tail = _ponytail(line, around)
        entry, tail = tail[:, 0], tail[:, 1:]
    pull = np.clip((share - 0.65) / 0.35, 0, 1) ** 2
    curves = curves + pull * (entry - curves[:, -1])[:, None]
    return resampled(np.concatenate([curves, tail], axis=1), style.points)


def _places_in_tie(roots: Roots, tie: np.ndarray, outward: np.ndarray) -> np.ndarray:
    """Ends meet in a disc, each near the side it came from: offsets from the tie."""
    around = roots.points_m - tie
    around -= (around @ outward)[:, None] * outward
    spread = np.linalg.norm(around, axis=1, keepdims=True)
    return around * TIE_RADIUS_M * np.sqrt(spread / spread.max()) / spread


def _pushed_out(shell: Shell, points: np.ndarray, least_m: np.ndarray | float) -> np.ndarray:
    for _ in range(3):
        heights, normals = height_over(shell, points)
        points = points + np.maximum(least_m - heights, 0.0)[:, None] * normals
    return points


def _along_sphere(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """From each start to the end about the origin: directions turn evenly, and so do distances change."""
    radius, goal = np.linalg.norm(start, axis=1), np.linalg.norm(end)
    first, last = start / radius[:, None], end / goal
    angle = np.arccos(np.clip(first @ last, -0.999, 0.999))[:, None, None]
    turned = (np.sin((1 - share) * angle) * first[:, None] + np.sin(share * angle) * last) / np.sin(angle)
    return turned * (radius[:, None, None] * (1 - share) + goal * share)


def _tail_line(
    style: Style, shell: Shell, tie: np.ndarray, outward: np.ndarray, stream: np.random.Generator
) -> np.ndarray:
    """The tail's middle line: out of the tie, then over and down, clear of neck, back and cloth."""
    count = _BRAID if style.tail == "braid" else _TAIL
    length = 0.001 * style.top_mm * stream.uniform(0.65, 1.05)
    heading = outward * (1.0 if style.tail == "ponytail" else 0.5) + np.array([0.0, 0.15, 0.0])
    line = [tie]
    for _ in range(count):
        heading = heading + 8.4 / count * (np.array([0.0, -1.0, 0.0]) - heading)
        line.append(line[-1] + length / count * heading / np.linalg.norm(heading))
    whole = np.stack(line)
    for _ in range(6):
        whole[1:] = _pushed_out(shell, whole[1:], _TAIL_CLEAR_M * np.linspace(0.6, 1.0, count))
        for _ in range(3):
            whole[1:-1] = 0.5 * whole[1:-1] + 0.25 * (whole[:-2] + whole[2:])
    return whole


def _ponytail(line: np.ndarray, around: np.ndarray) -> np.ndarray:
    share = np.linspace(0.0, 1.0, len(line))
    swell = 1.0 + 1.2 * np.sin(np.pi * np.minimum(share * 1.15, 1.0))
    narrow = np.clip((1.0 - share) / 0.35, 0.2, 1.0)
    return line[None] + around[:, None] * (swell * narrow)[None, :, None]


def _wound_up(outward: np.ndarray, around: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Hair wound about the tie's axis: neighbours stay together, each lock on its own height of the torus."""
    side = np.cross(outward, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    up = np.cross(side, outward)
    phase = np.arctan2(around @ up, around @ side)[:, None]
    depth = np.linalg.norm(around, axis=1, keepdims=True) / TIE_RADIUS_M
    tube = 0.45 * BUN_RADIUS_M * np.sqrt(depth)
    grown = np.minimum(share * 6, 1.0)[None]
    turn = phase + 2 * np.pi * 1.2 * share[None]
    swirl = 3 * phase + 2.2 * np.pi * share[None]
    radius = grown * (0.62 * BUN_RADIUS_M + tube * np.cos(swirl))
    out = 0.5 * BUN_RADIUS_M * grown + tube * np.sin(swirl)
    return (
        (radius * np.cos(turn))[..., None] * side + (radius * np.sin(turn))[..., None] * up + out[..., None] * outward
    )
