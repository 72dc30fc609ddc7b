"""A braid's bundles keep apart, follow one another and take neighbours of the scalp together."""

import numpy as np

from render.hair.braid import braided, bundle_of, places_in_bundle

LINE = np.stack([np.zeros(400), np.linspace(0.0, -0.34, 400), np.full(400, -0.1)], axis=1)
SIDE = np.array([1.0, 0.0, 0.0])


def test_bundles_never_run_through_one_another():
    """The middles of any two of the three bundles stay 8 mm apart between tie and band."""
    middles = braided(LINE, SIDE, np.arange(3), np.zeros((3, 2)))[:, 40:330]
    for first, second in ((0, 1), (1, 2), (2, 0)):
        assert np.linalg.norm(middles[first] - middles[second], axis=1).min() > 0.008


def test_every_bundle_comes_to_either_side_over_and_under():
    """Each bundle reaches both sides by 9 mm and both depths by 5 mm, and the mean of the three is the middle line."""
    middles = braided(LINE, SIDE, np.arange(3), np.zeros((3, 2)))
    off = middles - LINE
    for axis, reach in ((0, 0.009), (2, 0.005)):
        assert (off[..., axis].max(axis=1) > reach).all() and (off[..., axis].min(axis=1) < -reach).all()
    np.testing.assert_allclose(off.mean(axis=0), 0.0, atol=1e-12)


def test_hair_from_either_side_goes_to_its_own_bundle():
    """Right of the head, above the tie and left of it are bundles 0, 1 and 2; places lie in the unit disc."""
    tie = np.array([0.01, 0.02, -0.09])
    stream = np.random.default_rng(3)
    points = tie + stream.uniform(-0.08, 0.08, (300, 3))
    bundles = bundle_of(points, tie)
    assert bundle_of(tie + np.array([[-0.06, 0.0, 0.05], [0.0, 0.1, 0.05], [0.06, 0.0, 0.05]]), tie).tolist() == [
        0,
        1,
        2,
    ]
    assert (np.sign(points[bundles != 1, 0] - tie[0]) == bundles[bundles != 1] - 1).all()
    assert np.linalg.norm(places_in_bundle(points, tie, bundles), axis=1).max() <= 1.0
