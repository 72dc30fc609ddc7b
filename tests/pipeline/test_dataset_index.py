"""Publishing a dataset: one row a frame, in order, and nothing that is not really there."""

import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

import pipeline.dataset_index
from pipeline.dataset_index import drawn_columns, publish_dataset
from pipeline.engines.local import LocalEngineSettings, local_engine
from pipeline.engines.shard_work import shard_work
from pipeline.frame_lookup import look_up_frames
from pipeline.plan_summary import count_frames
from pipeline.planning import DatasetPlan, plan_dataset, shards_to_render
from pipeline.store import is_published
from render.config import load_recipe
from render.dataset_format import (
    DatasetError,
    DatasetManifest,
    QuarantinedFrame,
    canonical_json,
    canonical_sha256,
    file_sha256,
    read_records,
    read_shard_manifest,
)
from render.sampling.frame import draw_frame
from render.shard_plan import ShardPlan, shard_folder, write_plan

NOTHING: dict[str, tuple] = {"gt": (), "rgb": ()}
CERTIFICATE = "proof.json"
FAKE_RENDERER = Path(__file__).with_name("fake_renderer.py")


def render_all(plan: ShardPlan, folder: Path) -> None:
    """Let the stand-in render a plan; the folder keeps its notes."""
    path = folder / "plan.json"
    write_plan(path, plan)
    command = (sys.executable, str(FAKE_RENDERER), "--diary", str(folder / "diary.txt"))
    work = shard_work(plan, path, command=command, options=(), folder=folder / "logs")
    local_engine(LocalEngineSettings())(work)


@pytest.fixture(scope="module")
def rendered_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetPlan, Path]:
    """A small dataset's plan, and a store that holds all its frames."""
    folder = tmp_path_factory.mktemp("rendered")
    structure = {
        "structure.frames": {"train": 8, "validation": 4, "test": 4},
        "structure.frames_per_identity": 2,
        "structure.views": 2,
    }
    assets = {"blender_studiolights": "5" * 64}
    dataset = plan_dataset(load_recipe("quick", overrides=structure), assets)
    shards = shards_to_render(dataset.frames, NOTHING, NOTHING, shard_size=3)
    plan = ShardPlan(recipe=dataset.recipe, store=str(folder / "store"), assets=assets, elements=shards)
    render_all(plan, folder)
    (folder / "store" / CERTIFICATE).write_text('{"passed": true}')
    return dataset, folder / "store"


@pytest.fixture
def rendered(rendered_once: tuple[DatasetPlan, Path], tmp_path: Path) -> tuple[DatasetPlan, Path]:
    """The same in a copy that a test may change."""
    shutil.copytree(rendered_once[1], tmp_path / "store")
    return rendered_once[0], tmp_path / "store"


def test_the_index_tells_what_was_drawn_for_each_frame(rendered: tuple[DatasetPlan, Path]):
    """Rows follow the plan; every value is the one that the recipe draws; files are where the index says."""
    dataset, store = rendered
    folder = publish_dataset(dataset, store, certificate=store / CERTIFICATE)
    rows = pyarrow.parquet.read_table(folder / "index.parquet").to_pylist()
    assert [(row["split"], row["frame_index"]) for row in rows] == [(one.split, one.index) for one in dataset.frames]
    for row, frame in zip(rows, dataset.frames, strict=True):
        drawn = draw_frame(dataset.recipe, frame.split, frame.index)
        assert row["gt_key"] == frame.keys["gt"] and row["rgb_key"] == frame.keys["rgb"]
        assert row["identity_index"] == row["instant_index"] == frame.index // 2
        assert (row["view_index"], row["light_index"]) == (frame.index % 2, 0)
        assert row["sequence"] is None and row["step"] is None
        assert row["drawn.camera.distance_mm"] == drawn.camera.distance_mm
        assert row["drawn.lighting.environment"] == drawn.lighting.environment
        assert row["drawn.lighting.lamps.0.rgb.1"] == drawn.lighting.lamps[0].rgb[1]
        assert row["drawn.identity.coefficients"] == list(drawn.identity.coefficients)
        assert row["yaw_deg"] == drawn.head_pose.yaw_deg and row["pitch_deg"] == -2.0
        assert math.isclose(row["head_distance_m"], 0.85, rel_tol=1e-12)
        record = next(one for one in read_records(store / row["gt_shard"]) if one.file == row["gt_file"])
        assert record.key == row["gt_key"] and record.identity_id == row["identity_id"]
        assert file_sha256(store / row["rgb_shard"] / row["rgb_file"])


