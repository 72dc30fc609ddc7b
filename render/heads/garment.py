"""A sweater for a bust: one grid of quads from inside the collar over neckline and shoulders to below the picture.

Columns are half planes through the neck's axis, rows run down from the collar along rays from the middle of the chest.
Near the neckline the cloth lies on the skin; elsewhere it lies on an average body (render.heads.torso), and gives way
wherever skin stands out further.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from render.heads.folds import fold_height
from render.heads.neckline import NECKLINES, Neckline
from render.heads.polar_surface import PolarSurface, polar_surface, radius_at
from render.heads.torso import (
    BIACROMIAL_BREADTH_M,
    BIACROMIAL_BY_FACE_BREADTH,
    CHEST_M,
    HEIGHT_PER_RADIAN_M,
    body_rays,
    body_reach_m,
    place_on_rays,
)

COLUMNS, SHELL_ROWS = 104, 46
# Above 1: rows lie closer together at the neckline than at the end.
_ROW_CROWDING = 1.3
# Beyond the picture of a 60 mm sensor behind a 50 mm lens at 1 m, whose lower edge lies 0.54 m below eyes that are
# moved up by a tenth of the picture.
END_BELOW_EYES_M = 0.80
_CLEARANCE_M, _COLLAR_CLEARANCE_M, _LOOSE_M = 0.0028, 0.0042, 0.0095
_BAND_M = 0.018
# Cloth lies on the skin up to the first of these distances from the neckline and on the body from the second on.
_LIES_ON_SKIN_M = (0.020, 0.210)
# Where the skin has ended, what it did to the cloth fades within this distance.
_FADES_WITHIN_M = 0.15
# Folds stand out from the body more than they sink towards it.
_FOLD_M, _FOLDS_RAISED, _FOLDS_FROM_M = 0.0042, 0.7, (0.02, 0.10)
_CUT_MARGIN_M = 0.016


@dataclass(frozen=True)
class GarmentMesh:
    """Quads in the head frame (metres), counter-clockwise from outside; UVs in metres along the cloth.

    u runs around the body, v down from the neckline; the collar has v < 0.
    """

    vertices_m: Float32[np.ndarray, "n 3"]
    quads: Int[np.ndarray, "f 4"]
    corner_uvs: Float32[np.ndarray, "f 4 2"]


@dataclass(frozen=True)
class _Skin:
    """The skin of neck and bust, as a radius about the neck's axis over azimuth and height, and where it ends."""

    points_m: Float[np.ndarray, "n 3"]
    eyes_m: Float[np.ndarray, "3"]
    axis_z_m: float
    surface: PolarSurface


def garment_mesh(
    skin_m: Float32[np.ndarray, "n 3"], landmarks_m: Float[np.ndarray, "68 3"], *, style: str, seed: int
) -> GarmentMesh:
    """The garment of a neutral person, from the vertices of their outer skin and their 68 landmarks (head frame).

    `style` is a key of NECKLINES; `seed` draws folds and the build of the body (its breadth within 6 %).
    Raises: ValueError on an unknown style, or when the skin does not reach down to any neckline.
    """
    if style not in NECKLINES:
        raise ValueError(f"unknown style of garment {style!r}; known are {', '.join(sorted(NECKLINES))}")
    stream = np.random.default_rng(seed)
    # The contour of the face is broadest a little outside the cheekbones.
    face_breadth = 0.98 * float(np.linalg.norm(landmarks_m[:3] - landmarks_m[16:13:-1], axis=1).max())
    scale = np.clip(face_breadth * BIACROMIAL_BY_FACE_BREADTH / BIACROMIAL_BREADTH_M, 0.94, 1.06)
    scale *= stream.uniform(0.94, 1.06)
    skin = _skin_of_neck(skin_m.astype(np.float64), landmarks_m)
    azimuth = 2 * np.pi * np.arange(COLUMNS) / COLUMNS
    heights = _neckline_heights(skin, azimuth, NECKLINES[style])
    collar = _collar(skin, azimuth, heights, NECKLINES[style])
    shell = _shell(skin, collar[-1], heights, scale=float(scale), stream=stream)
    return _grid_mesh(np.concatenate([collar, shell[1:]]), collar_rows=len(collar))


