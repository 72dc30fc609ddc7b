"""Draws stay in their ranges, depend on address alone, and keys change exactly with what a product uses."""

import dataclasses

import numpy as np
import pytest

from render.config import load_recipe
from render.dataset_format import PRODUCTS
from render.frame_keys import EPOCHS_OF_PRODUCT, frame_key, identity_id, plan_frame
from render.parameters import FACTORS_OF_PRODUCT, FrameParameters
from render.sampling.expression import EMOTIONS
from render.sampling.frame import draw_frame, draw_frames
from render.sampling.lighting import black_body_rgb

ASSETS = {"ict_facekit": "a" * 64, "blender_studiolights": "b" * 64}


def recipe(**overrides):
    return load_recipe("khan2021", overrides={key.replace("__", "."): value for key, value in overrides.items()})


def test_every_number_lies_in_its_range_and_fills_it():
    """Over 400 frames each uniform factor stays inside its range and reaches into both outer tenths of it."""
    ranges = recipe(lightings__rigs={"key": 1})  # other rigs dim the environment
    drawn = list(draw_frames(ranges, "train", range(400)))
    for section, factor in (("cameras", "camera"), ("head_poses", "head_pose"), ("lightings", "lighting")):
        for field, bounds in getattr(ranges, section):
            if not (isinstance(bounds, tuple) and len(bounds) == 2 and hasattr(getattr(drawn[0], factor), field)):
                continue
            values = np.array([getattr(getattr(frame, factor), field) for frame in drawn])
            low, high = bounds
            assert ((values >= low) & (values <= high)).all(), field
            if high > low:
                assert values.min() < low + 0.1 * (high - low) and values.max() > high - 0.1 * (high - low), field


def test_all_kinds_are_drawn():
    """Every expression, environment and kind of backdrop of the recipe appears."""
    drawn = list(draw_frames(recipe(), "train", range(200)))
    assert {frame.expression.name for frame in drawn} == {"happy", "neutral", "angry", "scared", "sad"}
    assert {frame.backdrop.kind for frame in drawn} == {"plain", "gradient", "texture", "environment", "room"}
    assert len({frame.lighting.environment for frame in drawn}) == 8


def test_a_share_of_nothing_is_never_drawn():
    """A backdrop with share 0 does not appear, whatever the others' weights."""
    only = recipe(backdrops__shares={"plain": 0, "texture": 3.5, "gradient": 0})
    assert {frame.backdrop.kind for frame in draw_frames(only, "train", range(60))} == {"texture"}


def test_a_person_keeps_face_and_skin_over_their_frames():
    """Frames 0-4 show one person, frame 5 the next; expression and camera change with each frame."""
    frames = list(draw_frames(recipe(), "train", range(6)))
    for factor in ("identity", "skin", "eyes"):
        assert len({getattr(frame, factor) for frame in frames[:5]}) == 1
        assert getattr(frames[5], factor) != getattr(frames[0], factor)
    assert len({frame.camera for frame in frames}) == 6


def test_coefficients_are_standard_normal_and_clipped():
    """100 modes over 200 people: mean 0, deviation 1, none beyond the limit; sigma scales them."""
    people = np.array([frame.identity.coefficients for frame in draw_frames(recipe(), "train", range(0, 1000, 5))])
    assert people.shape == (200, 100)
    assert abs(people.mean()) < 0.02 and abs(people.std() - 0.99) < 0.02 and np.abs(people).max() <= 2.5
    narrower = recipe(heads__identity_sigma=0.5)
    half = np.array(draw_frame(narrower, "train", 0).identity.coefficients)
    inside = np.abs(people[0]) < 2.5
    np.testing.assert_allclose(half[inside], people[0][inside] / 2, atol=2e-6)


def test_no_person_is_in_two_splits():
    """Splits draw from different streams, so no identity is shared between them."""
    people = {
        split: {identity_id(frame, ASSETS) for frame in draw_frames(recipe(), split, range(0, 250, 5))}
        for split in ("train", "validation", "test")
    }
    assert all(len(ids) == 50 for ids in people.values())
    assert not people["train"] & people["test"] and not people["train"] & people["validation"]
    assert not people["validation"] & people["test"]


def test_the_number_of_frames_name_and_shard_size_are_not_in_any_key():
    """Only what shows in pixels counts."""
    plain = plan_frame(recipe(), "test", 3, ASSETS)
    other = plan_frame(
        recipe(structure__frames={"train": 1, "test": 999}, structure__shard_size=7, name="other"), "test", 3, ASSETS
    )
    assert plain.keys == other.keys


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("factor", [field.name for field in dataclasses.fields(FrameParameters)])
def test_a_factor_changes_the_keys_of_exactly_the_products_that_use_it(product, factor):
    """Any field of light, skin, eyes or backdrop leaves the ground-truth key alone; every field enters the rgb key."""
    parameters = draw_frame(recipe(), "train", 11)
    key = frame_key(parameters, product, recipe(), ASSETS)
    values = getattr(parameters, factor)
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        changed = "other" if isinstance(value, str) else (0.123,) * 3 if isinstance(value, tuple) else value + 1
        changed = {"family": "procedural", "weights": (("jawOpen", 0.123),), "lamps": ()}.get(field.name, changed)
        moved = dataclasses.replace(parameters, **{factor: dataclasses.replace(values, **{field.name: changed})})
        assert (frame_key(moved, product, recipe(), ASSETS) != key) == (factor in FACTORS_OF_PRODUCT[product])


def test_settings_assets_and_epochs_enter_the_keys_that_use_them(monkeypatch):
    """Samples change rgb only; subdivision changes both; the head asset both; the lights' asset rgb only."""
    parameters = draw_frame(recipe(), "train", 2)

    def keys(used=None, assets=ASSETS):
        return [frame_key(parameters, product, used or recipe(), assets) for product in ("gt", "rgb")]

    gt, rgb = keys()
    assert keys(recipe(rgb__samples=9))[0] == gt and keys(recipe(rgb__samples=9))[1] != rgb
    assert keys(recipe(heads__subdivision_level=2))[0] != gt and keys(recipe(heads__subdivision_level=2))[1] != rgb
    other_head = keys(assets=ASSETS | {"ict_facekit": "c" * 64})
    assert other_head[0] != gt and other_head[1] != rgb
    other_light = keys(assets=ASSETS | {"blender_studiolights": "c" * 64})
    assert other_light[0] == gt and other_light[1] != rgb
    for epoch in EPOCHS_OF_PRODUCT["gt"]:
        monkeypatch.setitem(__import__("render.frame_keys", fromlist=["EPOCHS"]).EPOCHS, epoch, 99)
        assert keys()[0] != gt
        monkeypatch.undo()
    assert keys() == [gt, rgb]


def test_emotions_use_weights_between_0_and_1():
    """Shape-key weights beyond that range would leave the model's span."""
    assert all(0 < weight <= 1 for weights in EMOTIONS.values() for weight in weights.values())
    assert EMOTIONS["neutral"] == {}


def test_warm_light_is_red_and_cold_light_blue():
    """The black body's colour: brightest channel 1, red falls and blue grows with temperature, 6500 K nearly white."""
    warm, daylight, cold = black_body_rgb(2500), black_body_rgb(6500), black_body_rgb(12000)
    assert max(warm) == max(daylight) == max(cold) == 1
    assert warm[0] == 1 and warm[2] < 0.1 and cold[2] == 1 and cold[0] < 0.75
    assert min(daylight) > 0.92
