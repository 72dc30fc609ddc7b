"""Where a face is red, oily, stubbly or browed: numbers per vertex, read off the 68 landmarks of any head family.

The skin material reads them as mesh attributes of the same names. Each is 0 far from its place, so that a mesh without
them still has plain skin. Everything is in the head frame of the neutral person (metres; x left, y up, z out of the
face), so paint stays in place when the face moves.
"""

import numpy as np
from jaxtyping import Float, Float32
from scipy.interpolate import CubicSpline

from render.geometry.face_creases import beard_shade, crease_paint

# Half the width over which `lips` and `lids` fall from 1 to 0 across their outline; the material sharpens it.
EDGE_M = 0.004
# Hair grows within this distance of the brow's middle line.
BROW_HALF_WIDTH_M = 0.0055
# Ears, in distances between the eyes: where to look for them behind and above the root of the nose; their outermost
# rim, whose back and top edges lie this far from the middle of the ear in both families (30 people each: within 0.03
# and 0.05); half the size of what is bare, seen from the side; the tangent of their lean.
_EARS_BEHIND_FROM, _EARS_UP = 1.2, (-1.2, 0.6)
_EAR_RIM, _EAR_BACK_EDGE, _EAR_TOP_EDGE = 0.08, 0.29, 0.42
_EAR_HALF_HEIGHT, _EAR_HALF_WIDTH, _EAR_LEAN = 0.60, 0.37, 0.12


def face_paint(
    vertices_m: Float32[np.ndarray, "n 3"], landmarks_m: Float[np.ndarray, "68 3"]
) -> dict[str, Float32[np.ndarray, "n ..."]]:
    """Mesh attributes by name, one row a vertex of the neutral person.

    `rest_position` (n, 3): the neutral vertex in metres, so that textures stick to the moving skin.
    `lips`: 0.5 on the outline of the lips, 1 inside, 0 outside beyond EDGE_M.
    `lids`: 1 at the rim of the eye, falling to 0 over the lids. `flush`: cheeks, nose, chin, ears: red skin.
    `oil`: forehead, nose and chin. `scalp`: 0.5 on the hairline, 1 where hair would grow.
    `brow` (n, 3): metres along the brow and above its middle line, and 1 on its middle line falling to 0 at its edge.
    `beard` and `crease` (n, 3): see render.geometry.face_creases.
    """
    right_eye, left_eye = landmarks_m[36:42].mean(axis=0), landmarks_m[42:48].mean(axis=0)
    unit_m = float(np.linalg.norm(left_eye - right_eye))
    in_front = vertices_m[:, 2] > landmarks_m[:, 2].min() - 0.1 * unit_m
    flat = vertices_m[:, :2].astype(np.float64)
    near_mouth = np.linalg.norm(vertices_m - landmarks_m[48:60].mean(axis=0), axis=1) < 0.8 * unit_m
    lips = 0.5 - _outline_distance(flat, landmarks_m[48:60, :2], near_mouth) / (2.0 * EDGE_M)
    eyes = (_outline_distance(flat, landmarks_m[eye, :2], in_front) for eye in (slice(36, 42), slice(42, 48)))
    rims = 1.0 - np.minimum(*eyes) / (2.0 * EDGE_M)
    return {
        "rest_position": vertices_m.astype(np.float32),
        "lips": np.clip(lips, 0.0, 1.0).astype(np.float32),
        "lids": np.clip(rims, 0.0, 1.0).astype(np.float32),
        "flush": _flush(vertices_m, landmarks_m, unit_m),
        "oil": _oil(vertices_m, landmarks_m, unit_m),
        "scalp": _scalp(vertices_m, landmarks_m, unit_m),
        "brow": _brow(vertices_m, landmarks_m, in_front),
        "beard": beard_shade(vertices_m, landmarks_m),
        "crease": crease_paint(vertices_m, landmarks_m),
    }


