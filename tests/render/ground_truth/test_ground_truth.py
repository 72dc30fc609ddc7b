"""Landmark visibility and the checks that every frame must pass."""

import dataclasses

import numpy as np
import pytest

from render.dataset_format import FrameGeometry, GroundTruth, Label, SurfaceLayer
from render.geometry.pinhole import pixel_rays, project_px
from render.ground_truth.assemble import FirstHits, ground_truth, surface_layer
from render.ground_truth.checks import (
    NEAREST_M,
    GroundTruthError,
    check_camera_outside,
    check_ground_truth,
    winding_number,
)
from render.ground_truth.landmarks import WORN_MARGIN_M, landmark_visibility

INTRINSICS = np.array([[100.0, 0, 20], [0, 100, 15], [0, 0, 1]])
HEIGHT, WIDTH = 30, 40


def wall(depth_m: float) -> SurfaceLayer:
    depth = np.full((HEIGHT, WIDTH), depth_m, dtype=np.float32)
    normals = np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32)
    normals[..., 1] = -1.0  # world -y faces the camera
    world_axes = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    hits = FirstHits(depth, normals, np.ones_like(depth))
    return surface_layer(hits, cam_from_world=world_axes, intrinsics=INTRINSICS)


def geometry() -> FrameGeometry:
    identity = tuple(tuple(float(value) for value in row) for row in np.eye(4))
    return FrameGeometry(
        width_px=WIDTH,
        height_px=HEIGHT,
        intrinsics_px=tuple(tuple(row) for row in INTRINSICS.tolist()),
        cam_from_world=identity,
        head_from_world=identity,
        yaw_deg=0,
        pitch_deg=0,
        roll_deg=0,
        landmarks_cam_m=(),
        landmarks_2d_px=(),
        landmarks_visibility=(),
    )


def truth() -> GroundTruth:
    return GroundTruth(visible=wall(0.8), head=wall(0.8), labels=np.full((HEIGHT, WIDTH), Label.SKIN, dtype=np.uint8))


def check(checked: GroundTruth) -> None:
    check_ground_truth(checked, geometry(), near_m=0.01, far_m=5.0)


def test_normals_come_out_unit_and_facing_the_camera():
    """A wall that faces the camera has normal (0, 0, -1) and no slope."""
    layer = wall(0.8)
    np.testing.assert_allclose(layer.normals_cam.reshape(-1, 3), np.tile([0, 0, -1], (HEIGHT * WIDTH, 1)), atol=1e-7)
    assert not layer.gradient_magnitude.any()


def test_a_normal_that_leans_away_is_laid_across_the_ray():
    """It becomes the nearest unit vector at a right angle to the ray; the ray's own share is gone."""
    depth = np.full((HEIGHT, WIDTH), 0.8, dtype=np.float32)
    leaning = np.broadcast_to(np.array([1.0, 0.0, 0.2]) / np.hypot(1, 0.2), (HEIGHT, WIDTH, 3)).astype(np.float32)
    hits = FirstHits(depth, leaning, np.ones_like(depth))
    normals = surface_layer(hits, cam_from_world=np.eye(4), intrinsics=INTRINSICS).normals_cam
    rays = pixel_rays(INTRINSICS, width_px=WIDTH, height_px=HEIGHT)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    assert ((normals * rays).sum(-1) < 1e-6).all()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-6)
    assert (normals[..., 0] > 0.97).all()


def test_the_nearer_of_head_and_worn_is_visible():
    """Pixel by pixel the nearer surface gives depth, normal and label; a gap (label 0) counts as nothing, even where
    Cycles left a depth; the head layer knows nothing of what is worn."""
    depth_head = np.array([[0.8, 0.8, 1e10, 1e10, 0.8]], dtype=np.float32)
    depth_worn = np.array([[0.7, 0.9, 0.75, 0.75, 0.7]], dtype=np.float32)
    towards = np.zeros((1, 5, 3), dtype=np.float32)
    towards[..., 2] = -1
    label_head = np.array([[1, 2, 0, 0, 1]], dtype=np.float32)
    label_worn = np.array([[6, 6, 4, 0, 0]], dtype=np.float32)
    truth = ground_truth(
        FirstHits(depth_head, towards, label_head),
        FirstHits(depth_worn, towards, label_worn),
        cam_from_world=np.eye(4),
        intrinsics=np.array([[500.0, 0, 2.5], [0, 500, 0.5], [0, 0, 1]]),
    )
    np.testing.assert_array_equal(truth.visible.depth_m, np.array([[0.7, 0.8, 0.75, 0, 0.8]], dtype=np.float32))
    np.testing.assert_array_equal(truth.labels, [[6, 2, 4, 0, 1]])
    np.testing.assert_array_equal(truth.head.depth_m, np.array([[0.8, 0.8, 0, 0, 0.8]], dtype=np.float32))
    assert (np.any(truth.visible.normals_cam != 0, axis=-1) == (truth.visible.depth_m > 0)).all()


