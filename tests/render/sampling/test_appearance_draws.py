"""Skin and eyes: what goes with what, and that every range is kept."""

import dataclasses

import pytest

from render.draws import Draws
from render.ranges.people import Skins
from render.sampling.appearance import DARK_SKIN_MELANIN, PUPIL_SHARES, draw_eyes, draw_skin

PEOPLE = range(400)


def skins_of(**ranges) -> list:
    return [draw_skin(Skins(**ranges), Draws(11, "train", index)) for index in PEOPLE]


def test_every_amount_stays_in_its_range_and_fills_it():
    """Amounts keep to the recipe's bounds; over 400 people they come within a fiftieth of the range of both ends."""
    low, high = 0.2, 0.7
    names = ("redness", "lip_colour", "oiliness", "moles", "wrinkles")
    people = skins_of(**dict.fromkeys(names, (low, high)))
    for name in names:
        values = [getattr(skin, name) for skin in people]
        assert low <= min(values) < low + 0.01, name
        assert high - 0.01 < max(values) <= high, name


def test_only_the_recipes_share_of_people_has_stubble():
    """With a share of 0.4, 160 of 400 people (give or take 2: draws are even) have some; the others have none."""
    people = skins_of(stubble=(0.3, 1.0), stubble_share=0.4)
    shaved = [skin.stubble for skin in people if skin.stubble > 0]
    assert len(shaved) == pytest.approx(160, abs=2)
    assert min(shaved) >= 0.3
    assert {skin.stubble for skin in skins_of(stubble_share=0.0)} == {0.0}


def test_freckles_fade_out_with_melanin():
    """Without melanin the drawn amount, at DARK_SKIN_MELANIN half of it, at twice as much none."""
    for melanin, share in ((0.0, 1.0), (DARK_SKIN_MELANIN, 0.5), (2 * DARK_SKIN_MELANIN, 0.0)):
        for skin in skins_of(melanin=(melanin, melanin), freckles=(0.5, 0.5))[:5]:
            assert skin.freckles == pytest.approx(0.5 * share, abs=1e-6)


def test_wrinkles_are_rarer_than_smooth_skin():
    """They are the square of an even draw, so half of all people have at most a quarter of the range."""
    values = sorted(skin.wrinkles for skin in skins_of())
    assert values[len(values) // 2] == pytest.approx(0.25, abs=0.01)


def test_dark_skin_goes_with_brown_eyes_and_pale_skin_with_any():
    """Blue never leads in the iris of dark skin; among pale people it leads in some."""
    (skin,) = skins_of()[:1]
    dark, pale = (dataclasses.replace(skin, melanin=melanin) for melanin in (0.3, 0.02))
    of_dark, of_pale = ([draw_eyes(one, Draws(11, "train", index)) for index in PEOPLE] for one in (dark, pale))
    assert all(eyes.iris_rgb[0] > eyes.iris_rgb[2] for eyes in of_dark)
    assert any(eyes.iris_rgb[2] > eyes.iris_rgb[0] for eyes in of_pale)
    assert all(PUPIL_SHARES[0] <= eyes.pupil_share <= PUPIL_SHARES[1] for eyes in of_dark)
