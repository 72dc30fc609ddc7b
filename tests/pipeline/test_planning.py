"""Planning: what is rendered, what is used again, and that a person stays in one split."""

import random
from collections import Counter
from collections.abc import Callable, Collection

import pytest

from pipeline.planning import DatasetPlan, check_splits, is_quarantined, plan_dataset, shards_to_render
from render import parameters
from render.config import load_recipe
from render.dataset_format import SPLITS, DatasetError, canonical_sha256
from render.frame_keys import identity_id, plan_frame
from render.sampling.frame import draw_frame
from render.shard_plan import PlannedFrame, PlannedShard
from train.report_distributions import PERSON_FACTORS

NOTHING: dict[str, Collection[str]] = {"gt": (), "rgb": (), "sensor": ()}


def keys_of(shards: Collection[PlannedShard], product: str) -> list[str]:
    """The keys that shards will hold of a product, in order."""
    return [frame.keys[product] for shard in shards if product in shard.products for frame in shard.frames]


def published(plan: DatasetPlan) -> dict[str, Collection[str]]:
    """What is published once a plan was rendered."""
    return NOTHING | {product: {frame.keys[product] for frame in plan.frames} for product in plan.frames[0].keys}


def test_a_first_plan_holds_every_frame_once_in_order(small_recipe: Callable, asset_hashes: dict[str, str]):
    """Nothing is published: each frame is in one shard, both products together, no shard above its size."""
    plan = plan_dataset(small_recipe(), asset_hashes)
    shards = shards_to_render(plan.frames, NOTHING, NOTHING, shard_size=3)
    assert [frame for shard in shards for frame in shard.frames] == list(plan.frames)
    assert [len(shard.frames) for shard in shards] == [3, 3, 3, 3, 3, 1]
    assert {shard.products for shard in shards} == {("gt", "rgb")}


def test_a_plan_is_what_each_frame_alone_comes_to(small_recipe: Callable, asset_hashes: dict[str, str]):
    """Columns, stretches and shared texts change nothing: frames, people and the dataset's id are those of drawing each
    frame by itself and hashing all rows in one text."""
    recipe = small_recipe(structure__views=2, sensor__kind="time_of_flight")
    plan = plan_dataset(recipe, asset_hashes)
    addresses = [(split, index) for split, count in recipe.structure.frames.items() for index in range(count)]
    assert [(frame.split, frame.index) for frame in plan.frames] == sorted(
        addresses, key=lambda address: (SPLITS.index(address[0]), address[1])
    )
    assert list(plan.frames) == [plan_frame(recipe, one.split, one.index, asset_hashes) for one in plan.frames]
    assert plan.identities == [
        identity_id(draw_frame(recipe, one.split, one.index), asset_hashes) for one in plan.frames
    ]
    rows = [[one.split, one.index, *one.keys.values()] for one in plan.frames]
    assert plan.dataset_id == canonical_sha256(rows)[:24]


def one_after_the_other(
    frames: Collection[PlannedFrame], known: dict[str, set[str]], bad: dict[str, set[str]], shard_size: int
) -> list[PlannedShard]:
    """What `shards_to_render` says, frame by frame."""
    groups: dict[tuple, list[PlannedFrame]] = {}
    for frame in frames:
        missing = tuple(product for product, key in frame.keys.items() if key not in known[product])
        if missing and not is_quarantined(frame, bad):
            groups.setdefault(missing, []).append(frame)
            for product in missing:
                known[product].add(frame.keys[product])
    return [
        PlannedShard(products=products, frames=tuple(groups[products][start : start + shard_size]))
        for products in sorted(groups, key=lambda products: (-len(products), products))
        for start in range(0, len(groups[products]), shard_size)
    ]