def test_landmarks_are_seen_or_say_why_not():
    """What is worn hides a landmark behind it, not one that touches it; the head hides what rays say it hides."""
    points = np.array([[0, 0, 0.8], [0.05, 0.02, 0.75], [0.02, 0.01, 0.82], [0.5, 0, 0.8], [0, 0, -0.8]])
    padded = np.concatenate([points, np.tile(points[:1], (63, 1))])
    nothing_hidden = np.zeros(68, dtype=bool)
    glasses = dataclasses.replace(truth(), labels=np.full((HEIGHT, WIDTH), Label.GLASSES, dtype=np.uint8))
    answers = landmark_visibility(padded, nothing_hidden, INTRINSICS, glasses)
    assert answers[:5] == ("visible", "visible", "occluded_by_glasses", "outside_image", "behind_camera")
    assert set(answers[5:]) == {"visible"}
    hidden = nothing_hidden.copy()
    hidden[[1, 3]] = True
    answers = landmark_visibility(padded, hidden, INTRINSICS, truth())
    assert answers[:5] == ("visible", "occluded_by_skin", "visible", "outside_image", "behind_camera")
    assert project_px(INTRINSICS, points[:1]).tolist() == [[20.0, 15.0]]


@pytest.mark.parametrize(
    ("label", "nearer_by_m", "answer"),
    [
        (Label.GLASSES, WORN_MARGIN_M + 1e-4, "occluded_by_glasses"),
        (Label.GLASSES, WORN_MARGIN_M - 1e-4, "visible"),
        (Label.HAIR, 0.002, "occluded_by_hair"),
        (Label.CLOTHING, 0.002, "occluded_by_clothing"),
        (Label.OCCLUDER, 0.002, "occluded_by_occluder"),
        (Label.SKIN, 0.002, "visible"),
        (Label.EYES, 0.002, "visible"),
        (Label.MOUTH_INTERIOR, 0.002, "visible"),
    ],
)
def test_a_landmark_is_hidden_by_what_is_worn_and_by_a_margin(label, nearer_by_m, answer):
    """Each kind of thing that is worn hides what lies over a millimetre behind it; the head's own parts never do, since
    rays tell what the head hides. Only the landmark's own pixel counts."""
    labels = np.full((HEIGHT, WIDTH), Label.SKIN, dtype=np.uint8)
    labels[15, 20] = label
    points = np.tile([0.001, 0.001, 0.8 + nearer_by_m], (68, 1))
    points[1, 0] = -0.008  # a pixel to the left
    answers = landmark_visibility(
        points, np.zeros(68, dtype=bool), INTRINSICS, dataclasses.replace(truth(), labels=labels)
    )
    assert answers[0] == answer and answers[1] == "visible"


def test_a_landmark_that_the_head_hides_has_the_label_before_it_as_reason():
    """An eye, the mouth, or the skin, even where an outline leaves the pixel's centre to the background."""
    hidden = np.ones(68, dtype=bool)
    points = np.tile([0.0, 0.0, 0.82], (68, 1))
    for label, answer in (
        (Label.EYES, "occluded_by_eyes"),
        (Label.MOUTH_INTERIOR, "occluded_by_mouth_interior"),
        (Label.BACKGROUND, "occluded_by_skin"),
    ):
        shown = dataclasses.replace(truth(), labels=np.full((HEIGHT, WIDTH), label, dtype=np.uint8))
        assert set(landmark_visibility(points, hidden, INTRINSICS, shown)) == {answer}


@pytest.mark.parametrize(
    ("column", "row", "answer"),
    [(0.01, 0.01, "visible"), (39.99, 29.99, "visible"), (-0.01, 5, "outside_image"), (40.01, 5, "outside_image"),
     (5, -0.01, "outside_image"), (5, 30.01, "outside_image")],
)  # fmt: skip
def test_the_picture_ends_at_its_edges(column, row, answer):
    """Pixels reach from 0 to width and from 0 to height; nothing is looked up outside of them."""
    point = np.array([(column - 20) / 100 * 0.8, (row - 15) / 100 * 0.8, 0.8])
    answers = landmark_visibility(np.tile(point, (68, 1)), np.zeros(68, dtype=bool), INTRINSICS, truth())
    assert set(answers) == {answer}


def test_good_ground_truth_passes():
    """A wall at 0.8 m breaks no promise."""
    check(truth())


def _changed(array: np.ndarray, value) -> np.ndarray:
    copy = array.copy()
    copy[7, 11] = value
    return copy


