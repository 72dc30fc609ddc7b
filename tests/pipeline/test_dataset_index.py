"""Publishing a dataset: one row a frame, in order, and nothing that is not really there."""

import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

from pipeline.dataset_index import drawn_columns, publish_dataset
from pipeline.engines.local import LocalEngineSettings, render_missing
from pipeline.frame_lookup import published_shards
from pipeline.planning import DatasetPlan, plan_dataset, shards_to_render
from pipeline.store import is_published
from render.config import load_recipe
from render.dataset_format import DatasetError, DatasetManifest, file_sha256, read_records
from render.sampling.frame import draw_frame
from render.shard_plan import ShardPlan, shard_folder

FAKE_RENDERER = Path(__file__).with_name("fake_renderer.py")


@pytest.fixture(scope="module")
def rendered_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetPlan, Path]:
    """A small dataset's plan, and a store that holds all its frames."""
    folder = tmp_path_factory.mktemp("rendered")
    structure = {
        "structure.frames": {"train": 8, "validation": 4, "test": 4},
        "structure.frames_per_identity": 2,
    }
    assets = {"blender_studiolights": "5" * 64}
    dataset = plan_dataset(load_recipe("quick", overrides=structure), assets)
    shards = shards_to_render(dataset.frames, {"gt": (), "rgb": ()}, shard_size=3)
    plan = ShardPlan(recipe=dataset.recipe, store=str(folder / "store"), assets=assets, elements=shards)
    path = folder / "plan.json"
    path.write_text(plan.model_dump_json())
    command = (sys.executable, str(FAKE_RENDERER), "--diary", str(folder / "diary.txt"))
    render_missing(plan, path, settings=LocalEngineSettings(command=command), options=(), logs=folder / "logs")
    return dataset, folder / "store"


@pytest.fixture
def rendered(rendered_once: tuple[DatasetPlan, Path], tmp_path: Path) -> tuple[DatasetPlan, Path]:
    """The same in a copy that a test may change."""
    shutil.copytree(rendered_once[1], tmp_path / "store")
    return rendered_once[0], tmp_path / "store"


def test_the_index_tells_what_was_drawn_for_each_frame(rendered: tuple[DatasetPlan, Path]):
    """Rows follow the plan; every value is the one that the recipe draws; files are where the index says."""
    dataset, store = rendered
    folder = publish_dataset(dataset, store)
    rows = pyarrow.parquet.read_table(folder / "index.parquet").to_pylist()
    assert [(row["split"], row["frame_index"]) for row in rows] == [(one.split, one.index) for one in dataset.frames]
    for row, frame in zip(rows, dataset.frames, strict=True):
        drawn = draw_frame(dataset.recipe, frame.split, frame.index)
        assert row["gt_key"] == frame.keys["gt"] and row["rgb_key"] == frame.keys["rgb"]
        assert row["identity_index"] == frame.index // 2
        assert row["drawn.camera.distance_mm"] == drawn.camera.distance_mm
        assert row["drawn.lighting.environment"] == drawn.lighting.environment
        assert row["drawn.lighting.key_rgb.1"] == drawn.lighting.key_rgb[1]
        assert row["drawn.identity.coefficients"] == list(drawn.identity.coefficients)
        assert row["yaw_deg"] == drawn.head_pose.yaw_deg and row["pitch_deg"] == -2.0
        assert math.isclose(row["head_distance_m"], 0.85, rel_tol=1e-12)
        record = next(one for one in read_records(store / row["gt_shard"]) if one.file == row["gt_file"])
        assert record.key == row["gt_key"] and record.identity_id == row["identity_id"]
        assert file_sha256(store / row["rgb_shard"] / row["rgb_file"])


def test_the_manifest_counts_and_seals_the_index(rendered: tuple[DatasetPlan, Path]):
    """Frames and people by split, the shards of each product, and the hash of the index."""
    dataset, store = rendered
    folder = publish_dataset(dataset, store)
    manifest = DatasetManifest.model_validate_json((folder / "manifest.json").read_bytes())
    assert (manifest.dataset_id, manifest.name) == (dataset.dataset_id, "quick")
    assert manifest.frames == {"train": 8, "validation": 4, "test": 4}
    assert manifest.identities == {"train": 4, "validation": 2, "test": 2}
    assert {product: len(shards) for product, shards in manifest.shards.items()} == {"gt": 6, "rgb": 6}
    assert manifest.index_sha256 == file_sha256(folder / "index.parquet")
    assert is_published(store, "datasets", dataset.dataset_id)
    assert publish_dataset(dataset, store) == folder


def test_a_dataset_with_a_missing_frame_is_not_published(
    rendered: tuple[DatasetPlan, Path], small_recipe: Callable, asset_hashes: dict[str, str]
):
    """The message counts what is missing and names the first."""
    _, store = rendered
    more = plan_dataset(small_recipe(structure__frames={"train": 10, "validation": 4, "test": 4}), asset_hashes)
    with pytest.raises(DatasetError, match=r"2 of 18 frames have no published gt, the first is train/8"):
        publish_dataset(more, store)
    assert not is_published(store, "datasets", more.dataset_id)


def test_a_folder_among_the_shards_that_is_none_is_named(rendered: tuple[DatasetPlan, Path]):
    """An incomplete copy of a shard stops the run with its path, before anything is rendered around it."""
    dataset, store = rendered
    (store / "shards" / "gt" / "0123456789ab").mkdir()
    with pytest.raises(DatasetError, match=r"0123456789ab has no shard.json.*delete it and run again"):
        publish_dataset(dataset, store)


def test_a_dataset_that_lost_a_shard_is_incomplete_until_it_is_rendered_again(rendered: tuple[DatasetPlan, Path]):
    """Deleting a damaged shard is the remedy that messages name: the plan then holds just that shard, by its name."""
    dataset, store = rendered
    folder = publish_dataset(dataset, store)
    manifest = DatasetManifest.model_validate_json((folder / "manifest.json").read_bytes())
    lost = store / manifest.shards["gt"][2]
    lost.rename(store / "kept")
    assert not is_published(store, "datasets", dataset.dataset_id)
    published = {product: published_shards(store, product) for product in ("gt", "rgb")}
    (shard,) = shards_to_render(dataset.frames, published, shard_size=3)
    assert shard_folder(store, shard, "gt") == lost and shard.products == ("gt",)
    (store / "kept").rename(lost)
    assert is_published(store, "datasets", dataset.dataset_id)


def test_drawn_values_become_columns_by_their_shape():
    """Scalars keep their name, pairs and short lists get a column each, long lists one column of lists."""
    values = {
        "strength": 0.5,
        "rgb": (0.1, 0.2, 0.3),
        "weights": (("jawOpen", 0.4), ("smile", 1.0)),
        "modes": (1.0,) * 9,
    }
    assert drawn_columns("f", values) == {
        "drawn.f.strength": 0.5,
        "drawn.f.rgb.0": 0.1,
        "drawn.f.rgb.1": 0.2,
        "drawn.f.rgb.2": 0.3,
        "drawn.f.weights.jawOpen": 0.4,
        "drawn.f.weights.smile": 1.0,
        "drawn.f.modes": [1.0] * 9,
    }
