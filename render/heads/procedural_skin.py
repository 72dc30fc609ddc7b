"""The skin of the procedural head: crown, face, eyelids, lips and neck as one surface, with named loops of vertices."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.interpolate import CubicSpline, PchipInterpolator

from render.heads.procedural_lips import lip_curves_mm, lip_ring_mm
from render.heads.procedural_neck import LAST_HEAD_ROWS, neck_rows_mm
from render.heads.procedural_skull import (
    EYE_CENTRE_MM,
    EYE_RADIUS_MM,
    INNER_CANTHUS_MM,
    OUTER_CANTHUS_MM,
    angles_of,
    front_points,
    surface_points,
)
from render.heads.procedural_topology import (
    COLUMNS,
    EYE_HOLE,
    HOLES,
    MOUTH_HOLE,
    NOSTRIL_HOLE,
    ROWS_DEG,
    column_azimuths_deg,
    grid_quads,
    hole_inside,
    hole_loop,
    mirrored,
    patch_quads,
    ring_quads,
    square_around,
)

# How far each ring lies on its way from the rectangle to the rim of the eye, and to the outline of the lips.
_EYE_STEPS = (0.2, 0.38, 0.53, 0.66, 0.77, 0.86, 0.93, 0.97, 1.0)
_MOUTH_STEPS = (0.22, 0.43, 0.62, 0.8, 0.92, 1.0)
# The row along the brow, and how far it is lifted at which azimuths, degrees.
_BROW_ROW_DEG = 25.0
_BROW_ARCH_DEG = ((0.0, 8.0, 15.0, 22.0, 31.0, 39.0, 55.0, 180.0), (-1.1, -1.1, -0.3, 0.6, 0.8, -0.8, 0.0, 0.0))
_LIP_STEPS = (0.16, 0.34, 0.52, 0.7, 0.86, 1.0)


@dataclass(frozen=True)
class Skin:
    """Vertices in mm, quads, and loops by name.

    Loops of the eyes start at the outer corner and run over the upper lid, `mouth_*` start at the left corner and run
    over the upper lip; `nostril_*` start at the outer side. Right-hand loops mirror the left ones.
    """

    vertices_mm: Float[np.ndarray, "n 3"]
    quads: Int[np.ndarray, "f 4"]
    grid: Int[np.ndarray, "r c"]
    loops: dict[str, Int[np.ndarray, " l"]]
    inside_mouth_from: int
    """Quads from this one on line the mouth, up to `inside_mouth_to`."""
    inside_mouth_to: int
    neck_from_row: int
    eye_rings: dict[str, float]
    """How far rings move with the lids, by name (loop `eye_<side>_<name>`): 0 outermost, 1 on the rim."""
    ring_of_outline: int
    ring_of_line: int
    mouth_rings: int
    """Loops `mouth_0` (the edge of the hole) to the last one deep in the mouth."""


def build_skin() -> Skin:
    """The mean skin; unused grid vertices removed, left and right exact mirror images."""
    builder = _Builder()
    azimuth, elevation = _grid_angles()
    grid = builder.add(surface_points(azimuth.ravel(), elevation.ravel())).reshape(azimuth.shape)
    _add_crown(builder, grid)
    rows = _add_neck(builder, grid)
    builder.quads.append(grid_quads(grid, holes=HOLES))
    loops = _add_eyes(builder, grid) | _add_nostrils(builder, grid)
    start = sum(map(len, builder.quads))
    mouth, lining = _add_mouth(builder, grid)
    end = sum(map(len, builder.quads))
    skin = Skin(
        vertices_mm=np.concatenate(builder.points),
        quads=np.concatenate(builder.quads),
        grid=np.concatenate([grid, rows]),
        loops=loops | mouth,
        inside_mouth_from=start + lining,
        inside_mouth_to=end,
        neck_from_row=len(grid),
        eye_rings={str(ring): share for ring, share in enumerate((0.0, *_EYE_STEPS, 1.0, 1.0, 0.7, 0.4, 0.1))},
        ring_of_outline=len(_MOUTH_STEPS),
        ring_of_line=len(_MOUTH_STEPS) + len(_LIP_STEPS),
        mouth_rings=len(_MOUTH_STEPS) + len(_LIP_STEPS) + 8,
    )
    return _without_unused(skin, np.concatenate([hole_inside(grid, hole) for hole in HOLES]))


class _Builder:
    """Grows the lists of points and quads; ids are handed out in order."""

    def __init__(self) -> None:
        self.points: list[np.ndarray] = []
        self.quads: list[np.ndarray] = []
        self.count = 0

    def add(self, points: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, " n"]:
        self.points.append(points)
        self.count += len(points)
        return np.arange(self.count - len(points), self.count)

    def at(self, ids: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n 3"]:
        return np.concatenate(self.points)[ids]


def _grid_angles() -> tuple[np.ndarray, np.ndarray]:
    azimuth = column_azimuths_deg()
    even = np.linspace(0.0, 360.0, COLUMNS, endpoint=False)
    even = np.where(even > 180.0, even - 360.0, even)
    # Towards the crown the columns spread evenly, so that its square patch is a fair one.
    share = np.clip((ROWS_DEG - 30.0) / 36.0, 0.0, 1.0)
    share = (share * share * (3.0 - 2.0 * share))[:, None]
    # Below the ears the rows rise towards the back: from the chin along the jaw to the nape.
    steepness = CubicSpline([0, 40, 90, 126, 180], [1.0, 0.99, 0.93, 0.72, 0.62], bc_type="clamped")(np.abs(azimuth))
    elevation = np.where(ROWS_DEG[:, None] < 0, ROWS_DEG[:, None] * steepness, ROWS_DEG[:, None])
    # Landmarks are vertices, so one row has to arch as the brow does.
    arch = PchipInterpolator(*_BROW_ARCH_DEG)(np.abs(azimuth))
    elevation = elevation + arch * np.exp(-0.5 * ((ROWS_DEG[:, None] - _BROW_ROW_DEG) / 2.5) ** 2)
    return azimuth + share * (even - azimuth), elevation


def _add_crown(builder: _Builder, grid: np.ndarray) -> None:
    side = COLUMNS // 4
    ids = np.full((side + 1, side + 1), -1)
    edge = square_around(COLUMNS)
    ids[edge[:, 0], edge[:, 1]] = grid[0]
    # Square to disc: the square's edge lies on the first row's elevation, its middle on the pole.
    edge_to_edge = np.linspace(-1.0, 1.0, side + 1)
    x, front = np.meshgrid(edge_to_edge, edge_to_edge)
    radius = np.maximum(np.abs(x), np.abs(front))
    # Each quarter of the square turns by 90 degrees as it passes from corner to corner.
    in_front = np.abs(x) <= np.abs(front)
    along = np.divide(x, front, out=np.zeros_like(x), where=in_front & (front != 0))
    across = np.divide(front, x, out=np.zeros_like(x), where=~in_front)
    angle = np.where(in_front, 45.0 * along + np.where(front < 0, 180.0, 0.0), np.sign(x) * 90.0 - 45.0 * across)
    elevation = 90.0 - radius * (90.0 - ROWS_DEG[0])
    inner = ids < 0
    ids[inner] = builder.add(surface_points(angle[inner], elevation[inner]))
    builder.quads.append(patch_quads(ids))


def _add_neck(builder: _Builder, grid: np.ndarray) -> np.ndarray:
    points = neck_rows_mm(np.stack([builder.at(grid[row]) for row in LAST_HEAD_ROWS]))
    rows = builder.add(points.reshape(-1, 3)).reshape(points.shape[:2])
    builder.quads.append(grid_quads(np.concatenate([grid[-1:], rows])))
    return rows


def _add_eyes(builder: _Builder, grid: np.ndarray) -> dict[str, np.ndarray]:
    loop = hole_loop(grid, EYE_HOLE)
    rim = eye_rim_mm(len(loop))
    rings = _rings_between(builder.at(loop), rim, _EYE_STEPS)
    outward = rim - EYE_CENTRE_MM
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    # The margin of the lid turns in to the globe; behind it a cup closes the socket.
    rings.append(EYE_CENTRE_MM + outward * (EYE_RADIUS_MM + 0.35))
    middle = outward.mean(axis=0) / np.linalg.norm(outward.mean(axis=0))
    sideways = outward - (outward @ middle)[:, None] * middle
    sideways /= np.linalg.norm(sideways, axis=1, keepdims=True)
    for polar_deg in (80.0, 110.0, 140.0, 165.0):
        polar = np.radians(polar_deg)
        rings.append(EYE_CENTRE_MM + (EYE_RADIUS_MM + 0.9) * (np.cos(polar) * middle + np.sin(polar) * sideways))
    loops = {}
    for name, flip in (("left", 1.0), ("right", -1.0)):
        hole = EYE_HOLE if flip > 0 else mirrored(EYE_HOLE)
        outer = hole_loop(grid, hole)
        if flip < 0:
            outer = _mirrored_order(outer)
        ids = [outer] + [builder.add(ring * np.array([flip, 1.0, 1.0])) for ring in rings]
        pole = builder.add((rings[-1].mean(axis=0) * np.array([flip, 1.0, 1.0]))[None])
        _close(builder, ids, pole, flip=flip < 0)
        loops[f"eye_{name}"] = ids[len(_EYE_STEPS)]
        loops[f"eye_{name}_margin"] = ids[len(_EYE_STEPS) + 1]
        for ring, ring_ids in enumerate(ids):
            loops[f"eye_{name}_{ring}"] = ring_ids
    return loops


def eye_rim_mm(length: int) -> Float[np.ndarray, "l 3"]:
    """The edge of the left eye's lids: from the outer corner over the upper lid to the inner corner and back below."""
    half = length // 2
    share = np.linspace(0.0, 1.0, half + 1)
    share = 0.6 * share + 0.4 * (0.5 - 0.5 * np.cos(np.pi * share))
    line = OUTER_CANTHUS_MM + share[:, None] * (INNER_CANTHUS_MM - OUTER_CANTHUS_MM)
    upper, lower = line.copy(), line.copy()
    upper[:, 1] += 5.5 * np.sin(np.pi * share**1.08) ** 0.8
    lower[:, 1] -= 4.9 * np.sin(np.pi * share**0.86) ** 0.85
    rim = np.concatenate([upper, lower[-2:0:-1]])
    return front_points(rim[:, 0], rim[:, 1])