def _skin_of_neck(skin_m: Float[np.ndarray, "n 3"], landmarks_m: Float[np.ndarray, "68 3"]) -> _Skin:
    eyes = landmarks_m[36:48].mean(axis=0)
    chin_y = landmarks_m[8, 1]
    points = skin_m[skin_m[:, 1] < chin_y + 0.03]
    # The axis: midway between throat and nape, seen at the height of a usual neckline.
    level = points[(np.abs(points[:, 1] - (eyes[1] - 0.155)) < 0.012) & (np.abs(points[:, 0]) < 0.02)]
    if len(level) < 4:
        raise ValueError(
            "the head's skin ends above the neckline (0.155 m below the eyes), so no garment can be fitted; "
            "choose a head family with a bust or the outfit style 'none'"
        )
    axis_z = float(0.5 * (level[:, 2].min() + level[:, 2].max()))
    radius = np.hypot(points[:, 0], points[:, 2] - axis_z)
    # Chin and jaw stand out over the neck; a ray from the axis must meet the neck.
    below_jaw = (points[:, 1] < chin_y - 0.012) | ((points[:, 2] < axis_z + 0.045) & (points[:, 1] < chin_y + 0.03))
    neck = below_jaw & (radius < 0.16)
    azimuth = np.arctan2(points[neck, 0], points[neck, 2] - axis_z)
    return _Skin(points, eyes, axis_z, polar_surface(azimuth, points[neck, 1], radius[neck], metres_per_radian=0.07))


def _neckline_heights(skin: _Skin, azimuth: Float[np.ndarray, " c"], style: Neckline) -> Float[np.ndarray, " c"]:
    """Height of the neckline in each column, raised where the skin would end too close below it."""
    heights = skin.eyes_m[1] - style.drop_m(azimuth)
    for _ in range(30):
        cut_near = np.isnan(radius_at(skin.surface, azimuth, heights - _CUT_MARGIN_M))
        if not cut_near.any():
            return gaussian_filter1d(heights, style.smooth_columns, mode="wrap")
        heights = heights + 0.004 * cut_near
    raise ValueError("the head's skin is too short for a neckline; choose the outfit style 'none' for this family")


def _skin_points(
    skin: _Skin, azimuth: Float[np.ndarray, " c"], heights: Float[np.ndarray, " c"]
) -> Float[np.ndarray, "c 3"]:
    """The skin at these heights as cloth lies on it: hollows between tendons are bridged."""
    radius = radius_at(skin.surface, azimuth, heights)
    if np.isnan(radius).any():
        known = ~np.isnan(radius)
        radius = np.interp(azimuth, azimuth[known], radius[known], period=2 * np.pi)
    radius = np.maximum(radius, gaussian_filter1d(maximum_filter1d(radius, 5, mode="wrap"), 2.0, mode="wrap"))
    return np.stack([radius * np.sin(azimuth), heights, skin.axis_z_m + radius * np.cos(azimuth)], axis=1)


def _collar(
    skin: _Skin, azimuth: Float[np.ndarray, " c"], heights: Float[np.ndarray, " c"], style: Neckline
) -> Float[np.ndarray, "r c 3"]:
    """Rings from inside the collar over its rim to the outer edge of the neckline."""
    rings = []
    for above_m, inward_m, off_m in style.collar_profile(_COLLAR_CLEARANCE_M):
        rise = above_m * style.rise(azimuth)
        points = _skin_points(skin, azimuth, heights + rise)
        up = _skin_points(skin, azimuth, heights + rise + 0.004) - _skin_points(skin, azimuth, heights + rise - 0.004)
        up = gaussian_filter1d(up / np.linalg.norm(up, axis=1, keepdims=True), 2.0, axis=0, mode="wrap")
        around = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
        out = np.cross(around, up)
        out /= -np.linalg.norm(out, axis=1, keepdims=True)
        out *= np.sign((out * (points - [0.0, 0.0, skin.axis_z_m]))[:, [0, 2]].sum(axis=1))[:, None]
        rings.append(points + off_m * out - inward_m * up)
    return np.stack(rings)


