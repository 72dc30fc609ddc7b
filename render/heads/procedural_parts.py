"""The parts of the procedural head that are no skin: eyeballs, teeth, gums and tongue, as closed meshes in mm."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from render.heads.model import LIMBUS_RADIUS_M, Region
from render.heads.procedural_skull import EYE_CENTRE_MM, EYE_RADIUS_MM
from render.heads.procedural_topology import grid_quads, ring_quads

IRIS_RADIUS_MM = round(1000 * LIMBUS_RADIUS_M, 6)
# The cornea stands out over the globe by this much at its middle, in mm.
_CORNEA_RISE_MM = 0.7
# Polar angles of the eyeball's rings against the line of sight, in degrees; the iris ends at the fifth.
_EYE_POLAR_DEG = (5.0, 9.5, 14.5, 20.0, 28.9, 38.0, 50.0, 63.0, 78.0, 95.0, 115.0, 140.0, 162.0)
_EYE_SPOKES = 32
_CARUNCLE_MM, _CARUNCLE_RADII_MM = np.array([18.0, 14.7, 73.0]), np.array([1.9, 1.3, 1.7])
# Section through a tooth from gum to biting edge and back behind: share of the crown, and how far out it stands.
_TOOTH_SECTION_MM = ((0.0, 0.35, 0.75, 0.97, 1.0, 0.9, 0.4, 0.0), (0.2, 0.6, 0.4, -0.9, -2.0, -4.0, -6.5, -7.0))
# Section through a gum: height over the necks of the teeth, and how far out it stands.
_GUM_SECTION_MM = ((8.0, 4.0, 1.0, -0.6, -0.6, 1.0, 4.0, 8.0), (-1.5, 0.9, 1.0, 0.2, -6.5, -8.5, -9.0, -9.0))


@dataclass(frozen=True)
class Part:
    """One closed mesh: vertices in mm, quads counter-clockwise seen from outside, and the region of each quad."""

    vertices_mm: Float[np.ndarray, "n 3"]
    quads: Int[np.ndarray, "f 4"]
    regions: Int[np.ndarray, " f"]


def mirrored_part(part: Part) -> Part:
    """The same part on the other side of the head."""
    return Part(part.vertices_mm * np.array([-1.0, 1.0, 1.0]), part.quads[:, ::-1], part.regions)


def left_eyeball() -> Part:
    """A globe that looks straight ahead; vertex 0 is the middle of the pupil. The cornea is a low bulge."""
    polar = np.radians(np.array(_EYE_POLAR_DEG))
    bulge = np.clip(1.0 - polar / np.radians(_EYE_POLAR_DEG[5]), 0.0, 1.0)
    radius = EYE_RADIUS_MM + _CORNEA_RISE_MM * (bulge * bulge * (3.0 - 2.0 * bulge))
    turn = np.linspace(0.0, 2.0 * np.pi, _EYE_SPOKES, endpoint=False)
    rings = np.stack(
        [
            (radius * np.sin(polar))[:, None] * np.cos(turn),
            (radius * np.sin(polar))[:, None] * np.sin(turn),
            (radius * np.cos(polar))[:, None] * np.ones(_EYE_SPOKES),
        ],
        axis=2,
    )
    front = np.array([[0.0, 0.0, EYE_RADIUS_MM + _CORNEA_RISE_MM]])
    back = np.array([[0.0, 0.0, -EYE_RADIUS_MM]])
    ids = 1 + np.arange(rings[..., 0].size).reshape(rings.shape[:2])
    quads = np.concatenate(
        [cap_quads(ids[0], 0), ring_quads(list(ids))[:, ::-1], cap_quads(ids[-1], ids.size + 1)[:, ::-1]]
    )
    iris = EYE_RADIUS_MM * np.sin(np.radians(_EYE_POLAR_DEG[4]))
    vertices = np.concatenate([front, rings.reshape(-1, 3), back])
    middles = vertices[quads].mean(axis=1)
    in_iris = (np.hypot(middles[:, 0], middles[:, 1]) < iris) & (middles[:, 2] > 0)
    return Part(vertices + EYE_CENTRE_MM, quads, np.where(in_iris, Region.IRIS, Region.SCLERA))


def left_caruncle() -> Part:
    """The small pink mound in the inner corner of the left eye."""
    polar = np.linspace(0.0, np.pi, 7)[1:-1]
    turn = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    sphere = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(turn),
            np.sin(polar)[:, None] * np.sin(turn),
            np.cos(polar)[:, None] + 0 * turn,
        ],
        axis=2,
    )
    ids = 1 + np.arange(sphere[..., 0].size).reshape(sphere.shape[:2])
    vertices = np.concatenate([[[0.0, 0.0, 1.0]], sphere.reshape(-1, 3), [[0.0, 0.0, -1.0]]])
    first, last = cap_quads(ids[0], 0), cap_quads(ids[-1], ids.size + 1)[:, ::-1]
    quads = np.concatenate([first, ring_quads(list(ids))[:, ::-1], last])
    return Part(_CARUNCLE_MM + vertices * _CARUNCLE_RADII_MM, quads, np.full(len(quads), Region.SKIN))


def teeth(upper: bool) -> Part:
    """A row of fourteen teeth on an arch, front to back of each: crown with a biting edge."""
    width = np.array([8.4, 6.7, 7.7, 7.0, 6.8, 9.5, 9.0]) if upper else np.array([5.4, 6.0, 6.9, 7.0, 7.1, 10.5, 10.0])
    crown = np.array([10.0, 9.0, 9.8, 8.4, 7.8, 7.0, 6.6]) if upper else np.array([8.6, 8.8, 9.8, 8.4, 7.8, 7.0, 6.6])
    across = np.linspace(-1.0, 1.0, 5)
    centres = np.cumsum(width) - 0.5 * width
    along, height, swell = [], [], []
    for centre, wide, tall in zip(centres, width, crown, strict=True):
        along.append(centre + 0.5 * wide * across * 0.985)
        height.append(tall * (1.0 - 0.06 * across**2))
        swell.append(0.9 * (1.0 - across**4) - 0.5)
    s = np.concatenate([-np.concatenate(along)[::-1], np.concatenate(along)])
    tall = np.concatenate([np.concatenate(height)[::-1], np.concatenate(height)])
    bulge = np.concatenate([np.concatenate(swell)[::-1], np.concatenate(swell)])
    place, outward = _arch(s, upper=upper)
    edge, sign = (-52.0, -1.0) if upper else (-51.0, 1.0)
    rows = []
    for share, depth in zip(*_TOOTH_SECTION_MM, strict=True):
        y = edge - sign * tall * (1.0 - share)
        rows.append(place + outward * (depth + bulge)[:, None] + np.stack([0 * y, y, 0 * y], axis=1))
    return _strip(np.stack(rows), Region.TEETH, flip=upper)


def gums(upper: bool) -> Part:
    """The gum that the teeth stand in, an arch-shaped bar."""
    s = np.linspace(-56.0, 56.0, 61) if upper else np.linspace(-54.0, 54.0, 61)
    place, outward = _arch(s, upper=upper)
    edge, sign = (-44.0, 1.0) if upper else (-58.5, -1.0)
    rows = []
    for up, depth in zip(*_GUM_SECTION_MM, strict=True):
        y = edge + sign * up
        rows.append(place + outward * depth + np.array([0.0, y, 0.0]))
    return _strip(np.stack(rows), Region.GUMS, flip=upper)


def left_lashes(rim_mm: Float[np.ndarray, "l 3"]) -> tuple[Part, Int[np.ndarray, " n"], Float[np.ndarray, "n 2"]]:
    """Two strips along the edge of the left eye's lids, with the rim vertex that each point hangs on and its UV.

    u runs along the lid (plus 1 for the lower strip), v from 0 at the root to 1 at the tips.
    """
    half = len(rim_mm) // 2
    strips = ((np.arange(1, half - 2), 8.5, 0.8, 0.0), (np.arange(len(rim_mm) - 3, half + 4, -1), 5.5, -0.75, 1.0))
    vertices, quads, hosts, uvs, count = [], [], [], [], 0
    for ids, length, rise, card in strips:
        root = rim_mm[ids]
        away = root - EYE_CENTRE_MM
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        lean = np.array([0.35, 0.0, 0.0]) * np.linspace(1.0, -0.4, len(ids))[:, None]
        share = np.linspace(0.0, 1.0, len(ids))
        reach = length * (0.55 + 0.45 * np.sin(np.pi * (0.15 + 0.75 * (1.0 - share))))[:, None]
        first = root - 0.25 * away
        middle = first + reach * (0.5 * away + lean * 0.4 + np.array([0.0, 0.12 * rise, 0.05]))
        tip = first + reach * (0.78 * away + lean + np.array([0.0, 0.62 * rise, 0.1]))
        grid = count + np.arange(3 * len(ids)).reshape(3, len(ids))
        strip = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=2).reshape(-1, 4)
        quads.append(strip if rise < 0 else strip[:, ::-1])
        vertices += [first, middle, tip]
        hosts.append(np.tile(ids, 3))
        uvs += [np.stack([card + share * 0.98, np.full(len(ids), v)], axis=1) for v in (0.0, 0.5, 1.0)]
        count += 3 * len(ids)
    faces = np.concatenate(quads)
    part = Part(np.concatenate(vertices), faces, np.full(len(faces), Region.LASHES))
    return part, np.concatenate(hosts), np.concatenate(uvs)


def tongue() -> Part:
    """A flat rounded body that lies behind the lower teeth."""
    polar = np.linspace(0.0, np.pi, 12)[1:-1]
    turn = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    rings = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(turn) * 19.0,
            np.sin(polar)[:, None] * np.sin(turn) * 6.0 - 55.5,
            np.cos(polar)[:, None] * 21.0 + 60.0 + 0.0 * turn,
        ],
        axis=2,
    )
    ids = 1 + np.arange(rings[..., 0].size).reshape(rings.shape[:2])
    vertices = np.concatenate([[[0.0, -55.5, 81.0]], rings.reshape(-1, 3), [[0.0, -55.5, 39.0]]])
    quads = np.concatenate(
        [cap_quads(ids[0], 0), ring_quads(list(ids))[:, ::-1], cap_quads(ids[-1], ids.size + 1)[:, ::-1]]
    )
    return Part(vertices, quads, np.full(len(quads), Region.TONGUE))


def _arch(s: np.ndarray, *, upper: bool) -> tuple[np.ndarray, np.ndarray]:
    """Points (x, 0, z) at arc lengths along the dental arch, and its outward normals."""
    x = np.linspace(-28.5, 28.5, 400) if upper else np.linspace(-27.0, 27.0, 400)
    z = (90.5 if upper else 88.3) - 0.012 * np.abs(x) ** 2.45
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    length -= 0.5 * length[-1]
    s = s * min(1.0, length[-1] / np.abs(s).max())
    at_x, at_z = np.interp(s, length, x), np.interp(s, length, z)
    slope_x, slope_z = np.interp(s, length, np.gradient(x, length)), np.interp(s, length, np.gradient(z, length))
    outward = np.stack([-slope_z, np.zeros_like(s), slope_x], axis=1)
    return np.stack([at_x, np.zeros_like(s), at_z], axis=1), outward / np.linalg.norm(outward, axis=1, keepdims=True)


def _strip(rows: Float[np.ndarray, "r c 3"], region: Region, *, flip: bool) -> Part:
    """A tube whose cross-section runs along the first axis and whose two ends close on a fan of quads."""
    count, length = rows.shape[:2]
    ids = np.arange(count * length).reshape(count, length)
    quads = grid_quads(ids.T)
    for end, turned in ((ids[:, 0], False), (ids[:, -1], True)):
        quads = np.concatenate([quads, _endcap_quads(end)[:, ::-1] if turned else _endcap_quads(end)])
    return Part(rows.reshape(-1, 3), quads if not flip else quads[:, ::-1], np.full(len(quads), region))


def _endcap_quads(loop: np.ndarray) -> Int[np.ndarray, "f 4"]:
    """Quads straight across a loop of even length."""
    half = len(loop) // 2
    return np.stack([loop[: half - 1], loop[1:half], loop[-2 : -half - 1 : -1], loop[-1:-half:-1]], axis=1)


def cap_quads(loop: np.ndarray, pole: int) -> Int[np.ndarray, "f 4"]:
    """Quads from a pole to a loop that runs counter-clockwise around it, two steps each."""
    even = np.arange(0, len(loop), 2)
    return np.stack([np.full(len(even), pole), loop[even], loop[even + 1], loop[(even + 2) % len(loop)]], axis=1)
