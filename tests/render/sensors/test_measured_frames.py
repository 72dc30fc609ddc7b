"""The third product end to end: measured from published ground truth, whoever rendered that, and from nothing else."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_shards import make_plan, tiny_recipe

from render.config import Recipe
from render.dataset_format import (
    DatasetError,
    QuarantinedFrame,
    canonical_json,
    file_sha256,
    read_ground_truth,
    read_records,
    read_shard_manifest,
)
from render.frame_keys import assets_of, frame_key, plan_frame
from render.ranges.sensor import SETTINGS_OF_KIND, SensorSettings
from render.sampling.frame import draw_frame
from render.sensors.millimetre_png import read_millimetres
from render.sensors.simulate import simulate_sensor
from render.shard import render_element
from render.shard_plan import Product, wanted_products


def sensor_recipe(kind: str = "time_of_flight", **sensor: object) -> Recipe:
    return tiny_recipe(sensor={"kind": kind, **sensor})


def measure(
    recipe: Recipe, store: Path, cache: Path, *, groups: list[list[int]], products: tuple[Product, ...] = ("sensor",)
) -> list[Path]:
    """The shards of every group, one after the other."""
    plan = make_plan(store, cache, groups=groups, recipe=recipe, products=products)
    progress: list[int] = []
    shards = []
    for element in range(len(groups)):
        shards += render_element(
            plan,
            element,
            device="cpu",
            assets_source=None,
            cache=cache,
            report_progress=lambda done, *_: progress.append(done),
        )
        assert progress == sorted(progress) and progress[-1] == len(groups[element])
        progress.clear()
    return shards


def pixels(shards: list[Path]) -> dict[str, bytes]:
    """Bytes of every measured frame by key."""
    return {record.key: (shard / record.file).read_bytes() for shard in shards for record in read_records(shard)}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory, asset_cache: Path) -> tuple[Path, list[Path]]:
    """A store with three products of frames 0 and 1 of a tiny recipe, and their shards."""
    store = tmp_path_factory.mktemp("measured")
    recipe = sensor_recipe()
    return store, measure(recipe, store, asset_cache, groups=[[0, 1]], products=wanted_products(recipe))


@pytest.fixture
def store(rendered: tuple[Path, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same without what was measured, in a copy that a test may change; here nothing can be rendered."""
    shutil.copytree(rendered[0], tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "shards" / "sensor")
    monkeypatch.setattr("render.blender.draw.open_stage", lambda **_: pytest.fail("rendered again"))
    return tmp_path / "store"


def test_a_measured_frame_is_the_simulation_of_its_published_truth(rendered: tuple[Path, list[Path]]):
    """Pixel by pixel, from files alone: ground truth, intrinsics, settings and key; the record depends on what ground
    truth depends on."""
    _, (gt, rgb, sensor) = rendered
    assert [folder.parent.name for folder in (gt, rgb, sensor)] == ["gt", "rgb", "sensor"]
    for truth, measured in zip(read_records(gt), read_records(sensor), strict=True):
        depth_mm = read_millimetres(sensor / measured.file)
        assert truth.geometry is not None and measured.geometry is None
        expected = simulate_sensor(
            read_ground_truth(gt / truth.file),
            np.array(truth.geometry.intrinsics_px),
            sensor_recipe().sensor,
            frame_key=measured.key,
        )
        np.testing.assert_array_equal(depth_mm, expected)
        assert depth_mm.shape == (36, 48) and (depth_mm > 0).mean() > 0.1
        assert (measured.drawn, measured.identity_id, measured.assets) == (truth.drawn, truth.identity_id, truth.assets)
        assert measured.file_sha256 == file_sha256(sensor / measured.file)


