"""Neck, shoulders and chest of the procedural head: splines from jaw and nape down to a clean edge."""

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
        [(0, -109, 40), (22, -108, 35), (40, -105, 18), (49, -99, -7),
         (48, -92, -35), (32, -89, -59), (0, -88, -69)],
        [(0, -130, 31), (20, -129, 26), (41, -126, 9), (52, -120, -17),
         (50, -112, -45), (32, -108, -65), (0, -106, -73)],
        [(0, -156, 21), (22, -156, 17), (44, -150, 1), (60, -142, -26),
         (56, -134, -55), (34, -129, -75), (0, -128, -83)],
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
_NECK_ROWS = (2, 2, 3, 3, 3, 3, 3, 3, 2, 2)


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
    return CubicSpline(places, stacked, axis=0)(np.concatenate(wanted))
