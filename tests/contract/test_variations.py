"""Variations: other settings for some of a recipe's people, and nobody else is touched."""

import dataclasses
import json
from pathlib import Path

import pytest
from small_head import small_head, write_lyhm

from render.config import Recipe, RecipeError, load_recipe
from render.frame_keys import plan_frame
from render.heads.model_checks import HeadModelError
from render.recipe_head import recipe_head
from render.sampling.frame import draw_frame, draw_frames
from render.variations import every_variation, variation_names

RED = {"name": "red_hair", "identities": 0.1, "set": {"hairs.redness": [0.9, 1.0]}}
PER_PERSON = 4  # of recipe quick
ASSETS = {"blender_studiolights": "5" * 64}


def varied(*variations: dict, **more: object) -> Recipe:
    """Recipe quick with variations."""
    return load_recipe("quick", overrides={"variations": list(variations), **more})


def people(recipe: Recipe, name: str, count: int, *, split: str = "train") -> list[int]:
    """Who of the first people of a split a variation holds for."""
    return [person for person in range(count) if name in variation_names(recipe, split, person)]


def changed_factors(recipe: Recipe, person: int, *, split: str = "train") -> set[str]:
    """The factors that differ in any frame of a person from those of recipe quick."""
    frames = range(person * PER_PERSON, (person + 1) * PER_PERSON)
    pairs = zip(draw_frames(load_recipe("quick"), split, frames), draw_frames(recipe, split, frames), strict=True)
    return {
        field.name
        for one, other in pairs
        for field in dataclasses.fields(one)
        if getattr(one, field.name) != getattr(other, field.name)
    }


def test_a_tenth_of_the_people_get_other_hair_and_nothing_else_changes():
    """Over 200 people a share of 0.1 takes 20 (draws are even, hence within 2); they have the new colour, all else of
    them and everybody else is drawn as before."""
    recipe = varied(RED)
    chosen = people(recipe, "red_hair", 200)
    assert abs(len(chosen) - 20) <= 2
    assert all(changed_factors(recipe, person) == {"hair_colour"} for person in chosen[:6])
    others = [person for person in range(18) if person not in chosen]
    assert all(changed_factors(recipe, person) == set() for person in others)
    for person in chosen[:5]:
        assert 0.9 <= draw_frame(recipe, "train", person * PER_PERSON).hair_colour.redness <= 1.0


def test_only_keys_of_varied_frames_change_and_no_ground_truth():
    """Keys of a recipe with variations that hold for nobody here are those without; the pictures of varied people alone
    get others."""
    plain, recipe = load_recipe("quick"), varied(RED)
    chosen = people(recipe, "red_hair", 40)
    for person in (*chosen[:2], *(person for person in range(4) if person not in chosen)):
        for index in (person * PER_PERSON, person * PER_PERSON + 3):
            before, now = (plan_frame(each, "train", index, ASSETS).keys for each in (plain, recipe))
            assert now["gt"] == before["gt"]
            assert (now["rgb"] == before["rgb"]) == (person not in chosen)


def test_a_larger_share_takes_in_everybody_of_a_smaller_one():
    """From a tenth to a quarter, those of the tenth stay; to all, it is everybody. Splits are drawn apart."""
    shares = [people(varied({**RED, "identities": share}), "red_hair", 120) for share in (0.1, 0.25, 1.0)]
    assert set(shares[0]) < set(shares[1]) and shares[2] == list(range(120))
    assert people(varied(RED), "red_hair", 120, split="test") != shares[0]


def test_who_is_varied_is_drawn_by_the_variations_name():
    """Another variation before or after it moves nobody, and another name takes other people."""
    others = ({"name": "night", "identities": 0.5, "set": {"lightings.environments": ["night"]}},)
    alone = people(varied(RED), "red_hair", 100)
    assert people(varied(*others, RED), "red_hair", 100) == alone
    assert people(varied(RED, *others), "red_hair", 100) == alone
    assert people(varied({**RED, "name": "redheads"}), "redheads", 100) != alone


def test_people_can_be_named_and_splits_left_out():
    """A list of indices means exactly these people, of the splits that are named alone."""
    recipe = varied({**RED, "identities": [3, 17], "splits": ["test"]})
    assert people(recipe, "red_hair", 40, split="test") == [3, 17]
    assert people(recipe, "red_hair", 40) == []


def test_two_variations_of_one_person_hold_together():
    """Both changes are drawn; where both set one field, the later one counts; what is set for a frame's factor changes
    all frames of the person."""
    first = {"name": "one", "identities": [2], "set": {"hairs.redness": [0.9, 0.9], "hairs.grey": [0.8, 0.8]}}
    second = {"name": "two", "identities": [2, 5], "set": {"hairs.redness": [0.2, 0.2], "head_poses.yaw_deg": [60, 60]}}
    recipe = varied(first, second)
    colour = draw_frame(recipe, "train", 2 * PER_PERSON).hair_colour
    assert (colour.redness, colour.grey) == (0.2, 0.8)
    assert {frame.head_pose.yaw_deg for frame in draw_frames(recipe, "train", range(20, 24))} == {60.0}
    assert changed_factors(recipe, 5) == {"hair_colour", "head_pose"}