def _blob(vertices_m: np.ndarray, centre_m: np.ndarray, radius_m: float) -> np.ndarray:
    return np.exp(-0.5 * ((vertices_m - centre_m) ** 2).sum(axis=1) / radius_m**2)


def _flush(vertices_m: np.ndarray, landmarks_m: np.ndarray, unit_m: float) -> np.ndarray:
    places = [
        (landmarks_m[[36, 48, 2]].mean(axis=0), 0.32, 1.0),
        (landmarks_m[[45, 54, 14]].mean(axis=0), 0.32, 1.0),
        (landmarks_m[30], 0.22, 1.0),
        (landmarks_m[[31, 35]].mean(axis=0), 0.25, 0.7),
        (landmarks_m[8], 0.25, 0.5),
    ]
    total = sum(weight * _blob(vertices_m, centre, radius * unit_m) for centre, radius, weight in places)
    # Ears lie outside the line of the jaw points next to them (0 and 16), behind these points and above the jaw.
    half_width = 0.5 * (landmarks_m[16, 0] - landmarks_m[0, 0])
    middle = 0.5 * (landmarks_m[16] + landmarks_m[0])
    aside = np.clip((np.abs(vertices_m[:, 0] - middle[0]) / half_width - 1.0) / 0.08, 0.0, 1.0)
    level = np.exp(-0.5 * ((vertices_m[:, 1] - middle[1]) / (0.6 * unit_m)) ** 2)
    return np.clip(total + 0.9 * aside * level, 0.0, 1.0).astype(np.float32)


def _oil(vertices_m: np.ndarray, landmarks_m: np.ndarray, unit_m: float) -> np.ndarray:
    brow_middle = landmarks_m[[21, 22]].mean(axis=0)
    places = [
        (brow_middle + np.array([0.0, 0.55 * unit_m, 0.0]), 0.5),
        (landmarks_m[28], 0.2),
        (landmarks_m[30], 0.22),
        (landmarks_m[8], 0.22),
    ]
    total = sum(_blob(vertices_m, centre, radius * unit_m) for centre, radius in places)
    return np.clip(total, 0.0, 1.0).astype(np.float32)


def _scalp(vertices_m: np.ndarray, landmarks_m: np.ndarray, unit_m: float) -> np.ndarray:
    """Hair grows above a line that crosses the forehead high, dips before the ears and runs down to the nape."""
    offset = (vertices_m - landmarks_m[27]) / unit_m
    aside, up, behind = np.abs(offset[:, 0]), offset[:, 1], -offset[:, 2]
    # Height of the hairline over the root of the nose, in eye distances, by how far back a vertex lies.
    height = np.interp(behind, [0.0, 0.55, 0.95, 1.3, 1.6, 2.0, 2.6], [1.12, 1.0, 0.55, -0.05, -0.1, -0.9, -1.15])
    height = height + 0.25 * np.clip(aside - 0.45, 0.0, 0.4) * (behind < 0.8)
    bare = np.maximum(_bare_ear(offset), _bare_ear(offset * np.array([-1.0, 1.0, 1.0])))
    return (np.clip(0.5 + (up - height) / 0.5, 0.0, 1.0) * (1.0 - bare)).astype(np.float32)