@pytest.mark.parametrize("seed", range(30))
def test_shards_are_those_of_looking_at_one_frame_after_the_other(seed: int):
    """With shared keys, published and quarantined ones at random, columns give the same shards in the same order."""
    stream = random.Random(seed)
    pools = {product: [f"{stream.getrandbits(128):032x}" for _ in range(25)] for product in ("gt", "rgb", "sensor")}
    frames = [
        PlannedFrame(split="train", index=index, keys={name: stream.choice(pool) for name, pool in pools.items()})
        for index in range(60)
    ]
    known = {name: set(stream.sample(pool, stream.choice((0, 3, 12)))) for name, pool in pools.items()}
    bad = {name: set(stream.sample(pool, stream.choice((0, 1, 2)))) for name, pool in pools.items()}
    shards = shards_to_render(frames, known, bad, shard_size=4)
    assert list(shards) == one_after_the_other(frames, known, bad, 4)


def test_growth_renders_only_the_new_half(small_recipe: Callable, asset_hashes: dict[str, str]):
    """Twice the frames: what was published stays in the dataset under its keys, and only the rest is planned."""
    half = plan_dataset(small_recipe(), asset_hashes)
    frames = {"train": 16, "validation": 8, "test": 8}
    whole = plan_dataset(small_recipe(structure__frames=frames), asset_hashes)
    shards = shards_to_render(whole.frames, published(half), NOTHING, shard_size=5)
    assert all(frame in whole.frames for frame in half.frames)
    new = [frame for frame in whole.frames if frame not in half.frames]
    assert len(new) == 16
    for product in ("gt", "rgb"):
        assert keys_of(shards, product) == [frame.keys[product] for frame in new]


def test_the_shard_size_and_the_name_change_nothing(small_recipe: Callable, asset_hashes: dict[str, str]):
    """Neither is part of any key: the dataset is the same one, and nothing is rendered for it."""
    plan = plan_dataset(small_recipe(), asset_hashes)
    other = plan_dataset(small_recipe(structure__shard_size=7, name="another"), asset_hashes)
    assert other.dataset_id == plan.dataset_id
    assert shards_to_render(other.frames, published(plan), NOTHING, shard_size=7) == ()


def test_relighting_renders_pictures_only(small_recipe: Callable, asset_hashes: dict[str, str]):
    """Another range of lamp power: every picture is planned anew, and no ground truth."""
    plan = plan_dataset(small_recipe(), asset_hashes)
    relit = plan_dataset(small_recipe(lightings__key_power_w=[50, 60]), asset_hashes)
    shards = shards_to_render(relit.frames, published(plan), NOTHING, shard_size=4)
    assert {shard.products for shard in shards} == {("rgb",)}
    assert keys_of(shards, "rgb") == [frame.keys["rgb"] for frame in relit.frames]


def test_a_sensor_is_planned_over_what_is_there(small_recipe: Callable, asset_hashes: dict[str, str]):
    """A recipe without one has two products. Turned on later, or set otherwise, it alone is planned, for every frame,
    and the dataset is another one; a setting that the kind does not use changes nothing."""
    plain = plan_dataset(small_recipe(), asset_hashes)
    assert {tuple(frame.keys) for frame in plain.frames} == {("gt", "rgb")}
    measured = plan_dataset(small_recipe(sensor__kind="time_of_flight"), asset_hashes)
    assert measured.dataset_id != plain.dataset_id
    shards = shards_to_render(measured.frames, NOTHING, NOTHING, shard_size=3)
    assert {shard.products for shard in shards} == {("gt", "rgb", "sensor")}
    shards = shards_to_render(measured.frames, published(plain), NOTHING, shard_size=3)
    assert {shard.products for shard in shards} == {("sensor",)}
    assert keys_of(shards, "sensor") == [frame.keys["sensor"] for frame in measured.frames]
    for changed in ({"sensor__noise_seed": 1}, {"sensor__multipath": 0.1}, {"sensor__kind": "structured_light"}):
        other = plan_dataset(small_recipe(**{"sensor__kind": "time_of_flight"} | changed), asset_hashes)
        shards = shards_to_render(other.frames, published(measured), NOTHING, shard_size=3)
        assert {shard.products for shard in shards} == {("sensor",)} and len(shards) == 6
    same = plan_dataset(small_recipe(sensor__kind="time_of_flight", sensor__baseline_mm=90), asset_hashes)
    assert same.frames == measured.frames


