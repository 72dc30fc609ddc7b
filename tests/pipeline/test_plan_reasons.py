"""`plan`, `diff` and `why`: what would be rendered, and by which factor or setting."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_store import make_dataset, planned, render_missing

from pipeline.__main__ import main
from pipeline.console import size
from pipeline.estimates import Costs, costs_of_shards, costs_on_record, estimate
from pipeline.frame_differences import Difference, differences
from pipeline.frame_lookup import look_up_frames
from pipeline.frame_set import planned_frame_set, published_frame_set
from pipeline.machine import usable_cores
from pipeline.nearest_dataset import nearest_dataset
from pipeline.planning import shards_to_render
from pipeline.run_settings import dataset_plan
from render.config import load_recipe, parse_override
from render.dataset_format import PRODUCTS, file_sha256
from render.frame_keys import EPOCHS
from render.variations import variation_names

SMALL = (
    "--set", "structure.frames={train: 8, validation: 4, test: 4}", "--set", "structure.frames_per_identity=2",
    "--set", "structure.shard_size=3",
)  # fmt: skip
NOTHING: dict[str, tuple] = dict.fromkeys(PRODUCTS, ())
RED = {"name": "red_hair", "identities": 0.1, "set": {"hairs.redness": [0.9, 1.0]}}


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the dataset of the quick recipe with 16 frames."""
    store = tmp_path_factory.mktemp("made") / "store"
    make_dataset(load_recipe("quick", overrides=dict(parse_override(text) for text in SMALL[1::2])), store)
    return store


@pytest.fixture
def made(made_once: Path, tmp_path: Path) -> Path:
    """The same in a copy that a test may change."""
    return Path(shutil.copytree(made_once, tmp_path / "store"))


def told(capsys: pytest.CaptureFixture[str], *arguments: str, store: Path) -> str:
    """What a command prints, without the error stream."""
    assert main([*arguments, "--store", str(store)]) == 0
    return capsys.readouterr().out


def test_growth_renders_only_the_new_half(made: Path, small_recipe: Callable, capsys: pytest.CaptureFixture[str]):
    """From N to 2N frames: the plan counts N as new and N as used again, and so many frames of each product, none of
    them twice, are drawn for it."""
    double = "structure.frames={train: 16, validation: 8, test: 8}"
    text = told(capsys, "plan", *SMALL, "--set", double, store=made)
    assert "gt: 16 of 32 to render, 16 reused; rgb: 16 of 32 to render, 16 reused" in text
    assert "  gt: 16 new\n  rgb: 16 new\n  setting structure.frames.test: 4 -> 8\n" in text
    drawn = render_missing(small_recipe(structure__frames={"train": 16, "validation": 8, "test": 8}), made)
    assert Counter(line.split()[0] for line in drawn) == {"gt": 16, "rgb": 16}
    assert len(set(drawn)) == 32


def test_another_light_renders_no_ground_truth(made: Path, small_recipe: Callable, capsys: pytest.CaptureFixture[str]):
    """The plan says that all pictures change by lighting alone, and names the setting; no ground truth is drawn."""
    light = "lightings.key_power_w=[50, 60]"
    text = told(capsys, "plan", *SMALL, "--set", light, store=made)
    assert "gt: 0 of 16 to render, 16 reused; rgb: 16 of 16 to render, 0 reused" in text
    assert "  rgb: 16 changed: 16 by lighting\n  setting lightings.key_power_w: [5, 40] -> [50, 60]\n" in text
    assert "  gt:" not in text
    drawn = render_missing(small_recipe(lightings__key_power_w=[50, 60]), made)
    assert Counter(line.split()[0] for line in drawn) == {"rgb": 16}


