"""Occluders: held before the face, first hit and labelled, clear of the head, gone after the frame."""

import dataclasses

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree  # pyright: ignore[reportMissingImports]

from render.blender.draw import draw_frame, person_on_stage
from render.blender.head import pose_person, surface_triangles
from render.blender.occluder import add_occluder
from render.blender.passes import HEAD, WORN
from render.config import load_recipe
from render.dataset_format import Label
from render.parameters import NOTHING_HELD, Expression, Hair, HeadPose
from render.sampling.frame import draw_frame as draw_parameters

NEUTRAL = Expression("neutral", ())
BARE = Hair(style="bald", beard="none", brow_thickness=1.0, seed=0)


def parameters(kind: str):
    recipe = load_recipe(
        "khan2021",
        overrides={"heads.family": "procedural", "cameras.width_px": 96, "cameras.height_px": 72},
    )
    drawn = draw_parameters(recipe, "train", 20)
    camera = dataclasses.replace(
        drawn.camera, distance_mm=900.0, sensor_width_mm=36.0, focal_length_mm=70.0, offset_x=0.0, offset_y=0.0
    )
    held = dataclasses.replace(NOTHING_HELD, kind=kind, seed=3, gap_mm=70.0, aim_y=-0.4)
    pose = HeadPose(0.0, 0.0, 0.0, 0.0, 0.0)
    return recipe, dataclasses.replace(
        drawn, camera=camera, expression=NEUTRAL, hair=BARE, occluder=held, head_pose=pose
    )


def test_an_occluder_hides_the_face_in_the_visible_layer_alone(stage, model):
    """A mug before the mouth: its label where it is nearest, landmarks of the mouth hidden by it, the `head` layer as
    without it, and no object left afterwards."""
    recipe, drawn = parameters("mug")
    truths, reasons = {}, {}
    with person_on_stage(stage, model, drawn, level=0) as person:
        for name, held in (("mug", drawn.occluder), ("none", NOTHING_HELD)):
            frame = draw_frame(stage, person, dataclasses.replace(drawn, occluder=held), recipe.rgb, noise_seed=1)
            assert frame.geometry is not None
            truths[name], reasons[name] = frame.truth, frame.geometry.landmarks_visibility
            assert "occluder" not in bpy.data.objects
    thing = truths["mug"].labels == Label.OCCLUDER
    assert thing.sum() > 200 and not (truths["none"].labels == Label.OCCLUDER).any()
    over = thing & (truths["mug"].head.depth_m > 0)
    assert (truths["mug"].head.depth_m[over] - truths["mug"].visible.depth_m[over]).min() > 0.03
    np.testing.assert_allclose(truths["mug"].head.depth_m, truths["none"].head.depth_m, atol=2e-6)
    assert sum(reasons["mug"][point] == "occluded_by_occluder" for point in range(48, 68)) >= 15
    assert "occluded_by_occluder" not in reasons["none"]


def test_nothing_held_cuts_the_head_in_any_pose(stage, model):
    """With the smallest gap, at two poses, neither thing, hand nor sleeve meets the surface of head and bust."""
    _, drawn = parameters("none")
    with person_on_stage(stage, model, drawn, level=0) as person:
        for yaw, pitch in ((50.0, 15.0), (-35.0, -20.0)):
            posed = pose_person(person, NEUTRAL, HeadPose(yaw, pitch, 0.0, 0.0, 0.0))
            points, triangles = surface_triangles(person.parts[HEAD])
            head = BVHTree.FromPolygons(points.tolist(), triangles.tolist())
            for kind in ("smartphone", "bottle", "hand"):
                turns = {"yaw_deg": 15.0, "pitch_deg": -10.0, "roll_deg": 12.0}
                held = dataclasses.replace(NOTHING_HELD, kind=kind, seed=3, gap_mm=5.0, **turns)
                thing = add_occluder(stage.collections, person, posed, held, drawn.skin, drawn.fabric)
                assert thing is not None
                points, triangles = surface_triangles(thing)
                matrix = np.array(thing.matrix_world)
                world = points @ matrix[:3, :3].T + matrix[:3, 3]
                assert not BVHTree.FromPolygons(world.tolist(), triangles.tolist()).overlap(head)
                stage.collections[WORN].objects.unlink(thing)