def _add_nostrils(builder: _Builder, grid: np.ndarray) -> dict[str, np.ndarray]:
    loop = hole_loop(grid, NOSTRIL_HOLE)
    turn = np.linspace(0.0, 2.0 * np.pi, len(loop), endpoint=False)
    # Seen from below: z forward is "up" in the hole's rectangle, because its upper rows lie further forward.
    along = 4.3 * np.sin(turn)
    rim = np.stack([7.6 + 2.5 * np.cos(turn) - 0.28 * along, np.full(len(turn), -26.0), 101.0 + along], axis=1)
    rings = _rings_between(builder.at(loop), rim, (0.55, 1.0))
    middle = rings[-1].mean(axis=0)
    for shrink, depth in ((0.97, 1.4), (0.92, 4.5), (0.78, 8.5), (0.5, 12.0)):
        rings.append(middle + shrink * (rings[1] - middle) + depth * np.array([-0.1, 0.8, -0.35]))
    loops = {}
    for name, flip in (("left", 1.0), ("right", -1.0)):
        outer = loop if flip > 0 else _mirrored_order(hole_loop(grid, mirrored(NOSTRIL_HOLE)))
        ids = [outer] + [builder.add(ring * np.array([flip, 1.0, 1.0])) for ring in rings]
        pole = builder.add((rings[-1].mean(axis=0) * np.array([flip, 1.0, 1.0]))[None])
        _close(builder, ids, pole, flip=flip < 0)
        loops[f"nostril_{name}"] = ids[2]
    return loops