def test_variations_that_are_impossible_together_are_refused_by_name():
    """Each is possible alone; for a person with both, the message names recipe, variations and fields."""
    near = {"name": "near", "identities": [1], "set": {"cameras.distance_mm": [350, 400], "cameras.clip_m": [0.01, 5]}}
    held = {"name": "held", "identities": [1], "set": {"accessories.occluders": {"mug": 1}}}
    recipe = varied(near, held)
    draw_frame(recipe, "train", 0)
    with pytest.raises(RecipeError, match=r"'quick' with variations near, held cannot be used:\n.*accessories\.gap_mm"):
        draw_frame(recipe, "train", PER_PERSON)


def test_a_recipe_file_may_hold_variations_and_extend_one_that_does(tmp_path: Path):
    """As a section, or under `set:`; a round trip through JSON keeps the recipe; a child's replace its parent's."""
    (tmp_path / "red.yaml").write_text(
        "extends: quick\nname: red\nvariations:\n"
        "  - {name: red_hair, identities: 0.1, set: {hairs.redness: [0.9, 1.0]}}\n"
    )
    (tmp_path / "child.yaml").write_text("extends: red.yaml\nname: child\nset: {rgb.samples: 3}\n")
    (tmp_path / "none.yaml").write_text("extends: red.yaml\nname: none\nset: {variations: []}\n")
    recipe = load_recipe(str(tmp_path / "child.yaml"))
    assert [one.name for one in recipe.variations] == ["red_hair"]
    assert Recipe.model_validate(json.loads(recipe.model_dump_json())) == recipe
    assert [each.hairs.redness for each in every_variation(recipe)] == [(0, 0.5), (0.9, 1.0)]
    assert load_recipe(str(tmp_path / "none.yaml")).variations == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"identities": 0}, r"variations\.0\.identities: give a share of the people above 0 and up to 1"),
        ({"identities": 1.5}, r"variations\.0\.identities: .*\(came: 1\.5\)"),
        ({"identities": True}, r"variations\.0\.identities: .*\(came: True\)"),
        ({"identities": []}, r"variations\.0\.identities: .*or a list of their indices"),
        ({"identities": [-1]}, r"variations\.0\.identities: .*\(came: \[-1\]\)"),
        ({"set": {"hairs.rednes": [0, 1]}}, r"variation 'red_hair' cannot be used:\n.*hairs\.rednes is no setting"),
        (
            {"set": {"hairs.redness": [0, 2]}},
            r"variation 'red_hair' cannot be used:\n.*hairs\.redness\.1: .*\(came: 2\)",
        ),
        ({"set": {"heads.family": "ict"}}, r"'heads\.family' cannot be set for some people alone"),
        ({"set": {"hairs": {}}}, r"'hairs' cannot be set for some people alone; name a field of one of expressions"),
        ({"set": {"cameras.width_px": 64}}, r"'cameras\.width_px' is one for the whole dataset"),
        ({"set": {}}, r"variations\.0\.set: "),
        ({"splits": ["testing"]}, r"variations\.0\.splits\.0: "),
        ({"name": "Red hair"}, r"variations\.0\.name: "),
        ({"share": 0.1}, r"variations\.0\.share is no setting; known here are identities, name, set, splits"),
    ],
)
def test_a_variation_that_cannot_be_is_refused(change: dict, message: str):
    """The message names the field, what is allowed and what came."""
    with pytest.raises(RecipeError, match=message):
        varied({**RED, **change})


def test_two_variations_of_one_name_are_refused():
    """Both would be drawn for the same people."""
    with pytest.raises(RecipeError, match="two variations have one name among red_hair, red_hair"):
        varied(RED, RED)


def test_a_head_must_show_the_expressions_of_every_variation(tmp_path: Path):
    """What a variation alone asks of a head model is checked before the first frame, not when its person comes."""
    still = {"expressions.names": ["neutral"], "head_poses.gaze_yaw_deg": [0, 0], "head_poses.gaze_pitch_deg": [0, 0]}
    model = str(write_lyhm(tmp_path, small_head()))
    head = {"heads.family": "lyhm", "heads.model_file": model, "heads.identity_modes": 3, **still}
    sad = {"name": "sad", "identities": [900], "set": {"expressions.names": ["sad"]}}
    recipe_head(varied(RED, **head), assets_source=None, cache=tmp_path)
    with pytest.raises(HeadModelError, match=r"expressions\.names asks for 'sad'"):
        recipe_head(varied(RED, sad, **head), assets_source=None, cache=tmp_path)