def test_a_dataset_with_a_sensor_lists_what_it_measured(rendered: tuple[DatasetPlan, Path], tmp_path: Path):
    """Over the shards of a dataset without one, which names no sensor: three more columns, one more product."""
    dataset, store = rendered
    plain = publish_dataset(dataset, store, certificate=store / CERTIFICATE)
    assert not [
        name for name in pyarrow.parquet.read_schema(plain / "index.parquet").names if name.startswith("sensor_")
    ]
    sensor = dataset.recipe.sensor.model_copy(update={"kind": "structured_light"})
    measured = plan_dataset(dataset.recipe.model_copy(update={"sensor": sensor}), dataset.assets)
    found = look_up_frames(store)
    shards = shards_to_render(measured.frames, found.published, found.quarantined, shard_size=16)
    assert count_frames(dataset, ()) == {"gt": 0, "rgb": 0}
    assert count_frames(measured, shards) == {"gt": 0, "rgb": 0, "sensor": 16}
    with pytest.raises(DatasetError, match=r"16 of 16 frames have no published sensor"):
        publish_dataset(measured, store, certificate=store / CERTIFICATE)
    render_all(ShardPlan(recipe=measured.recipe, store=str(store), assets=measured.assets, elements=shards), tmp_path)
    folder = publish_dataset(measured, store, certificate=store / CERTIFICATE)
    manifest = DatasetManifest.model_validate_json((folder / "manifest.json").read_bytes())
    assert {product: len(shards) for product, shards in manifest.shards.items()} == {"gt": 6, "rgb": 6, "sensor": 1}
    rows, before = (pyarrow.parquet.read_table(one / "index.parquet").to_pylist() for one in (folder, plain))
    for row, old, frame in zip(rows, before, measured.frames, strict=True):
        assert row.pop("sensor_key") == frame.keys["sensor"]
        assert (store / row.pop("sensor_shard") / row.pop("sensor_file")).is_file()
        assert row == old


def test_the_manifest_counts_and_seals_the_index(rendered: tuple[DatasetPlan, Path]):
    """Frames and people by split, the shards of each product, and the hash of the index."""
    dataset, store = rendered
    folder = publish_dataset(dataset, store, certificate=store / CERTIFICATE)
    manifest = DatasetManifest.model_validate_json((folder / "manifest.json").read_bytes())
    assert (manifest.dataset_id, manifest.name) == (dataset.dataset_id, "quick")
    assert manifest.frames == {"train": 8, "validation": 4, "test": 4}
    assert manifest.identities == {"train": 4, "validation": 2, "test": 2}
    assert {product: len(shards) for product, shards in manifest.shards.items()} == {"gt": 6, "rgb": 6}
    assert manifest.quarantined == {"train": 0, "validation": 0, "test": 0}
    assert manifest.index_sha256 == file_sha256(folder / "index.parquet")
    assert (folder / "certificate.json").read_text() == '{"passed": true}'
    assert manifest.certificate_sha256 == file_sha256(folder / "certificate.json")
    assert is_published(store, "datasets", dataset.dataset_id)
    assert publish_dataset(dataset, store, certificate=store / CERTIFICATE) == folder


def test_the_bytes_of_a_dataset_do_not_tell_how_many_frames_were_read_at_once(
    rendered: tuple[DatasetPlan, Path], monkeypatch: pytest.MonkeyPatch
):
    """Records are read for a few frames at a time, shards again and again; index and manifest are the same files."""
    dataset, store = rendered
    first = {path.name: path.read_bytes() for path in published_files(dataset, store)}
    monkeypatch.setattr(pipeline.dataset_index, "FRAMES_AT_ONCE", 2)
    shutil.rmtree(store / "datasets")
    assert {path.name: path.read_bytes() for path in published_files(dataset, store)} == first
    assert set(first) == {"index.parquet", "manifest.json", "certificate.json"}


def published_files(dataset: DatasetPlan, store: Path) -> list[Path]:
    """The files of the dataset, once it is published."""
    return sorted(publish_dataset(dataset, store, certificate=store / CERTIFICATE).iterdir())


def test_the_store_tells_which_shard_holds_a_key(rendered: tuple[DatasetPlan, Path]):
    """What is published reads like a dictionary of what every manifest lists; a key in two shards is of the first."""
    dataset, store = rendered
    expected: dict[str, dict[str, str]] = {"gt": {}, "rgb": {}, "sensor": {}}
    twins: dict[str, list[str]] = {}
    for product in ("gt", "rgb"):
        # The same frames in another order are another shard.
        one = next((store / "shards" / product).iterdir())
        manifest = read_shard_manifest(one)
        turned = manifest.model_copy(update={"frame_keys": manifest.frame_keys[::-1]})
        other = one.with_name(canonical_sha256([product, list(turned.frame_keys)])[:24])
        (Path(shutil.copytree(one, other)) / "shard.json").write_text(turned.model_dump_json())
        twins[product] = [f"shards/{product}/{name}" for name in sorted((one.name, other.name))]
        for folder in sorted((store / "shards" / product).iterdir()):
            for key in read_shard_manifest(folder).frame_keys:
                expected[product].setdefault(key, f"shards/{product}/{folder.name}")
    found = look_up_frames(store).published
    assert found == expected
    keys = [frame.keys["gt"] for frame in dataset.frames]
    assert [found["gt"][key] for key in keys] == [expected["gt"][key] for key in keys]
    holders = list(found["gt"].values())
    assert [holders.count(twin) for twin in twins["gt"]] == [3, 0]
    for strange in (dataset.frames[0].keys["rgb"], "no key", ""):
        assert strange not in found["gt"] and found["gt"].get(strange) is None


