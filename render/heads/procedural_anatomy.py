"""The mean procedural head: skin and parts in one list of vertices, and what each vertex belongs to."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import KDTree

from render.heads.model import Region
from render.heads.procedural_ear import left_ear
from render.heads.procedural_parts import (
    Part,
    gums,
    left_caruncle,
    left_eyeball,
    left_lashes,
    mirrored_part,
    teeth,
    tongue,
)
from render.heads.procedural_skin import Skin, build_skin

MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Anatomy:
    """Mean vertices (mm, head frame), quads, regions, and per-vertex facts that expressions and rig are built on."""

    vertices_mm: Float[np.ndarray, "n 3"]
    quads: Int[np.ndarray, "f 4"]
    regions: Int[np.ndarray, " f"]
    loops: dict[str, Int[np.ndarray, " l"]]
    parts: dict[str, Int[np.ndarray, " v"]]
    mirror_of: Int[np.ndarray, " n"]
    """The vertex on the other side of the middle plane."""
    near_rim: Float[np.ndarray, "n 2"]
    """1 on the rim of the left (column 0) and right eye, falling to 0 over the lids and behind the globe."""
    upper_lid: Float[np.ndarray, " n"]
    """On the lids: 1 over the middle of the eye, 0 in its corners, -1 below; 0 elsewhere."""
    mouth: Float[np.ndarray, " n"]
    """1 on the lips and the lining behind them, falling to 0 around the mouth and far inside."""
    lower_lip: Float[np.ndarray, " n"]
    """0 above the line between the lips, 1 below it, one half in the corners."""
    lash_hosts: Int[np.ndarray, " n"]
    """The rim vertex that a lash vertex hangs on; -1 elsewhere."""
    lash_uvs: Float[np.ndarray, "n 2"]


def build_anatomy() -> Anatomy:
    """The mean head; left and right are exact mirror images."""
    skin = build_skin()
    eye, caruncle, ear = left_eyeball(), left_caruncle(), left_ear()
    lashes, hosts, uvs = left_lashes(skin.vertices_mm[skin.loops["eye_left"]])
    others: dict[str, Part] = {
        "eye_left": eye,
        "eye_right": mirrored_part(eye),
        "caruncle_left": caruncle,
        "caruncle_right": mirrored_part(caruncle),
        "ear_left": ear,
        "ear_right": mirrored_part(ear),
        "upper_teeth": teeth(upper=True),
        "lower_teeth": teeth(upper=False),
        "upper_gums": gums(upper=True),
        "lower_gums": gums(upper=False),
        "tongue": tongue(),
        "lashes_left": lashes,
        "lashes_right": mirrored_part(lashes),
    }
    vertices, quads, regions = [skin.vertices_mm], [skin.quads], [_skin_regions(skin)]
    parts = {"skin": np.arange(len(skin.vertices_mm))}
    count = len(skin.vertices_mm)
    for name, part in others.items():
        parts[name] = np.arange(count, count + len(part.vertices_mm))
        vertices.append(part.vertices_mm)
        quads.append(part.quads + count)
        regions.append(part.regions)
        count += len(part.vertices_mm)
    points = np.concatenate(vertices)
    mirror_of = _mirror_map(points, parts)
    points = 0.5 * (points + points[mirror_of] * MIRROR)
    near_rim, upper_lid = _lid_facts(skin, count)
    mouth, lower_lip = _mouth_facts(skin, points)
    lash_hosts, lash_uvs = np.full(count, -1), np.zeros((count, 2))
    for side in ("left", "right"):
        lash_hosts[parts[f"lashes_{side}"]] = skin.loops[f"eye_{side}"][hosts]
        lash_uvs[parts[f"lashes_{side}"]] = uvs
    return Anatomy(
        vertices_mm=points,
        quads=np.concatenate(quads),
        regions=np.concatenate(regions),
        loops=skin.loops,
        parts=parts,
        mirror_of=mirror_of,
        near_rim=near_rim,
        upper_lid=upper_lid,
        mouth=mouth,
        lower_lip=lower_lip,
        lash_hosts=lash_hosts,
        lash_uvs=lash_uvs,
    )


def ramp(values: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 at `start` and before, 1 at `end` and beyond, smooth between; `start` may be the larger one."""
    share = np.clip((values - start) / (end - start), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _mirror_map(points: np.ndarray, parts: dict[str, np.ndarray]) -> Int[np.ndarray, " n"]:
    result = np.empty(len(points), dtype=int)
    for name, ids in parts.items():
        other = name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")
        target = parts[other]
        if other != name:
            result[ids] = target
            continue
        _, nearest = KDTree(points[target]).query(points[ids] * MIRROR)
        result[ids] = target[nearest]
    return result


def _skin_regions(skin: Skin) -> Int[np.ndarray, " f"]:
    regions = np.full(len(skin.quads), Region.SKIN)
    middles = skin.vertices_mm[skin.quads].mean(axis=1)
    # The hairline: high over the forehead, down before the ears, low at the nape.
    height = np.interp(middles[:, 2], [-90, -60, -20, 20, 50, 80, 95], [-70, -50, 15, 45, 75, 92, 96])
    regions[middles[:, 1] > height] = Region.SCALP
    neck = np.zeros(len(skin.vertices_mm), dtype=bool)
    neck[skin.grid[skin.neck_from_row :]] = True
    regions[neck[skin.quads].all(axis=1)] = Region.NECK
    lips = np.zeros(len(skin.vertices_mm), dtype=bool)
    outline, line = skin.ring_of_outline, skin.ring_of_line
    for ring in range(outline, line + 3):
        lips[skin.loops[f"mouth_{ring}"]] = True
    regions[lips[skin.quads].all(axis=1)] = Region.LIPS
    regions[skin.inside_mouth_from : skin.inside_mouth_to] = Region.GUMS
    return regions


def _lid_facts(skin: Skin, count: int) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
    near_rim, upper = np.zeros((count, 2)), np.zeros(count)
    for column, side in enumerate(("left", "right")):
        for name, share in skin.eye_rings.items():
            loop = skin.loops[f"eye_{side}_{name}"]
            near_rim[loop, column] = share
            upper[loop] = np.sin(np.linspace(0.0, 2.0 * np.pi, len(loop), endpoint=False))
    return near_rim, upper


def _mouth_facts(skin: Skin, points: np.ndarray) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    mouth = np.zeros(len(points))
    lower = ramp(points[:, 1], -44.0, -56.0)
    rings = np.arange(float(skin.mouth_rings))
    inwards = ramp(rings, 0.0, skin.ring_of_outline)
    # Lips and the first rings behind them move alike; the back of the mouth stays.
    moving = inwards * ramp(rings, skin.ring_of_line + 8.0, skin.ring_of_line + 4.0)
    for ring in range(skin.mouth_rings):
        loop = skin.loops[f"mouth_{ring}"]
        mouth[loop] = moving[ring]
        below = ramp(np.sin(np.linspace(0.0, 2.0 * np.pi, len(loop), endpoint=False)), 0.95, -0.95)
        lower[loop] += inwards[ring] * (below - lower[loop])
    return mouth, lower
