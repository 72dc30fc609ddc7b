"""A dataset's card says what is in it, under which licences, how exact it is, and how to make it again."""

from collections import Counter
from pathlib import Path

import jinja2
import numpy as np
import pytest
import yaml
from PIL import Image
from small_dataset import SmallDataset, publish_small_dataset

from pipeline.__main__ import main
from pipeline.dataset_card import pictures
from pipeline.dataset_card.drawn_values import drawn_names, drawn_numbers, split_column
from pipeline.dataset_card.facts import dataset_recipe
from pipeline.dataset_card.licences import asset_licences
from pipeline.published_dataset import index_rows, open_dataset
from pipeline.run_settings import RunOptions, dataset_plan
from pipeline.templating import fill_template


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallDataset:
    """A dataset of nine frames: one of ten is quarantined."""
    return publish_small_dataset(tmp_path_factory.mktemp("small"), bad_frames=("train/3",))


@pytest.fixture(scope="module")
def card(small: SmallDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its card."""
    out = tmp_path_factory.mktemp("cards") / "card"
    assert main(["card", str(small.folder), "--out", str(out), "--licence", "CC-BY-4.0"]) == 0
    return out


def test_the_page_counts_names_and_quotes(card: Path, small: SmallDataset):
    """Front matter that a hub reads; frames, people and quarantine by split; licences, certificate, versions, id."""
    page = (card / "README.md").read_text()
    matter = yaml.safe_load(page.split("---")[1])
    assert (matter["license"], matter["pretty_name"], matter["size_categories"]) == ("cc-by-4.0", "quick", ["n<1K"])
    assert "9 rendered pictures of 5 synthetic people" in page
    assert "| train | 5 | 3 | 1 |\n| validation | 2 | 1 | 0 |\n| test | 2 | 1 | 0 |" in page
    assert "1 frames failed their checks twice" in page and "| train/3 | the lamp fell over |" in page
    assert "published under **CC-BY-4.0**" in page
    assert "[CC0-1.0](licences/blender_studiolights.txt)" in page
    assert "CC0" in (card / "licences" / "blender_studiolights.txt").read_text()
    assert "1.2500 um | 2 um | plane" in page and "Certificate passed: 1 checks" in page
    assert f"`{small.folder.name}`, format 2" in page and "bpy 4.5.15" in page and "8 x 6 pixels" in page
    assert "{{" not in page and "None" not in page


def test_every_picture_of_the_page_is_there_and_shows_something(card: Path):
    """Contact sheet, example and plots are pictures with more than one colour."""
    page = (card / "README.md").read_text()
    for name in ("contact_sheet.jpg", "example.jpg", "distributions.png"):
        assert f"({name})" in page
        with Image.open(card / name) as image:
            assert np.asarray(image.convert("L")).std() > 1


def test_the_command_on_the_page_makes_the_same_dataset(card: Path, small: SmallDataset):
    """The recipe beside the page, planned, has the dataset's id."""
    assert "luigi --module pipeline RenderDataset --recipe recipe.yaml" in (card / "README.md").read_text()
    plan = dataset_plan(RunOptions(recipe=str(card / "recipe.yaml")))
    assert plan.dataset_id == small.folder.name


def test_drawn_values_are_those_of_the_index(small: SmallDataset):
    """Numbers by split with the recipe's range, names counted over frames."""
    dataset = open_dataset(small.folder)
    rows = list(index_rows(dataset))
    numbers = {one.name: one for one in drawn_numbers(dataset, dataset_recipe(dataset), split_column(dataset))}
    distance = numbers["camera.distance_mm"]
    assert distance.range == small.plan.recipe.cameras.distance_mm
    for split in ("train", "validation", "test"):
        expected = [row["drawn.camera.distance_mm"] for row in rows if row["split"] == split]
        assert distance.values[split].tolist() == expected
    backdrops = dict(drawn_names(dataset))["backdrop.kind"]
    assert backdrops == Counter(row["drawn.backdrop.kind"] for row in rows)


def test_the_contact_sheet_shows_as_many_people_as_it_can(small: SmallDataset, monkeypatch: pytest.MonkeyPatch):
    """With more people than places each frame is another person's, from first to last; else frames are spread."""
    dataset = open_dataset(small.folder)
    monkeypatch.setattr(pictures, "MOST_ON_A_SHEET", 3)
    names = [frame.name for frame in pictures.chosen_frames(dataset, 5)]
    assert names == ["train_000000", "train_000002", "validation_000000"]
    monkeypatch.setattr(pictures, "MOST_ON_A_SHEET", 6)
    names = [frame.name for frame in pictures.chosen_frames(dataset, 5)]
    assert len(names) == len(set(names)) == 6 and names[0] == "train_000000"


def test_files_of_the_publishers_own_have_no_licence_that_headroom_knows():
    """They are listed all the same, so that nobody publishes them by accident."""
    found = asset_licences({"own_lyhm": "a" * 64, "blender_studiolights": "b" * 64}, own_pictures=True)
    assert [(one.asset, one.spdx) for one in found] == [
        ("blender_studiolights", "CC0-1.0"),
        ("own_lyhm", ""),
        ("backdrops.image_folder", ""),
    ]


def test_a_value_that_a_template_lacks_is_an_error():
    """No page is printed with a gap in it."""
    with pytest.raises(jinja2.UndefinedError, match="front_matter"):
        fill_template("card.md")


def test_a_card_is_never_overwritten(card: Path, small: SmallDataset, capsys: pytest.CaptureFixture):
    """The folder that is there is named."""
    assert main(["card", str(small.folder), "--out", str(card)]) == 2
    assert f"{card} is there already" in capsys.readouterr().err