def test_other_hair_for_a_tenth_of_the_people_renders_their_pictures_only(
    tmp_path: Path, small_recipe: Callable, capsys
):
    """Of 30 people, those that the variation takes get new pictures, two each: these are drawn, and nothing else."""
    many = {"structure__frames": {"train": 40, "validation": 10, "test": 10}}
    make_dataset(small_recipe(**many), tmp_path / "store")
    recipe = small_recipe(**many, variations=[RED])
    people = {split: count // 2 for split, count in recipe.structure.frames.items()}
    chosen = [
        (split, person)
        for split, count in people.items()
        for person in range(count)
        if variation_names(recipe, split, person)
    ]
    assert 2 <= len(chosen) <= 5
    varied = {frame.keys["rgb"] for frame in planned(recipe).frames if (frame.split, frame.index // 2) in chosen}
    options = [
        "--set",
        "structure.frames={train: 40, validation: 10, test: 10}",
        "--set",
        f"variations={json.dumps([RED])}",
    ]
    text = told(capsys, "plan", *SMALL, *options, store=tmp_path / "store")
    count = 2 * len(chosen)
    assert f"gt: 0 of 60 to render, 60 reused; rgb: {count} of 60 to render, {60 - count} reused" in text
    assert f"  rgb: {count} changed: {count} by hair_colour\n  setting variations: [] -> [{{" in text
    assert sorted(render_missing(recipe, tmp_path / "store")) == sorted(f"rgb {key}" for key in varied)


def test_a_bumped_epoch_and_a_lost_shard_are_told_apart(made: Path, monkeypatch, capsys):
    """What other code makes anew is `epoch of …`, with no setting; what was deleted is `gone`."""
    shutil.rmtree(next((made / "shards" / "gt").iterdir()))
    text = told(capsys, "plan", *SMALL, store=made)
    assert re.search(r"  gt: [13] whose shards are gone\n1 shard to render\n", text)
    assert "changed" not in text and "setting" not in text
    monkeypatch.setitem(EPOCHS, "appearance", 77)
    dataset_plan.cache_clear()  # another version of the code is another process
    text = told(capsys, "plan", *SMALL, store=made)
    assert "  rgb: 16 changed: 16 by epoch of appearance\n" in text and "setting" not in text


def test_a_plan_is_compared_with_the_dataset_that_shares_most(made: Path, small_recipe: Callable):
    """Not the newest one, but the one with most frames in common; of none in common, the one of the same settings."""
    other = make_dataset(small_recipe(seed=77), made)
    near = nearest_dataset(planned_frame_set(planned(small_recipe(rgb__samples=5))), made)
    assert near is not None and other.name not in near.name
    near = nearest_dataset(planned_frame_set(planned(small_recipe(seed=77, heads__identity_sigma=0.9))), made)
    assert near is not None and other.name in near.name
    assert nearest_dataset(planned_frame_set(planned(small_recipe())), made / "nothing") is None


def test_published_frames_give_their_keys_again(made: Path):
    """What a dataset's records and recipe say of a frame is just what its key hashes: nothing differs from a plan."""
    (dataset,) = (made / "datasets").iterdir()
    published = published_frame_set(dataset)
    ours = planned_frame_set(planned(published.recipe))
    assert published.keys == ours.keys
    for product in ("gt", "rgb"):
        there, here = (each.inputs(product, [("test", 3), ("train", 0)]) for each in (published, ours))
        assert len(there) == 2
        for address in there:
            assert differences(there[address], here[address]) == []


def test_differences_come_coarse_first_with_both_values():
    """A version before an epoch before an asset before a setting before what was drawn; values that one side lacks."""
    before = {"drawn": {"a": {"x": 1, "y": [1, 2]}}, "settings": {"rgb": {"n": 3}}, "epochs": {"e": 1}, "software": {}}
    after = {
        "drawn": {"a": {"x": 2, "y": [1]}},
        "settings": {"rgb": {"n": 4}},
        "epochs": {"e": 2},
        "software": {"b": "5"},
    }
    assert differences(before, after) == [
        Difference("software.b", None, "5"),
        Difference("epochs.e", 1, 2),
        Difference("settings.rgb.n", 3, 4),
        Difference("drawn.a.x", 1, 2),
        Difference("drawn.a.y.1", 2, None),
    ]
    assert str(Difference("drawn.a.y.1", 0.25, None)) == "drawn.a.y.1: 0.25 -> nothing"


def test_diff_of_a_recipe_and_its_variation(made: Path, capsys):
    """Settings with both values, and frames by product and split; the second recipe is the first, changed by --set."""
    change = ("--set", "lightings.exposure_ev=[1, 1]", "--set", "structure.frames={train: 52, validation: 4, test: 16}")
    text = told(capsys, "diff", "quick", *change, store=made)
    assert text.splitlines() == [
        "from recipe quick",
        "to   recipe quick",
        "setting structure.frames.train: 48 -> 52",
        "setting structure.frames.validation: 8 -> 4",
        "setting lightings.exposure_ev: [0, 0] -> [1, 1]",
        "gt train: 48 shared; 4 only in the second",
        "gt validation: 4 shared; 4 only in the first",
        "gt test: 16 shared",
        "rgb train: 0 shared; 48 differ: 48 by lighting; 4 only in the second",
        "rgb validation: 0 shared; 4 differ: 4 by lighting; 4 only in the first",
        "rgb test: 0 shared; 16 differ: 16 by lighting",
    ]


def test_diff_of_datasets(made: Path, small_recipe: Callable, capsys):
    """By the beginning of an id or by folder; the same dataset has no difference; a dataset cannot be changed."""
    (first,) = (made / "datasets").iterdir()
    second = make_dataset(small_recipe(skins__moles=[0.5, 0.6], sensor__kind="time_of_flight"), made)
    text = told(capsys, "diff", first.name[:7], str(second), store=made)
    assert "setting skins.moles: [0, 0.6] -> [0.5, 0.6]" in text
    assert "rgb train: 0 shared; 8 differ: 8 by skin\n" in text and "gt train: 8 shared\n" in text
    assert "sensor test: 0 shared; 4 only in the second\n" in text
    assert "no setting differs" in told(capsys, "diff", first.name, store=made)
    assert main(["diff", first.name, "--set", "seed=3", "--store", str(made)]) == 2
    assert "is a published dataset, which --set cannot change" in capsys.readouterr().err
    assert main(["diff", "quick", "nope", "--store", str(made)]) == 2
    assert f"Datasets in {made}: {second.name}, {first.name}" in capsys.readouterr().err


def test_why_names_the_first_differing_input_with_both_values(made: Path, small_recipe: Callable, capsys):
    """The record's value and the drawn one, by address and by key; what is published needs no rendering; a frame beyond
    the dataset is new; one beyond the run is refused."""
    text = told(capsys, "why", "rgb/test/3", *SMALL, "--set", "hairs.grey=[0.7, 0.8]", store=made)
    (dataset,) = (made / "datasets").iterdir()
    before = published_frame_set(dataset)
    old = before.inputs("rgb", [("test", 3)])[("test", 3)]["drawn"]["hair_colour"]["grey"]
    plan = planned(small_recipe(hairs__grey=[0.7, 0.8]))
    new = planned_frame_set(plan).inputs("rgb", [("test", 3)])[("test", 3)]["drawn"]["hair_colour"]["grey"]
    assert "not published: it would be rendered" in text
    assert f"first differing input: drawn.hair_colour.grey\n    there: {old}\n    here:  {new}\n" in text
    key = before.key("rgb", ("test", 3))
    assert key is not None
    by_key = told(capsys, "why", key[:10], *SMALL, "--set", "hairs.grey=[0.7, 0.8]", store=made)
    assert by_key == text
    same = told(capsys, "why", key[:10], *SMALL, store=made)
    assert "published in shards/rgb/" in same and "the same frame" in same
    grown = "structure.frames={train: 8, validation: 4, test: 6}"
    assert "has no gt of test/5: the frame is new" in told(capsys, "why", "test/5", *SMALL, "--set", grown, store=made)
    against = told(capsys, "why", "test/3", *SMALL, "--against", "khan2021", store=made)
    assert "compared with recipe khan2021" in against and "first differing input" in against
    assert main(["why", "test/4", *SMALL, "--store", str(made)]) == 2
    assert "has no frame test/4; it has 8 train, 4 validation, 4 test frames" in capsys.readouterr().err


def test_time_and_space_are_estimated_from_shards_of_the_same_kind(made: Path, small_recipe: Callable):
    """The stand-in notes 0.1 s a frame: a plan of 16 new pictures takes 1.6 s; bytes are those of its files. Frames of
    another size are no measure."""
    plan = planned(small_recipe(lightings__key_power_w=[50, 60]))
    found = look_up_frames(made)
    shards = shards_to_render(plan.frames, found.published, found.quarantined, shard_size=3)
    cost = estimate(plan, shards, costs_on_record(plan, found.published, made))
    assert cost.seconds == pytest.approx(1.6) and "frames of this kind in the store" in cost.time_source
    stored = sum(path.stat().st_size for path in (made / "shards" / "rgb").rglob("*") if path.is_file())
    assert cost.stored_bytes == pytest.approx(stored)
    larger = planned(small_recipe(cameras__width_px=512))
    assert costs_on_record(larger, found.published, made) is None
    cost = estimate(larger, shards_to_render(larger.frames, NOTHING, NOTHING, shard_size=3), None)
    assert cost.seconds is None
    assert cost.stored_bytes == pytest.approx(16 * (512 * 192 * (7.0 + 0.28) + 2 * 8000))


def test_people_frames_and_products_are_charged_for_what_they_take(made: Path):
    """Stages add up by hand: a start for each shard, a person for each person, and for each frame what its products
    took; a renderer that had one core of many counts for its part."""
    (gt, rgb) = (sorted((made / "shards" / name).iterdir())[0] for name in ("gt", "rgb"))
    cores = usable_cores()
    stages = {"start": 2.0, "person": 6.0, "scene": 3.0, "cycles_gt": 1.5, "ground_truth": 0.3, "cycles_rgb": 9.0}
    for shard, frames in ((gt, 3), (rgb, 3)):
        run = {"frames": frames, "seconds": stages, "device": "cpu", "threads": cores}
        (shard / "run.json").write_text(json.dumps(run))
    people = len({line.split('"identity_id":"')[1][:16] for line in (gt / "records.jsonl").read_text().splitlines()})
    costs = costs_of_shards({"gt": [gt], "rgb": [rgb]})
    assert costs.each("gt") == pytest.approx(0.6) and costs.each("rgb") == pytest.approx(3.0)
    assert costs.each("person") == pytest.approx(6.0 / people) and costs.each("start") == 2.0
    plan = planned(published_frame_set(next((made / "datasets").iterdir())).recipe)
    shards = shards_to_render(plan.frames[:3], NOTHING, NOTHING, shard_size=3)
    cost = estimate(plan, shards, costs)
    assert cost.seconds == pytest.approx(2.0 + 2 * 6.0 / people + 3 * (1.0 + 0.6 + 3.0))
    half = dict(json.loads((gt / "run.json").read_text()), threads=cores / 2)
    (gt / "run.json").write_text(json.dumps(half))
    assert costs_of_shards({"gt": [gt]}).each("gt") == pytest.approx(0.3)
    (gt / "run.json").write_text("no JSON")
    assert costs_of_shards({"gt": [gt]}).times == Costs(source="").times


def test_looking_changes_nothing(made: Path, capsys):
    """None of plan, diff, why and gc writes to the store."""
    before = {path: file_sha256(path) for path in made.rglob("*") if path.is_file()}
    told(capsys, "plan", *SMALL, "--set", "seed=9", store=made)
    told(capsys, "why", "test/0", *SMALL, store=made)
    told(capsys, "diff", "quick", store=made)
    told(capsys, "gc", store=made)
    assert {path: file_sha256(path) for path in made.rglob("*") if path.is_file()} == before


def test_bytes_are_shown_with_the_unit_that_suits_them():
    """Two digits below ten, none above, and thousands."""
    assert [size(count) for count in (850, 1200, 35.2e9, 2.4e12)] == ["850 bytes", "1.2 kB", "35 GB", "2.4 TB"]
