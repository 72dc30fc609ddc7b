"""What the certificate says of landmarks where strands decide."""

import numpy as np
import pytest

from render.blender.certification.landmarks import landmark_checks
from render.blender.measured_head import HeadPicture
from render.certification.ray_caster import build_caster
from render.certification.reference import Reference
from render.config import load_recipe
from render.dataset_format import FrameGeometry, GroundTruth, Label, SurfaceLayer
from render.sampling.frame import draw_frame

FOCAL_PX, SIDE_PX = 80.0, 8


@pytest.mark.parametrize(
    ("shown", "compared"),
    [(Label.HAIR, 68), (Label.SKIN, 0)],
    ids=["picture and rays both meet hair", "only the rays meet hair"],
)
def test_a_landmark_behind_a_pixel_of_hair_is_judged_only_where_picture_and_rays_agree_that_it_is_hair(shown, compared):
    """All landmarks stand 10 mm behind a wall, and say that skin hides them. Rays meet hair there: wrong, unless the
    pixel shows no hair, which is for the check of hair to count."""
    point = (0.0, 0.0, 1.0)
    wall = np.array([[[-1, -1, 0.99], [1, -1, 0.99], [0, 1, 0.99]]], dtype=np.float32)
    caster = build_caster(wall, np.zeros((1, 3, 3), dtype=np.float32), np.array([Label.SKIN], dtype=np.uint8))
    flat = np.full((SIDE_PX, SIDE_PX), 0.98)
    normals = np.zeros((SIDE_PX, SIDE_PX, 3))
    layer = SurfaceLayer(flat.astype(np.float32), normals.astype(np.float32), flat.astype(np.float32))
    picture = HeadPicture(
        camera=draw_frame(load_recipe("quick"), "train", 0).camera,
        truth=GroundTruth(layer, layer, np.full(flat.shape, shown, dtype=np.uint8)),
        geometry=FrameGeometry.model_construct(
            width_px=SIDE_PX,
            height_px=SIDE_PX,
            intrinsics_px=((FOCAL_PX, 0.0, SIDE_PX / 2), (0.0, FOCAL_PX, SIDE_PX / 2), (0.0, 0.0, 1.0)),
            cam_from_world=np.eye(4).tolist(),
            landmarks_cam_m=(point,) * 68,
            landmarks_2d_px=((SIDE_PX / 2, SIDE_PX / 2),) * 68,
            landmarks_visibility=("occluded_by_skin",) * 68,
        ),
        blender_landmarks_px=np.full((68, 2), SIDE_PX / 2),
    )
    reference = Reference(flat, normals, np.full(flat.shape, Label.HAIR, dtype=np.uint8))
    *_, visibility = landmark_checks(picture, np.array([point]), caster, reference, "a wall")
    assert (visibility.compared, visibility.worst) == (compared, compared)
