"""Even points fill every slice, square and cube, and are what Sobol' and Owen define."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from render import even_points
from render.even_points import DIMENSIONS, even_share, even_shares

SEEDS = st.integers(0, 2**32 - 1)


def shares(count: int, *, dimension: int = 0, shuffle_seed: int = 0x5EED1234, scramble_seed: int = 99) -> np.ndarray:
    """One coordinate of the first points."""
    return np.array(
        [
            even_share(index, shuffle_seed=shuffle_seed, scramble_seed=scramble_seed, dimension=dimension)
            for index in range(count)
        ]
    )


@pytest.mark.parametrize("dimension", range(DIMENSIONS))
def test_directions_are_those_of_sobol(dimension: int):
    """Without scrambling the points are SciPy's Sobol' points, which it lists in the order of a Gray code."""
    directions = even_points._directions(dimension)
    points = []
    for index in range(512):
        gray = index ^ (index >> 1)
        point = 0
        for bit in range(32):
            point ^= directions[bit] * (gray >> bit & 1)
        points.append(point / 2**32)
    np.testing.assert_array_equal(points, qmc.Sobol(DIMENSIONS, scramble=False).random(512)[:, dimension])


@given(SEEDS, SEEDS, st.integers(0, DIMENSIONS - 1), st.integers(0, 7))
def test_the_first_points_fall_one_into_each_slice(shuffle: int, scramble: int, dimension: int, power: int):
    """2**k points, 2**k equal slices, whatever the seeds and the dimension."""
    count = 2**power
    values = shares(count, dimension=dimension, shuffle_seed=shuffle, scramble_seed=scramble)
    assert sorted(np.floor(values * count)) == list(range(count))


@given(SEEDS, st.integers(0, 9))
def test_any_aligned_block_falls_one_into_each_slice(seed: int, block: int):
    """Growing a data set by aligned blocks keeps it even: points 64 b to 64 b + 63 are as even as the first 64."""
    values = [even_share(64 * block + index, shuffle_seed=seed, scramble_seed=7) for index in range(64)]
    assert sorted(int(value * 64) for value in values) == list(range(64))


@given(SEEDS, st.lists(SEEDS, min_size=2, max_size=2), st.integers(0, 6))
def test_two_dimensions_fill_every_box_of_equal_area(shuffle: int, scramble: list[int], split: int):
    """64 points in dimensions 0 and 1: one in each box, for boxes of every shape from 1x64 over 8x8 to 64x1.

    Source: the first two Sobol' dimensions are a (0, k, 2)-net, and Owen's scrambling keeps nets.
    """
    columns, rows = 2**split, 2 ** (6 - split)
    x, y = (
        shares(64, dimension=dimension, shuffle_seed=shuffle, scramble_seed=scramble[dimension]) for dimension in (0, 1)
    )
    assert len(set(zip(np.floor(x * columns), np.floor(y * rows), strict=True))) == 64


def test_every_pair_of_dimensions_is_more_even_than_chance():
    """256 points: the centred discrepancy of each of the six pairs is below a tenth of that of random points."""
    points = np.stack(
        [shares(256, dimension=dimension, scramble_seed=1000 + dimension) for dimension in range(DIMENSIONS)], axis=1
    )
    by_chance = np.mean([qmc.discrepancy(np.random.default_rng(seed).random((256, 2))) for seed in range(20)])
    for pair in itertools.combinations(range(DIMENSIONS), 2):
        assert qmc.discrepancy(points[:, pair]) < 0.1 * by_chance, pair


def test_sets_with_other_shuffles_have_nothing_to_do_with_each_other():
    """Over 400 pairs of seeds the correlation of 256 points averages 0 and spreads no more than that of chance (1/16).

    Dimension 0 twice, with different shuffles: without them every pair would be the same, ordered set.
    """
    correlations = [
        np.corrcoef(shares(256, shuffle_seed=a * 7919, scramble_seed=a), shares(256, shuffle_seed=b, scramble_seed=b))[
            0, 1
        ]
        for a, b in zip(range(1, 51), np.random.default_rng(3).integers(2**32, size=50).tolist(), strict=True)
    ]
    assert abs(np.mean(correlations)) < 4 / 16 / np.sqrt(50)
    assert np.std(correlations) < 1.5 / 16


def test_a_share_is_at_least_0_and_below_1():
    """The largest of 2**32 steps is still below 1; 4096 points come within a slice of both ends."""
    values = shares(4096)
    assert 0 <= values.min() < 1 / 4096 and 1 - 1 / 4096 <= values.max() < 1


@pytest.mark.parametrize(
    ("index", "dimension", "message"),
    [
        (-1, 0, r"index from 0 to 4294967295, but -1 came"),
        (2**32, 0, r"index from 0 to 4294967295, but 4294967296 came"),
        (0, 4, r"dimensions 0 to 3, but 4 came"),
        (0, -1, r"dimensions 0 to 3, but -1 came"),
    ],
)
def test_what_is_out_of_range_is_refused(index: int, dimension: int, message: str):
    """The message says what is allowed and what came."""
    with pytest.raises(ValueError, match=message):
        even_share(index, shuffle_seed=1, scramble_seed=2, dimension=dimension)


@pytest.mark.parametrize("dimension", range(DIMENSIONS))
@pytest.mark.parametrize("first", [0, 1000, 2**32 - 300])
def test_many_points_at_once_are_the_single_ones(first: int, dimension: int):
    """Arrays of words come to the very numbers that single words come to, up to the last index."""
    for shuffle_seed, scramble_seed in ((0, 0), (2**32 - 1, 2**32 - 1), (0x12345678, 0x9ABCDEF0)):
        seeds = {"shuffle_seed": shuffle_seed, "scramble_seed": scramble_seed, "dimension": dimension}
        many = even_shares(first, 300, **seeds)
        assert many == [even_share(first + place, **seeds) for place in range(300)]
    with pytest.raises(ValueError, match="index from 0 to 4294967295, but 4294967296 came"):
        even_shares(2**32 - 299, 300, shuffle_seed=1, scramble_seed=2)