@pytest.mark.parametrize(
    ("field", "change", "message"),
    [
        ("depth_m", np.nan, "every value is finite"),
        ("depth_m", 6.0, "depth lies between 0.02 and 5.0 m"),
        ("depth_m", NEAREST_M - 0.001, "depth lies between 0.02 and 5.0 m"),
        ("normals_cam", (0, 0, -0.5), "normals are unit where depth is valid"),
        ("normals_cam", (0, 0, 1.0), "normals face the camera"),
        ("gradient_magnitude", -1.0, "gradient magnitude is not negative"),
    ],
)
@pytest.mark.parametrize("layer", ["visible", "head"])
def test_a_broken_promise_is_named_with_its_pixel(layer, field, change, message):
    """The error tells layer, promise, how many pixels break it and the first of them."""
    good = truth()
    surface = getattr(good, layer)
    broken = dataclasses.replace(surface, **{field: _changed(getattr(surface, field), change)})
    with pytest.raises(GroundTruthError, match=rf"{layer}.*{message}.*1 pixels.*row 7, column 11"):
        check(dataclasses.replace(good, **{layer: broken}))


def test_the_first_hit_cannot_lie_behind_the_head():
    """`visible` is nearer than `head`, or the same."""
    good = truth()
    nearer = dataclasses.replace(good.head, depth_m=_changed(good.head.depth_m, 0.7))
    with pytest.raises(GroundTruthError, match="no part of the head is nearer"):
        check(dataclasses.replace(good, head=nearer))


def test_labels_and_depth_cover_the_same_pixels():
    """A depth without a label is an error."""
    good = truth()
    with pytest.raises(GroundTruthError, match="a pixel has a label exactly where it has a depth"):
        check(dataclasses.replace(good, labels=_changed(good.labels, 0)))


@pytest.mark.parametrize("point", [(0.01, 0.02, -0.8), (0.01, 0.02, 0.0), (np.nan, 0.02, 0.8)])
def test_landmarks_lie_before_the_camera(point: tuple[float, float, float]):
    """A landmark behind the camera, in its plane, or nowhere is named by its number."""
    landmarks = {"landmarks_cam_m": ((0.0, 0.0, 0.8), point), "landmarks_2d_px": ((20.0, 15.0), (1.0, 2.0))}
    with pytest.raises(GroundTruthError, match=r"every landmark lies before the camera, but number 1 is at"):
        check_ground_truth(truth(), geometry().model_copy(update=landmarks), near_m=0.01, far_m=5.0)


def octahedron() -> tuple[np.ndarray, np.ndarray]:
    """Corners on the axes, a different distance on each, and faces counter-clockwise from outside."""
    corners = np.array([[0.1, 0, 0], [0, 0.2, 0], [0, 0, 0.3], [-0.15, 0, 0], [0, -0.25, 0], [0, 0, -0.35]])
    faces = [[0, 1, 2], [1, 3, 2], [3, 4, 2], [4, 0, 2], [1, 0, 5], [3, 1, 5], [4, 3, 5], [0, 4, 5]]
    return corners, np.array(faces)


@pytest.mark.parametrize(
    ("point", "turns"), [((0.02, 0.03, 0.05), 1.0), ((0.09, 0.19, 0.29), 0.0), ((1.0, 2.0, 3.0), 0.0)]
)
def test_a_closed_surface_winds_once_around_what_is_inside(point: tuple[float, float, float], turns: float):
    """Exactly 1 inside and 0 outside, even within the bounding box; -1 when its faces are turned inside out."""
    corners, faces = octahedron()
    assert winding_number(np.array(point), corners[faces]) == pytest.approx(turns, abs=1e-12)
    assert winding_number(np.array(point), corners[faces[:, ::-1]]) == pytest.approx(-turns, abs=1e-12)


def test_a_camera_inside_the_head_is_refused_with_advice():
    """Inside, even of a surface that lacks a face: an error that names the settings; outside, none."""
    corners, faces = octahedron()
    check_camera_outside(np.array([0.09, 0.19, 0.29]), corners, faces)
    with pytest.raises(GroundTruthError, match=r"inside the head .* raise cameras\.distance_mm"):
        check_camera_outside(np.array([0.02, 0.03, 0.05]), corners, faces[:-1])


def test_a_frame_without_a_head_is_refused_with_advice():
    """An empty picture names the settings that can cause it."""
    far = np.full((HEIGHT, WIDTH), 1e10, dtype=np.float32)
    nothing = FirstHits(far, np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32), np.zeros_like(far))
    empty = ground_truth(nothing, nothing, cam_from_world=np.eye(4), intrinsics=INTRINSICS)
    with pytest.raises(GroundTruthError, match=r"no pixel shows the head; check cameras\.offset_x"):
        check(empty)
