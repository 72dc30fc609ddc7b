"""Clothing in Blender: it is worn, labelled, follows the neck, and hides the bust in every pose."""

import dataclasses

import bpy
import mathutils
import numpy as np
import pytest
from mathutils.bvhtree import BVHTree  # pyright: ignore[reportMissingImports]

from render.blender.clothing import add_clothing, cloth_weights, fabric_material
from render.blender.draw import draw_frame, person_on_stage
from render.blender.head import pose_person, surface_triangles
from render.blender.passes import HEAD, WORN
from render.config import load_recipe
from render.dataset_format import Label
from render.geometry.frames import WORLD_FROM_HEAD_AXES
from render.heads.garment import COLUMNS, SHELL_ROWS
from render.heads.model import Region
from render.parameters import Expression, Fabric, HeadPose, Outfit
from render.sampling.frame import draw_frame as draw_parameters

NEUTRAL = Expression(name="neutral", weights=())
FABRIC = Fabric(rgb=(0.2, 0.1, 0.3), second_rgb=(0.5, 0.5, 0.4), pattern="stripes")
POSES = [(0, 0), (90, 0), (-90, 30), (60, -30), (-30, 30), (0, -30)]


def parameters(family: str, style: str):
    recipe = load_recipe(
        "khan2021", overrides={"heads.family": family, "cameras.width_px": 100, "cameras.height_px": 76}
    )
    drawn = draw_parameters(recipe, "train", 35)
    camera = dataclasses.replace(drawn.camera, distance_mm=1000.0, sensor_width_mm=60.0, offset_x=0.0, offset_y=0.0)
    pose = HeadPose(yaw_deg=20.0, pitch_deg=-8.0, roll_deg=5.0, gaze_yaw_deg=0.0, gaze_pitch_deg=0.0)
    return recipe, dataclasses.replace(
        drawn, outfit=Outfit(style=style, seed=8), fabric=FABRIC, camera=camera, head_pose=pose
    )


def bare_bust_share(stage, model, family: str, style: str) -> list[float]:
    """By pose, the share of the bust's vertices (15 mm or more below the neckline) that no cloth covers."""
    _, drawn = parameters(family, style)
    shares = []
    with person_on_stage(stage, model, drawn, level=1) as person:
        cloth = stage.collections[WORN].objects["garment"]
        rim = np.array([vertex.co for vertex in cloth.data.vertices])[-SHELL_ROWS * COLUMNS :][:COLUMNS]
        used = person.part_vertices[HEAD]
        rest = person.vertices_m[used] @ WORLD_FROM_HEAD_AXES.T
        centre = rim.mean(axis=0)
        around = np.arctan2(rim[:, 0], centre[1] - rim[:, 1])
        order = np.argsort(around)
        limit = np.interp(
            np.arctan2(rest[:, 0], centre[1] - rest[:, 1]), around[order], rim[order, 2], period=2 * np.pi
        )
        chosen = np.isin(model.face_regions, [Region.SKIN, Region.SCALP, Region.NECK])
        skin = np.isin(used, model.face_vertices[np.repeat(chosen, model.face_sizes)])
        covered = np.flatnonzero(skin & (rest[:, 2] < limit - 0.015))
        assert len(covered) > 100
        inside = mathutils.Vector((0.0, float(centre[1]), float(limit.min() - 0.11)))
        for yaw, pitch in POSES:
            pose_person(person, NEUTRAL, HeadPose(float(yaw), float(pitch), 0.0, 0.0, 0.0))
            surface, _ = surface_triangles(person.parts[HEAD])
            cloth_surface, cloth_triangles = surface_triangles(cloth)
            tree = BVHTree.FromPolygons(cloth_surface.tolist(), cloth_triangles.tolist())
            bare = 0
            for point in surface[covered].tolist():
                start = mathutils.Vector(point)
                origin = mathutils.Vector((inside.x, inside.y, min(inside.z, start.z)))
                bare += tree.ray_cast(start, (start - origin).normalized())[0] is None
            shares.append(bare / len(covered))
    return shares


@pytest.mark.parametrize("style", ["crew", "v_neck", "turtleneck"])
def test_no_bust_shows_in_any_pose_of_the_procedural_head(stage, model, style):
    """From yaw -90 to 90 and pitch -30 to 30 every covered vertex of the skin stays under the cloth."""
    assert max(bare_bust_share(stage, model, "procedural", style)) == 0.0


