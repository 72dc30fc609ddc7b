"""Hair is drawn by shares and within ranges; on dark skin it is dark."""

from dataclasses import replace

import pytest

from render.draws import Draws
from render.parameters import Skin
from render.ranges.hair import Hairs
from render.sampling.hair import draw_hair, draw_hair_colour

HAIRS = Hairs(melanin=(0.1, 0.9), redness=(0.2, 0.4), grey=(0.0, 0.3), styles={"bob": 3, "buzz": 1, "afro": 0})
PALE = Skin(
    melanin=0.02, haemoglobin=0.05, redness=0.2, lip_colour=0.5, oiliness=0.3, freckles=0.0, moles=0.0, stubble=0.0,
    wrinkles=0.0, texture_seed=3,
)  # fmt: skip


def colours(melanin_of_skin: float):
    """Colours of 200 people with this skin."""
    skin = replace(PALE, melanin=melanin_of_skin)
    return [draw_hair_colour(HAIRS, skin, Draws(5, "train", index)) for index in range(200)]


@pytest.mark.parametrize(
    ("melanin_of_skin", "lowest"), [(0.02, 0.1), (0.06, 0.1), (0.11, 0.42), (0.16, 0.74), (0.4, 0.74)]
)
def test_the_darker_the_skin_the_darker_the_hair(melanin_of_skin: float, lowest: float):
    """Melanin of hair fills its range from a bound that rises by 0.8 of the range between skins of 0.06 and 0.16."""
    drawn = [colour.melanin for colour in colours(melanin_of_skin)]
    margin = 0.02 * (0.9 - lowest)
    assert lowest <= min(drawn) < lowest + margin and 0.9 - margin < max(drawn) <= 0.9


def test_redness_and_grey_know_nothing_of_the_skin():
    """They fill their ranges, and each person's are the same whatever the skin."""
    pale, dark = colours(0.02), colours(0.3)
    assert [(one.redness, one.grey) for one in pale] == [(one.redness, one.grey) for one in dark]
    for values, low, high in (([one.redness for one in pale], 0.2, 0.4), ([one.grey for one in pale], 0.0, 0.3)):
        assert low <= min(values) < low + 0.02 * (high - low) and high - 0.02 * (high - low) < max(values) <= high


def test_styles_come_by_their_shares():
    """Three in four have a bob, none an afro of weight 0; brows are as thick as the recipe allows."""
    drawn = [draw_hair(HAIRS, Draws(5, "train", index)) for index in range(400)]
    styles = [hair.style for hair in drawn]
    assert abs(styles.count("bob") - 300) <= 12 and set(styles) == {"bob", "buzz"}
    assert all(HAIRS.brow_thickness[0] <= hair.brow_thickness <= HAIRS.brow_thickness[1] for hair in drawn)
