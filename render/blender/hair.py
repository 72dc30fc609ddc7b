"""Hair of a person in Blender: grown once, kept as plain curves, and moved with the head in every frame."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import bpy
import numpy as np
from jaxtyping import Bool, Float

from render.blender.hair_material import GREY, TINT, hair_material
from render.blender.hair_nodes import Strands, strands_between
from render.blender.hair_surface import hair_surface, shell_with_clothing
from render.blender.head import Person, PosedPerson
from render.blender.passes import HEAD, LABEL_AOV, WORN
from render.blender.rig import NECK_SHARE
from render.blender.skin import ROOTS
from render.dataset_format import Label
from render.geometry.frames import WORLD_FROM_HEAD_AXES
from render.hair.facial import (
    BEARDS,
    BROW_FINISH,
    LASH_RADIUS_MM,
    beard_density,
    beard_guides,
    brow_density,
    brow_guides,
    lash_strands,
)  # fmt: skip
from render.hair.guides import Layout, across_the_face, islands_of, lay_out, scalp_density, scalp_guides, sides_of
from render.hair.motion import Anchors, anchored, following, turn_profile, turned
from render.hair.styles import STYLES
from render.hair.surface import HairSurface, Shell, lifted_out
from render.heads.model import Region, modelled_hair
from render.parameters import Hair, HairColour

BALD, NO_BEARD = "bald", "none"
LEAST_HEIGHT_M = 0.0002
# How far the roots of black hair take skin towards the colour of cut hair (ours, by eye).
ROOT_SHADE = 0.95


@dataclass(frozen=True)
class GrownHair:
    """Curve objects of a person's hair, with what moves them: the head's turn by points' shares, or the skin below."""

    on_bones: tuple[tuple[bpy.types.Object, np.ndarray, np.ndarray], ...]
    on_skin: tuple[tuple[bpy.types.Object, Anchors], ...]


def add_hair(
    collections: Mapping[str, bpy.types.Collection],
    person: Person,
    hair: Hair,
    colour: HairColour,
    garment: bpy.types.Object | None,
) -> None:
    """Grow scalp hair, beard, brows and lashes into the `worn` collection, labelled hair.

    Raises: ValueError on an unknown style or beard.
    """
    if hair.style != BALD and hair.style not in STYLES:
        raise ValueError(f"hair.style is {hair.style!r}, expected one of {', '.join([BALD, *STYLES])}")
    if hair.beard != NO_BEARD and hair.beard not in BEARDS:
        raise ValueError(f"hair.beard is {hair.beard!r}, expected one of {', '.join([NO_BEARD, *BEARDS])}")
    surface = hair_surface(person)
    shell = shell_with_clothing(surface, garment)
    material = hair_material("hair", colour)
    streams = [np.random.Generator(np.random.Philox(key=[hair.seed, part])) for part in range(4)]
    on_bones, on_skin = [], []
    if hair.style != BALD:
        layout = lay_out(surface, streams[0])
        density = scalp_density(surface, STYLES[hair.style], layout)
        strands = _scalp_hair(surface, shell, hair, layout, density, streams[0])
        _shade_roots(person, density, colour)
        shares = _turn_shares(person, surface, strands)
        part = _curves_object("scalp_hair", strands, material, colour.grey, streams[0])
        on_bones.append((part, strands.points_m.reshape(-1, 3), shares))
    # A family that models hair by hair keeps its own.
    modelled = set(np.unique(person.model.face_regions[modelled_hair(person.model)]).tolist())
    face = []
    if Region.BROWS not in modelled:
        face.append(("brows", _brows(surface, shell, hair, streams[1])))
    if Region.LASHES not in modelled:
        face.append(("lashes", _lashes(surface, streams[2])))
    if hair.beard != NO_BEARD:
        face.append(("beard", _beard(surface, shell, hair, streams[3])))
    for number, (name, strands) in enumerate(face):
        grey = colour.grey if name == "beard" else 0.4 * colour.grey
        part = _curves_object(name, strands, material, grey, streams[1 + number])
        on_skin.append((part, _anchors(surface, strands)))
    for part, *_ in (*on_bones, *on_skin):
        collections[WORN].objects.link(part)
    grown = GrownHair(tuple(on_bones), tuple(on_skin))
    person.followers.append(lambda posed: _follow(grown, posed))


def _follow(grown: GrownHair, posed: PosedPerson) -> None:
    """Move all hair to where the posed person's bones and skin take it."""
    for part, points, shares in grown.on_bones:
        _place(part, turned(points, shares, posed.rig.motion["head"]))
    if grown.on_skin:
        vertices = posed.surface_world_m.astype(np.float64) @ WORLD_FROM_HEAD_AXES
        for part, anchors in grown.on_skin:
            _place(part, following(anchors, vertices))