@pytest.mark.ict
def test_no_bust_shows_in_any_pose_of_the_ict_head(stage, ict_model):
    """As above, for a bust that ends a hand's breadth below the chin."""
    assert max(bare_bust_share(stage, ict_model, "ict", "crew")) == 0.0


def test_clothing_is_in_the_visible_layer_alone(stage, model):
    """It fills the lower edge of the picture with its label, leaves the `head` layer as it is, and is removed after."""
    recipe, drawn = parameters("procedural", "crew")
    before = set(bpy.data.objects)
    truths = {}
    for style in ("crew", "none"):
        worn = dataclasses.replace(drawn, outfit=Outfit(style=style, seed=8))
        with person_on_stage(stage, model, worn, level=1) as person:
            truths[style] = draw_frame(stage, person, worn, recipe.rgb, noise_seed=1).truth
    dressed, bare = truths["crew"], truths["none"]
    assert (dressed.labels[-1, 25:75] == Label.CLOTHING).all() and not (bare.labels == Label.CLOTHING).any()
    np.testing.assert_allclose(dressed.head.depth_m, bare.head.depth_m, atol=2e-6)
    cloth = dressed.labels == Label.CLOTHING
    over = cloth & (dressed.head.depth_m > 0)
    assert over.sum() > 100 and (dressed.visible.depth_m[over] < dressed.head.depth_m[over]).all()
    assert set(bpy.data.objects) == before


def test_the_collar_follows_the_neck_and_the_hem_stays(stage, model):
    """At yaw 60 the hem has not moved; the fold of a turtleneck has turned with the skin that it lies on."""
    _, drawn = parameters("procedural", "turtleneck")
    with person_on_stage(stage, model, drawn, level=0) as person:
        cloth = stage.collections[WORN].objects["garment"]
        pose_person(person, NEUTRAL, HeadPose(0.0, 0.0, 0.0, 0.0, 0.0))
        rest = surface_triangles(cloth)[0].reshape(-1, COLUMNS, 3)
        pose_person(person, NEUTRAL, HeadPose(60.0, 0.0, 0.0, 0.0, 0.0))
        turned = surface_triangles(cloth)[0].reshape(-1, COLUMNS, 3)
    np.testing.assert_allclose(turned[-1], rest[-1], atol=1e-6)
    assert np.linalg.norm(turned[3] - rest[3], axis=1).mean() > 0.008


def test_cloth_on_the_skin_has_the_skins_weights(model):
    """A point of cloth at a vertex of the skin is bound as that vertex; one 6 cm away is bound to no bone."""
    skin = np.unique(model.face_vertices[np.repeat(model.face_regions == Region.NECK, model.face_sizes)])
    vertices = model.mean_vertices_m
    below = vertices[skin[:1]] - np.array([[0.0, 1.0, 0.0]], dtype=np.float32)
    cloth = np.concatenate([vertices[skin[::9]], below]).astype(np.float32)
    weights = cloth_weights(model, vertices, cloth, skin)
    for bone in model.bones:
        found = weights.get(bone.name, np.zeros(len(cloth)))
        np.testing.assert_allclose(found[:-1], bone.weights[skin[::9]], atol=0.05)
        assert found[-1] == 0.0


def test_every_pattern_makes_a_material_and_no_other_does():
    """Each pattern ends in a surface; an unknown one is named."""
    for pattern in ("plain", "stripes", "heather"):
        material = fabric_material("test", dataclasses.replace(FABRIC, pattern=pattern))
        outputs = [node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeOutputMaterial"]
        assert [output.inputs["Surface"].is_linked for output in outputs] == [True]
        bpy.data.materials.remove(material)
    with pytest.raises(ValueError, match="unknown pattern of fabric 'tartan'"):
        fabric_material("test", dataclasses.replace(FABRIC, pattern="tartan"))


def test_none_adds_nothing(stage, model):
    """The style `none` leaves the scene as it was."""
    _, drawn = parameters("procedural", "none")
    with person_on_stage(stage, model, drawn, level=0) as person:
        assert "garment" not in stage.collections[WORN].objects
        outfit = Outfit(style="none", seed=1)
        assert add_clothing(stage.collections, person, outfit, FABRIC, subdivision_level=0) is None
