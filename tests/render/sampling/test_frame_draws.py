"""A frame is a function of seed, ranges, split and index, and each factor of its own ranges alone."""

import dataclasses

import pytest

from render.config import Recipe, load_recipe, recipe_names
from render.dataset_format import PRODUCTS, canonical_json
from render.parameters import PERSON_FACTORS, factor_values
from render.sampling.frame import draw_frame, draw_frames


def test_a_frame_is_the_same_however_many_there_are():
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


def test_a_frame_is_the_same_alone_and_in_company():
    """Whatever order frames are asked for in, and whoever came before, each is as drawn alone."""
    recipe = load_recipe("khan2021")
    indices = (12, 3, 4, 0, 13, 3)
    together = list(draw_frames(recipe, "validation", indices))
    assert together == [draw_frame(recipe, "validation", index) for index in indices]


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_that_went_through_a_plan_draws_the_same_texts(name: str):
    """Keys are hashes of texts: a recipe read back from JSON, its defaults written out, gives each number as before."""
    recipe = load_recipe(name)
    again = Recipe.model_validate_json(recipe.model_dump_json())
    for before, after in zip(draw_frames(recipe, "test", (0, 7)), draw_frames(again, "test", (0, 7)), strict=True):
        for product in PRODUCTS:
            assert canonical_json(factor_values(before, product)) == canonical_json(factor_values(after, product))


@pytest.mark.parametrize(
    ("override", "value", "factor"),
    [
        ("cameras.distance_mm", [900, 950], "camera"),
        ("cameras.elevation_deg", [0, 9], "camera"),
        ("lightings.key_power_w", [100, 200], "lighting"),
        ("lightings.environments", ["forest"], "lighting"),
        ("skins.oiliness", [0.2, 0.3], "skin"),
        ("hairs.redness", [0.6, 0.7], "hair_colour"),
        ("head_poses.yaw_deg", [60, 80], "head_pose"),
        ("expressions.names", ["scared"], "expression"),
        ("backdrops.shares", {"texture": 1}, "backdrop"),
        ("heads.identity_sigma", 0.5, "identity"),
    ],
)
def test_changing_one_factor_leaves_all_others_alone(override: str, value: object, factor: str):
    """Another range of one factor changes that factor in some frame, and no other factor in any frame."""
    before, after = load_recipe("quick"), load_recipe("quick", overrides={override: value})
    changed = set()
    for old, new in zip(draw_frames(before, "train", range(12)), draw_frames(after, "train", range(12)), strict=True):
        changed |= {
            field.name for field in dataclasses.fields(old) if getattr(old, field.name) != getattr(new, field.name)
        }
    assert changed == {factor}


def test_splits_share_no_identity():
    """The same index in another split is another person, drawn from that split's own streams."""
    recipe = load_recipe("khan2021")
    people = {
        draw_frame(recipe, split, index).identity.coefficients
        for split in ("train", "validation", "test")
        for index in range(0, 50, recipe.structure.frames_per_identity)
    }
    assert len(people) == 3 * 50 / recipe.structure.frames_per_identity


def test_a_person_keeps_all_that_is_theirs():
    """Frames of one person share every factor of PERSON_FACTORS, and differ in pose, camera and light."""
    recipe = load_recipe("khan2021")
    frames = [draw_frame(recipe, "train", index) for index in range(recipe.structure.frames_per_identity)]
    for factor in PERSON_FACTORS:
        assert len({getattr(frame, factor) for frame in frames}) == 1
    for factor in ("head_pose", "camera", "lighting"):
        assert len({getattr(frame, factor) for frame in frames}) == len(frames)
