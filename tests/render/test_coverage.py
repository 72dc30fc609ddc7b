"""Drawn values fill their ranges, and coverage measures how evenly."""

import itertools

import numpy as np
import pytest
from PIL import Image

from render.__main__ import main
from render.config import load_recipe, recipe_names
from render.coverage import (
    BINS,
    PAIRS,
    coverage_figure,
    filled_bins,
    measure_coverage,
    plane_discrepancy,
    star_discrepancy,
)
from render.parameters import PERSON_FACTORS

UNIFORM_SECTIONS = {"camera": "cameras", "head_pose": "head_poses", "hair_colour": "hairs"}


def test_256_people_fill_every_bin_of_every_range():
    """In a recipe that shows each person once, each of 16 equal parts of every range of camera, pose and hair colour
    holds 16 values; each part of the pigments of skin, of which pale ones have more weight, and of the melanin of hair,
    of which dark skin takes the upper part, holds some."""
    recipe = load_recipe("showcase")
    coverage = measure_coverage(recipe, "train", 256)
    ranged = 0
    for factor, section in UNIFORM_SECTIONS.items():
        for field, bounds in getattr(recipe, section):
            name = f"{factor}.{field}"
            even = name != "hair_colour.melanin"
            if even and isinstance(bounds, tuple) and len(bounds) == 2 and name in coverage.numbers:
                ranged += 1
                assert coverage.bounds[name] == bounds
                assert set(np.histogram(coverage.numbers[name], BINS, bounds)[0]) == {256 // BINS}, name
                assert star_discrepancy(coverage.numbers[name], bounds) <= 1 / 256, name
    assert ranged == 14
    assert filled_bins(coverage.numbers["hair_colour.melanin"], recipe.hairs.melanin) == BINS
    for field in ("melanin", "haemoglobin"):
        assert filled_bins(coverage.numbers[f"skin.{field}"], getattr(recipe.skins, field)) == BINS


def test_pairs_that_are_drawn_jointly_are_far_more_even_than_chance():
    """256 frames: each such plane has less than a tenth of the discrepancy of random points."""
    coverage = measure_coverage(load_recipe("showcase"), "test", 256)
    rng = np.random.default_rng(1)
    by_chance = np.mean([plane_discrepancy(*rng.random((2, 256))) for _ in range(10)])
    joint = [(x, y) for x, y in PAIRS if x.split(".")[0] in ("head_pose", "camera")]
    for x, y in joint:
        assert plane_discrepancy(coverage.numbers[x], coverage.numbers[y]) < 0.1 * by_chance, (x, y)
    assert len(joint) == 6


@pytest.mark.parametrize("name", recipe_names())
def test_every_name_that_a_recipe_allows_is_drawn(name: str):
    """Over 96 people come every expression, hair style, kind of glasses, rig of lamps and backdrop to which the recipe
    gives a share of at least a twentieth."""
    recipe = load_recipe(name)
    one_each = recipe.model_copy(
        update={
            "structure": recipe.structure.model_copy(
                update={"frames_per_identity": 1, "views": 1, "lights": 1, "sequences": None}
            )
        }
    )
    coverage = measure_coverage(one_each, "train", 96)
    allowed = {
        "hair.style": recipe.hairs.styles,
        "hair.beard": recipe.hairs.beards,
        "glasses.style": recipe.accessories.glasses,
        "occluder.kind": recipe.accessories.occluders,
        "lighting.rig": recipe.lightings.rigs,
        "backdrop.kind": recipe.backdrops.shares,
        "expression.name": dict.fromkeys(recipe.expressions.names, 1.0),
    }
    for field, weights in allowed.items():
        wanted = {key for key, weight in weights.items() if weight >= 0.05 * sum(weights.values())}
        drawn = set(coverage.names[field]) if field in coverage.names else wanted
        assert wanted <= drawn, field
        assert len(wanted) == 1 or field in coverage.names, field


def test_a_number_without_a_range_in_the_recipe_has_no_bounds():
    """Where the fill light stands follows from the key: nothing says what it should fill."""
    coverage = measure_coverage(load_recipe("showcase"), "train", 64)
    assert "lighting.fill_azimuth_deg" in coverage.numbers.keys() - coverage.bounds.keys()
    assert "lighting.key_azimuth_deg" in coverage.bounds


def test_what_a_person_keeps_is_counted_once():
    """khan2021 shows people five times: 100 frames are 20 people, and 100 cameras, poses and backdrops."""
    coverage = measure_coverage(load_recipe("khan2021"), "train", 100)
    counts = {name: len(values) for name, values in coverage.numbers.items()}
    assert {counts[name] for name in counts if name.split(".")[0] in PERSON_FACTORS} == {20}
    others = ("camera", "head_pose", "expression", "backdrop")
    assert {counts[name] for name in counts if name.split(".")[0] in others} == {100}


def test_what_a_group_of_views_shares_is_counted_once():
    """Four views under two lights: 64 frames are 8 moments, 32 cameras and 16 lights."""
    grouped = {"structure.views": 4, "structure.lights": 2, "structure.frames_per_identity": 8}
    coverage = measure_coverage(load_recipe("quick", overrides=grouped), "train", 64)
    fields = ("skin.melanin", "head_pose.yaw_deg", "camera.distance_mm", "lighting.environment_strength")
    assert [len(coverage.numbers[field]) for field in fields] == [8, 8, 32, 16]


def test_star_discrepancy_of_known_sets():
    """n midpoints have 1 / (2 n), one point in the middle 1/2, all points at the lower bound 1."""
    assert star_discrepancy((np.arange(8) + 0.5) * 3 + 2, (2.0, 26.0)) == pytest.approx(1 / 16)
    assert star_discrepancy(np.array([5.0]), (0.0, 10.0)) == pytest.approx(0.5)
    assert star_discrepancy(np.zeros(7), (0.0, 1.0)) == pytest.approx(1.0)


def test_plane_discrepancy_sees_what_the_axes_do_not():
    """Points on the diagonal fill both axes evenly and the plane not at all; a lattice does both."""
    lattice = np.array(list(itertools.product(range(8), range(8)))) @ np.array([[1, 1 / 8], [1 / 8, 1]])
    diagonal = np.arange(64.0)
    assert plane_discrepancy(diagonal, diagonal) > 10 * plane_discrepancy(lattice[:, 0], lattice[:, 1])
    assert plane_discrepancy(diagonal, diagonal**3) == pytest.approx(plane_discrepancy(diagonal, diagonal))


def test_filled_bins_counts_parts_of_the_range_that_hold_a_value():
    """Of four parts of [0, 8], two hold the values 1, 1.5 and 7."""
    assert filled_bins(np.array([1.0, 1.5, 7.0]), (0.0, 8.0), bins=4) == 2


def test_a_figure_has_a_panel_for_everything_that_varies():
    """Planes, numbers, names and colours of the coverage, each in a panel of its own."""
    coverage = measure_coverage(load_recipe("showcase"), "train", 32)
    figure = coverage_figure(coverage, "showcase")
    shown = [panel for panel in figure.axes if panel.axison or panel.images]
    planes = [panel for panel in shown if panel.collections]
    assert len(shown) == len(planes) + len(coverage.numbers) + len(coverage.names) + len(coverage.colours)
    assert len(planes) >= 8


def test_the_command_writes_a_picture_and_says_how_even_each_number_is(tmp_path, capsys):
    """One PNG, a line for each number; a file that exists is not overwritten."""
    out = tmp_path / "coverage.png"
    arguments = ["coverage", "--recipe", "quick", "--frames", "16", "--out", str(out)]
    assert main(arguments) == 0
    with Image.open(out) as image:
        assert image.format == "PNG" and image.width > 1000
    printed = capsys.readouterr().out
    assert "camera.distance_mm" in printed and "bins filled 16 of 16  D* 0.0" in printed
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