def _shell(
    skin: _Skin,
    first_ring: Float[np.ndarray, "c 3"],
    heights: Float[np.ndarray, " c"],
    *,
    scale: float,
    stream: np.random.Generator,
) -> Float[np.ndarray, "r c 3"]:
    """Rings from the neckline to the end of the garment; the first is the one given."""
    # The body hangs below the eyes, but stands behind them where the person's neck does.
    chest = np.array([0.0, skin.eyes_m[1] + CHEST_M[1] * scale, skin.axis_z_m])
    azimuth, first_place, first_reach = place_on_rays(first_ring, chest)
    azimuth = np.unwrap(azimuth)
    last_place = -(END_BELOW_EYES_M + CHEST_M[1]) / HEIGHT_PER_RADIAN_M
    share = np.linspace(0.0, 1.0, SHELL_ROWS)[:, None] ** _ROW_CROWDING
    place = first_place + (last_place - first_place) * share
    azimuths = np.broadcast_to(azimuth, place.shape)
    origins, directions = body_rays(azimuths, place, chest)
    body = scale * body_reach_m(azimuths, place) + 0.5 * _LOOSE_M
    along = np.cumsum(np.abs(np.diff(place, axis=0, prepend=place[:1])) * 0.2, axis=0)
    covered = _covered_skin(skin, azimuth, heights)
    beneath = _reach_of_skin(covered, azimuths, place, chest)
    ease = _ramp(along, _LIES_ON_SKIN_M)
    band = np.clip((along - _BAND_M) / 0.003, 0.0, 1.0)
    clear = _COLLAR_CLEARANCE_M + (_CLEARANCE_M - _COLLAR_CLEARANCE_M) * band + (_LOOSE_M - _CLEARANCE_M) * ease
    wanted = np.where(np.isnan(beneath), np.nan, beneath + clear) - body
    wanted[0] = first_reach - body[0]
    pulled = _smoothed(_filled_down(wanted, along), rows=0.8, columns=1.2)
    widened = maximum_filter1d(np.nan_to_num(np.maximum(wanted, 0.0)), 5, axis=0, mode="nearest")
    pushed = _smoothed(maximum_filter1d(widened, 5, axis=1, mode="wrap"), rows=2.0, columns=2.0)
    reach = body + (1.0 - ease) * pulled + ease * pushed
    hung = (origins + reach[..., None] * directions - chest) / scale + CHEST_M
    reach += _FOLD_M * _ramp(along, _FOLDS_FROM_M) * (_FOLDS_RAISED + fold_height(hung, stream))
    reach = _above_vertices(np.fmax(reach, beneath + clear), covered, azimuth, place, chest)
    shell = origins + reach[..., None] * directions
    shell[0] = first_ring
    return shell


def _smoothed(values: Float[np.ndarray, "r c"], *, rows: float, columns: float) -> Float[np.ndarray, "r c"]:
    return gaussian_filter1d(gaussian_filter1d(values, rows, axis=0, mode="nearest"), columns, axis=1, mode="wrap")


