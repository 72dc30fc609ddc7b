"""The open plan: whoever asks gets the first one's, whatever was published since, until it is closed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.open_plan import close_plan, is_open, open_plan, written_plan
from pipeline.planning import plan_dataset, shards_to_render

NOTHING: dict[str, tuple] = {"gt": (), "rgb": ()}


def test_the_first_plan_holds_until_it_is_closed(tmp_path: Path, small_recipe: Callable, asset_hashes: dict[str, str]):
    """A second opening with fewer shards gets the first plan and its file; after closing, the new one. Another shard
    size is another plan, which is open by itself."""
    dataset = plan_dataset(small_recipe(), asset_hashes)
    shards = shards_to_render(dataset.frames, NOTHING, NOTHING, shard_size=3)
    first, path = open_plan(dataset, tmp_path, lambda: shards)
    assert first.elements == shards and is_open(dataset, tmp_path)
    assert open_plan(dataset, tmp_path, lambda: shards[2:]) == (first, path)
    other = plan_dataset(small_recipe(structure__shard_size=2), asset_hashes)
    assert other.dataset_id == dataset.dataset_id and not is_open(other, tmp_path)
    assert open_plan(other, tmp_path, lambda: shards[:1])[1] != path
    close_plan(dataset, tmp_path)
    assert not is_open(dataset, tmp_path) and is_open(other, tmp_path)
    second, new_path = open_plan(dataset, tmp_path, lambda: shards[2:])
    assert second.elements == shards[2:] and new_path != path and path.exists()


def test_a_plan_file_is_named_for_its_content(tmp_path: Path, small_recipe: Callable, asset_hashes: dict[str, str]):
    """The same shards give the same file; others another."""
    dataset = plan_dataset(small_recipe(), asset_hashes)
    shards = shards_to_render(dataset.frames, NOTHING, NOTHING, shard_size=3)
    assert written_plan(dataset, tmp_path, shards)[1] == written_plan(dataset, tmp_path, shards)[1]
    assert written_plan(dataset, tmp_path, shards)[1] != written_plan(dataset, tmp_path, shards[1:])[1]


def test_an_open_plan_that_was_lost_says_what_to_delete(
    tmp_path: Path, small_recipe: Callable, asset_hashes: dict[str, str]
):
    """The plan's file is gone: the error names the link, and no other plan takes its place unasked."""
    dataset = plan_dataset(small_recipe(), asset_hashes)
    _, path = open_plan(dataset, tmp_path, lambda: ())
    path.unlink()
    with pytest.raises(PipelineError, match=r"delete .*\.open and run again"):
        open_plan(dataset, tmp_path, lambda: ())