def test_a_lost_product_is_rendered_alone(small_recipe: Callable, asset_hashes: dict[str, str]):
    """Frames that lack one product go into shards of that product, apart from frames that lack both."""
    plan = plan_dataset(small_recipe(), asset_hashes)
    there = {product: {frame.keys[product] for frame in plan.frames[2:]} for product in ("gt", "rgb")}
    there["gt"] -= {frame.keys["gt"] for frame in plan.frames[10:]}
    shards = shards_to_render(plan.frames, there, NOTHING, shard_size=4)
    assert [(shard.products, len(shard.frames)) for shard in shards] == [(("gt", "rgb"), 2), (("gt",), 4), (("gt",), 2)]
    assert keys_of(shards, "gt") == [frame.keys["gt"] for frame in (*plan.frames[:2], *plan.frames[10:])]


def test_a_quarantined_frame_is_not_asked_for_again(small_recipe: Callable, asset_hashes: dict[str, str]):
    """Nothing more of a frame is planned once a product of it failed for good: not that product, and not the other one,
    whichever of them it was."""
    plan = plan_dataset(small_recipe(), asset_hashes)
    bad = {"gt": {plan.frames[1].keys["gt"]}, "rgb": {plan.frames[9].keys["rgb"]}}
    shards = shards_to_render(plan.frames, NOTHING, bad, shard_size=3)
    wanted = [frame for place, frame in enumerate(plan.frames) if place not in (1, 9)]
    assert [frame for shard in shards for frame in shard.frames] == wanted
    assert [is_quarantined(frame, bad) for frame in plan.frames] == [place in (1, 9) for place in range(16)]
    assert shards_to_render(plan.frames, published(plan), bad, shard_size=3) == ()


def test_geometry_that_frames_share_is_planned_once(small_recipe: Callable, asset_hashes: dict[str, str]):
    """Two frames of one person that differ in light alone have one ground truth, and so one place in the plan."""
    still = {f"head_poses.{name}_deg": [0, 0] for name in ("yaw", "pitch", "roll", "gaze_yaw", "gaze_pitch")}
    still |= {"cameras.distance_mm": [800, 800], "cameras.sensor_width_mm": [36, 36]}
    still |= {"cameras.offset_x": [0, 0], "cameras.offset_y": [0, 0]}
    still |= {"expressions.names": ["neutral"], "expressions.intensity": [1, 1]}
    plan = plan_dataset(small_recipe(**still), asset_hashes)
    shards = shards_to_render(plan.frames, NOTHING, NOTHING, shard_size=50)
    assert Counter(Counter(keys_of(shards, "gt")).values()) == {1: 8}
    assert keys_of(shards, "gt") == [frame.keys["gt"] for frame in plan.frames[::2]]
    assert Counter(keys_of(shards, "rgb")) == Counter(frame.keys["rgb"] for frame in plan.frames)


def test_the_report_counts_once_a_person_what_is_drawn_once_a_person():
    """The report knows factors by name alone: its list is the renderer's, and all frames of a person share these."""
    assert set(PERSON_FACTORS) == set(parameters.PERSON_FACTORS)
    recipe = load_recipe("khan2021")
    frames = [draw_frame(recipe, "train", index) for index in range(recipe.structure.frames_per_identity)]
    for name in PERSON_FACTORS:
        assert len({repr(getattr(frame, name)) for frame in frames}) == 1


def test_a_person_in_two_splits_is_refused():
    """One person in training and test would make the score a lie; the message names who and where."""
    splits, people = ["train", "train", "validation", "test"], ["ann", "bob", "eve", "bob"]
    with pytest.raises(DatasetError, match=r"the store: identity bob is in both 'train' and 'test'"):
        check_splits(splits, people, where="the store")
    check_splits(splits, ["ann", "bob", "eve", "dan"], where="the store")
