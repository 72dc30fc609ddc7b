"""A drawn value is a function of seed, split, name and index, and of nothing else."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from render.draws import Draws
from render.even_points import even_share

GOLDEN_SHARES = [0.2926336918026209, 0.8984055172186345, 0.7004037031438202]
GOLDEN_DISTANCE_MM = 820.096963644
GOLDEN_JOINT = {"yaw": -0.71616233, "pitch": 0.912782504}
GOLDEN_SEED = 99863


def shares(name: str, count: int, seed: int = 11) -> np.ndarray:
    """What one name draws for the first indices of the split `train`."""
    return np.array([Draws(seed, "train", index).share(name) for index in range(count)])


class TestShare:
    def test_golden_values(self):
        """Draws are part of the format: a dataset drawn today is drawn the same in years.

        Recorded on x86-64 when the draws were first used; a change makes every key in every store stale.
        """
        assert [Draws(7, "train", index).share("skin.melanin") for index in range(3)] == GOLDEN_SHARES
        assert Draws(2021, "test", 5).between("camera.distance_mm", (700, 1000)) == GOLDEN_DISTANCE_MM
        assert Draws(2021, "test", 5).between_jointly("pose", {"yaw": (-1, 1), "pitch": (0, 9)}) == GOLDEN_JOINT
        assert Draws(7, "train", 3).new_seed("hair.seed") == GOLDEN_SEED
        assert float(Draws(2021, "test", 1_000_000).stream("identity").standard_normal()) == -1.0261802230625203

    def test_the_seeds_are_the_documented_hash(self):
        """sha256("headroom/<seed>/<split>/<name>"): bytes 16-19 shuffle the order, bytes 20-23 scramble the value."""
        digest = hashlib.sha256(b"headroom/7/train/skin.melanin").digest()
        expected = even_share(
            5,
            shuffle_seed=int.from_bytes(digest[16:20], "little"),
            scramble_seed=int.from_bytes(digest[20:24], "little"),
        )
        assert Draws(7, "train", 5).share("skin.melanin") == expected

    def test_each_part_of_the_address_matters(self):
        """Another seed, split, name or index is another value."""
        addresses = [(7, "train", "a.b", 4), (8, "train", "a.b", 4), (7, "test", "a.b", 4)]
        addresses += [(7, "train", "a.c", 4), (7, "train", "a.b", 5)]
        assert len({Draws(seed, split, index).share(name) for seed, split, name, index in addresses}) == len(addresses)

    @given(st.lists(st.integers(0, 10**9), min_size=2, max_size=6, unique=True))
    def test_neither_order_nor_count_matters(self, indices: list[int]):
        """An index has its value whichever indices and names were drawn before it."""
        alone = {index: Draws(3, "train", index).share("pose") for index in indices}
        for index in reversed(indices):
            Draws(3, "train", index).between("light", (0, 5))
            assert Draws(3, "train", index).share("pose") == alone[index]

    @pytest.mark.parametrize("power", [0, 1, 4, 8])
    def test_the_first_indices_fall_one_into_each_slice(self, power: int):
        """2**k consecutive indices from 0 on, 2**k slices."""
        count = 2**power
        assert sorted(np.floor(shares("camera.distance_mm", count) * count)) == list(range(count))

    def test_names_are_independent_of_each_other(self):
        """512 indices of 12 names: no pair correlates by more than chance allows (4 standard deviations)."""
        table = np.stack([shares(f"factor.{number}", 512) for number in range(12)])
        correlations = np.corrcoef(table)[np.triu_indices(12, 1)]
        assert np.abs(correlations).max() < 4 / math.sqrt(512)

    def test_a_bad_index_is_refused(self):
        """There is no frame before the first, for shares and streams alike."""
        for draw in (lambda draws: draws.share("a"), lambda draws: draws.stream("a")):
            with pytest.raises(ValueError, match="-1 came"):
                draw(Draws(7, "train", -1))


class TestBetween:
    @given(st.floats(-1000, 1000), st.floats(0, 1000), st.integers(0, 1000))
    def test_values_lie_between_the_bounds(self, low: float, width: float, index: int):
        """Every value is inside its range, but for the ninth decimal, to which it is rounded."""
        assert low - 1e-9 <= Draws(0, "train", index).between("a", (low, low + width)) <= low + width + 1e-9

    def test_equal_bounds_give_that_value(self):
        """A range of one value is that value."""
        assert Draws(0, "train", 3).between("focal_length_mm", (50, 50)) == 50

    def test_ranges_share_their_draw(self):
        """Widening a range stretches the same draw: the frame keeps its place within the range."""
        narrow = Draws(0, "train", 3).between("yaw", (0, 1))
        assert Draws(0, "train", 3).between("yaw", (-10, 30)) == pytest.approx(-10 + 40 * narrow, abs=1e-7)

    @given(st.integers(0, 200))
    def test_a_value_has_at_most_nine_decimals(self, index: int):
        """The text of a drawn value is short, and reads back exactly."""
        text = repr(Draws(0, "train", index).between("distance", (700, 1000)))
        assert len(text.partition(".")[2]) <= 9


class TestBetweenJointly:
    @pytest.mark.parametrize("columns", [1, 4, 16, 64, 256])
    def test_two_fields_fill_every_box_of_equal_area(self, columns: int):
        """256 indices, boxes of five shapes from 1 x 256 to 256 x 1: one point in each."""
        ranges = {"yaw_deg": (0.0, float(columns)), "pitch_deg": (-256.0 / columns, 0.0)}
        drawn = [Draws(5, "train", index).between_jointly("head_pose", ranges) for index in range(256)]
        boxes = {(math.floor(one["yaw_deg"]), math.floor(one["pitch_deg"])) for one in drawn}
        assert len(boxes) == 256

    def test_every_field_alone_is_stratified_too(self):
        """The fourth field of four falls one into each of 128 slices."""
        ranges = {"a": (0, 1), "b": (5, 6), "c": (0, 1), "d": (0.0, 128.0)}
        values = [Draws(5, "test", index).between_jointly("cube", ranges)["d"] for index in range(128)]
        assert sorted(int(value) for value in values) == list(range(128))

    def test_changing_one_range_leaves_the_other_fields_alone(self):
        """A wider yaw changes yaw, and nothing else."""
        narrow = Draws(5, "train", 9).between_jointly("pose", {"yaw": (-1, 1), "pitch": (-2, 2)})
        wide = Draws(5, "train", 9).between_jointly("pose", {"yaw": (-9, 9), "pitch": (-2, 2)})
        assert wide["pitch"] == narrow["pitch"] and wide["yaw"] == pytest.approx(9 * narrow["yaw"], abs=1e-7)

    def test_five_fields_are_refused(self):
        """There are four dimensions; the message names factor and fields."""
        with pytest.raises(ValueError, match=r"at most 4 fields are drawn jointly, but 'lens' has \['a', 'b', 'c'"):
            Draws(5, "train", 0).between_jointly("lens", dict.fromkeys("abcde", (0, 1)))


class TestChoices:
    def test_each_option_comes_equally_often(self):
        """4 options over 256 indices: 64 times each, exactly."""
        chosen = [Draws(5, "train", index).one("kind", "abcd") for index in range(256)]
        assert {option: chosen.count(option) for option in "abcd"} == dict.fromkeys("abcd", 64)

    def test_names_come_as_often_as_their_weights_say(self):
        """Weights 1, 3 and 12 of 16 over 256 indices: 16, 48 and 192, exactly, in whatever order they are listed."""
        for order in ("abc", "cab"):
            weights = {name: {"a": 1.0, "b": 3.0, "c": 12.0}[name] for name in order}
            chosen = [Draws(5, "train", index).weighted("kind", weights) for index in range(256)]
            assert {name: chosen.count(name) for name in "abc"} == {"a": 16, "b": 48, "c": 192}

    @given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.7, 3.0]), min_size=1, max_size=4), st.integers(0, 400))
    def test_a_weighted_draw_is_one_of_the_wanted_names(self, weights: list[float], index: int):
        """Whatever comes has a weight above 0, and is what the share of the sum falls on."""
        assume(sum(weights) > 0)
        draws = Draws(0, "train", index)
        name = draws.weighted("kind", dict(zip("abcd", weights, strict=False)))
        place = draws.share("kind") * sum(weights)
        ends = np.cumsum(weights)
        position = "abcd".index(name)
        assert weights[position] > 0
        assert ends[position] - weights[position] - 1e-9 <= place <= ends[position] + 1e-9

    @pytest.mark.parametrize(("share", "name"), [(0.0, "b"), (1.0, "d")])
    def test_both_ends_of_a_weighted_draw_are_names(self, share: float, name: str, monkeypatch: pytest.MonkeyPatch):
        """At 0 a name without weight is not taken; at the upper end the rounding of 0.1 + 0.2 + 0.3 loses none."""
        monkeypatch.setattr(Draws, "share", lambda *_: share)
        assert 0.1 + 0.2 + 0.3 - 0.1 - 0.2 - 0.3 > 0
        assert Draws(0, "train", 0).weighted("kind", {"a": 0.0, "b": 0.1, "c": 0.2, "d": 0.3}) == name

    def test_no_weight_at_all_is_refused(self):
        """Nothing can be drawn from nothing."""
        with pytest.raises(ValueError, match=r"kind needs a weight above 0, but has \{'a': 0\}"):
            Draws(0, "train", 0).weighted("kind", {"a": 0})


class TestStream:
    def test_the_key_is_the_documented_hash(self):
        """Key = the first 16 bytes of sha256("headroom/<seed>/<split>/<name>"), counter = index * 2**128."""
        digest = hashlib.sha256(b"headroom/7/train/skin.melanin").digest()
        bits = np.random.Philox(counter=5 << 128, key=int.from_bytes(digest[:16], "little"))
        expected = np.random.Generator(bits).random(3).tolist()
        assert Draws(7, "train", 5).stream("skin.melanin").random(3).tolist() == expected

    def test_a_long_stream_does_not_run_into_the_next(self):
        """100 000 numbers of one index hold none of the first numbers of the next."""
        long = set(Draws(1, "train", 0).stream("identity").random(100_000).tolist())
        assert not long & set(Draws(1, "train", 1).stream("identity").random(100).tolist())

    def test_values_over_indices_are_uniform_and_independent(self):
        """The first number of 10 000 indices: Kolmogorov-Smirnov distance, and correlation between neighbours.

        Bounds: 1.95 / sqrt(n) is exceeded by chance once in a thousand; 4 / sqrt(n) is four standard deviations.
        """
        count = 10_000
        values = np.array([Draws(11, "train", index).stream("identity").random() for index in range(count)])
        distance = np.abs(np.sort(values) - (np.arange(count) + 0.5) / count).max()
        assert distance < 1.95 / math.sqrt(count)
        assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 4 / math.sqrt(count)

    def test_seeds_fill_a_million(self):
        """Seeds lie from 0 to 999 999, and 500 of them repeat at most twice."""
        seeds = [Draws(11, "train", index).new_seed("hair.seed") for index in range(500)]
        assert min(seeds) >= 0 and max(seeds) < 1_000_000
        assert len(set(seeds)) >= 498