def _bare_ear(offset: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """1 on the ear at x > 0 and on a rim round it: an upright ellipse seen from the side, its top leaning back.

    The ear is found by what stands out furthest at its height; no landmark lies on it.
    """
    up, behind = offset[:, 1], -offset[:, 2]
    nearby = (offset[:, 0] > 0.5) & (up > _EARS_UP[0]) & (up < _EARS_UP[1]) & (behind > _EARS_BEHIND_FROM)
    if not nearby.any():
        return np.zeros(len(offset))
    rim = nearby & (offset[:, 0] > offset[nearby, 0].max() - _EAR_RIM)
    above, back = up - (up[rim].max() - _EAR_TOP_EDGE), behind - (behind[rim].max() - _EAR_BACK_EDGE)
    along, across = above + back * _EAR_LEAN, back - above * _EAR_LEAN
    reach = np.hypot(along / _EAR_HALF_HEIGHT, across / _EAR_HALF_WIDTH)
    return np.clip((1.2 - reach) / 0.2, 0.0, 1.0) * (offset[:, 0] > 0.5)


def _brow(vertices_m: np.ndarray, landmarks_m: np.ndarray, in_front: np.ndarray) -> np.ndarray:
    result = np.zeros((len(vertices_m), 3), dtype=np.float32)
    reach_m = 3.0 * BROW_HALF_WIDTH_M
    # From the middle of the face outwards on either side, so that "along" grows towards the temple.
    for points in (landmarks_m[[21, 20, 19, 18, 17]], landmarks_m[[22, 23, 24, 25, 26]]):
        line = CubicSpline(np.arange(5.0), points[:, :2])(np.linspace(0.0, 4.0, 81))
        lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        flat = vertices_m[:, :2]
        close = np.flatnonzero(in_front & _in_box(flat, line, reach_m))
        gaps = flat[close, None] - line[None]
        nearest = np.argmin((gaps**2).sum(axis=2), axis=1)
        gap = gaps[np.arange(len(close)), nearest]
        distance = np.linalg.norm(gap, axis=1)
        # Beyond its ends the brow goes on straight, so that painted hairs do not curl round them.
        first = (line[1] - line[0]) / np.linalg.norm(line[1] - line[0])
        along = lengths[nearest] + np.where(nearest == 0, np.minimum(gap @ first, 0.0), 0.0)
        share = lengths[nearest] / lengths[-1]
        # Full near the nose, thin at the tail.
        width = BROW_HALF_WIDTH_M * np.interp(share, [0.0, 0.15, 0.6, 1.0], [0.8, 1.0, 0.8, 0.4])
        # `fill` may fall below 0: the material cuts at 0, and a straight ramp keeps that line sharp between vertices.
        fill = np.clip(1.0 - distance / width, -1.0, 1.0)
        mine = distance < reach_m
        result[close[mine]] = np.stack([along, gap[:, 1], fill], axis=1)[mine]
    return result


def _in_box(points: np.ndarray, line: np.ndarray, margin_m: float) -> np.ndarray:
    """Which points lie in the upright box round a line, so many metres wider on all sides."""
    return ((points > line.min(axis=0) - margin_m) & (points < line.max(axis=0) + margin_m)).all(axis=1)


def _outline_distance(points: np.ndarray, corners: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Signed distance of the wanted points to a smooth closed outline through these corners, in the plane; negative
    inside. Infinite for all others, and far from all corners, where nothing is painted.
    """
    middle = corners.mean(axis=0)
    # The outline bulges between its corners, but not by a fifth.
    reach_m = 1.2 * np.linalg.norm(corners - middle, axis=1).max() + 2.0 * EDGE_M
    near = wanted & (np.linalg.norm(points - middle, axis=1) < reach_m)
    distance = np.full(len(points), np.inf)
    distance[near] = _near_outline_distance(points[near], corners)
    return distance


def _near_outline_distance(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    closed = np.concatenate([corners, corners[:1]])
    outline = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")(
        np.linspace(0.0, len(corners), 12 * len(corners) + 1)
    )
    start, edge = outline[:-1], np.diff(outline, axis=0)
    gap = points[:, None] - start[None]
    along = np.clip((gap * edge).sum(axis=2) / (edge**2).sum(axis=1), 0.0, 1.0)
    distance = np.linalg.norm(gap - along[..., None] * edge, axis=2).min(axis=1)
    after = start[None, :, 1] > points[:, None, 1]
    crosses = after != (outline[None, 1:, 1] > points[:, None, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at_x = start[:, 0] + edge[:, 0] * (points[:, None, 1] - start[:, 1]) / edge[:, 1]
    inside = (crosses & (points[:, None, 0] < at_x)).sum(axis=1) % 2 == 1
    return np.where(inside, -distance, distance)
