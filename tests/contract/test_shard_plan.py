"""A plan says what to render, and names each shard for the frames in it alone."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from render.config import load_recipe
from render.shard_plan import PlanError, PlannedFrame, PlannedShard, ShardPlan, read_plan, shard_folder


def frame(index: int, gt: str = "a", rgb: str = "b", split: str = "train") -> PlannedFrame:
    """A planned frame whose keys follow from its index."""
    return PlannedFrame.model_validate(
        {"split": split, "index": index, "keys": {"gt": f"{gt}{index}", "rgb": f"{rgb}{index}"}}
    )


def shard(*frames: PlannedFrame) -> PlannedShard:
    """A planned shard of both products."""
    return PlannedShard(products=("gt", "rgb"), frames=frames)


def test_a_plan_comes_back_exactly(tmp_path: Path):
    """A plan written as JSON is read as the same plan, its recipe included."""
    plan = ShardPlan(
        recipe=load_recipe("quick"),
        store="store",
        assets={"ict_facekit": "f" * 64},
        elements=(shard(frame(0), frame(1)), PlannedShard(products=("rgb",), frames=(frame(2, split="test"),))),
    )
    path = tmp_path / "plan.json"
    path.write_text(plan.model_dump_json())
    assert read_plan(path) == plan


@pytest.mark.parametrize("content", ["", "{", "{}", '{"recipe": {}}'])
def test_a_broken_plan_is_refused(content: str, tmp_path: Path):
    """A plan that was cut or is something else is an error that names the file and what to do."""
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(PlanError, match=r"(?s)plan\.json cannot be used as a plan .*ShardPlan.*Plan again"):
        read_plan(tmp_path / "plan.json")


def test_a_missing_plan_is_named(tmp_path: Path):
    """A path that leads nowhere is an error that names it."""
    with pytest.raises(PlanError, match=r"absent\.json cannot be used as a plan .*No such file"):
        read_plan(tmp_path / "absent.json")


def test_an_unknown_key_in_a_plan_is_refused():
    """Planner and renderer agree on every field, or the plan is not used."""
    with pytest.raises(ValidationError, match="host"):
        PlannedShard.model_validate({"products": ["gt"], "frames": [], "host": "node7"})


class TestShardFolder:
    def test_golden_name(self):
        """The place of a shard is part of the format: 24 digits of the hash of product and keys.

        Expected: sha256 of `["gt",["a0","a1"]]`, computed with coreutils' sha256sum.
        """
        folder = shard_folder(Path("store"), shard(frame(0), frame(1)), "gt")
        assert folder == Path("store/shards/gt") / "6b7e33aaab7b5c8d10125619"

    def test_the_address_of_frames_does_not_matter(self):
        """Frames with the same keys are the same pixels, whatever split and index they are known by."""
        here = shard(PlannedFrame(split="train", index=0, keys={"gt": "k", "rgb": "l"}))
        there = shard(PlannedFrame(split="test", index=7, keys={"gt": "k", "rgb": "l"}))
        assert shard_folder(Path("store"), here, "gt") == shard_folder(Path("store"), there, "gt")

    def test_products_live_apart_and_by_their_own_keys(self):
        """Relighting (other rgb keys) moves the rgb shard and leaves the gt shard where it is."""
        before, after = shard(frame(0), frame(1)), shard(frame(0, rgb="z"), frame(1, rgb="z"))
        store = Path("store")
        assert shard_folder(store, before, "gt") == shard_folder(store, after, "gt")
        assert shard_folder(store, before, "rgb") != shard_folder(store, after, "rgb")
        assert shard_folder(store, before, "gt").parent != shard_folder(store, before, "rgb").parent

    def test_order_and_number_of_frames_matter(self):
        """A shard is a sequence: other order, fewer or more frames are other shards."""
        shards = [
            shard(frame(0), frame(1)),
            shard(frame(1), frame(0)),
            shard(frame(0)),
            shard(frame(0), frame(1), frame(2)),
        ]
        assert len({shard_folder(Path("store"), one, "gt") for one in shards}) == len(shards)

    def test_a_product_that_is_not_planned_for_a_frame_is_an_error(self):
        """A frame without the key of a product has no place for it."""
        only_gt = PlannedShard(products=("gt",), frames=(PlannedFrame(split="train", index=0, keys={"gt": "k"}),))
        with pytest.raises(KeyError, match="rgb"):
            shard_folder(Path("store"), only_gt, "rgb")
