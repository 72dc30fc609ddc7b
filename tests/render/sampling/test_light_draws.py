"""Every rig draws its lamps in their ranges, and a flash rig fires at most one flash."""

import dataclasses
from collections import Counter

import pytest

from render.config import RecipeError, load_recipe
from render.draws import Draws
from render.frame_keys import frame_key, product_assets
from render.parameters import Lighting
from render.ranges.lighting import RIGS
from render.sampling.flash_rig import FLASHES
from render.sampling.frame import draw_frame
from render.sampling.lighting import draw_lighting

ASSETS = {"blender_studiolights": "b" * 64}


def recipe(**overrides):
    settings = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_recipe("khan2021", overrides={"heads.family": "procedural", **settings})


def drawn(rig: str, *, count: int = 60, **lightings) -> list[Lighting]:
    settings = {f"lightings__{key}": value for key, value in lightings.items()}
    ranges = recipe(lightings__rigs={rig: 1}, **settings).lightings
    return [draw_lighting(ranges, Draws(5, "train", index)) for index in range(count)]


def test_every_rig_is_drawn_as_often_as_its_share_says():
    """Of 320 frames with equal shares each rig gets 64, give or take the evenness of the points."""
    ranges = recipe(lightings__rigs=dict.fromkeys(RIGS, 2.5)).lightings
    counted = Counter(draw_lighting(ranges, Draws(5, "train", index)).rig for index in range(320))
    assert set(counted) == set(RIGS)
    assert all(abs(count - 64) <= 2 for count in counted.values())


def test_the_environment_rig_has_no_lamp_and_the_key_rig_one():
    """What the names promise."""
    assert all(lighting.lamps == () for lighting in drawn("environment"))
    assert all([lamp.role for lamp in lighting.lamps] == ["key"] for lighting in drawn("key"))


def test_three_point_light_keeps_its_ratios():
    """Fill and rim throw their share of the key's light (P / d^2) on the eyes; the fill is opposite, the rim behind."""
    for lighting in drawn("three_point", fill_ratio=[0.2, 0.3], rim_ratio=[1.5, 1.5], studio_ambient=[0.1, 0.1]):
        key, fill, rim = lighting.lamps
        assert (key.role, fill.role, rim.role) == ("key", "fill", "rim")
        at_eyes = [lamp.power_w / lamp.distance_m**2 for lamp in lighting.lamps]
        assert 0.2 <= at_eyes[1] / at_eyes[0] <= 0.3 + 1e-6 and at_eyes[2] / at_eyes[0] == pytest.approx(1.5)
        assert key.azimuth_deg * fill.azimuth_deg <= 0 and abs(fill.azimuth_deg) < 60 and abs(rim.azimuth_deg) > 120
        assert 0.05 <= lighting.environment_strength <= 0.12


def test_one_to_five_points_are_drawn_evenly_and_each_in_its_ranges():
    """Counts 1 to 5 come equally often; every number of every point stays in its range."""
    points = drawn("points", count=100)
    counted = Counter(len(lighting.lamps) for lighting in points)
    assert set(counted) == {1, 2, 3, 4, 5} and all(abs(count - 20) <= 1 for count in counted.values())
    ranges = recipe().lightings
    for lamp in (lamp for lighting in points for lamp in lighting.lamps):
        for field in ("azimuth_deg", "elevation_deg", "distance_m", "size_m", "power_w"):
            low, high = getattr(ranges, f"point_{field}")
            assert low <= getattr(lamp, field) <= high
        assert max(lamp.rgb) == pytest.approx(1.0)
    assert {len(lighting.lamps) for lighting in drawn("points", point_count=[2, 2])} == {2}


def test_coloured_points_come_by_their_share():
    """With share 0 all points have the colour of a black body (red, blue or both are brightest); with 1 hues vary."""
    white = [lamp.rgb for lighting in drawn("points", point_coloured_share=0) for lamp in lighting.lamps]
    coloured = [lamp.rgb for lighting in drawn("points", point_coloured_share=1) for lamp in lighting.lamps]
    assert all(max(rgb[0], rgb[2]) == pytest.approx(1.0) and min(rgb) > 0.05 for rgb in white)
    assert len({rgb.index(max(rgb)) for rgb in coloured}) == 3 and all(min(rgb) <= 0.5 for rgb in coloured)


