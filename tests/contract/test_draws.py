"""A drawn value is a function of seed, split, factor and index, and of nothing else."""

import dataclasses
import hashlib
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from render.config import load_recipe
from render.draws import draw_between, draw_weighted, random_stream
from render.sampling.frame import draw_frame


def numbers(*address, count: int = 3) -> list[float]:
    """The first numbers of one stream."""
    return random_stream(*address).random(count).tolist()


class TestStream:
    def test_golden_values(self):
        """Streams are part of the format: a dataset drawn today is drawn the same in years.

        Recorded on NumPy 1.26, x86-64, when the streams were first used; a change makes every key in every store stale.
        """
        assert numbers(7, "train", "camera.distance_mm", 0) == [
            0.3501651807727869,
            0.2744457668072572,
            0.8690174469056837,
        ]
        assert random_stream(7, "train", "camera.distance_mm", 3).integers(2**63, size=2).tolist() == [
            3648694695982492365,
            1219805893384105606,
        ]
        assert float(random_stream(2021, "test", "identity", 1_000_000).standard_normal()) == -1.0261802230625203
        assert draw_between(random_stream(2021, "test", "identity", 5), (700, 1000)) == 749.530549882

    def test_the_key_is_the_documented_hash(self):
        """Key = the first 16 bytes of sha256("headroom/<seed>/<split>/<factor>"), counter = index * 2**128."""
        digest = hashlib.sha256(b"headroom/7/train/skin.melanin").digest()
        bits = np.random.Philox(counter=5 << 128, key=int.from_bytes(digest[:16], "little"))
        assert numbers(7, "train", "skin.melanin", 5) == np.random.Generator(bits).random(3).tolist()

    def test_each_part_of_the_address_matters(self):
        """Another seed, split, factor or index is another stream."""
        addresses = [
            (7, "train", "skin.melanin", 4),
            (8, "train", "skin.melanin", 4),
            (7, "test", "skin.melanin", 4),
            (7, "train", "skin.freckles", 4),
            (7, "train", "skin.melanin", 5),
        ]
        assert len({tuple(numbers(*address)) for address in addresses}) == len(addresses)

    @given(st.lists(st.integers(0, 10**9), min_size=2, max_size=6, unique=True), st.integers(1, 50))
    def test_neither_order_nor_count_matters(self, indices: list[int], drawn_before: int):
        """A stream gives the same values whichever streams were drawn before it, and however much was taken of them."""
        alone = {index: numbers(3, "train", "pose", index) for index in indices}
        for index in reversed(indices):
            random_stream(3, "train", "pose", index).random(drawn_before)
            assert numbers(3, "train", "pose", index) == alone[index]

    def test_a_long_stream_does_not_run_into_the_next(self):
        """100 000 numbers of one index hold none of the first numbers of the next."""
        long = set(numbers(1, "train", "identity", 0, count=100_000))
        assert not long & set(numbers(1, "train", "identity", 1, count=100))

    def test_values_over_indices_are_uniform_and_independent(self):
        """The first number of 20 000 indices: Kolmogorov-Smirnov distance, and correlation between neighbours.

        Bounds: 1.95 / sqrt(n) is exceeded by chance once in a thousand; 4 / sqrt(n) is four standard deviations.
        """
        count = 20_000
        values = np.array([numbers(11, "train", "head_pose.yaw_deg", index, count=1)[0] for index in range(count)])
        distance = np.abs(np.sort(values) - (np.arange(count) + 0.5) / count).max()
        assert distance < 1.95 / math.sqrt(count)
        assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 4 / math.sqrt(count)
        other = np.array([numbers(11, "train", "head_pose.roll_deg", index, count=1)[0] for index in range(count)])
        assert abs(np.corrcoef(values, other)[0, 1]) < 4 / math.sqrt(count)

    def test_a_negative_index_is_refused(self):
        """There is no frame before the first."""
        with pytest.raises(ValueError, match="0 or more, but -1 came"):
            random_stream(7, "train", "pose", -1)


