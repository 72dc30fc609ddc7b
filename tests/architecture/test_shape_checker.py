"""The shapes that signatures promise are checked while tests run."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from render.dataset_format import SurfaceLayer
from render.geometry.frames import transform_points
from render.geometry.surface import gradient_magnitude
from train.geometry import back_project


def test_a_wrong_shape_is_refused_in_a_function_of_render():
    """A function whose argument must be n x 3 does not run on n x 2; if this fails, no shape is being checked."""
    with pytest.raises(TypeCheckError, match="points"):
        transform_points(np.eye(4), np.zeros((5, 2)))


def test_a_wrong_shape_is_refused_in_a_function_of_train():
    """The checker covers `train` as well: a camera matrix is 3 x 3."""
    with pytest.raises(TypeCheckError, match="intrinsics_px"):
        back_project(np.ones((3, 5), np.float32), np.eye(4))


def test_a_wrong_number_type_is_refused_in_a_dataclass():
    """Fields of frozen dataclasses are checked when they are made: depth is float32, not float64."""
    shape = (3, 5)
    with pytest.raises(TypeCheckError, match="depth_m"):
        SurfaceLayer(
            depth_m=np.zeros(shape),
            normals_cam=np.zeros((*shape, 3), np.float32),
            gradient_magnitude=np.zeros(shape, np.float32),
        )


def test_two_arguments_that_share_an_axis_must_agree():
    """The same axis name in one signature means the same length."""
    shape = (3, 5)
    with pytest.raises(TypeCheckError):
        SurfaceLayer(
            depth_m=np.zeros(shape, np.float32),
            normals_cam=np.zeros((5, 3, 3), np.float32),
            gradient_magnitude=np.zeros(shape, np.float32),
        )


def test_what_a_function_promises_may_be_used():
    """The checker lets correct calls through: a flat depth map has no slope."""
    slope = gradient_magnitude(np.full((3, 5), 0.8, np.float32), focal_length_px=600.0)
    assert slope.dtype == np.float32
    assert not slope.any()
