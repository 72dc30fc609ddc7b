"""Cameras are drawn as the recipe frames them: by lens or by margin, freely or on a grid, alone or in a rig."""

import math

import numpy as np
import pytest

from render.config import load_recipe
from render.draws import Draws
from render.geometry.pinhole import camera_around, intrinsics_px, project_px
from render.parameters import Camera
from render.ranges.framing import HEAD_BOX_HEIGHT_MM, HEAD_BOX_WIDTH_MM, Cameras
from render.ranges.structure import VIEW_RIGS
from render.sampling.camera import draw_camera
from render.sampling.frame import draw_frame

FRAMED = Cameras(
    focal_length_mm=None,
    margin=(0.08, 0.2),
    offset_x=(-0.1, 0.1),
    offset_y=(-0.08, 0.08),
    distance_mm=(400, 1500),
    width_px=400,
    height_px=300,
)


def cameras(ranges: Cameras, count: int) -> list[Camera]:
    return [draw_camera(ranges, Draws(5, "train", index)) for index in range(count)]


def head_box_px(camera: Camera) -> np.ndarray:
    """Corners of the nominal head, which faces the camera around the point it looks at, in the picture."""
    pose = camera_around(
        np.zeros(3),
        distance_m=camera.distance_mm / 1000,
        offset_x=camera.offset_x,
        offset_y=camera.offset_y,
        focal_length_mm=camera.focal_length_mm,
        sensor_width_mm=camera.sensor_width_mm,
        width_px=camera.width_px,
        height_px=camera.height_px,
    )
    half = np.array([HEAD_BOX_WIDTH_MM, HEAD_BOX_HEIGHT_MM]) / 2000
    corners = pose[:3, 3] + np.array([[x * half[0], y * half[1], 0] for x in (-1, 1) for y in (-1, 1)])
    return project_px(intrinsics_px(camera), corners)


def test_with_a_margin_the_head_takes_the_height_that_is_left():
    """The nominal head, projected, is (1 - 2 margin) of the picture high; margins fill their range."""
    shares = [np.ptp(head_box_px(camera)[:, 1]) / 300 for camera in cameras(FRAMED, 64)]
    margins = (1 - np.array(shares)) / 2
    assert sorted(np.floor((margins - 0.08) / 0.12 * 64)) == list(range(64))


def test_with_a_margin_the_head_stays_inside_the_picture():
    """No corner of the nominal head leaves the picture, wherever the offsets push it."""
    corners = np.concatenate([head_box_px(camera) for camera in cameras(FRAMED, 256)])
    assert corners.min() >= 0 and corners[:, 0].max() <= 400 and corners[:, 1].max() <= 300


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"focal_length_mm": (50, 50)}, "give either focal_length_mm or margin"),
        ({"margin": None}, "give either focal_length_mm or margin"),
        ({"offset_y": (-0.09, 0)}, "offset_y reaches 0.09, but with margin 0.08 .* up to 0.08 only"),
        ({"offset_x": (0, 0.3)}, "offset_x reaches 0.3, but with margin 0.08 .* up to 0.261 only"),
        ({"margin": (0.3, 0.4), "distance_mm": (300, 300), "offset_y": (0.3, 0.3)}, "from 300 mm no lens shows"),
        ({"clip_m": (0.2, 5)}, r"clip_m \[0.2, 5\] cuts heads at 400 to 1500 mm; it must begin at 0.15 m"),
        ({"clip_m": (0.01, 1.7)}, r"clip_m \[0.01, 1.7\] cuts heads .* end at 1.75 m or farther"),
        ({"distance_mm": (120, 800)}, "120 mm from the point between the eyes the camera is inside the head"),
        ({"step_deg": 4, "roll_deg": (-10, 8)}, r"roll_deg \[-10, 8\] is no whole number of steps of 4 degrees"),
    ],
)
def test_cameras_that_cannot_be_are_refused(change: dict, message: str):
    """The message names the field, what it is, and what would do."""
    with pytest.raises(ValueError, match=message):
        Cameras.model_validate({**FRAMED.model_dump(), **change})


