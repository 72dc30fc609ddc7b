"""One material for every region of a head: what the person's skin and eyes look like."""

import bpy

from render.blender.eyes import eye_blend_material, eye_material, eye_occlusion_material, lacrimal_fluid_material
from render.blender.hair_regions import LASH_RGB, modelled_hair_material
from render.blender.mouth import gums_material, teeth_material, tongue_material
from render.blender.skin import skin_material, skin_tones
from render.heads.model import Region
from render.parameters import Eyes, Skin


def head_materials(skin: Skin, eyes: Eyes) -> dict[Region, bpy.types.Material]:
    """A new material for each Region.

    Skin regions read the mesh attributes of render.geometry.face_paint, eye regions the UVs that render.heads.model
    describes.
    """
    return {
        Region.SKIN: skin_material("skin", skin, with_face=True),
        Region.SCALP: skin_material("scalp", skin, with_face=False),
        Region.NECK: skin_material("neck", skin, with_face=False),
        Region.LIPS: skin_material("lips", skin, with_face=True),
        Region.GUMS: gums_material("gums"),
        Region.TEETH: teeth_material("teeth"),
        Region.TONGUE: tongue_material("tongue"),
        Region.SCLERA: eye_material("sclera", eyes),
        Region.IRIS: eye_material("iris", eyes),
        Region.LACRIMAL_FLUID: lacrimal_fluid_material("lacrimal_fluid"),
        Region.EYE_BLEND: eye_blend_material("eye_blend"),
        Region.EYE_OCCLUSION: eye_occlusion_material("eye_occlusion"),
        Region.LASHES: modelled_hair_material("lashes", LASH_RGB),
        Region.BROWS: modelled_hair_material("brows", skin_tones(skin).brow),
    }