def quarantine(dataset: DatasetPlan, store: Path, places: list[int], *, failed: str) -> None:
    """Take frames out of their shards as the renderer would have left them out: rewritten tables, and reasons."""
    for product in ("gt", "rgb"):
        keys = {dataset.frames[place].keys[product]: dataset.frames[place] for place in places}
        for folder in (store / "shards" / product).iterdir():
            kept = [record for record in read_records(folder) if record.key not in keys]
            table = "".join(canonical_json(record.model_dump(mode="json")) + "\n" for record in kept)
            (folder / "records.jsonl").write_text(table)
            manifest = read_shard_manifest(folder)
            bad = [
                QuarantinedFrame(
                    key=key, split=frame.split, index=frame.index, failed=failed, reason="bad", command="c"
                )
                for key, frame in keys.items()
                if key in manifest.frame_keys
            ]
            changed = {
                "frame_keys": tuple(record.key for record in kept),
                "records_sha256": file_sha256(folder / "records.jsonl"),
                "quarantined": tuple(bad),
            }
            (folder / "shard.json").write_text(manifest.model_copy(update=changed).model_dump_json())


@pytest.mark.parametrize("failed", ["gt", "rgb"])
def test_a_dataset_leaves_out_and_counts_what_is_quarantined(rendered: tuple[DatasetPlan, Path], failed: str):
    """Rows, frames and people are those that are there; a person whose every frame failed is not counted."""
    dataset, store = rendered
    quarantine(dataset, store, [2, 3, 13], failed=failed)
    found = look_up_frames(store)
    assert set(found.quarantined[failed]) == {dataset.frames[place].keys[failed] for place in (2, 3, 13)}
    assert not found.quarantined["gt" if failed == "rgb" else "rgb"]
    assert shards_to_render(dataset.frames, found.published, found.quarantined, shard_size=3) == ()
    folder = publish_dataset(dataset, store, certificate=store / CERTIFICATE)
    manifest = DatasetManifest.model_validate_json((folder / "manifest.json").read_bytes())
    assert manifest.frames == {"train": 6, "validation": 4, "test": 3}
    assert manifest.identities == {"train": 3, "validation": 2, "test": 2}
    assert manifest.quarantined == {"train": 2, "validation": 0, "test": 1}
    rows = pyarrow.parquet.read_table(folder / "index.parquet").to_pylist()
    kept = [frame for place, frame in enumerate(dataset.frames) if place not in (2, 3, 13)]
    assert [(row["split"], row["frame_index"]) for row in rows] == [(frame.split, frame.index) for frame in kept]


def test_a_split_that_is_quarantined_as_a_whole_is_an_error(rendered: tuple[DatasetPlan, Path]):
    """A dataset without the split that was asked for would be another dataset; the message tells where reasons are."""
    dataset, store = rendered
    quarantine(dataset, store, [8, 9, 10, 11], failed="gt")
    with pytest.raises(DatasetError, match=r"every validation frame .* is quarantined; `python -m render quarantine"):
        publish_dataset(dataset, store, certificate=store / CERTIFICATE)


def test_a_dataset_with_a_missing_frame_is_not_published(
    rendered: tuple[DatasetPlan, Path], small_recipe: Callable, asset_hashes: dict[str, str]
):
    """The message counts what is missing and names the first."""
    _, store = rendered
    structure = {"structure__frames": {"train": 10, "validation": 4, "test": 4}, "structure__views": 2}
    more = plan_dataset(small_recipe(**structure), asset_hashes)
    with pytest.raises(DatasetError, match=r"2 of 18 frames have no published gt, the first is train/8"):
        publish_dataset(more, store, certificate=store / CERTIFICATE)
    assert not is_published(store, "datasets", more.dataset_id)


def test_a_folder_among_the_shards_that_is_none_is_named(rendered: tuple[DatasetPlan, Path]):
    """An incomplete copy of a shard stops the run with its path, before anything is rendered around it."""
    dataset, store = rendered
    (store / "shards" / "gt" / "0123456789ab").mkdir()
    with pytest.raises(DatasetError, match=r"0123456789ab has no shard.json.*delete it and run again"):
        publish_dataset(dataset, store, certificate=store / CERTIFICATE)


def test_a_dataset_that_lost_a_shard_is_incomplete_until_it_is_rendered_again(rendered: tuple[DatasetPlan, Path]):
    """Deleting a damaged shard is the remedy that messages name: the plan then holds just that shard, by its name."""
    dataset, store = rendered
    folder = publish_dataset(dataset, store, certificate=store / CERTIFICATE)
    manifest = DatasetManifest.model_validate_json((folder / "manifest.json").read_bytes())
    lost = store / manifest.shards["gt"][2]
    lost.rename(store / "kept")
    assert not is_published(store, "datasets", dataset.dataset_id)
    found = look_up_frames(store)
    (shard,) = shards_to_render(dataset.frames, found.published, found.quarantined, shard_size=3)
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
