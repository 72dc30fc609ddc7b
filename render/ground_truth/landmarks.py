"""Landmarks in the picture: where they fall, whether they are seen, and if not, why."""

import numpy as np
from jaxtyping import Float

from render.dataset_format import GroundTruth, Label, Visibility
from render.geometry.pinhole import pixel_rays, project_px

# A landmark lies on the surface, but rarely at a pixel centre. It is taken to be on the surface that a nearby pixel
# shows when it is no further than this from the tangent plane there; half of a thin lip is thicker.
TANGENT_MARGIN_M = 0.0025


def landmark_visibility(
    points_cam_m: Float[np.ndarray, "68 3"], intrinsics: Float[np.ndarray, "3 3"], truth: GroundTruth
) -> tuple[Visibility, ...]:
    """For each landmark `visible`, or the reason why it is not: outside, behind the camera, or what hides it.

    It is hidden when at each of the four pixel centres around it the first surface is nearer, and its tangent plane
    passes in front of the landmark.
    """
    height, width = truth.labels.shape
    rays = pixel_rays(intrinsics, width_px=width, height_px=height)
    answers: list[Visibility] = []
    for point, position in zip(points_cam_m, project_px(intrinsics, points_cam_m), strict=True):
        if point[2] <= 0:
            answers.append("behind_camera")
        elif not (0 <= position[0] < width and 0 <= position[1] < height):
            answers.append("outside_image")
        elif all(_hides(truth, rays, pixel, point) for pixel in _pixels_around(position, height, width)):
            column, row = (int(number) for number in np.floor(position))
            label = Label(int(truth.labels[row, column]))
            answers.append(f"occluded_by_{label.name.lower()}")  # pyright: ignore[reportArgumentType]
        else:
            answers.append("visible")
    return tuple(answers)


def _pixels_around(position: Float[np.ndarray, "2"], height: int, width: int) -> list[tuple[int, int]]:
    left, top = (int(number) for number in np.floor(position - 0.5))
    rows = [row for row in (top, top + 1) if 0 <= row < height]
    return [(row, column) for row in rows for column in (left, left + 1) if 0 <= column < width]


def _hides(
    truth: GroundTruth, rays: Float[np.ndarray, "h w 3"], pixel: tuple[int, int], point: Float[np.ndarray, "3"]
) -> bool:
    depth_m = truth.visible.depth_m[pixel]
    if depth_m == 0 or depth_m >= point[2]:
        return False
    behind_plane_m = -(truth.visible.normals_cam[pixel] @ (point - depth_m * rays[pixel]))
    return bool(behind_plane_m > TANGENT_MARGIN_M)
