"""Neck, shoulders and chest of the procedural head: splines from jaw and nape down to a clean edge."""

from itertools import pairwise

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from render.heads.procedural_topology import COLUMNS, column_azimuths_deg

# The rows of the head's grid that the splines start with, so that the neck grows out of the head without a crease.
LAST_HEAD_ROWS = (-7, -4, -1)

# Rings of the neck, shoulders and chest: (x, y, z) in mm at seven directions from the front over the left to the back.
_NECK_RINGS_MM = np.array(
    [
        [(0, -103.5, 54), (23, -101, 48), (40, -96, 30), (50, -86, 4),
         (49, -74, -28), (32, -72, -57), (0, -73, -69)],
        [(0, -109, 40), (22.5, -108, 35), (41.5, -105, 18), (51, -99, -7),
         (50, -92, -36), (33, -89, -61), (0, -88, -71)],
        [(0, -130, 31), (21, -129, 26), (43.5, -126, 9), (55, -120, -17),
         (53, -112, -46), (34, -108, -68), (0, -106, -76)],
        [(0, -156, 21), (23, -156, 17), (46, -150, 1), (62, -142, -26),
         (58, -134, -56), (35, -129, -77), (0, -128, -85)],
        [(0, -177, 15), (34, -177, 17), (74, -172, 3), (98, -158, -32),
         (85, -150, -68), (46, -148, -93), (0, -148, -98)],
        [(0, -204, 30), (60, -205, 31), (118, -200, 8), (150, -181, -38),
         (122, -175, -83), (62, -175, -109), (0, -176, -110)],
        [(0, -242, 48), (76, -243, 50), (152, -240, 18), (200, -214, -40),
         (160, -218, -95), (78, -222, -122), (0, -224, -118)],
        [(0, -300, 64), (82, -302, 70), (165, -300, 28), (222, -275, -40),
         (168, -280, -105), (80, -285, -132), (0, -288, -122)],
        [(0, -365, 72), (82, -365, 80), (163, -365, 33), (219, -355, -40),
         (165, -358, -107), (80, -360, -134), (0, -360, -122)],
        [(0, -430, 76), (80, -430, 82), (158, -430, 33), (213, -430, -40),
         (158, -430, -107), (78, -430, -133), (0, -430, -121)],
    ],
    dtype=float,
)  # fmt: skip
_NECK_ROWS = (2, 3, 4, 5, 5, 4, 4, 3, 2, 2)
# What stands out of the skin or sinks into it, x folded to >= 0: a line, half width and height in mm.
_CORDS_MM = (
    (((58.0, -34.0, -24.0), (44.0, -85.0, -2.0), (14.0, -168.0, 19.0)), 8.5, 2.8),      # sternocleidomastoid
    (((14.0, -100.0, 38.0), (12.0, -150.0, 24.0)), 6.0, -1.2),                          # beside the larynx
    (((12.0, -186.0, 21.0), (60.0, -186.0, 24.0), (110.0, -176.0, 8.0), (148.0, -172.0, -18.0)), 6.5, 3.4),  # clavicle
    (((30.0, -171.0, 16.0), (70.0, -168.0, 4.0)), 9.0, -3.4),                           # hollow above it
    (((0.0, -118.0, 36.0), (0.0, -134.0, 31.0)), 7.0, 2.0),                             # larynx
    (((0.0, -178.0, 16.0), (0.0, -184.0, 18.0)), 8.0, -3.6),                            # notch over the breastbone
)  # fmt: skip


def neck_rows_mm(last_head_rows: Float[np.ndarray, "3 c 3"]) -> Float[np.ndarray, "r c 3"]:
    """Rows from under the jaw down to the edge of the chest; the last of the given rows is not repeated."""
    azimuth = np.abs(column_azimuths_deg())
    side = np.where(np.arange(COLUMNS) <= COLUMNS // 2, 1.0, -1.0)
    even = 180.0 - np.abs(180.0 - np.linspace(0.0, 360.0, COLUMNS, endpoint=False))
    knots = list(last_head_rows)
    for index, ring in enumerate(_NECK_RINGS_MM):
        whole = np.concatenate([ring, ring[-2::-1] * np.array([-1.0, 1.0, 1.0])])
        spline = CubicSpline(np.linspace(0.0, 360.0, 13), whole, bc_type="periodic")
        # The columns, crowded on the face, spread out on their way down.
        spread = 0.7 * min(1.0, (index + 1) / 5)
        points = spline(azimuth + spread * (even - azimuth))
        knots.append(points * np.stack([side, np.ones(COLUMNS), np.ones(COLUMNS)], axis=1))
    stacked = np.stack(knots)
    steps = np.linalg.norm(np.diff(stacked, axis=0), axis=2).mean(axis=1)
    places = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = [
        start + (end - start) * np.arange(1, rows + 1) / rows
        for start, end, rows in zip(places[2:-1], places[3:], _NECK_ROWS, strict=True)
    ]
    return _with_cords(CubicSpline(places, stacked, axis=0)(np.concatenate(wanted)))


def _with_cords(rows: Float[np.ndarray, "r c 3"]) -> Float[np.ndarray, "r c 3"]:
    """Muscles, bones and the larynx under the skin, raised along the surface's normal."""
    around = np.roll(rows, -1, axis=1) - np.roll(rows, 1, axis=1)
    normal = np.cross(np.gradient(rows, axis=0), around)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    folded = rows * np.array([1.0, 1.0, 1.0])
    folded[..., 0] = np.abs(folded[..., 0])
    height = np.zeros(rows.shape[:2])
    for line, half_width, rise in _CORDS_MM:
        gap = np.full(rows.shape[:2], np.inf)
        for start, end in pairwise(np.array(line)):
            along = np.clip((folded - start) @ (end - start) / ((end - start) @ (end - start)), 0.0, 1.0)
            gap = np.minimum(gap, np.linalg.norm(folded - start - along[..., None] * (end - start), axis=2))
        height += rise * np.exp(-((gap / half_width) ** 2))
    # The first rows continue the head, the last ones end level.
    count = len(rows)
    fade = np.clip(np.minimum(np.arange(count) / 3.0, (count - 1 - np.arange(count)) / 3.0), 0.0, 1.0)
    return rows + (fade[:, None] * height)[..., None] * normal