class TestDrawBetween:
    @given(st.floats(-1000, 1000), st.floats(0, 1000), st.integers(0, 1000))
    def test_values_lie_between_the_bounds(self, low: float, width: float, index: int):
        """Every value is inside its range, but for the ninth decimal, to which it is rounded."""
        value = draw_between(random_stream(0, "train", "range", index), (low, low + width))
        assert low - 1e-9 <= value <= low + width + 1e-9

    def test_equal_bounds_give_that_value(self):
        """A range of one value is that value."""
        assert draw_between(random_stream(0, "train", "focal_length_mm", 3), (50, 50)) == 50

    def test_ranges_share_their_stream(self):
        """Widening a range stretches the same draw: the frame keeps its place within the range."""
        narrow = draw_between(random_stream(0, "train", "yaw", 3), (0, 1))
        wide = draw_between(random_stream(0, "train", "yaw", 3), (-10, 30))
        assert wide == pytest.approx(-10 + 40 * narrow, abs=1e-7)

    @given(st.integers(0, 200))
    def test_a_value_has_at_most_nine_decimals(self, index: int):
        """The text of a drawn value is short, and reads back exactly."""
        text = repr(draw_between(random_stream(0, "train", "distance", index), (700, 1000)))
        assert len(text.partition(".")[2]) <= 9

    @given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.7, 3.0]), min_size=1, max_size=4), st.integers(0, 400))
    def test_a_weighted_draw_is_one_of_the_wanted_names(self, weights: list[float], index: int):
        """Whatever comes has a weight above 0, and is what the same stream's share of the sum falls on."""
        assume(sum(weights) > 0)
        table = dict(zip("abcd", weights, strict=False))
        name = draw_weighted(random_stream(0, "train", "kind", index), table)
        place = draw_between(random_stream(0, "train", "kind", index), (0, sum(weights)))
        ends = np.cumsum(weights)
        position = "abcd".index(name)
        assert weights[position] > 0
        assert ends[position] - weights[position] - 1e-9 <= place <= ends[position] + 1e-9

    @pytest.mark.parametrize(("end", "name"), [(0, "b"), (1, "d")])
    def test_both_ends_of_a_weighted_draw_are_names(self, end: int, name: str, monkeypatch: pytest.MonkeyPatch):
        """At 0 a name without weight is not taken; at the upper end the rounding of 0.1 + 0.2 + 0.3 loses none."""
        monkeypatch.setattr("render.draws.draw_between", lambda _, bounds: bounds[end])
        weights = {"a": 0.0, "b": 0.1, "c": 0.2, "d": 0.3}
        assert 0.1 + 0.2 + 0.3 - 0.1 - 0.2 - 0.3 > 0
        assert draw_weighted(random_stream(0, "train", "kind", 0), weights) == name


class TestFrames:
    def test_a_frame_is_the_same_however_many_there_are(self):
        """Frame i depends neither on the number of frames nor on the size of shards, name or output settings."""
        small = load_recipe("khan2021", overrides={"structure.frames": {"train": 30}})
        large = load_recipe(
            "khan2021",
            overrides={
                "structure.frames": {"train": 9000, "test": 70},
                "structure.shard_size": 7,
                "name": "other",
                "rgb.samples": 3,
            },
        )
        for index in (29, 0, 13):
            assert draw_frame(small, "train", index) == draw_frame(large, "train", index)

    @pytest.mark.parametrize(
        ("override", "value", "factor"),
        [
            ("cameras.distance_mm", [900, 950], "camera"),
            ("lightings.key_power_w", [100, 200], "lighting"),
            ("lightings.environments", ["forest"], "lighting"),
            ("skins.roughness", [0.2, 0.3], "skin"),
            ("head_poses.yaw_deg", [60, 80], "head_pose"),
            ("expressions.names", ["scared"], "expression"),
            ("backdrops.shares", {"texture": 1}, "backdrop"),
            ("heads.identity_sigma", 0.5, "identity"),
        ],
    )
    def test_changing_one_factor_leaves_all_others_alone(self, override: str, value: object, factor: str):
        """Another range of one factor changes that factor in some frame, and no other factor in any frame."""
        before, after = load_recipe("quick"), load_recipe("quick", overrides={override: value})
        changed = set()
        for index in range(12):
            old, new = draw_frame(before, "train", index), draw_frame(after, "train", index)
            changed |= {
                field.name for field in dataclasses.fields(old) if getattr(old, field.name) != getattr(new, field.name)
            }
        assert changed == {factor}

    def test_splits_share_no_identity(self):
        """The same index in another split is another person, drawn from that split's own streams."""
        recipe = load_recipe("khan2021")
        people = {
            draw_frame(recipe, split, index).identity.coefficients
            for split in ("train", "validation", "test")
            for index in range(0, 50, recipe.structure.frames_per_identity)
        }
        assert len(people) == 3 * 50 / recipe.structure.frames_per_identity

    def test_a_person_keeps_identity_skin_and_eyes(self):
        """Frames of one person share who they are, and differ in pose, camera and light."""
        recipe = load_recipe("khan2021")
        frames = [draw_frame(recipe, "train", index) for index in range(recipe.structure.frames_per_identity)]
        for factor in ("identity", "skin", "eyes"):
            assert len({getattr(frame, factor) for frame in frames}) == 1
        for factor in ("head_pose", "camera", "lighting"):
            assert len({getattr(frame, factor) for frame in frames}) == len(frames)
