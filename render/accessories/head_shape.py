"""Where glasses may lie on a person: the face seen from the front, both sides of the head, and the root of each ear."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_dilation, gaussian_filter, grey_opening, label

from render.accessories.envelope import Envelope, envelope, height_at

_SIDE_CELL_M = 0.0015
# Seen from the side an ear is about 35 mm broad: opening the outline of the head by a wider disc takes it away.
_EAR_BREADTH_M = 0.046
_EAR_STANDS_OUT_M = 0.004
_SMALLEST_EAR_M2 = 2e-4
# A temple lies between skull and ear, this far from the skull, and comes to rest this far behind the ear's front edge.
_GROOVE_M = (0.0015, 0.0045)
_REST_BEHIND_FRONT_M = 0.009


@dataclass(frozen=True)
class HeadSide:
    """One side of the head: reach outwards (|x|) over (z, y), with and without the ear, and where a temple rests.

    `rest_zy_m` is the lowest place of a temple's lower edge over the root of the ear, `ear_front_z_m` where the ear
    begins there.
    """

    reach: Envelope
    skull: Envelope
    ear: Bool[np.ndarray, "u v"]
    rest_zy_m: Float[np.ndarray, "2"]
    ear_front_z_m: float


@dataclass(frozen=True)
class HeadShape:
    """Head frame, metres. `face` is the reach forward (z) over (x, y) in any expression; sides are left, then right."""

    face: Envelope
    sides: tuple[HeadSide, HeadSide]
    pupils_m: Float[np.ndarray, "2 3"]
    """Left, then right: on the neutral eye."""
    temple_half_breadth_m: float
    """Half the breadth of the head 3 to 5.5 cm behind the eyes, a little above them."""


def head_shape(
    vertices_m: Float[np.ndarray, "n 3"],
    triangles: Int[np.ndarray, "t 3"],
    pupils_m: Float[np.ndarray, "2 3"],
    *,
    forward_reach_m: Float[np.ndarray, " n"],
) -> HeadShape:
    """Measure a neutral person; `forward_reach_m` is how far expressions may push each vertex forward.

    Raises: ValueError when no ear stands out beside the eyes.
    """
    eyes = pupils_m.mean(axis=0)
    pushed = vertices_m + forward_reach_m[:, None] * np.array([0.0, 0.0, 1.0])
    face = envelope(
        pushed, triangles, low_m=(-0.10, float(eyes[1]) - 0.06), high_m=(0.10, float(eyes[1]) + 0.06), cell_m=0.001
    )
    left, right = (_head_side(vertices_m * np.array([sign, 1.0, 1.0]), triangles, eyes) for sign in (1.0, -1.0))
    sides = (left, right)
    z = eyes[2] - np.arange(0.030, 0.056, 0.002)
    zy = np.stack(np.meshgrid(z, eyes[1] + np.array([0.0, 0.006, 0.012])), axis=-1).reshape(-1, 2)
    breadth = float(max(height_at(side.reach, zy).max() for side in sides))
    return HeadShape(face=face, sides=sides, pupils_m=pupils_m, temple_half_breadth_m=breadth)


def _head_side(points_m: Float[np.ndarray, "n 3"], triangles: Int[np.ndarray, "t 3"], eyes_m: np.ndarray) -> HeadSide:
    sideways = points_m[:, [2, 1, 0]]
    low, high = (-0.16, float(eyes_m[1]) - 0.075), (float(eyes_m[2]) + 0.03, float(eyes_m[1]) + 0.07)
    reach = envelope(sideways, triangles, low_m=low, high_m=high, cell_m=_SIDE_CELL_M)
    known = np.where(np.isfinite(reach.height_m), reach.height_m, 0.0)
    radius = round(_EAR_BREADTH_M / 2 / _SIDE_CELL_M)
    u, v = np.meshgrid(np.arange(-radius, radius + 1), np.arange(-radius, radius + 1), indexing="ij")
    without = gaussian_filter(grey_opening(known, footprint=u**2 + v**2 <= radius**2), 2.0)
    skull = Envelope(np.minimum(np.maximum(without, 0.0), known), reach.origin_m, reach.cell_m)
    # Where the head turns away from the side its outline is no ear.
    ear = _largest((known - skull.height_m > _EAR_STANDS_OUT_M) & (known > 0.7 * known.max()), reach, eyes_m)
    top = ear.any(axis=0).nonzero()[0].max()
    # The ear's front edge where a temple crosses it: somewhat below the top of the helix.
    level = max(0, top - round(0.008 / reach.cell_m))
    front = ear[:, level].nonzero()[0].max()
    front_z = float(reach.origin_m[0] + front * reach.cell_m)
    top_y = float(reach.origin_m[1] + top * reach.cell_m)
    rest_z = front_z - _REST_BEHIND_FRONT_M
    rest_y = _groove_height(sideways, triangles, skull, z_m=(rest_z, front_z + 0.004), top_m=top_y)
    return HeadSide(reach, skull, binary_dilation(ear, iterations=2), np.array([rest_z, rest_y]), front_z)


def _largest(mask: Bool[np.ndarray, "u v"], grid: Envelope, eyes_m: np.ndarray) -> Bool[np.ndarray, "u v"]:
    z = grid.origin_m[0] + np.arange(mask.shape[0]) * grid.cell_m
    mask = mask & (z < eyes_m[2] - 0.045)[:, None]
    parts, count = label(mask)  # pyright: ignore[reportGeneralTypeIssues]
    sizes = np.bincount(parts.ravel())[1:]
    if count == 0 or sizes.max() * grid.cell_m**2 < _SMALLEST_EAR_M2:
        raise ValueError(
            "no ear stands out from the side of this head by 4 mm, so no glasses can rest on it; "
            "choose the glasses style 'none' for this family"
        )
    return parts == 1 + int(sizes.argmax())


def _groove_height(
    sideways_m: Float[np.ndarray, "n 3"],
    triangles: Int[np.ndarray, "t 3"],
    skull: Envelope,
    *,
    z_m: tuple[float, float],
    top_m: float,
) -> float:
    """The highest point that a temple meets between skull and ear on its way over the ear's root."""
    off_skull = sideways_m[:, 2] - height_at(skull, sideways_m[:, :2])
    over = np.column_stack([sideways_m[:, 0], off_skull, sideways_m[:, 1]])
    near = (sideways_m[:, 1] < top_m + 0.003) & (sideways_m[:, 1] > top_m - 0.04) & np.isfinite(off_skull)
    groove = envelope(
        over, triangles[near[triangles].all(axis=1)], low_m=(z_m[0], _GROOVE_M[0]), high_m=(z_m[1], _GROOVE_M[1])
    )
    highest = float(groove.height_m.max())
    return min(highest, top_m) if np.isfinite(highest) else top_m - 0.008