def _add_mouth(builder: _Builder, grid: np.ndarray) -> tuple[dict[str, np.ndarray], int]:
    loop = hole_loop(grid, MOUTH_HOLE)
    outline, line = lip_curves_mm(len(loop))
    rings = _rings_between(builder.at(loop), front_points(outline[:, 0], outline[:, 1]), _MOUTH_STEPS)
    rings += [lip_ring_mm(outline, line, step) for step in _LIP_STEPS]
    upper = np.sin(np.linspace(0.0, 2.0 * np.pi, len(loop), endpoint=False))
    last = rings[-1]
    tuck = np.sqrt(np.abs(upper)) * np.sign(upper)
    for inward, spread, narrow in ((1.6, 0.1, 1.0), (4.0, 1.2, 1.0), (7.0, 5.0, 0.98), (9.0, 10.0, 0.96)):
        ring = last * np.array([narrow, 1.0, 1.0])
        rings.append(ring + np.stack([np.zeros_like(upper), spread * tuck, np.full_like(upper, -inward)], axis=1))
    turn = np.linspace(0.0, 2.0 * np.pi, len(loop), endpoint=False)
    for depth, width, height in ((74.0, 29.0, 15.0), (58.0, 28.0, 15.0), (42.0, 20.0, 11.0)):
        rings.append(np.stack([width * np.cos(turn), -50.0 + height * np.sin(turn), np.full_like(turn, depth)], axis=1))
    ids = [loop] + [builder.add(ring) for ring in rings]
    pole = builder.add(np.array([[0.0, -50.0, 36.0]]))
    _close(builder, ids, pole, flip=False)
    outline_ring = len(_MOUTH_STEPS)
    names = {"mouth_outline": outline_ring, "mouth_line": outline_ring + len(_LIP_STEPS)}
    loops = {name: ids[ring] for name, ring in names.items()}
    for ring in range(len(ids)):
        loops[f"mouth_{ring}"] = ids[ring]
    return loops, (names["mouth_line"] + 2) * len(loop)


