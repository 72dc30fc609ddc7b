"""Landmarks in the picture: where they fall, whether they are seen, and if not, why."""

import numpy as np
from jaxtyping import Float

from render.dataset_format import GroundTruth, Label, Visibility
from render.geometry.pinhole import project_px

# A landmark lies on the surface; depth at the nearest pixel centre may differ by the slope within a pixel. Anything
# nearer than this many metres in front of it is another surface. Half of a child's lip is thicker.
OCCLUSION_MARGIN_M = 0.0025
# On a surface seen edge-on depth runs up to this many times the pixel's width within half a pixel.
GRAZING_SLOPE = 8.0


def landmark_visibility(
    points_cam_m: Float[np.ndarray, "68 3"], intrinsics: Float[np.ndarray, "3 3"], truth: GroundTruth
) -> tuple[Visibility, ...]:
    """For each landmark `visible`, or the reason why it is not: outside, behind the camera, or what hides it.

    It is hidden when the first surface at its pixel is nearer by more than the margin.
    """
    height, width = truth.labels.shape
    answers: list[Visibility] = []
    pixel_m = points_cam_m[:, 2] / intrinsics[0, 0]
    for point, position, size_m in zip(points_cam_m, project_px(intrinsics, points_cam_m), pixel_m, strict=True):
        column, row = (int(number) for number in np.floor(position))
        if point[2] <= 0:
            answers.append("behind_camera")
        elif not (0 <= column < width and 0 <= row < height):
            answers.append("outside_image")
        else:
            surface_m = truth.visible.depth_m[row, column]
            hidden = 0 < surface_m < point[2] - max(OCCLUSION_MARGIN_M, GRAZING_SLOPE * size_m / 2)
            label = Label(int(truth.labels[row, column]))
            answers.append(f"occluded_by_{label.name.lower()}" if hidden else "visible")  # pyright: ignore[reportArgumentType]
    return tuple(answers)
