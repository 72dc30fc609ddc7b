"""Packs: what a dataset becomes, from real files, and every way in which it can be wrong."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from ball_dataset import HEAD_RADIUS_M, pixel_rays, write_ball_dataset

from render.dataset_format import DatasetError, Label, file_sha256
from train.data.batches import batches_in_order, epoch_batches, load_batch
from train.data.dataset import open_dataset, read_frame
from train.data.pack import open_pack, pack_dataset, rows_of_split
from train.errors import InputError


@pytest.fixture
def own_dataset(tmp_path: Path) -> Path:
    """A dataset of two frames that a test may break."""
    return write_ball_dataset(tmp_path / "store", frames={"train": 2}, width_px=48, height_px=30, seed=5)


def test_a_packed_ball_is_the_ball_that_a_smaller_camera_sees(ball_dataset_folder: Path, ball_pack_folder: Path):
    """Depth at every pixel of the head equals the closed form with the packed intrinsics; a half pixel would show."""
    dataset, pack = open_dataset(ball_dataset_folder), open_pack(ball_pack_folder)
    layer = pack.layers["head"]
    for number, row in enumerate(dataset.rows):
        centre_m = np.array(read_frame(dataset, row).geometry.landmarks_cam_m[0])
        rays = pixel_rays(pack.intrinsics_px[number].astype(np.float64), width_px=32, height_px=20)
        points = rays * layer.depth_m[number][..., None]
        seen = layer.depth_m[number] > 0
        assert seen.sum() > 20
        radius_m = np.linalg.norm(points[seen] - centre_m, axis=-1)
        np.testing.assert_allclose(radius_m, HEAD_RADIUS_M, atol=2e-6)
        normals = layer.normals_cam[number][seen].astype(np.float64)
        np.testing.assert_allclose(normals, (points[seen] - centre_m) / HEAD_RADIUS_M, atol=2e-3)


def test_a_pack_holds_every_frame_in_the_order_of_the_index(ball_dataset_folder: Path, ball_pack_folder: Path):
    """Rows, keys, persons and poses are those of the dataset; counts and origin are recorded."""
    dataset, pack = open_dataset(ball_dataset_folder), open_pack(ball_pack_folder)
    assert [(row.split, row.frame_index, row.identity_id, row.gt_key, row.rgb_key) for row in pack.rows] == [
        (row.split, row.frame_index, row.identity_id, row.gt_key, row.rgb_key) for row in dataset.rows
    ]
    assert [row.row for row in pack.rows] == list(range(11))
    assert pack.rows[3].yaw_deg == read_frame(dataset, dataset.rows[3]).geometry.yaw_deg
    assert pack.info.frames == {"train": 6, "validation": 2, "test": 3}
    assert pack.info.identities == {"train": 3, "validation": 1, "test": 2}
    assert pack.info.dataset_id == dataset.manifest.dataset_id
    assert rows_of_split(pack, "test").tolist() == [8, 9, 10]
    for layer in ("visible", "head"):
        depth_m = pack.layers[layer].depth_m
        assert pack.info.nearest_depth_m[layer] == depth_m[depth_m > 0].min()
        assert pack.info.farthest_depth_m[layer] == depth_m.max()


def test_the_head_mask_of_each_layer(ball_dataset_folder: Path, ball_pack_folder: Path):
    """In `head` all valid pixels are head. In `visible` clothing is not; at this odd ratio labels are copied."""
    dataset, pack = open_dataset(ball_dataset_folder), open_pack(ball_pack_folder)
    head, visible = pack.layers["head"], pack.layers["visible"]
    assert (head.head_mask == (head.depth_m > 0)).all()
    labels = read_frame(dataset, dataset.rows[0]).truth.labels[1::3, 1::3]
    assert (visible.head_mask[0] == (labels == Label.SKIN)).all()
    assert (visible.depth_m[0][labels == Label.CLOTHING] > 0).all()
    assert (labels == Label.CLOTHING).any()


def test_intrinsics_scale_by_the_ratio_alone(ball_pack_folder: Path):
    """From 96 x 60 to 32 x 20 pixels focal length and principal point shrink by 3: the corner of the image is 0."""
    expected = np.array([[1.1 * 32, 0, 16], [0, 1.1 * 32, 10], [0, 0, 1]], dtype=np.float32)
    np.testing.assert_allclose(open_pack(ball_pack_folder).intrinsics_px, np.tile(expected, (11, 1, 1)), rtol=1e-6)


def test_packed_landmarks_lie_where_the_packed_camera_sees_them(ball_dataset_folder: Path, ball_pack_folder: Path):
    """The landmarks of a frame, projected with the packed intrinsics, are those of the pack."""
    dataset, pack = open_dataset(ball_dataset_folder), open_pack(ball_pack_folder)
    for number, row in enumerate(dataset.rows):
        seen = pack.intrinsics_px[number] @ np.array(read_frame(dataset, row).geometry.landmarks_cam_m).T
        np.testing.assert_allclose(pack.landmarks_2d_px[number], (seen[:2] / seen[2]).T, atol=1e-4)


def test_packing_twice_gives_the_same_bytes(ball_dataset_folder: Path, ball_pack_folder: Path, tmp_path: Path):
    """No array depends on anything but the dataset and the size."""
    pack_dataset(ball_dataset_folder, tmp_path / "again", width_px=32, height_px=20)
    names = sorted(path.name for path in ball_pack_folder.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert len(names) == 13
    for name in names:
        assert file_sha256(ball_pack_folder / name) == file_sha256(tmp_path / "again" / name), name


def test_an_equal_pack_is_kept_and_another_is_refused(own_dataset: Path, tmp_path: Path):
    """Packing to a folder that holds the same pack does nothing; one of another size is not overwritten."""
    out = tmp_path / "pack"
    pack_dataset(own_dataset, out, width_px=16, height_px=10)
    before = (out / "pack.json").stat().st_mtime_ns
    pack_dataset(own_dataset, out, width_px=16, height_px=10)
    assert (out / "pack.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match=r"at 16 x 10, not of .* at 48 x 30"):
        pack_dataset(own_dataset, out, width_px=48, height_px=30)


def test_another_aspect_ratio_is_refused_with_sizes_that_work(own_dataset: Path, tmp_path: Path):
    """Pixels stay square; the message computes the missing side."""
    with pytest.raises(InputError, match=r"At width 16 the height is 10; at height 12 the width is 19\.2"):
        pack_dataset(own_dataset, tmp_path / "pack", width_px=16, height_px=12)
    assert list(tmp_path.glob("*pack*")) == []


def test_a_pack_larger_than_its_frames_is_refused(own_dataset: Path, tmp_path: Path):
    """A pack cannot hold detail that was never rendered."""
    with pytest.raises(InputError, match="render the dataset at that size"):
        pack_dataset(own_dataset, tmp_path / "pack", width_px=96, height_px=60)


def test_a_changed_picture_is_noticed(own_dataset: Path, tmp_path: Path):
    """One changed byte in a frame stops the packing, names the file, and leaves nothing behind."""
    picture = sorted((own_dataset.parent.parent / "shards" / "rgb").glob("*/*.png"))[1]
    picture.write_bytes(picture.read_bytes() + b"\0")
    with pytest.raises(InputError, match=f"{picture.name} was changed after it was published"):
        pack_dataset(own_dataset, tmp_path / "pack", width_px=16, height_px=10)
    assert list(tmp_path.glob("*pack*")) == []


def test_a_missing_picture_is_not_skipped(own_dataset: Path, tmp_path: Path):
    """A frame of the index without its file is an error."""
    picture = sorted((own_dataset.parent.parent / "shards" / "rgb").glob("*/*.png"))[0]
    picture.unlink()
    with pytest.raises(InputError, match=f"{picture.name} is missing"):
        pack_dataset(own_dataset, tmp_path / "pack", width_px=16, height_px=10)


def test_a_changed_records_table_is_noticed(own_dataset: Path):
    """The records of a shard are the ones it was published with, or the dataset does not open."""
    table = next((own_dataset.parent.parent / "shards" / "gt").glob("*/records.jsonl"))
    table.write_text(table.read_text().replace('"yaw_deg":', '"yaw_deg":1'))
    with pytest.raises(DatasetError, match="not the table"):
        open_dataset(own_dataset)


def test_a_changed_index_is_noticed(own_dataset: Path):
    """The index is the one that the manifest promises."""
    index = own_dataset / "index.parquet"
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(index).slice(0, 1), index)
    with pytest.raises(InputError, match=r"not what manifest\.json promises"):
        open_dataset(own_dataset)


def test_counts_that_do_not_agree_are_noticed(own_dataset: Path):
    """A manifest that promises more frames than the index lists is refused, with both counts."""
    manifest = own_dataset / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"train":2', '"train":3'))
    with pytest.raises(InputError, match=r"promises .*'train': 3.* lists .*'train': 2"):
        open_dataset(own_dataset)


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path):
    """The message says what was expected."""
    with pytest.raises(InputError, match="<store>/datasets/<id>"):
        open_dataset(tmp_path)


def test_a_folder_that_is_no_pack_is_refused(ball_pack_folder: Path, tmp_path: Path):
    """An empty folder, and a pack that lost an array, or holds one of another size, are refused."""
    with pytest.raises(InputError, match="python -m train pack"):
        open_pack(tmp_path)
    broken = tmp_path / "broken"
    shutil.copytree(ball_pack_folder, broken)
    np.save(broken / "head_depth_m.npy", np.zeros((2, 20, 32), np.float32))
    with pytest.raises(InputError, match=r"\(11, 20, 32\)"):
        open_pack(broken)
    (broken / "head_depth_m.npy").unlink()
    with pytest.raises(InputError, match="head_depth_m"):
        open_pack(broken)


def test_arrays_of_a_pack_cannot_be_written(ball_pack_folder: Path):
    """What is published stays as it is."""
    with pytest.raises(ValueError, match="read-only"):
        open_pack(ball_pack_folder).rgb[0] = 0


def test_an_unknown_split_is_refused(ball_pack_folder: Path):
    """The message lists the splits."""
    with pytest.raises(InputError, match="train, validation, test"):
        rows_of_split(open_pack(ball_pack_folder), "tests")


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone():
    """Every row comes once; the order is repeatable, and differs from epoch to epoch and seed to seed."""
    rows = np.arange(50) * 3
    order = np.concatenate(epoch_batches(rows, seed=7, epoch=2, batch_size=6))
    assert sorted(order) == rows.tolist()
    assert [len(batch) for batch in epoch_batches(rows, seed=7, epoch=2, batch_size=6)] == [6] * 8 + [2]
    assert (order == np.concatenate(epoch_batches(rows, seed=7, epoch=2, batch_size=5))).all()
    for seed, epoch in ((7, 3), (8, 2), (2, 7)):
        assert (order != np.concatenate(epoch_batches(rows, seed=seed, epoch=epoch, batch_size=6))).any()
    assert np.concatenate(batches_in_order(rows, batch_size=6)).tolist() == rows.tolist()


def test_a_batch_is_channels_first_and_in_the_order_asked(ball_pack_folder: Path):
    """Pictures are values / 255, depth is that of the layer; row 4 comes before row 1 when asked so."""
    import torch

    pack = open_pack(ball_pack_folder)
    batch = load_batch(pack, np.array([4, 1]), layer="visible", device=torch.device("cpu"), with_normals=True)
    rgb, depth_m, normals_cam = batch.rgb, batch.depth_m, batch.normals_cam
    assert rgb.shape == (2, 3, 20, 32)
    assert depth_m.shape == (2, 1, 20, 32)
    np.testing.assert_allclose(rgb[0, 2].numpy(), pack.rgb[4, :, :, 2] / 255.0, rtol=1e-6)
    assert (depth_m[1, 0].numpy() == pack.layers["visible"].depth_m[1]).all()
    head = load_batch(pack, np.array([4]), layer="head", device=torch.device("cpu"))
    assert head.normals_cam is None and normals_cam is not None
    assert batch.gradient_magnitude is not None and head.gradient_magnitude is None
    assert (batch.gradient_magnitude[1, 0].numpy() == pack.layers["visible"].gradient_magnitude[1]).all()
    assert (normals_cam[1, 2].numpy() == pack.layers["visible"].normals_cam[1, :, :, 2]).all()
    assert (batch.intrinsics_px[0].numpy() == pack.intrinsics_px[4]).all()
    assert (batch.landmarks_2d_px[1].numpy() == pack.landmarks_2d_px[1]).all()
    assert (head.depth_m[0, 0].numpy() == pack.layers["head"].depth_m[4]).all()
