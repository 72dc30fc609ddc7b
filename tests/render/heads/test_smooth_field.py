"""A smooth field goes through its values, follows straight trends everywhere, and solves as linear algebra does."""

import numpy as np
from scipy.interpolate import RBFInterpolator

from render.heads.smooth_field import smooth_field, solved


def test_a_system_is_solved_as_linear_algebra_solves_it() -> None:
    """An indefinite system that needs pivots has the solution that LAPACK finds."""
    stream = np.random.default_rng(3)
    system = stream.normal(size=(40, 40))
    system[0, 0] = 0.0
    right = stream.normal(size=40)
    np.testing.assert_allclose(solved(system, right), np.linalg.solve(system, right), rtol=1e-9)


def test_a_straight_trend_is_followed_beyond_the_places() -> None:
    """Values that are linear in the place come back exactly, far outside too."""
    stream = np.random.default_rng(4)
    places, queries = stream.normal(size=(30, 3)), 5.0 * stream.normal(size=(17, 3))

    def trend(where: np.ndarray) -> np.ndarray:
        return 2.0 + where[:, 0] - 3.0 * where[:, 1] + 0.5 * where[:, 2]

    np.testing.assert_allclose(smooth_field(places, trend(places), smoothing=0.0)(queries), trend(queries), atol=1e-9)


def test_the_field_is_that_of_scipys_cubic_kernel() -> None:
    """With and without smoothing, values between places agree with SciPy's radial basis functions."""
    stream = np.random.default_rng(5)
    places, values, queries = stream.normal(size=(50, 3)), stream.normal(size=50), stream.normal(size=(21, 3))
    for smoothing in (0.0, 1e-2):
        theirs = RBFInterpolator(places, values, kernel="cubic", smoothing=smoothing)(queries)
        np.testing.assert_allclose(smooth_field(places, values, smoothing=smoothing)(queries), theirs, atol=1e-7)
