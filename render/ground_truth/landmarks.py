"""Landmarks in the picture: where they fall, whether they are seen, and if not, why."""

import numpy as np
from jaxtyping import Bool, Float

from render.dataset_format import GroundTruth, Label, Visibility
from render.geometry.pinhole import project_px

WORN = frozenset({Label.HAIR, Label.GLASSES, Label.CLOTHING, Label.OCCLUDER})
# What is worn hides a landmark when it is nearer than the landmark by more than this; a lash may touch the lid.
WORN_MARGIN_M = 0.001


def landmark_visibility(
    points_cam_m: Float[np.ndarray, "68 3"],
    hidden_by_head: Bool[np.ndarray, "68"],
    intrinsics: Float[np.ndarray, "3 3"],
    truth: GroundTruth,
) -> tuple[Visibility, ...]:
    """For each landmark `visible`, or the reason why it is not: outside, behind the camera, or what hides it.

    `hidden_by_head` tells which landmarks the head itself hides, from rays cast at its exact surface. Hair, glasses and
    clothing hide a landmark when its pixel shows them, nearer than it is. The label of its pixel is the reason.
    """
    height, width = truth.labels.shape
    answers: list[Visibility] = []
    positions = project_px(intrinsics, points_cam_m)
    for point, position, hidden in zip(points_cam_m, positions, hidden_by_head, strict=True):
        if point[2] <= 0:
            answers.append("behind_camera")
            continue
        if not (0 <= position[0] < width and 0 <= position[1] < height):
            answers.append("outside_image")
            continue
        column, row = (int(number) for number in position)
        label = Label(int(truth.labels[row, column]))
        worn = label in WORN and truth.visible.depth_m[row, column] < point[2] - WORN_MARGIN_M
        if hidden and label == Label.BACKGROUND:
            label = Label.SKIN  # an outline runs through the pixel, and its centre is on the far side
        reason = f"occluded_by_{label.name.lower()}"
        answers.append(reason if worn or hidden else "visible")  # pyright: ignore[reportArgumentType]
    return tuple(answers)