def test_on_a_grid_every_place_of_each_angle_comes_equally_often():
    """Azimuth in 4 places, elevation in 2 and roll in one, over 64 frames: 16 times, 32 times and always."""
    ranges = Cameras(azimuth_deg=(-10, 5), elevation_deg=(20, 25), roll_deg=(3, 3), step_deg=5)
    drawn = cameras(ranges, 64)
    azimuths = [camera.azimuth_deg for camera in drawn]
    assert {azimuth: azimuths.count(azimuth) for azimuth in azimuths} == {-10: 16, -5: 16, 0: 16, 5: 16}
    elevations = [camera.elevation_deg for camera in drawn]
    assert {elevation: elevations.count(elevation) for elevation in elevations} == {20: 32, 25: 32}
    assert {camera.roll_deg for camera in drawn} == {3}


def grouped(**settings: object):
    return load_recipe("quick", overrides={key.replace("__", "."): value for key, value in settings.items()})


def test_views_of_one_instant_differ_in_the_camera_alone():
    """Four views of a moment share person, expression, pose, light and backdrop; the next instant does not."""
    recipe = grouped(
        structure__views=4,
        structure__frames_per_identity=8,
        cameras__azimuth_deg=[-45, 45],
        cameras__roll_deg=[-20, 20],
    )
    views = [draw_frame(recipe, "train", index) for index in range(4)]
    assert len({view.camera for view in views}) == 4
    for factor in ("identity", "expression", "head_pose", "occluder", "lighting", "backdrop"):
        assert len({getattr(view, factor) for view in views}) == 1
    following = draw_frame(recipe, "train", 4)
    assert following.skin == views[0].skin
    assert following.head_pose != views[0].head_pose and following.lighting != views[0].lighting


def test_a_rig_looks_from_its_directions_plus_what_is_drawn():
    """The nine azimuths of the rig, in order, each moved by a draw from the recipe's own range."""
    plain = grouped(structure__views="multi_pie_nine", structure__frames_per_identity=9)
    drawn = [draw_frame(plain, "test", index).camera.azimuth_deg for index in range(18)]
    assert drawn == [15.0 * step for step in range(-4, 5)] * 2
    assert tuple(drawn[:9]) == VIEW_RIGS["multi_pie_nine"]
    shaken = grouped(structure__views="multi_pie_nine", structure__frames_per_identity=9, cameras__azimuth_deg=[-2, 2])
    moved = [draw_frame(shaken, "test", index).camera.azimuth_deg for index in range(18)]
    off = np.array(moved) - drawn
    assert np.abs(off).max() <= 2 and len(set(np.round(off, 6))) == 18


def test_lights_of_one_view_share_its_geometry():
    """Three lights: what ground truth depends on is the same, so it is rendered once; all views see the same lights."""
    recipe = grouped(structure__views=2, structure__lights=3, structure__frames_per_identity=6)
    drawn = [draw_frame(recipe, "train", index) for index in range(6)]
    assert [drawn[0].camera == frame.camera for frame in drawn] == [True] * 3 + [False] * 3
    assert len({frame.lighting for frame in drawn}) == 3
    assert [frame.lighting for frame in drawn[:3]] == [frame.lighting for frame in drawn[3:]]
    assert len({frame.backdrop for frame in drawn}) == 1


def test_distance_and_lens_fill_their_square():
    """256 frames over 8 x 8 cells of distance and sensor width: four in each."""
    ranges = Cameras()
    cells = [
        (math.floor((camera.distance_mm - 700) / 37.5), math.floor((camera.sensor_width_mm - 36) / 3))
        for camera in cameras(ranges, 256)
    ]
    assert {cells.count(cell) for cell in cells} == {4} and len(set(cells)) == 64