def _rings_between(start_mm: np.ndarray, end_mm: np.ndarray, steps: tuple[float, ...]) -> list[np.ndarray]:
    first, last = np.stack(angles_of(start_mm), axis=1), np.stack(angles_of(end_mm), axis=1)
    return [surface_points(*(first + step * (last - first)).T) for step in steps]


def _mirrored_order(loop: np.ndarray) -> np.ndarray:
    """The loop of the mirrored hole in the order of the left one: same start on the outer side, other way round."""
    half = len(loop) // 2
    return np.roll(loop, -half)[np.r_[0, np.arange(len(loop) - 1, 0, -1)]]


def _close(builder: _Builder, rings: list[np.ndarray], pole: np.ndarray, *, flip: bool) -> None:
    """Add quads ring by ring; the last ring closes on a pole with quads that span two steps each."""
    quads = ring_quads(rings)
    last = rings[-1]
    even = np.arange(0, len(last), 2)
    cap = np.stack([last[even], last[even + 1], last[(even + 2) % len(last)], np.repeat(pole, len(even))], axis=1)
    quads = np.concatenate([quads, cap])
    builder.quads.append(quads[:, ::-1] if flip else quads)


def _without_unused(skin: Skin, unused: np.ndarray) -> Skin:
    keep = np.ones(len(skin.vertices_mm), dtype=bool)
    keep[unused] = False
    place = np.where(keep, np.cumsum(keep) - 1, -1)
    return replace(
        skin,
        vertices_mm=skin.vertices_mm[keep],
        quads=place[skin.quads],
        grid=place[skin.grid],
        loops={name: place[loop] for name, loop in skin.loops.items()},
    )