def _shade_roots(person: Person, density: np.ndarray, colour: HairColour) -> None:
    """Let skin be as dark between roots as they would make it, by their density and pigment."""
    pigment = colour.melanin**0.5 * (1.0 - 0.6 * colour.grey)
    mesh = person.parts[HEAD].data
    assert isinstance(mesh, bpy.types.Mesh)
    # The corners of the mesh come first among those of the subdivided skin.
    shade = ROOT_SHADE * pigment * np.clip(2.0 * density[: len(mesh.vertices)], 0.0, 1.0)
    mesh.attributes[ROOTS].data.foreach_set("value", shade.astype(np.float32))
    mesh.update()


def _scalp_hair(
    surface: HairSurface, shell: Shell, hair: Hair, layout: Layout, density: np.ndarray, stream: np.random.Generator
) -> Strands:
    style = STYLES[hair.style]
    guides = scalp_guides(surface, shell, style, layout, stream)
    strands = strands_between(
        guides,
        surface,
        density,
        style.finish,
        islands=islands_of(surface, style, layout),
        seed=hair.seed,
    )
    strands = _outside(strands, shell)
    # Parted hair falls to either side: one in a hundred strands, between guides of both, would lie across the face.
    return _without(strands, across_the_face(surface, strands.points_m)) if style.flow == "part" else strands


def _beard(surface: HairSurface, shell: Shell, hair: Hair, stream: np.random.Generator) -> Strands:
    beard = BEARDS[hair.beard]
    guides = beard_guides(surface, shell, beard, stream)
    density = beard_density(surface, beard)
    return strands_between(
        guides, surface, density, beard.finish, islands=np.zeros(len(surface.triangles), dtype=np.int64), seed=hair.seed
    )


def _brows(surface: HairSurface, shell: Shell, hair: Hair, stream: np.random.Generator) -> Strands:
    guides = brow_guides(surface, shell, hair.brow_thickness, stream)
    density = brow_density(surface, hair.brow_thickness)
    return strands_between(
        guides,
        surface,
        density,
        BROW_FINISH,
        islands=sides_of(surface, float(surface.landmarks_m[27, 0])),
        seed=hair.seed,
    )


def _lashes(surface: HairSurface, stream: np.random.Generator) -> Strands:
    lashes = lash_strands(surface, stream)
    count, points, _ = lashes.points_m.shape
    taper = 0.001 * LASH_RADIUS_MM * np.linspace(1.0, 0.25, points)
    return Strands(lashes.points_m, np.tile(taper, (count, 1)), lashes.roots.triangles)


def _outside(strands: Strands, shell: Shell) -> Strands:
    """The strands with every point but the roots lifted out of skin and cloth."""
    points = strands.points_m.copy()
    points[:, 1:] = lifted_out(shell, points[:, 1:].reshape(-1, 3), LEAST_HEIGHT_M).reshape(points[:, 1:].shape)
    return replace(strands, points_m=points)


def _without(strands: Strands, left_out: Bool[np.ndarray, " s"]) -> Strands:
    return Strands(strands.points_m[~left_out], strands.radii_m[~left_out], strands.root_triangles[~left_out])


def _turn_shares(person: Person, surface: HairSurface, strands: Strands) -> np.ndarray:
    """How much of the head's turn each point takes; jaw and eyes count as head."""
    weights = {bone.name: bone.weights.astype(np.float64) for bone in person.model.bones}
    shares = NECK_SHARE * weights.pop("neck") + np.sum(list(weights.values()), axis=0)
    behind_z_m = float(surface.landmarks_m[[0, 16], 2].mean())
    profile = turn_profile(person.vertices_m.astype(np.float64), shares, behind_z_m)
    return np.interp(strands.points_m[..., 1].ravel(), profile[:, 0], profile[:, 1])


def _anchors(surface: HairSurface, strands: Strands) -> Anchors:
    return anchored(strands.points_m, surface.triangles[strands.root_triangles], surface.vertices_m)


def _curves_object(
    name: str, strands: Strands, material: bpy.types.Material, grey: float, stream: np.random.Generator
) -> bpy.types.Object:
    data = bpy.data.hair_curves.new(name)
    count, points, _ = strands.points_m.shape
    data.add_curves([points] * count)
    data.attributes.new("radius", "FLOAT", "POINT").data.foreach_set(
        "value", strands.radii_m.astype(np.float32).ravel()
    )
    values = {
        LABEL_AOV: np.full(count, Label.HAIR),
        TINT: stream.random(count),
        GREY: stream.random(count) < grey,
    }
    for attribute, numbers in values.items():
        data.attributes.new(attribute, "FLOAT", "CURVE").data.foreach_set("value", numbers.astype(np.float32))
    data.materials.append(material)
    part = bpy.data.objects.new(name, data)
    _place(part, strands.points_m)
    return part


def _place(part: bpy.types.Object, points_head_m: Float[np.ndarray, "..."]) -> None:
    data = part.data
    assert isinstance(data, bpy.types.Curves)
    world = points_head_m.reshape(-1, 3) @ WORLD_FROM_HEAD_AXES.T
    data.position_data.foreach_set("vector", np.ascontiguousarray(world, dtype=np.float32).ravel())
    data.update_tag()
