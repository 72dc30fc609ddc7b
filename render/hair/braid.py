"""A braid of three bundles: each swings from side to side, and over and under the others, along the tail."""

import numpy as np
from jaxtyping import Float, Int

BUNDLES = 3
# How far bundles swing to the side and in depth, how thick each is (half), and after how much length all come round.
_ASIDE_M, _DEEP_M, _THICK_M, _ROUND_M = 0.0145, 0.0085, 0.0098, 0.085
# From this share of the tail on, hair hangs loose below the band.
_BAND = 0.88
# Half the angle about the tie that the middle bundle takes of the scalp.
_MIDDLE_DEG = 50.0


def bundle_of(points_m: Float[np.ndarray, "n 3"], tie_m: Float[np.ndarray, "3"]) -> Int[np.ndarray, " n"]:
    """Which bundle hair from these places goes to: 0 from the head's right, 1 from above the tie, 2 from the left."""
    place = points_m - tie_m
    angle = np.degrees(np.arctan2(place[:, 0], np.maximum(place[:, 1], -0.02) + 0.03))
    return np.where(angle < -_MIDDLE_DEG, 0, np.where(angle > _MIDDLE_DEG, 2, 1))


def places_in_bundle(
    points_m: Float[np.ndarray, "n 3"], tie_m: Float[np.ndarray, "3"], bundles: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n 2"]:
    """Where in the unit disc of its bundle each hair runs: neighbours on the scalp stay neighbours."""
    place = points_m - tie_m
    angle, distance = np.arctan2(place[:, 0], place[:, 1] + 0.03), np.linalg.norm(place, axis=1)
    square = np.zeros((len(points_m), 2))
    for number in range(BUNDLES):
        mine = np.flatnonzero(bundles == number)
        for axis, values in enumerate((angle[mine], distance[mine])):
            square[mine, axis] = 2 * (np.argsort(np.argsort(values)) + 0.5) / max(len(mine), 1) - 1
    return square * np.sqrt(1 - 0.5 * square[:, ::-1] ** 2)


def braided(
    line_m: Float[np.ndarray, "k 3"],
    side: Float[np.ndarray, "3"],
    bundles: Int[np.ndarray, " g"],
    places: Float[np.ndarray, "g 2"],
) -> Float[np.ndarray, "g k 3"]:
    """Tails about a middle line: bundle n runs at a sin(t + 120 deg n) aside and b sin(2 (t + 120 deg n)) deep.

    `side` is about the direction across the braid.
    """
    steps = np.linalg.norm(np.diff(line_m, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    share = along / along[-1]
    tangent = np.gradient(line_m, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    across = side - (tangent @ side)[:, None] * tangent
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    deep = np.cross(tangent, across)
    # Full at the top, thinner towards the band, tight in it, and a tuft below.
    size = np.interp(share, [0.0, 0.10, _BAND - 0.04, _BAND, _BAND + 0.04, 1.0], [0.55, 1.0, 0.62, 0.34, 0.55, 0.25])
    swing = np.interp(share, [0.0, 0.07, _BAND - 0.02, _BAND + 0.01], [0.35, 1.0, 1.0, 0.0]) * size
    turn = 2 * np.pi * (along / _ROUND_M)[None, :] + (2 * np.pi / BUNDLES * bundles)[:, None]
    width = _ASIDE_M * swing * np.sin(turn) + _THICK_M * size * places[:, :1]
    depth = _DEEP_M * swing * np.sin(2 * turn) + 0.75 * _THICK_M * size * places[:, 1:]
    return line_m[None] + width[..., None] * across + depth[..., None] * deep
