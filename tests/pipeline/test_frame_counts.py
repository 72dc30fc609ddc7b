"""`--frames N`: how a total is shared out to the splits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame_counts import with_total_frames
from render.config import RecipeError, load_recipe


@given(
    frames=st.tuples(st.integers(1, 400), st.integers(0, 50), st.integers(1, 90)),
    per_identity=st.integers(1, 7),
    identities=st.integers(3, 300),
)
def test_a_total_is_met_exactly_in_whole_identities(frames: tuple[int, int, int], per_identity: int, identities: int):
    """All frames are given out, whole identities each, and no split that the recipe names goes without one."""
    named = {split: count for split, count in zip(("train", "validation", "test"), frames, strict=True) if count}
    recipe = load_recipe("quick", overrides={"structure.frames": named, "structure.frames_per_identity": per_identity})
    shared = with_total_frames(recipe, identities * per_identity).structure.frames
    assert sum(shared.values()) == identities * per_identity
    assert set(shared) == set(named)
    assert all(count % per_identity == 0 and count > 0 for count in shared.values())


@given(identities=st.integers(3, 400))
def test_a_larger_total_takes_no_frame_from_any_split(identities: int):
    """One identity more goes to one split, and the others keep theirs: growth renders new frames only."""
    recipe = load_recipe("quick")
    step = recipe.structure.frames_per_identity
    fewer = with_total_frames(recipe, identities * step).structure.frames
    more = with_total_frames(recipe, (identities + 1) * step).structure.frames
    assert sorted(more[split] - fewer[split] for split in fewer) == [0, 0, step]


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_multiples_of_the_recipes_total_keep_its_proportions_exactly(factor: int):
    """The recipe's own total gives the recipe's own splits; twice as many, twice each."""
    recipe = load_recipe("quick")
    own = recipe.structure.frames
    shared = with_total_frames(recipe, factor * sum(own.values())).structure.frames
    assert shared == {split: factor * count for split, count in own.items()}


def test_a_total_that_cannot_be_shared_out_is_refused():
    """Too few frames for one identity in each split, or a part of an identity: the message says what would do."""
    recipe = load_recipe("quick")
    with pytest.raises(RecipeError, match=r"--frames 8 is too few .*train, validation, test.* at least 12"):
        with_total_frames(recipe, 8)
    with pytest.raises(RecipeError, match=r"--frames 50 is no whole number .*4 frames.*try 48 or 52"):
        with_total_frames(recipe, 50)
