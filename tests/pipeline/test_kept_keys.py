"""Keys that were drawn once are not drawn again, and what was kept can change no result."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import pipeline.drawn_keys
import pipeline.kept_keys
from pipeline.drawn_keys import Stretch, draw_stretches
from pipeline.kept_keys import drawing_key, kept_folder
from pipeline.planning import keep_plan, plan_dataset
from render.config import Recipe


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Which stretches are drawn from now on. Files hold six frames each, so that small datasets have several."""
    noted: list[tuple[str, int, int]] = []
    draw = pipeline.drawn_keys.draw_stretch

    def note(recipe: Recipe, assets: dict[str, str], stretch: Stretch):
        noted.append((stretch.split, stretch.start, stretch.stop))
        return draw(recipe, assets, stretch)

    monkeypatch.setattr(pipeline.drawn_keys, "draw_stretch", note)
    monkeypatch.setattr(pipeline.kept_keys, "FRAMES_A_FILE", 6)
    return noted


def test_what_is_kept_is_not_drawn_again(
    small_recipe: Callable, asset_hashes: dict[str, str], tmp_path: Path, drawn: list
):
    """The second plan is the first one, from files alone; planning by itself writes nothing."""
    first = plan_dataset(small_recipe(), asset_hashes, store=tmp_path)
    assert drawn == [("train", 0, 6), ("train", 6, 8), ("validation", 0, 4), ("test", 0, 4)]
    assert not list(tmp_path.iterdir())
    keep_plan(first, tmp_path)
    drawn.clear()
    again = plan_dataset(small_recipe(), asset_hashes, store=tmp_path)
    assert drawn == [] and again == first
    folder = kept_folder(tmp_path, first.recipe, asset_hashes)
    names = {"train-0-6.npz", "train-6-8.npz", "validation-0-4.npz", "test-0-4.npz"}
    assert {path.name for path in folder.iterdir()} == names


def test_growth_draws_the_new_frames_only(
    small_recipe: Callable, asset_hashes: dict[str, str], tmp_path: Path, drawn: list
):
    """Twice the frames: files are made longer, never shorter; the smaller dataset is then served by the longer ones."""
    small = plan_dataset(small_recipe(), asset_hashes)
    keep_plan(small, tmp_path)
    more = small_recipe(structure__frames={"train": 16, "validation": 4, "test": 6})
    drawn.clear()
    grown = plan_dataset(more, asset_hashes, store=tmp_path)
    assert drawn == [("train", 8, 12), ("train", 12, 16), ("test", 4, 6)]
    assert grown == plan_dataset(more, asset_hashes)
    keep_plan(grown, tmp_path)
    keep_plan(small, tmp_path)
    folder = kept_folder(tmp_path, more, asset_hashes)
    names = {"train-0-6.npz", "train-6-12.npz", "train-12-16.npz", "validation-0-4.npz", "test-0-6.npz"}
    assert {path.name for path in folder.iterdir()} == names
    drawn.clear()
    assert plan_dataset(small_recipe(), asset_hashes, store=tmp_path) == small
    assert drawn == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "short", "renamed"])
def test_a_damaged_file_is_drawn_anew(
    small_recipe: Callable, asset_hashes: dict[str, str], tmp_path: Path, drawn: list, damage: str
):
    """Cut, changed by one bit, emptied, or holding other frames than its name says: the plan is the true one all the
    same."""
    plan = plan_dataset(small_recipe(structure__frames={"train": 14}), asset_hashes)
    keep_plan(plan, tmp_path)
    folder = kept_folder(tmp_path, plan.recipe, asset_hashes)
    path = folder / "train-0-6.npz"
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[content.index(b"rgb.npy") + 200] ^= 1
    short, other = (folder / "train-12-14.npz").read_bytes(), (folder / "train-6-12.npz").read_bytes()
    wrong = {"cut": content[:-100], "flipped": content, "empty": b"", "short": short, "renamed": other}
    path.write_bytes(wrong[damage])
    drawn.clear()
    assert plan_dataset(plan.recipe, asset_hashes, store=tmp_path) == plan
    assert drawn == [("train", 0, 6)]


def test_what_is_kept_is_of_one_way_of_drawing(small_recipe: Callable, asset_hashes: dict[str, str], tmp_path: Path):
    """Name, number of frames and shard size share what is kept; ranges, assets, and pictures of the user's own do not,
    and a picture is known by what is in it."""
    key = drawing_key(small_recipe(), asset_hashes)
    same = {"name": "other", "structure__shard_size": 9, "structure__frames": {"train": 2}}
    assert drawing_key(small_recipe(**same), asset_hashes) == key
    (tmp_path / "one.png").write_bytes(b"1")
    pictures = {"backdrops.shares": {"image": 1}, "backdrops.image_folder": str(tmp_path)}
    keys = [
        drawing_key(small_recipe(seed=1), asset_hashes),
        drawing_key(small_recipe(lightings__key_power_w=[50, 60]), asset_hashes),
        drawing_key(small_recipe(structure__frames_per_identity=4), asset_hashes),
        drawing_key(small_recipe(), {"blender_studiolights": "6" * 64}),
        drawing_key(small_recipe(**pictures), asset_hashes),
    ]
    pipeline.kept_keys.image_sha256.cache_clear()
    (tmp_path / "one.png").write_bytes(b"2")
    keys.append(drawing_key(small_recipe(**pictures), asset_hashes))
    assert len({key, *keys}) == 7


def test_many_frames_are_drawn_side_by_side(
    small_recipe: Callable, asset_hashes: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    """Processes of their own come to the same keys in the same order as one process does."""
    stretches = [Stretch("train", 0, 5), Stretch("train", 5, 11), Stretch("test", 3, 8)]
    alone = draw_stretches(small_recipe(), asset_hashes, stretches)

    def refuse(*_: object) -> None:
        raise AssertionError("drawn in this process")

    monkeypatch.setattr(pipeline.drawn_keys, "LEAST_FRAMES_SIDE_BY_SIDE", 10)
    monkeypatch.setattr(pipeline.drawn_keys, "draw_stretch", refuse)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert draw_stretches(small_recipe(), asset_hashes, stretches) == alone
    assert [one.stretch for one in alone] == stretches
