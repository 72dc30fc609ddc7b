"""Displacement fields that the people and expressions of the procedural head are made of: pushes, turns, ramps."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from render.heads.procedural_anatomy import Anatomy, ramp
from render.heads.procedural_skull import EYE_CENTRE_MM

Field = Callable[[Anatomy, np.ndarray], np.ndarray]
# Centre, standard deviations and motion in mm; x of the motion points outwards on either side.
Push = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


def bump(points: np.ndarray, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
    """A Gaussian weight around a point of the left side and its mirror image; radii are standard deviations in mm."""
    folded = np.stack([np.abs(points[:, 0]), points[:, 1], points[:, 2]], axis=1)
    return np.exp(-0.5 * (((folded - np.array(centre)) / np.array(radii)) ** 2).sum(axis=1))


def turned_about(points: np.ndarray, pivot: np.ndarray, axis: np.ndarray, degrees: np.ndarray | float) -> np.ndarray:
    """Points turned about an axis through a pivot (right-hand rule), each by its own angle."""
    axis = axis / np.linalg.norm(axis)
    angle = np.radians(degrees) * np.ones(len(points))
    offset = points - pivot
    along = (offset @ axis)[:, None] * axis
    return pivot + along + np.cos(angle)[:, None] * (offset - along) + np.sin(angle)[:, None] * np.cross(axis, offset)


def vectors(x: np.ndarray | float, y: np.ndarray | float, z: np.ndarray | float, count: int) -> np.ndarray:
    """(count, 3) vectors; a plain number counts for all of them."""
    return np.stack([np.broadcast_to(np.asarray(part, dtype=float), (count,)) for part in (x, y, z)], axis=1)


def pushes(*parts: Push) -> Field:
    """A sum of Gaussian pushes of everything near."""

    def apply(_: Anatomy, points: np.ndarray) -> np.ndarray:
        total = np.zeros_like(points)
        side = np.clip(points[:, 0] / 6.0, -1.0, 1.0)
        for centre, radii, (outward, up, forward) in parts:
            weight = bump(points, centre, radii)
            # Around the middle plane a widening is a stretch, or it would tear there.
            aside = outward * points[:, 0] / radii[0] if centre[0] == 0.0 else outward * side
            total += weight[:, None] * vectors(aside, up, forward, len(points))
        return total

    return apply


def skin_pushes(*parts: Push) -> Field:
    """A sum of Gaussian pushes of the skin that leaves teeth, tongue and eyes."""
    field = pushes(*parts)
    return lambda anatomy, points: field(anatomy, points) * on_skin(anatomy, points)[:, None]


def on_skin(anatomy: Anatomy, points: np.ndarray) -> Float[np.ndarray, " n"]:
    """1 on the skin and the lining of the mouth, 0 on all parts."""
    return np.isin(np.arange(len(points)), anatomy.parts["skin"]).astype(float)


def with_rigid_eyes(anatomy: Anatomy, field: Field) -> Float[np.ndarray, "n 3"]:
    """The field, but each eyeball moves as a whole, and what lies close around it moves with it."""
    points = anatomy.vertices_mm
    moved = field(anatomy, points)
    for sign, name in ((1.0, "eye_left"), (-1.0, "eye_right")):
        centre = EYE_CENTRE_MM * np.array([sign, 1.0, 1.0])
        shift = moved[anatomy.parts[name]].mean(axis=0)
        hold = ramp(np.linalg.norm(points - centre, axis=1), 27.0, 16.5)[:, None]
        moved = moved + hold * (shift - moved)
        moved[anatomy.parts[name]] = shift
    return moved


def beside_eyes(anatomy: Anatomy, field: Field) -> Float[np.ndarray, "n 3"]:
    """The field on the skin around the eyes; it fades towards the rims of the lids, and the eyes stay."""
    near = anatomy.near_rim.max(axis=1)
    return field(anatomy, anatomy.vertices_mm) * ((1.0 - ramp(near, 0.35, 0.85)) * _not_eyes(anatomy))[:, None]


def turned_lids(anatomy: Anatomy, degrees: np.ndarray, axis: tuple[float, float, float]) -> Float[np.ndarray, "n 3"]:
    """Lids turned about the centres of their eyes; angles and axis are those of the left eye, the right mirrors it."""
    moved = np.zeros_like(anatomy.vertices_mm)
    for column, sign in enumerate((1.0, -1.0)):
        centre = EYE_CENTRE_MM * np.array([sign, 1.0, 1.0])
        weight = ramp(anatomy.near_rim[:, column], 0.15, 0.95)
        # A mirrored turn keeps its sense about x and reverses it about y and z.
        turn = np.array(axis) * np.array([1.0, sign, sign])
        moved += turned_about(anatomy.vertices_mm, centre, turn, weight * degrees) - anatomy.vertices_mm
    return moved


def hang_lashes(anatomy: Anatomy, field: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """The field with lashes carried along by the rim that they grow from; it is changed in place."""
    hung = anatomy.lash_hosts >= 0
    field[hung] = field[anatomy.lash_hosts[hung]]
    return field


def _not_eyes(anatomy: Anatomy) -> Float[np.ndarray, " n"]:
    keep = np.ones(len(anatomy.vertices_mm))
    keep[anatomy.parts["eye_left"]] = keep[anatomy.parts["eye_right"]] = 0.0
    return keep