def _ramp(values: Float[np.ndarray, "r c"], ends: tuple[float, float]) -> Float[np.ndarray, "r c"]:
    share = np.clip((values - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _covered_skin(
    skin: _Skin, columns: Float[np.ndarray, " c"], heights: Float[np.ndarray, " c"]
) -> Float[np.ndarray, "n 3"]:
    """The vertices of the skin from just above the neckline downward."""
    azimuth = np.arctan2(skin.points_m[:, 0], skin.points_m[:, 2] - skin.axis_z_m)
    return skin.points_m[skin.points_m[:, 1] < np.interp(azimuth, columns, heights, period=2 * np.pi) + 0.008]


def _reach_of_skin(
    covered_m: Float[np.ndarray, "n 3"],
    azimuths: Float[np.ndarray, "r c"],
    place: Float[np.ndarray, "r c"],
    chest_m: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "r c"]:
    """How far the skin lies from the chest along each ray; not a number where there is none."""
    azimuth, place_of_skin, reach = place_on_rays(covered_m, chest_m)
    seen = polar_surface(azimuth, 0.2 * place_of_skin, reach, metres_per_radian=0.08)
    return radius_at(seen, azimuths, 0.2 * place)


def _above_vertices(
    reach: Float[np.ndarray, "r c"],
    covered_m: Float[np.ndarray, "n 3"],
    columns: Float[np.ndarray, " c"],
    place: Float[np.ndarray, "r c"],
    chest_m: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "r c"]:
    """The same cloth, lifted at the corners of any quad that a vertex of the skin would come too close to."""
    azimuth, place_of_skin, skin_reach = place_on_rays(covered_m, chest_m)
    column = np.interp(azimuth, columns, np.arange(COLUMNS), period=2 * np.pi)
    left = np.floor(column).astype(int) % COLUMNS
    share = (place[0, left] - place_of_skin) / (place[0, left] - place[-1, left])
    row = (SHELL_ROWS - 1) * np.clip(share, 0.0, 1.0) ** (1.0 / _ROW_CROWDING)
    on_shell = (row >= 1.0) & (row < SHELL_ROWS - 1)
    top, right = np.floor(row).astype(int), (left + 1) % COLUMNS
    missing = np.zeros_like(reach)
    for rows in (top, top + 1):
        for cells in (left, right):
            spot = rows[on_shell], cells[on_shell]
            np.maximum.at(missing, spot, skin_reach[on_shell] + _CLEARANCE_M - reach[spot])
    # Cloth round a lifted corner rises with it, or it would stand up as a spike.
    spread = maximum_filter1d(maximum_filter1d(missing, 3, axis=0, mode="nearest"), 5, axis=1, mode="wrap")
    return reach + np.maximum(missing, _smoothed(spread, rows=1.5, columns=2.0))


def _filled_down(values: Float[np.ndarray, "r c"], along_m: Float[np.ndarray, "r c"]) -> Float[np.ndarray, "r c"]:
    """Each missing value is that of the row above it, fading with the way from it; the first row misses none."""
    rows = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))[:, None]), axis=0)
    way = along_m - np.take_along_axis(along_m, rows, axis=0)
    return np.take_along_axis(values, rows, axis=0) * np.exp(-way / _FADES_WITHIN_M)


def _grid_mesh(rings: Float[np.ndarray, "r c 3"], *, collar_rows: int) -> GarmentMesh:
    rows, columns = rings.shape[:2]
    ids = np.arange(rows * columns).reshape(rows, columns)
    after = np.roll(ids, -1, axis=1)
    quads = np.stack([ids[:-1], ids[1:], after[1:], after[:-1]], axis=-1).reshape(-1, 4)
    steps = np.linalg.norm(np.diff(rings, axis=0), axis=2).mean(axis=1)
    down = np.concatenate([[0.0], np.cumsum(steps)])
    down -= down[collar_rows - 1] + _BAND_M
    around = 0.2 * 2 * np.pi * np.arange(columns + 1) / columns
    u, v = np.meshgrid(around, down)
    grid = np.stack([u, v], axis=-1)
    corners = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=2)
    return GarmentMesh(
        vertices_m=rings.reshape(-1, 3).astype(np.float32),
        quads=quads.astype(np.int32),
        corner_uvs=corners.reshape(-1, 4, 2).astype(np.float32),
    )
