"""A recipe says what may be drawn; a wrong one is refused by field, value and what is allowed."""

import dataclasses
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from render.config import Recipe, RecipeError, load_recipe, parse_override, recipe_names
from render.ranges.accessories import GLASSES_STYLES, OCCLUDER_KINDS
from render.ranges.hair import BEARD_STYLES, HAIR_STYLES
from render.sampling.frame import draw_frames

SMALL = """
name: small
seed: 7
structure: {frames: {train: 3}, frames_per_identity: 2}
expressions: {names: [sad, happy]}
cameras: {distance_mm: [710, 720], width_px: 64}
backdrops: {shares: {plain: 1}}
"""


def written(folder: Path, text: str, name: str = "recipe.yaml") -> str:
    """The path of a recipe file with this text."""
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


@pytest.mark.parametrize("name", recipe_names())
def test_each_recipe_that_comes_with_headroom_is_valid(name: str):
    """Recipes carry the name of their file and survive a round trip through JSON."""
    recipe = load_recipe(name)
    assert recipe.name == name
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_khan2021_draws_what_the_paper_prints():
    """Distance, sensor, clipping, picture size, expressions and number of people are the paper's.

    Source: khan2021 section III.
    """
    recipe = load_recipe("khan2021")
    assert recipe.cameras.distance_mm == (700, 1000)
    assert recipe.cameras.sensor_width_mm == (36, 60)
    assert recipe.cameras.clip_m == (0.01, 5)
    assert (recipe.cameras.height_px, recipe.cameras.width_px) == (480, 640)
    assert set(recipe.expressions.names) == {"happy", "neutral", "angry", "scared", "sad"}
    assert sum(recipe.structure.frames.values()) / recipe.structure.frames_per_identity == 100


def test_bouafif2020_draws_what_the_paper_prints():
    """128 x 128 pixels, six kinds of glasses, all hair, coefficients of variance 1, 200 pictures to test.

    Source: bouafif2020 sections 3.1, 3.2 and 4.
    """
    recipe = load_recipe("bouafif2020")
    assert (recipe.cameras.width_px, recipe.cameras.height_px) == (128, 128)
    assert len([kind for kind, share in recipe.accessories.glasses.items() if kind != "none" and share > 0]) == 6
    assert len(recipe.hairs.styles) >= 10
    assert recipe.heads.identity_sigma == 1
    assert recipe.structure.frames["test"] == 200


def test_pini2018_moves_as_the_paper_says():
    """Five sequences: one angle at a time, then freely, with things held before the face; 4 of 22 people test.

    Source: pini2018 section 4.1.1. Both of its subsets, all angles within 10 degrees and the rest, come out.
    """
    recipe = load_recipe("pini2018")
    assert recipe.structure.sequences is not None
    assert recipe.structure.sequences.motions == ("yaw", "pitch", "roll", "free", "free")
    people = {split: frames / recipe.structure.frames_per_identity for split, frames in recipe.structure.frames.items()}
    assert people["test"] == 4 and sum(people.values()) == 22
    assert {"bottle", "smartphone", "tablet"} <= recipe.accessories.occluders.keys()
    frontal = [
        max(abs(pose.yaw_deg), abs(pose.pitch_deg), abs(pose.roll_deg)) <= 10
        for pose in (frame.head_pose for frame in draw_frames(recipe, "test", range(200)))
    ]
    assert 0.1 < sum(frontal) / 200 < 0.9


def test_shu2020_draws_what_the_paper_prints():
    """Ten views of one frontal face in steps of 5 degrees, up to five point lights; nine of the rig's directions.

    Source: shu2020 section IV.
    """
    recipe, rig = load_recipe("shu2020"), load_recipe("shu2020_rig")
    cameras = recipe.cameras
    assert (cameras.azimuth_deg, cameras.elevation_deg, cameras.roll_deg) == ((-45, 45), (-30, 30), (-20, 20))
    assert (cameras.step_deg, recipe.structure.view_count, recipe.lightings.point_count) == (5, 10, (1, 5))
    for frame in draw_frames(recipe, "train", range(50)):
        assert (frame.head_pose.yaw_deg, frame.head_pose.pitch_deg, frame.head_pose.roll_deg) == (0, 0, 0)
        assert all(angle % 5 == 0 for angle in (frame.camera.azimuth_deg, frame.camera.elevation_deg))
    assert rig.structure.view_count == 9
    assert {frame.camera.azimuth_deg for frame in draw_frames(rig, "train", range(18))} == set(range(-60, 61, 15))


