"""Stand-ins for deformed meshes: the same pixels, and nothing left behind."""

import bpy
import numpy as np
import pytest

from render.blender.camera import place_camera
from render.blender.frozen import frozen_meshes
from render.blender.passes import HEAD, WORN, prepare_stage, render_surface, set_surface_labels
from render.blender.session import start_session
from render.dataset_format import Label
from render.geometry.pinhole import camera_around
from render.parameters import Camera

POSE = {"azimuth_deg": 0.0, "elevation_deg": 0.0, "roll_deg": 0.0, "offset_x": 0.1, "offset_y": 0.0}
LENS = {"focal_length_mm": 47.0, "sensor_width_mm": 41.0, "width_px": 68, "height_px": 44}


@pytest.fixture
def stage():
    """A bent, subdivided block in `head` that moved from where it was made, and a plain plate in `worn`."""
    start_session(device="cpu")
    stage = prepare_stage(("gt",), device="cpu")
    corners = np.array([(x, y, z) for x in (-0.1, 0.1) for y in (-0.08, 0.08) for z in (-0.05, 0.12)])
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    block = _part("block", corners, faces, Label.SKIN)
    block.shape_key_add(name="Basis", from_mix=False)
    bent = block.shape_key_add(name="bent", from_mix=False)
    bent.data[7].co.z += 0.07
    bent.value = 0.6
    block.modifiers.new("subdivision", "SUBSURF").render_levels = 2
    block.modifiers["subdivision"].levels = 2
    block.location = (0.03, 0.0, -0.02)
    stage.collections[HEAD].objects.link(block)
    plate = _part(
        "plate", np.array([(-0.2, 0.2, -0.2), (0.2, 0.2, -0.2), (0.0, 0.2, 0.2)]), [(0, 1, 2)], Label.CLOTHING
    )
    stage.collections[WORN].objects.link(plate)
    place_camera(
        stage,
        Camera(distance_mm=853.0, clip_near_m=0.01, clip_far_m=5.0, **POSE, **LENS),
        camera_around(np.zeros(3), distance_m=0.853, **POSE, **LENS),
    )
    return stage


def _part(name: str, vertices: np.ndarray, faces: list[tuple[int, ...]], label: Label) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(map(float, vertex)) for vertex in vertices], [], faces)
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    set_surface_labels(mesh, np.full(len(faces), label, dtype=np.uint8))
    return bpy.data.objects.new(name, mesh)


def test_stand_ins_render_to_the_same_pixels(stage):
    """Depth, normals and labels of both layers are those of the deformed meshes, bit for bit, in every pose."""
    for value in (0.6, 0.1):
        bpy.data.objects["block"].data.shape_keys.key_blocks["bent"].value = value
        for name in ("gt_head", "gt_worn"):
            wanted = render_surface(stage.scenes[name])
            with frozen_meshes(stage.collections):
                found = render_surface(stage.scenes[name])
            for channel in ("depth_m", "normals_world", "label"):
                assert np.array_equal(getattr(found, channel), getattr(wanted, channel)), (name, value, channel)
            assert (found.label > 0).any()


def test_only_deformed_meshes_are_replaced_and_all_come_back(stage):
    """While frozen, the plain plate renders itself; afterwards the stage holds what it held, visible as before."""
    before = {collection: set(shown.objects) for collection, shown in stage.collections.items()}
    meshes = set(bpy.data.meshes)
    with pytest.raises(RuntimeError, match="interrupted"), frozen_meshes(stage.collections):
        assert bpy.data.objects["block"].hide_render
        assert len(stage.collections[HEAD].objects) == 2
        assert set(stage.collections[WORN].objects) == before[WORN]
        raise RuntimeError("interrupted")
    assert {collection: set(shown.objects) for collection, shown in stage.collections.items()} == before
    assert set(bpy.data.meshes) == meshes
    assert not bpy.data.objects["block"].hide_render
