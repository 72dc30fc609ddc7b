"""Clothes are drawn once a person, in the styles that the recipe allows."""

from render.config import load_recipe
from render.parameters import FACTORS_OF_PRODUCT
from render.ranges.people import OUTFIT_STYLES
from render.sampling.frame import draw_frames


def drawn(count: int, **overrides):
    recipe = load_recipe("khan2021", overrides={key.replace("__", "."): value for key, value in overrides.items()})
    return list(draw_frames(recipe, "train", range(count)))


def test_a_person_keeps_their_clothes():
    """Frames 0-4 show one person in one outfit of one fabric, frame 5 another."""
    frames = drawn(6)
    for factor in ("outfit", "fabric"):
        assert len({getattr(frame, factor) for frame in frames[:5]}) == 1
        assert getattr(frames[5], factor) != getattr(frames[0], factor)


def test_every_style_and_pattern_is_worn_and_nobody_is_bare_unless_asked():
    """By default all necklines and patterns appear over 60 people, `none` never; a recipe may ask for it."""
    people = drawn(300)[::5]
    assert {frame.outfit.style for frame in people} == set(OUTFIT_STYLES) - {"none"}
    assert {frame.fabric.pattern for frame in people} == {"plain", "heather", "stripes"}
    assert {frame.outfit.style for frame in drawn(20, outfits__styles=["none"])} == {"none"}


def test_colours_are_reflectances_of_cloth():
    """Every channel lies between black and white cloth (0 to 0.76)."""
    people = drawn(200)[::5]
    channels = [value for frame in people for rgb in (frame.fabric.rgb, frame.fabric.second_rgb) for value in rgb]
    assert min(channels) >= 0.0 and max(channels) <= 0.76


def test_dyeing_cloth_renders_no_ground_truth():
    """Ground truth depends on the outfit's shape, but not on its fabric."""
    assert "outfit" in FACTORS_OF_PRODUCT["gt"] and "fabric" not in FACTORS_OF_PRODUCT["gt"]
    assert {"outfit", "fabric"} <= set(FACTORS_OF_PRODUCT["rgb"])
