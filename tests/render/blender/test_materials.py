"""Materials of a head: complete, physically sane, and removed without a trace."""

import dataclasses

import bpy
import pytest

from render.blender import node_graph as graph
from render.blender.materials import head_materials
from render.blender.session import temporary_datablocks
from render.blender.skin import skin_tones
from render.heads.model import SHADING_ONLY_REGIONS, Region
from render.parameters import Eyes, Skin

SKIN = Skin(
    melanin=0.05,
    haemoglobin=0.04,
    redness=0.5,
    lip_colour=0.6,
    oiliness=0.45,
    freckles=0.3,
    moles=0.2,
    stubble=0.7,
    wrinkles=0.4,
    texture_seed=7,
)
EYES = Eyes(iris_rgb=(0.06, 0.11, 0.19), pupil_share=0.35, redness=0.5)
KINDS = ("materials", "node_groups", "images", "textures", "worlds", "lights", "objects", "meshes")
# Regions whose depth must be that of the surface itself: nothing in them lets a camera ray through.
OPAQUE_REGIONS = sorted(set(Region) - SHADING_ONLY_REGIONS)


@pytest.fixture
def materials():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with temporary_datablocks():
        yield head_materials(SKIN, EYES)


def nodes_of(material: bpy.types.Material, kind: str) -> list:
    return [node for node in material.node_tree.nodes if node.bl_idname == kind]


def test_every_region_has_a_material_of_its_own(materials):
    """No region is missing, and no two share one, so that each can carry its own label."""
    assert set(materials) == set(Region)
    assert len({material.name for material in materials.values()}) == len(Region)


def test_every_material_shows_a_surface_and_moves_none(materials):
    """Each tree has one output with a surface, and no displacement: geometry is the mesh's alone."""
    for region, material in materials.items():
        (output,) = nodes_of(material, "ShaderNodeOutputMaterial")
        assert output.inputs["Surface"].is_linked, region
        assert not output.inputs["Displacement"].is_linked, region


@pytest.mark.parametrize("region", OPAQUE_REGIONS, ids=lambda region: region.name)
def test_measured_regions_are_opaque(materials, region):
    """Skin, eyes, mouth and brows have no transparent shader, no alpha and no transmission."""
    for kind in ("ShaderNodeBsdfTransparent", "ShaderNodeBsdfGlass", "ShaderNodeBsdfRefraction"):
        assert nodes_of(materials[region], kind) == []
    for node in nodes_of(materials[region], "ShaderNodeBsdfPrincipled"):
        assert not node.inputs["Alpha"].is_linked
        assert node.inputs["Alpha"].default_value == 1
        assert node.inputs["Transmission Weight"].default_value == 0


def test_no_link_is_invalid(materials):
    """Every link joins sockets that Blender accepts."""
    for material in materials.values():
        assert all(link.is_valid for link in material.node_tree.links)


def test_tones_of_a_person_keep_their_order():
    """Blood reddens skin and more so lips, freckles and stubble darken it, for every skin colour.

    Under much melanin hardly any green light comes back from the blood at all, so the ratio of red to green tells of
    blood only up to brown skin.
    """
    for melanin in (0.013, 0.05, 0.1, 0.2, 0.43):
        tones = skin_tones(dataclasses.replace(SKIN, melanin=melanin, haemoglobin=0.05))
        redness = [tone[0] / tone[1] for tone in (tones.pale, tones.plain, tones.flushed, tones.lips)]
        assert redness == sorted(redness) or melanin > 0.1
        assert redness[3] > redness[1]
        assert tones.mole < tones.freckle < tones.plain
        assert tones.tanned < tones.plain < tones.pale
        assert tones.brow < tones.stubble < tones.plain
        for tone in (tones.plain, tones.flushed, tones.pale, tones.lips, tones.freckle, tones.mole, tones.stubble):
            assert all(0 < channel < 1 for channel in tone)


def test_parameters_reach_the_skin(materials):
    """Each number of Skin and Eyes changes some input of the tree that it belongs to."""

    def constants(material: bpy.types.Material) -> list:
        return [
            tuple(value) if hasattr(value := socket.default_value, "__len__") else value
            for node in material.node_tree.nodes
            for socket in node.inputs
            if hasattr(socket, "default_value")
        ]

    before = constants(materials[Region.SKIN])
    for field in dataclasses.fields(Skin):
        value = 1 if field.name == "texture_seed" else 0.2 * getattr(SKIN, field.name)
        other = head_materials(dataclasses.replace(SKIN, **{field.name: value}), EYES)
        assert constants(other[Region.SKIN]) != before, field.name
    for change in ({"iris_rgb": (0.02, 0.01, 0.005)}, {"pupil_share": 0.3}, {"redness": 0.1}):
        other = head_materials(SKIN, dataclasses.replace(EYES, **change))
        assert constants(other[Region.IRIS]) != constants(materials[Region.IRIS]), change


def test_removed_materials_leave_nothing_behind():
    """After removal every kind of datablock is as numerous as before."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    before = {kind: len(getattr(bpy.data, kind)) for kind in KINDS}
    with temporary_datablocks():
        head_materials(SKIN, EYES)
    assert {kind: len(getattr(bpy.data, kind)) for kind in KINDS} == before


def test_an_unknown_input_is_an_error_that_names_the_known_ones():
    """A misspelt input of a node names the node and what it has."""
    with temporary_datablocks(), pytest.raises(KeyError, match=r"no input 'Colour'.*'Color'"):
        graph.add_node(graph.empty_material("probe")[1], "ShaderNodeBackground", inputs={"Colour": (0.0, 0.0, 0.0)})
