"""What a camera measures: nothing nearer than its near clip, nothing beyond its far clip."""

import numpy as np

from render.blender.certification.analytic import analytic_camera, oblique_camera
from render.blender.draw import open_stage
from render.blender.measured_scene import add_polygons, measured
from render.blender.passes import HEAD
from render.blender.session import temporary_datablocks
from render.dataset_format import Label


def test_the_clip_range_is_the_cameras():
    """A wall just inside the far clip (5 m) is measured, one just beyond is nothing; one nearer than the near clip
    (0.01 m) is looked through."""
    stage, cam_from_world = open_stage(device="cpu", products=("gt",)), oblique_camera()

    def depth_of_walls_at(*depths_m: float) -> np.ndarray:
        with temporary_datablocks():
            for depth_m in depths_m:
                corners = np.array([[-9, -9, depth_m], [9, -9, depth_m], [9, 9, depth_m], [-9, 9, depth_m]])
                world = (corners - cam_from_world[:3, 3]) @ cam_from_world[:3, :3]
                add_polygons(stage.collections[HEAD], world, np.array([[0, 1, 2, 3]]), Label.SKIN, smooth=False)
            return measured(stage, analytic_camera(94, 58), cam_from_world).head.depth_m

    np.testing.assert_allclose(depth_of_walls_at(4.95), 4.95, atol=1e-5)
    assert not depth_of_walls_at(5.05).any()
    np.testing.assert_allclose(depth_of_walls_at(0.009, 0.7), 0.7, atol=1e-5)