def test_exactly_one_flash_fires_or_none_for_number_0():
    """A picture has the flash that its role names, where the table says; number 0 has the room's light alone."""
    for lighting in drawn("flash", count=190):
        assert len(lighting.lamps) <= 1
        if not lighting.lamps:
            assert lighting.environment != "none"
            continue
        flash = lighting.lamps[0]
        number = int(flash.role.removeprefix("flash_"))
        assert (flash.azimuth_deg, flash.elevation_deg) == FLASHES[number]
    assert {lighting.lamps[0].role for lighting in drawn("flash", flash_numbers=[7])} == {"flash_07"}


def test_flashes_take_turns():
    """Any 19 consecutive lights are number 0 and the 18 flashes, each once; of a shorter list, each as often."""
    numbers = [int(light.lamps[0].role[-2:]) if light.lamps else 0 for light in drawn("flash", count=38)]
    assert sorted(numbers[7:26]) == list(range(19)) and numbers[:19] == numbers[19:]
    some = [light.lamps[0].role for light in drawn("flash", count=9, flash_numbers=[2, 7, 14])]
    assert Counter(some) == {"flash_02": 3, "flash_07": 3, "flash_14": 3}


def test_the_rooms_light_is_on_in_its_share_of_flash_pictures():
    """With share 0 only the flash lights, with share 1 the environment always does too."""
    assert {lighting.environment for lighting in drawn("flash", flash_room_share=0, flash_numbers=[3])} == {"none"}
    assert "none" not in {lighting.environment for lighting in drawn("flash", flash_room_share=1)}


def test_flashes_stand_as_multi_pie_says():
    """18 flashes: 13 at head height every 15 degrees from -90 to 90, number 7 frontal, five above; a mirrored rig."""
    assert sorted(FLASHES) == list(range(1, 19)) and FLASHES[7] == (0.0, 0.0)
    arc = [FLASHES[number] for number in range(1, 14)]
    assert arc == [(float(azimuth), 0.0) for azimuth in range(-90, 91, 15)]
    assert all(FLASHES[number][1] > 30 for number in range(14, 19))
    assert {(-azimuth, elevation) for azimuth, elevation in FLASHES.values()} == set(FLASHES.values())


def test_a_frame_without_environment_does_not_depend_on_the_maps():
    """Neither its assets nor its key change when the maps do; with an environment they do."""
    other = {"blender_studiolights": "c" * 64}
    ranges = recipe(lightings__rigs={"points": 1}, lightings__environments=["none"])
    dark = draw_frame(ranges, "train", 3)
    assert product_assets(dark, "rgb", ASSETS) == {}
    assert frame_key(dark, "rgb", ranges, ASSETS) == frame_key(dark, "rgb", ranges, other)
    lit = draw_frame(recipe(), "train", 3)
    assert frame_key(lit, "rgb", recipe(), ASSETS) != frame_key(lit, "rgb", recipe(), other)


def test_the_exposure_of_a_picture_is_drawn():
    """exposure_ev lies in its range and varies; by default it is 0."""
    values = [lighting.exposure_ev for lighting in drawn("key", exposure_ev=[-1, 0.5])]
    assert -1 <= min(values) < -0.9 and 0.4 < max(values) <= 0.5
    assert {lighting.exposure_ev for lighting in drawn("key", count=5)} == {0.0}


def test_drawn_light_can_be_hashed_and_rebuilt():
    """A lighting is plain data: equal numbers make an equal value."""
    one, again = drawn("points", count=3), drawn("points", count=3)
    assert one == again and len(set(one)) == 3
    assert dataclasses.asdict(one[0])["lamps"][0]["role"] == "point"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lightings.rigs": {"key": 0}}, r"lightings: .*every share is 0; give at least one rig"),
        ({"lightings.rigs": {"strobe": 1}}, r"lightings\.rigs\.strobe.*'environment', 'key'"),
        ({"lightings.point_count": [4, 2]}, r"lightings: .*lower bound 4 is above the upper; swap them"),
        ({"lightings.point_count": [1, 6]}, r"lightings\.point_count\.1: .*less than or equal to 5 \(came: 6\)"),
        ({"lightings.flash_numbers": [19]}, r"lightings\.flash_numbers\.0: .*less than or equal to 18 \(came: 19\)"),
        (
            {"lightings.rigs": {"environment": 1}, "lightings.environments": ["none"]},
            r"lightings: .*'none', but the rig 'environment' has no other light",
        ),
    ],
)
def test_impossible_light_is_named(settings, message):
    """Unknown rigs, empty shares and a rig without any light are errors that name the field."""
    with pytest.raises(RecipeError, match=message):
        load_recipe("khan2021", overrides=settings)