def test_khan2021_fixed_sensor_is_khan2021_with_one_focal_length():
    """The same people in the same poses at the same distances; only the sensor's width is one number for all."""
    varied, fixed = load_recipe("khan2021"), load_recipe("khan2021_fixed_sensor")
    for one, other in zip(*(draw_frames(recipe, "test", range(5)) for recipe in (varied, fixed)), strict=True):
        assert (one.identity, one.head_pose, one.expression) == (other.identity, other.head_pose, other.expression)
        assert other.camera == dataclasses.replace(one.camera, sensor_width_mm=48.0)


def test_showcase_shows_nobody_twice():
    """One frame a person, and every hair style, beard, kind of glasses and of thing held may appear."""
    recipe = load_recipe("showcase")
    assert recipe.structure.frames_per_identity == 1
    assert recipe.hairs.styles.keys() == set(HAIR_STYLES) and recipe.hairs.beards.keys() == set(BEARD_STYLES)
    assert recipe.accessories.glasses.keys() == set(GLASSES_STYLES)
    assert recipe.accessories.occluders.keys() == set(OCCLUDER_KINDS)


def test_quick_needs_no_download():
    """The recipe that runs first renders procedural heads."""
    assert load_recipe("quick").heads.family == "procedural"


class TestErrors:
    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            (
                "cameras.distance_mm",
                [100, 800],
                r"cameras\.distance_mm: .*100 mm .* inside the head .* 300 mm or more \(came: \[100, 800\]\)",
            ),
            ("cameras.distance_mm", [700, 9e9], r"cameras\.distance_mm\.1: .*less than or equal to 5000 \(came: 9"),
            (
                "cameras.distance_mm",
                [900, 800],
                r"cameras\.distance_mm: .*lower bound 900\.0 is above .*800\.0; swap them",
            ),
            ("cameras.distance_mm", 800, r"cameras\.distance_mm: .*tuple \(came: 800\)"),
            ("cameras.distance_mm", [700, 800, 900], r"cameras\.distance_mm: .*at most 2 items"),
            ("cameras.distance_mm", [float("nan"), 800], r"cameras\.distance_mm\.0: .*\(came: nan\)"),
            ("cameras.clip_m", [0, 5], r"cameras\.clip_m\.0: .*greater than or equal to 0\.001 \(came: 0\)"),
            ("cameras.width_px", 8, r"cameras\.width_px: .*greater than or equal to 16 \(came: 8\)"),
            ("cameras.width_px", 64.5, r"cameras\.width_px: .*valid integer.*\(came: 64\.5\)"),
            (
                "cameras.lens",
                50,
                r"cameras\.lens is no setting; known here are aim, azimuth_deg, clip_m, .*\(came: 50\)",
            ),
            ("camera.width_px", 64, r"camera is no setting; known here are accessories, backdrops, cameras, "),
            ("heads.family", "mannequin", r"heads\.family: .*'procedural', .*'ict'.* \(came: 'mannequin'\)"),
            ("heads.identity_sigma", -0.1, r"heads\.identity_sigma: .*\(came: -0\.1\)"),
            ("head_poses.yaw_deg", [-100, 0], r"head_poses\.yaw_deg\.0: .*greater than or equal to -90 \(came: -100\)"),
            ("expressions.names", ["joy"], r"expressions\.names\.0: .*'neutral', 'happy', .*\(came: 'joy'\)"),
            ("expressions.names", [], r"expressions\.names: .*at least 1 item"),
            ("backdrops.shares", {"plain": 0}, r"backdrops: .*every share is 0; give at least one"),
            ("backdrops.shares", {"plain": float("inf")}, r"backdrops\.shares\.plain: .*finite number \(came: inf\)"),
            ("backdrops.shares", {"plain": -1}, r"backdrops\.shares\.plain: .*greater than or equal to 0 \(came: -1\)"),
            (
                "backdrops.shares",
                {"wall": 1},
                r"backdrops\.shares\.wall.*'plain', 'gradient', 'texture', 'environment'",
            ),
            ("lightings.environments", ["beach"], r"lightings\.environments\.0: .*'city', .*\(came: 'beach'\)"),
            ("hairs.styles", {"mullet": 1}, r"hairs\.styles\.mullet: .*'bald', .*\(came: 'mullet'\)"),
            ("structure.frames", {"train": 0}, r"structure: .*no frame at all; give at least one split"),
            ("structure.frames", {"dev": 1}, r"structure\.frames\.dev.*'train', 'validation' or 'test'"),
            ("structure.shard_size", 0, r"structure\.shard_size: .*greater than or equal to 1 \(came: 0\)"),
            ("rgb.file_format", "webp", r"rgb\.file_format: .*'jpg' or 'png' \(came: 'webp'\)"),
            ("seed", -1, r"seed: .*greater than or equal to 0 \(came: -1\)"),
            ("name", "My recipe", r"name: .*pattern .*\(came: 'My recipe'\)"),
        ],
    )
    def test_an_impossible_value_is_named(self, field: str, value: object, message: str, tmp_path: Path):
        """The message holds the recipe, the dotted field, what is allowed, and what came."""
        path = written(tmp_path, SMALL)
        with pytest.raises(RecipeError, match=message) as caught:
            load_recipe(path, overrides={field: value})
        assert str(caught.value).startswith(f"recipe {path!r} cannot be used:")

    def test_every_problem_is_listed_at_once(self, tmp_path: Path):
        """Two mistakes make two lines, so that nobody mends them one run at a time."""
        with pytest.raises(RecipeError) as caught:
            load_recipe(written(tmp_path, SMALL), overrides={"seed": -1, "rgb.samples": 0})
        assert len(str(caught.value).splitlines()) == 3

    def test_what_is_required_is_named(self, tmp_path: Path):
        """A recipe without seed, or without backdrops, says so."""
        text = SMALL.replace("seed: 7\n", "").replace("backdrops: {shares: {plain: 1}}\n", "")
        with pytest.raises(RecipeError, match=r"(?s)seed is required.*backdrops is required"):
            load_recipe(written(tmp_path, text))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a: [", "recipe.yaml is no YAML"),
            ("- 1\n", "must hold a mapping of settings, but holds list"),
            ("", "must hold a mapping of settings, but holds NoneType"),
            (SMALL + "seed: 8\n", "the key 'seed' is given twice"),
            (SMALL.replace("width_px: 64", "width_px: 64, width_px: 65"), "the key 'width_px' is given twice"),
            ("extends: 3\n", "`extends:` must name one recipe or path, but is 3"),
            ("extends: khan2021\nset: [seed]\n", "`set:` must map dotted fields to values"),
            (SMALL + "set: {seed: 8}\n", "`set:` changes a recipe named by `extends:`, but none is named"),
            ("extends: khan2021\nset: {seed.more: 8}\n", "cannot set 'seed.more', because 'seed' is a value"),
        ],
    )
    def test_a_file_that_is_no_recipe_is_refused(self, text: str, message: str, tmp_path: Path):
        """Broken YAML, other shapes, double keys and misused `extends:` and `set:` are named with the file."""
        with pytest.raises(RecipeError, match=message.replace(".", r"\.")) as caught:
            load_recipe(written(tmp_path, text))
        assert "recipe.yaml" in str(caught.value)

    def test_an_unknown_name_lists_the_known_ones(self):
        """A misspelt name is answered with the names there are."""
        with pytest.raises(RecipeError, match=r"no recipe 'khan2012'.*Known names: .*khan2021.*must end in \.yaml"):
            load_recipe("khan2012")

    def test_a_folder_or_binary_file_is_refused(self, tmp_path: Path):
        """A path that cannot be read as text is named."""
        (tmp_path / "folder.yaml").mkdir()
        (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
        for name in ("folder.yaml", "binary.yaml"):
            with pytest.raises(RecipeError, match=rf"{name} cannot be read"):
                load_recipe(str(tmp_path / name))


class TestExtends:
    def test_set_changes_one_field_and_keeps_its_neighbours(self, tmp_path: Path):
        """`set:` reaches into a section of the parent and leaves the rest of it alone."""
        written(tmp_path, SMALL, "parent.yaml")
        child = load_recipe(written(tmp_path, "extends: parent.yaml\nname: child\nset: {cameras.width_px: 99}\n"))
        assert child.name == "child"
        assert child.cameras.width_px == 99
        assert child.cameras.distance_mm == (710, 720)
        assert child.seed == 7

    def test_a_section_replaces_the_whole_section(self, tmp_path: Path):
        """What a section beside `extends:` leaves out takes its default, not the parent's value."""
        written(tmp_path, SMALL, "parent.yaml")
        child = load_recipe(written(tmp_path, "extends: parent.yaml\ncameras: {width_px: 99}\n"))
        assert child.cameras.width_px == 99
        assert child.cameras.distance_mm == (700, 1000)

    def test_the_child_wins_over_the_parent_and_the_override_over_both(self, tmp_path: Path):
        """Each later word counts: parent, grandchild's `set:`, `--set`."""
        written(tmp_path, SMALL, "one.yaml")
        written(tmp_path, "extends: one.yaml\nset: {rgb.samples: 5, seed: 8}\n", "two.yaml")
        three = written(tmp_path, "extends: two.yaml\nset: {seed: 9}\n", "three.yaml")
        assert (load_recipe(three).seed, load_recipe(three).rgb.samples) == (9, 5)
        assert load_recipe(three, overrides={"seed": 10}).seed == 10

    def test_a_parent_is_looked_for_beside_the_child(self, tmp_path: Path):
        """A path in `extends:` starts at the file that says it, not at the working folder."""
        (tmp_path / "deep").mkdir()
        written(tmp_path, SMALL, "parent.yaml")
        child = written(tmp_path / "deep", "extends: ../parent.yaml\nname: child\n")
        assert load_recipe(child).cameras.distance_mm == (710, 720)

    @pytest.mark.parametrize("detour", ["", "../ring/"])
    def test_a_circle_is_refused(self, detour: str, tmp_path: Path):
        """Recipes that extend each other are shown as a chain, however their paths are spelt."""
        (tmp_path / "ring").mkdir()
        written(tmp_path / "ring", f"extends: {detour}two.yaml\n", "one.yaml")
        path = written(tmp_path / "ring", f"extends: {detour}one.yaml\n", "two.yaml")
        with pytest.raises(RecipeError, match=r"in a circle: \S*two\.yaml -> \S*one\.yaml -> \S*two\.yaml"):
            load_recipe(path)


class TestOverride:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("cameras.width_px=320", ("cameras.width_px", 320)),
            ("cameras.distance_mm=[700, 900.5]", ("cameras.distance_mm", [700, 900.5])),
            ("structure.frames={train: 4}", ("structure.frames", {"train": 4})),
            ("rgb.denoise=false", ("rgb.denoise", False)),
            ("name=a=b", ("name", "a=b")),
        ],
    )
    def test_the_value_is_read_as_yaml(self, text: str, expected: tuple[str, object]):
        """Everything after the first `=` is YAML."""
        assert parse_override(text) == expected

    @pytest.mark.parametrize("text", ["cameras.width_px", "=3", ""])
    def test_another_form_is_refused_with_an_example(self, text: str):
        """Without key or `=` the message shows what was expected."""
        with pytest.raises(RecipeError, match=r"expected --set key=value \(for example cameras\.width_px=320\)"):
            parse_override(text)

    def test_broken_yaml_is_refused(self):
        """A value that is no YAML is named."""
        with pytest.raises(RecipeError, match=r"value of --set 'a=\[' is no YAML"):
            parse_override("a=[")


def test_no_part_of_a_recipe_can_be_changed():
    """A recipe that was read stays as it is, in every section."""
    recipe = load_recipe("khan2021")
    for name in type(recipe).model_fields:
        section = getattr(recipe, name)
        with pytest.raises(ValidationError, match="frozen"):
            setattr(recipe, name, section)
        if isinstance(section, BaseModel):
            field = next(iter(type(section).model_fields))
            with pytest.raises(ValidationError, match="frozen"):
                setattr(section, field, getattr(section, field))
