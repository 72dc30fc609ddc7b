"""Statistical expressions: normal variates, drawn by name and index, that reach the rendered surface unclipped."""

import dataclasses

import numpy as np
import pytest
from small_head import small_head, write_flame

from render.blender.draw import open_stage
from render.blender.head import add_person, landmarks_world_m, pose_person
from render.blender.materials import head_materials
from render.config import RecipeError, load_recipe
from render.draws import Draws
from render.geometry.frames import WORLD_FROM_HEAD_AXES
from render.heads.model import person_vertices_m
from render.heads.model_checks import HeadModelError
from render.heads.own_model import load_own_model
from render.parameters import Expression, HeadPose
from render.ranges.people import Expressions
from render.recipe_head import check_head_fits
from render.sampling.expression import SAMPLED_LIMIT, draw_expression
from render.sampling.frame import draw_frame

FRONTAL = HeadPose(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, gaze_yaw_deg=0.0, gaze_pitch_deg=0.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A FLAME head with two statistical expressions."""
    folder = tmp_path_factory.mktemp("flame")
    return load_own_model("flame", str(write_flame(folder, small_head())), identity_modes=3, source=None, cache=folder)


def test_weights_are_normal_scaled_by_intensity_and_limited():
    """Over 2000 frames: mean 0 and deviation 1 (the limit takes 1 % off it) times the intensity, none beyond it."""
    expressions = Expressions(names=("sampled",), modes=3, intensity=(0.8, 0.8))
    drawn = [draw_expression(expressions, Draws(5, "train", index)) for index in range(2000)]
    assert {expression.name for expression in drawn} == {"sampled"}
    assert [name for name, _ in drawn[0].weights] == ["expression_00", "expression_01", "expression_02"]
    weights = np.array([[value for _, value in expression.weights] for expression in drawn])
    assert np.abs(weights.mean(axis=0)).max() < 0.08
    np.testing.assert_allclose(weights.std(axis=0), 0.8, rtol=0.06)
    assert np.abs(weights).max() == pytest.approx(0.8 * SAMPLED_LIMIT)
    assert np.abs(np.corrcoef(weights.T) - np.eye(3)).max() < 0.08


def test_weights_below_0_and_above_1_reach_the_surface(model):
    """The landmarks are mean + modes + the sum of weight times shape, as for any weight."""
    stage = open_stage(device="cpu", products=("gt",))
    parameters = draw_frame(load_recipe("quick"), "train", 0)
    identity = dataclasses.replace(parameters.identity, family="flame", coefficients=(0.5, -1.0, 0.2))
    materials = head_materials(parameters.skin, parameters.eyes)
    person = add_person(stage.collections, model, identity, materials, subdivision_level=0)
    posed = pose_person(person, Expression("sampled", (("expression_00", -1.7), ("expression_01", 2.3))), FRONTAL)
    offsets_m = -1.7 * model.expression_basis_m[0] + 2.3 * model.expression_basis_m[1]
    expected_m = person_vertices_m(model, np.array([0.5, -1.0, 0.2])) + offsets_m
    expected_m = expected_m[model.landmark_vertices] @ WORLD_FROM_HEAD_AXES.T
    np.testing.assert_allclose(landmarks_world_m(person, posed.surface_world_m), expected_m, atol=1e-6)


def test_modes_and_the_name_sampled_go_together():
    """One without the other is an error of the recipe."""
    for names, modes in ((["sampled"], 0), (["neutral"], 2)):
        with pytest.raises(RecipeError, match=r"expressions: .*`sampled` needs modes of 1 or more"):
            load_recipe("quick", overrides={"expressions.names": names, "expressions.modes": modes})


def test_more_modes_than_the_model_keeps_are_refused_before_rendering(model):
    """Two are there: two are fine, three are an error that names what is lacking; a model without any says so too."""
    recipe = load_recipe("quick", overrides={"expressions.names": ["sampled", "neutral"], "expressions.modes": 2})
    check_head_fits(recipe, model)
    more = load_recipe("quick", overrides={"expressions.names": ["sampled"], "expressions.modes": 3})
    with pytest.raises(HeadModelError, match=r"'sampled', which needs the shapes expression_02; .*`sampled` draws"):
        check_head_fits(more, model)
