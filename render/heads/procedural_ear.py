"""The ear of the procedural head: rings from the canal over bowl, antihelix and helix round to its back, closed."""

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from render.heads.model import Region
from render.heads.procedural_parts import Part, cap_quads
from render.heads.procedural_topology import ring_quads

_SPOKES = 72
# Where the canal opens: the middle of all rings, mm in the head frame.
_CANAL_MM = np.array([72.6, 1.0, -12.0])
_LEAN_DEG, _OUT_DEG = 10.0, 22.0
# By direction from the canal, degrees from the back (0) over the top (90) to the front (180) and the lobe (270):
# reach of the outline, reach and height of the rim of the bowl (antihelix, crus, tragus, notch, antitragus), how much
# of a helix there is, and the height of the edge where there is none; mm.
_PLAN = np.array(
    [
        (0, 19.5, 11.0, 3.2, 1.0, 0.5), (30, 23.5, 11.5, 3.4, 1.0, 0.5), (60, 29.0, 12.5, 3.0, 1.0, 0.5),
        (90, 32.5, 11.5, 1.6, 1.0, 0.0), (115, 28.5, 10.0, 0.4, 0.9, -1.5), (138, 21.0, 9.0, -1.0, 0.5, -4.5),
        (162, 17.5, 8.4, 1.4, 0.1, -5.5), (185, 16.5, 7.6, 4.3, 0.0, -5.5), (210, 17.0, 7.6, 4.1, 0.0, -5.5),
        (236, 20.5, 9.0, -2.4, 0.0, -5.0), (255, 26.0, 10.5, -3.2, 0.05, -1.6), (272, 30.0, 11.0, 1.0, 0.1, 0.4),
        (290, 28.5, 11.5, 3.2, 0.25, 0.8), (312, 22.5, 11.2, 2.6, 0.8, 0.8), (335, 19.3, 11.0, 3.0, 1.0, 0.6),
        (360, 19.5, 11.0, 3.2, 1.0, 0.5),
    ]
)  # fmt: skip
# Rings inside the bowl: share of its reach and height, the last one as an offset from the rim's height.
_BOWL_MM = ((0.35, -10.5), (0.62, -9.4), (0.82, -6.0))
# Rings from the rim of the bowl (0) to the outline (1): share, height where there is a helix (a number is added to the
# share of the rim's height), and the share of the way from the rim's height to the plain edge where there is none.
_BRIM = (
    (0.02, 1.0, 0.0, 0.0), (0.16, 0.95, 0.1, 0.18), (0.32, 0.55, -0.6, 0.4), (0.48, 0.1, -1.6, 0.6),
    (0.63, 0.0, -1.7, 0.75), (0.74, 0.0, 0.2, 0.85), (0.83, 0.0, 3.2, 0.92), (0.91, 0.0, 4.6, 0.97),
    (0.98, 0.0, 4.3, 1.0),
)  # fmt: skip
# Rings of the back: share of the outline, height behind a helix and behind a plain edge.
_BACK = (
    (1.02, 2.8, -1.2), (1.0, 0.6, -2.6), (0.93, -1.6, -3.8), (0.8, -3.8, -5.2), (0.66, -8.2, -9.0),
    (0.54, -14.0, -13.0), (0.4, -18.0, -16.0),
)  # fmt: skip


def left_ear() -> Part:
    """A closed mesh whose front edge and root lie inside the head; all SKIN."""
    turn = np.linspace(0.0, 2.0 * np.pi, _SPOKES, endpoint=False)
    plan = CubicSpline(_PLAN[:, 0], _PLAN[:, 1:], bc_type="periodic")(np.degrees(turn))
    reach, bowl, rim, helix, edge = plan.T
    helix = np.clip(helix, 0.0, 1.0)
    rings = [(share * bowl, np.full(_SPOKES, height)) for share, height in _BOWL_MM]
    rings.append((0.94 * bowl, rim - 1.6 - 1.4 * (rim > 0.0)))
    for share, of_rim, rise, to_edge in _BRIM:
        plain = rim + to_edge * (edge - rim)
        rings.append((bowl + share * (reach - bowl), helix * (of_rim * rim + rise) + (1.0 - helix) * plain))
    rings += [(share * reach, helix * folded + (1.0 - helix) * plain) for share, folded, plain in _BACK]
    placed = [_in_head(radius * np.cos(turn), radius * np.sin(turn), height) for radius, height in rings]
    ids = 1 + np.arange(len(placed) * _SPOKES).reshape(len(placed), _SPOKES)
    middle, root = (_in_head(*np.array([[0.0], [0.0], [height]])) for height in (-11.0, -19.0))
    quads = [cap_quads(ids[0], 0), ring_quads(list(ids))[:, ::-1], cap_quads(ids[-1], ids.size + 1)[:, ::-1]]
    faces = np.concatenate(quads)
    return Part(np.concatenate([middle, *placed, root]), faces, np.full(len(faces), Region.SKIN))


def _in_head(back: np.ndarray, up: np.ndarray, height: np.ndarray) -> Float[np.ndarray, "n 3"]:
    """Ear plane to head: its top leaned back, its back edge turned out from the head, its lobe close to the jaw."""
    lean, out = np.radians(_LEAN_DEG), np.radians(_OUT_DEG)
    height = height - 0.005 * np.minimum(up, 0.0) ** 2
    behind = back * np.cos(lean) + up * np.sin(lean)
    above = up * np.cos(lean) - back * np.sin(lean)
    sideways = height * np.cos(out) + (back + 8.0) * np.sin(out)
    inwards = behind * np.cos(out) - height * np.sin(out)
    return _CANAL_MM + np.stack([sideways, above, -inwards], axis=1)