def test_a_sensor_turned_on_later_renders_nothing(rendered: tuple[Path, list[Path]], store: Path, asset_cache: Path):
    """Over ground truth of a recipe without a sensor, grouped otherwise: no scene is opened, and every byte is that of
    the run that rendered all three products."""
    assets = assets_of(sensor_recipe(), source=None, cache=asset_cache)
    plain, wanted = (plan_frame(recipe, "train", 1, assets).keys for recipe in (sensor_recipe("none"), sensor_recipe()))
    assert plain == {product: wanted[product] for product in ("gt", "rgb")}
    assert pixels(measure(sensor_recipe(), store, asset_cache, groups=[[1], [0]])) == pixels(rendered[1][2:])


def test_other_settings_measure_again_and_render_nothing(
    rendered: tuple[Path, list[Path]], store: Path, asset_cache: Path
):
    """Another noise seed and the other kind give other shards beside the first; the rest of the store stays."""
    before = sorted(store.glob("shards/*/*"))
    first = pixels(rendered[1][2:])
    for recipe in (sensor_recipe(noise_seed=1), sensor_recipe("structured_light")):
        again = pixels(measure(recipe, store, asset_cache, groups=[[0, 1]]))
        assert len(again) == 2 and not again.keys() & first.keys()
        assert set(again.values()).isdisjoint(first.values())
    after = sorted(store.glob("shards/*/*"))
    assert [folder for folder in after if folder.parent.name != "sensor"] == before and len(after) == len(before) + 2


@pytest.mark.parametrize("kind", SETTINGS_OF_KIND)
@pytest.mark.parametrize("name", sorted(SensorSettings.model_fields.keys() - {"kind"}))
def test_a_setting_changes_the_key_of_what_it_changes(kind: str, name: str):
    """It enters the sensor's key where the kind uses it, and no other key at all."""
    recipes = sensor_recipe(kind), sensor_recipe(kind, **{name: 0.3 if name != "noise_seed" else 3})
    parameters = draw_frame(recipes[0], "train", 1)
    assets = {"blender_studiolights": "5" * 64}
    usual, changed = (
        {product: frame_key(parameters, product, recipe, assets) for product in ("gt", "rgb", "sensor")}
        for recipe in recipes
    )
    moved = {product for product in usual if usual[product] != changed[product]}
    assert moved == ({"sensor"} if name in SETTINGS_OF_KIND[kind] else set())


def test_a_frame_without_ground_truth_is_quarantined_with_it(store: Path, asset_cache: Path):
    """The measured shard leaves it out and repeats the reason under its own key."""
    (gt,) = (store / "shards" / "gt").iterdir()
    bad, kept = read_records(gt)
    table = canonical_json(kept.model_dump(mode="json")) + "\n"
    (gt / "records.jsonl").write_text(table)
    reason = QuarantinedFrame(key=bad.key, split="train", index=0, failed="gt", reason="a fold", command="again")
    changed = {
        "frame_keys": (kept.key,),
        "records_sha256": file_sha256(gt / "records.jsonl"),
        "quarantined": (reason,),
    }
    (gt / "shard.json").write_text(read_shard_manifest(gt).model_copy(update=changed).model_dump_json())
    (sensor,) = measure(sensor_recipe(), store, asset_cache, groups=[[0, 1]])
    (left_out,) = read_shard_manifest(sensor).quarantined
    assert left_out == reason.model_copy(update={"key": left_out.key}) and left_out.key != reason.key
    (measured,) = read_records(sensor)
    assert measured.file == "000001.png" and (sensor / measured.file).exists()


def test_missing_or_changed_ground_truth_is_an_error(store: Path, asset_cache: Path):
    """The message names the frame or the file, and nothing is published."""
    with pytest.raises(DatasetError, match=r"frame train/7 cannot be measured: .*holds no ground truth of key"):
        measure(sensor_recipe(), store, asset_cache, groups=[[0, 7]])
    (picture,) = store.glob("shards/gt/*/000001.exr")
    picture.write_bytes(picture.read_bytes()[:-1] + b"\0")
    with pytest.raises(DatasetError, match=r"000001\.exr is missing or not the file"):
        measure(sensor_recipe(), store, asset_cache, groups=[[0, 1]])
    assert not list((store / "shards" / "sensor").iterdir())
