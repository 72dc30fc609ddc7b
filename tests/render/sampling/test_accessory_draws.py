"""Glasses, lenses and occluders are drawn by their shares, within their ranges."""

import pytest
from pydantic import ValidationError

from render.config import RecipeError, load_recipe
from render.draws import Draws
from render.ranges.accessories import Accessories
from render.sampling.accessories import draw_glasses, draw_lenses, draw_occluder


def test_kinds_come_by_their_shares():
    """One in four wears round glasses when none has weight 3; a kind of weight 0 never comes."""
    accessories = Accessories(glasses={"none": 3, "round": 1, "aviator": 0})
    drawn = [draw_glasses(accessories, Draws(5, "train", index)).style for index in range(400)]
    assert abs(drawn.count("round") - 100) <= 12 and "aviator" not in drawn


def test_only_lenses_that_are_not_clear_are_tinted():
    """Clear ones let everything through and mirror nothing; sunglasses let less through than tinted lenses."""
    light = {}
    for kind in ("clear", "tinted", "sunglasses", "mirrored"):
        drawn = [draw_lenses(Accessories(lenses={kind: 1}), Draws(5, "train", index)) for index in range(60)]
        light[kind] = sum(sum(lens.tint_rgb) for lens in drawn) / len(drawn) / 3
        assert all((lens.mirror > 0) == (kind == "mirrored") for lens in drawn)
        assert all(0 < value <= 1 for lens in drawn for value in (*lens.tint_rgb, *lens.acetate_rgb, *lens.metal_rgb))
    assert light["clear"] == 1.0 and light["sunglasses"] < 0.3 < 0.5 < light["tinted"] < 1.0


def test_things_are_held_within_the_ranges_and_fill_them():
    """Gap, aim and turn stay in their ranges and come near both ends of them."""
    accessories = Accessories(occluders={"mug": 1, "book": 1}, gap_mm=(80, 120), turn_deg=(-10, 30))
    drawn = [draw_occluder(accessories, Draws(5, "train", index)) for index in range(200)]
    assert {held.kind for held in drawn} == {"mug", "book"}
    for values, low, high in (
        ([held.gap_mm for held in drawn], 80, 120),
        ([held.roll_deg for held in drawn], -10, 30),
        ([held.aim_x for held in drawn], -0.6, 0.6),
    ):
        assert low <= min(values) < low + 0.05 * (high - low) and high - 0.05 * (high - low) < max(values) <= high


def test_unknown_kinds_and_empty_shares_are_refused():
    """A style nobody knows, and shares that are all 0."""
    with pytest.raises(ValidationError, match="monocle"):
        Accessories(glasses={"monocle": 1})  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValidationError, match="every share is 0"):
        Accessories(occluders={"mug": 0})


def test_a_recipe_may_not_hold_things_where_the_camera_stands():
    """Things up to 0.25 m before the face need cameras from 0.45 m on; without things any distance will do."""
    near: dict[str, object] = {"cameras.distance_mm": [400, 900], "accessories.gap_mm": [50, 250]}
    with pytest.raises(RecipeError, match=r"accessories\.gap_mm .* cameras\.distance_mm begins at 400"):
        load_recipe("khan2021", overrides={**near, "accessories.occluders": {"mug": 1}})
    assert load_recipe("khan2021", overrides=near).cameras.distance_mm == (400, 900)
