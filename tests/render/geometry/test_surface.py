"""Gradient magnitude: central where it can be, one-sided at edges, zero where nothing is next to a pixel."""

import numpy as np

from render.geometry.surface import gradient_magnitude


def test_differences_are_central_inside_and_one_sided_at_edges_and_holes():
    """Worked by hand on a 3x4 map with a hole: slope * focal length / depth at every kind of pixel."""
    depth = np.array([[1.0, 2.0, 4.0, 7.0], [1.0, 0.0, 4.0, 0.0], [2.0, 0.0, 0.0, 5.0]])
    f = 10.0
    expected = np.zeros((3, 4))
    expected[0, 0] = np.hypot(1.0, 0.0) * f / 1.0  # right neighbour; below it 1 - 1
    expected[0, 1] = 1.5 * f / 2.0  # (4 - 1) / 2 across; a hole below
    expected[0, 2] = np.hypot(2.5, 0.0) * f / 4.0
    expected[0, 3] = 3.0 * f / 7.0
    expected[1, 0] = 0.5 * f / 1.0  # (2 - 1) / 2 down; a hole to the right
    expected[2, 0] = 1.0 * f / 2.0
    # (1, 2): only the equal depth above; (2, 3): alone, so both are 0.
    np.testing.assert_allclose(gradient_magnitude(depth, focal_length_px=f), expected, rtol=1e-6)


def test_slope_does_not_depend_on_the_unit_of_depth():
    """Scaling the scene leaves the dimensionless slope as it is."""
    depth = np.random.default_rng(3).uniform(0.7, 1.0, (9, 5))
    np.testing.assert_allclose(
        gradient_magnitude(depth, focal_length_px=100), gradient_magnitude(1000 * depth, focal_length_px=100), rtol=1e-6
    )
