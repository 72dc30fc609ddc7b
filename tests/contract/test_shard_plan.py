"""A plan says what to render, and names each shard for the frames in it alone."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest

from render.config import load_recipe
from render.shard_plan import (
    PlanError,
    PlannedFrame,
    PlannedShard,
    ShardPlan,
    plan_id,
    read_plan,
    shard_folder,
    write_plan,
)


def frame(index: int, gt: str = "a", rgb: str = "b", split: str = "train") -> PlannedFrame:
    """A planned frame whose keys follow from its index."""
    return PlannedFrame.model_validate(
        {"split": split, "index": index, "keys": {"gt": f"{gt}{index}", "rgb": f"{rgb}{index}"}}
    )


def shard(*frames: PlannedFrame) -> PlannedShard:
    """A planned shard of both products."""
    return PlannedShard(products=("gt", "rgb"), frames=frames)


def plan_of_two() -> ShardPlan:
    """A plan of two elements."""
    return ShardPlan(
        recipe=load_recipe("quick"),
        store="store",
        assets={"ict_facekit": "f" * 64},
        elements=(shard(frame(0), frame(1)), PlannedShard(products=("rgb",), frames=(frame(2, split="test"),))),
    )


def test_a_plan_comes_back_exactly(tmp_path: Path):
    """A plan is read as the same plan, its recipe included, and its elements like those of a tuple."""
    plan, path = plan_of_two(), tmp_path / "plans" / "plan.jsonl"
    write_plan(path, plan)
    again = read_plan(path)
    assert again == plan
    assert again.elements[-1] == plan.elements[1] and again.elements[:1] == plan.elements[:1]
    with pytest.raises(IndexError):
        again.elements[2]
    assert [path.name for path in path.parent.iterdir()] == ["plan.jsonl"]


@pytest.fixture
def elements_unlooked_at() -> Iterator[None]:
    """While a test runs, types are not checked: the checker reads elements, and so finds the damage first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("elements_unlooked_at")
def test_an_element_is_read_without_the_others(tmp_path: Path):
    """Where a line of a plan is damaged, that element alone cannot be read; the error comes with its use."""
    path = tmp_path / "plan.jsonl"
    write_plan(path, plan_of_two())
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = b"#" * (len(lines[1]) - 1) + b"\n"
    path.write_bytes(b"".join(lines))
    plan = read_plan(path)
    assert plan.elements[1] == plan_of_two().elements[1]
    with pytest.raises(PlanError, match=r"(?s)plan\.jsonl cannot be used as a plan .*Plan again"):
        plan.elements[0]


def test_the_id_of_a_plan_tells_what_it_says():
    """The same plan has the same id, and another store, asset, or order of elements another one."""
    plan = plan_of_two()
    changes = ({"store": "other"}, {"assets": {}}, {"elements": plan.elements[::-1]}, {"elements": plan.elements[:1]})
    others = [plan_id(dataclasses.replace(plan, **change)) for change in changes]
    assert len({plan_id(plan), *others}) == 5 and plan_id(plan) == plan_id(plan_of_two())


OLD_PLAN = '{\n "recipe": {},\n "store": "store",\n "assets": {},\n "elements": []\n}\n'


@pytest.mark.parametrize("content", ["", "{", "{}", '{"recipe": {}}', "[]", OLD_PLAN])
def test_a_broken_or_old_plan_is_refused(content: str, tmp_path: Path):
    """A plan that was cut, is of an older Headroom or something else is an error that names the file and the remedy."""
    (tmp_path / "plan.json").write_text(content)
    message = r"plan\.json cannot be used as a plan \(its first line is not the head of a ShardPlan.*older.*Plan again"
    with pytest.raises(PlanError, match=message):
        read_plan(tmp_path / "plan.json")


@pytest.mark.usefixtures("elements_unlooked_at")
def test_a_plan_that_was_cut_is_refused(tmp_path: Path):
    """The last line says where the elements are: without it, or with a part of it, nothing of the plan is used."""
    path = tmp_path / "plan.jsonl"
    write_plan(path, plan_of_two())
    content = path.read_bytes()
    for length in (len(content) - 10, len(content) - 48, len(content) // 2):
        path.write_bytes(content[:length])
        with pytest.raises(PlanError, match=r"(?s)plan\.jsonl cannot be used as a plan .*Plan again"):
            read_plan(path)


def test_a_plan_of_another_format_is_named(tmp_path: Path):
    """The error says which format came and which is read."""
    path = tmp_path / "plan.jsonl"
    write_plan(path, plan_of_two())
    path.write_bytes(path.read_bytes().replace(b'"plan_format":2', b'"plan_format":9'))
    with pytest.raises(PlanError, match="it is a ShardPlan of format 9, but this Headroom reads 2"):
        read_plan(path)


def test_a_missing_plan_is_named(tmp_path: Path):
    """A path that leads nowhere is an error that names it."""
    with pytest.raises(PlanError, match=r"absent\.json cannot be used as a plan .*No such file"):
        read_plan(tmp_path / "absent.json")


@pytest.mark.parametrize("known", ['"store"', '"products"', '"split"'])
@pytest.mark.usefixtures("elements_unlooked_at")
def test_an_unknown_key_in_a_plan_is_refused(known: str, tmp_path: Path):
    """Planner and renderer agree on every field of head, elements and frames, or the plan is not used."""
    path = tmp_path / "plan.jsonl"
    write_plan(path, plan_of_two())
    content = path.read_text()
    assert known in content
    path.write_text(content.replace(known, known[:-2] + 'x"'))  # of the same length: every line begins where it did
    with pytest.raises(PlanError, match=rf"(?s)plan\.jsonl cannot be used .*{known[1:-2]}x.*Plan again"):
        tuple(read_plan(path).elements)


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
