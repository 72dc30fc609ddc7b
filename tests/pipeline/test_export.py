"""An export holds what was published, is complete or not there, and is read without Headroom."""

import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from matplotlib.figure import Figure
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from small_dataset import SmallDataset, publish_small_dataset

from pipeline import published_dataset
from pipeline.__main__ import main
from pipeline.dataset_card import write_card
from pipeline.exports.coco import box_of, run_lengths, write_coco
from pipeline.exports.folders import write_folders
from pipeline.exports.frame_files import normals_in_16_bits, png_bytes
from pipeline.exports.landmark_names import LANDMARK_NAMES, SKELETON
from pipeline.exports.webdataset import write_tars
from pipeline.published_dataset import find_dataset, index_rows, open_dataset, published_frames
from render.dataset_format import SPLITS

NAMES = [f"train_{index:06d}" for index in range(6)] + [
    f"{split}_{index:06d}" for split in ("validation", "test") for index in range(2)
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallDataset:
    """A dataset of ten frames of five people, with pictures, ground truth and measured depth."""
    return publish_small_dataset(tmp_path_factory.mktemp("small"))


@pytest.fixture
def plain_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards without plots: these take seconds, and tests/pipeline/test_card.py looks at them."""
    monkeypatch.setattr(write_card, "distributions_figure", lambda *_: Figure(figsize=(1, 1)))


def export(dataset: SmallDataset, out: Path, *options: str) -> int:
    """Run the command."""
    return main(["export", str(dataset.folder), "--out", str(out), *options])


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_plain_folders_hold_the_published_bytes_and_a_table_of_all_frames(small: SmallDataset, tmp_path: Path):
    """Every file under its frame's number, records in order, card and licences beside; the store is as it was."""
    before = hashes(small.store)
    assert export(small, tmp_path / "out", "--format", "folders", "--licence", "CC-BY-4.0") == 0
    assert hashes(small.store) == before
    frames = [json.loads(line) for line in (tmp_path / "out" / "frames.jsonl").read_text().splitlines()]
    assert [frame["name"] for frame in frames] == NAMES
    held = published_frames(open_dataset(small.folder), splits=SPLITS)
    for frame, published in zip(frames, held, strict=True):
        assert set(frame["files"]) == {"gt", "rgb", "sensor"}
        for product, name in frame["files"].items():
            content = (tmp_path / "out" / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == published.records[product].file_sha256
        assert frame["geometry"] == json.loads(published.geometry.model_dump_json())
        assert frame["identity_id"] == published.row["identity_id"]
        assert frame["drawn"]["skin"]["melanin"] == published.row["drawn.skin.melanin"]
        assert frame["keys"]["sensor"] == published.row["sensor_key"]
    page = (tmp_path / "out" / "README.md").read_text()
    assert yaml.safe_load(page.split("---")[1])["license"] == "cc-by-4.0"
    for name in ("contact_sheet.jpg", "certificate.json", "recipe.yaml", "licences/blender_studiolights.txt"):
        assert (tmp_path / "out" / name).stat().st_size > 0
    summary = json.loads((tmp_path / "out" / "export.json").read_text())
    assert summary["frames"] == {"train": 6, "validation": 2, "test": 2}


@pytest.mark.usefixtures("plain_plots")
@pytest.mark.parametrize(
    ("form", "truth"), [("folders", "npy"), ("webdataset", "exr"), ("webdataset", "png"), ("coco", "png")]
)
def test_the_program_on_an_exports_page_reads_it_without_headroom(
    small: SmallDataset, tmp_path: Path, form: str, truth: str
):
    """Run as printed, with Headroom's packages barred, it prints the first split's frames; depths are the rendered."""
    assert export(small, tmp_path / "out", "--format", form, "--truth", truth, "--products", "gt", "rgb") == 0
    program = re.search(r"```python\n(.*?)```", (tmp_path / "out" / "README.md").read_text(), re.DOTALL)
    assert program is not None
    barred = "import sys\nfor name in ('render', 'train', 'pipeline'): sys.modules[name] = None\n"
    check = "print('LAST', round(float(depth_m.max()), 4), picture.shape)\n"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", barred + program[1] + check]
    done = subprocess.run(
        command, cwd=tmp_path / "out", env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    names = NAMES if form == "folders" else NAMES[:6]
    assert [line.split()[0] for line in done.stdout.splitlines() if line.split()[0] in NAMES] == names
    # The stand-in renders depth 0.7 m and a millimetre more for each frame of a split: the last is the second or sixth.
    assert f"LAST {0.701 if form == 'folders' else 0.705} (6, 8, 3)" in done.stdout


def test_tars_are_bounded_and_the_same_frames_make_the_same_bytes(small: SmallDataset, tmp_path: Path):
    """Members sorted by frame and name, of nobody and of 1970; each sample in one tar; no tar beyond its bound."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_tars(
            published_frames(open_dataset(small.folder), splits=SPLITS),
            tmp_path / name,
            products=("gt", "rgb", "sensor"),
            truth_form="exr",
            tar_bytes=60_000,
        )
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    samples: dict[str, list[str]] = {}
    tars = sorted((tmp_path / "one").iterdir())
    assert len([tar for tar in tars if tar.name.startswith("train-")]) > 1
    for path in tars:
        assert path.stat().st_size <= 60_000
        with tarfile.open(path) as tar:
            members = tar.getmembers()
            assert [member.name for member in members] == sorted(member.name for member in members)
            for member in members:
                assert (member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "")
                name, _, ending = member.name.partition(".")
                assert name.rpartition("_")[0] == path.name.rpartition("-")[0]
                samples.setdefault(name, []).append(ending)
                if ending == "json":
                    frame = json.loads(tar.extractfile(member).read())  # pyright: ignore[reportOptionalMemberAccess]
                    assert frame["name"] == name and frame["files"]["gt"] == f"{name}.gt.exr"
    assert set(map(tuple, samples.values())) == {("gt.exr", "json", "png", "sensor.png")}
    assert sorted(samples) == sorted(NAMES)


@pytest.mark.usefixtures("plain_plots")
def test_coco_files_are_read_by_pycocotools(small: SmallDataset, tmp_path: Path):
    """Pictures, heads with 68 keypoints, boxes and masks; a mask for every label; camera and depth file of each."""
    assert export(small, tmp_path / "out", "--format", "coco", "--split", "validation") == 0
    assert sorted(path.name for path in (tmp_path / "out" / "annotations").iterdir()) == [
        "keypoints_validation.json", "labels_validation.json"
    ]  # fmt: skip
    heads = COCO(str(tmp_path / "out" / "annotations" / "keypoints_validation.json"))
    labels = COCO(str(tmp_path / "out" / "annotations" / "labels_validation.json"))
    assert [one["frame"] for one in heads.dataset["images"]] == NAMES[6:8]
    (category,) = heads.loadCats(heads.getCatIds())
    assert (category["name"], category["keypoints"]) == ("head", list(LANDMARK_NAMES))
    assert [one["name"] for one in labels.loadCats(labels.getCatIds())][:2] == ["skin", "eyes"]
    rows = [row for row in index_rows(open_dataset(small.folder)) if row["split"] == "validation"]
    for image, row in zip(heads.dataset["images"], rows, strict=True):
        assert (image["width"], image["height"], image["identity_id"]) == (8, 6, row["identity_id"])
        assert Image.open(tmp_path / "out" / image["file_name"]).size == (8, 6)
        assert image["gt_file"].endswith(".exr") and (tmp_path / "out" / image["gt_file"]).is_file()
        assert (tmp_path / "out" / image["sensor_file"]).is_file()
        assert image["intrinsics_px"] == [[9, 0, 4], [0, 9, 3], [0, 0, 1]] and image["cam_from_world"][2][3] == 0.85
        (head,) = heads.loadAnns(heads.getAnnIds(image["id"]))
        # The stand-in fills the picture with head, and puts every landmark at (4, 3), visible.
        assert (head["bbox"], head["area"], head["iscrowd"], head["num_keypoints"]) == ([0, 0, 8, 6], 48, 0, 68)
        assert head["keypoints"] == [4, 3, 2] * 68
        assert heads.annToMask(head).all()
        (skin,) = labels.loadAnns(labels.getAnnIds(image["id"]))
        assert (skin["category_id"], labels.annToMask(skin).sum()) == (1, 48)


def test_run_lengths_and_boxes_are_those_of_pycocotools():
    """For masks of every kind, the empty and the full one among them, they decode the mask, and the box is theirs."""
    stream = np.random.default_rng(3)
    for share in (0, 0.1, 0.5, 0.9, 1):
        mask = stream.random((5, 7)) < share
        lengths = run_lengths(mask)
        theirs = coco_mask.frPyObjects(lengths, 5, 7)
        assert np.array_equal(coco_mask.decode(theirs).astype(bool), mask)
        if mask.any():
            assert box_of(mask) == coco_mask.toBbox(theirs).tolist()


def test_the_skeleton_joins_neighbours_of_the_68_landmarks():
    """Jaw, brows and nose are open, eyes and lips closed: 16 + 4 + 4 + 3 + 4 + 6 + 6 + 12 + 8 lines, counted from 1."""
    assert len(set(LANDMARK_NAMES)) == 68 and len(SKELETON) == 63
    assert {number for line in SKELETON for number in line} == set(range(1, 69))
    assert (42, 37) in SKELETON and (17, 18) not in SKELETON  # right eye 36-41 is closed; the jaw ends at 16


def test_pngs_of_16_bits_are_read_back_exactly():
    """Grey by Pillow; RGB, which Pillow cannot hold, by the PNG specification: rows are sums of differences."""
    stream = np.random.default_rng(5)
    grey = stream.integers(0, 2**16, (5, 7), dtype=np.uint16)
    with Image.open(io.BytesIO(png_bytes(grey))) as image:
        assert np.array_equal(np.asarray(image), grey)
    colour = stream.integers(0, 2**16, (5, 7, 3), dtype=np.uint16)
    content = png_bytes(colour)
    with Image.open(io.BytesIO(content)) as image:
        assert (image.size, image.mode) == ((7, 5), "RGB")
        image.load()  # checks the sums
    start = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(content[start + 4 : start + 4 + length]), np.uint8).reshape(5, 43)
    assert (rows[:, 0] == 2).all()
    pixels = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).copy().view(">u2").reshape(5, 7, 3)
    assert np.array_equal(pixels, colour)


def test_normals_survive_16_bits_within_a_hundredth_of_a_degree():
    """Decoded as the page says they are turned by less than 0.005 degrees, and (0, 0, 0) stays what it is."""
    normals = np.random.default_rng(7).normal(size=(40, 30, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[3, 4], normals[5, 6] = 0, (-1, 0, 0)
    stored = normals_in_16_bits(normals)
    decoded = (stored.astype(np.float64) - 1) / 32767 - 1
    valid = stored.any(axis=-1)
    assert (~valid).sum() == 1 and not valid[3, 4]
    cosine = (decoded * normals).sum(axis=-1)[valid] / np.linalg.norm(decoded[valid], axis=-1)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 0.03
    sine = np.linalg.norm(np.cross(decoded[valid], normals[valid]), axis=-1)
    assert np.degrees(np.arcsin(sine)).max() < 0.005


def test_an_export_that_fails_leaves_nothing_and_names_the_file(small: SmallDataset, tmp_path: Path, capsys):
    """A byte that was flipped in the store is found on the way out; neither a folder nor a temporary one is left."""
    shutil.copytree(small.store, tmp_path / "store")
    dataset = open_dataset(tmp_path / "store" / "datasets" / small.folder.name)
    last = list(index_rows(dataset))[-1]
    path = dataset.store / last["rgb_shard"] / last["rgb_file"]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    damaged = SmallDataset(small.plan, dataset.store, dataset.folder)
    assert export(damaged, tmp_path / "out", "--format", "webdataset") == 2
    assert f"{path} was changed after it was published" in capsys.readouterr().err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["store"]


def test_what_cannot_be_exported_is_refused_before_anything_is_written(small: SmallDataset, tmp_path: Path, capsys):
    """A folder that is there, one in the store, a product or dataset that is not; each with what to do."""
    (tmp_path / "there").mkdir()
    refusals = {
        "is there already, and nothing is overwritten": [str(small.folder), "--out", str(tmp_path / "there")],
        "lies in the store": [str(small.folder), "--out", str(small.store / "export")],
        "--tar-megabytes must be 1 or more": [str(small.folder), "--out", str(tmp_path / "x"), "--tar-megabytes", "0"],
        "no dataset 'other'": ["other", "--store", str(small.store), "--out", str(tmp_path / "x")],
    }
    for words, arguments in refusals.items():
        assert main(["export", *arguments, "--format", "folders"]) == 2
        assert words in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["there"]


def test_a_dataset_is_found_by_folder_id_or_its_recipes_name(small: SmallDataset, tmp_path: Path):
    """Of one name the latest; the beginning of an id is enough where it is unique."""
    shutil.copytree(small.folder, tmp_path / "datasets" / "abcd1111")
    shutil.copytree(small.folder, tmp_path / "datasets" / "abcd2222")
    os.utime(tmp_path / "datasets" / "abcd1111" / "manifest.json", (2e9, 2e9))
    assert find_dataset("quick", tmp_path).folder.name == "abcd1111"
    assert find_dataset("abcd2", tmp_path).folder.name == "abcd2222"
    assert find_dataset(str(small.folder), tmp_path).folder == small.folder
    with pytest.raises(published_dataset.DatasetError, match="begins 2 ids"):
        find_dataset("abcd", tmp_path)


@pytest.mark.parametrize("form", ["folders", "webdataset", "coco"])
def test_memory_does_not_grow_with_the_number_of_frames(
    small: SmallDataset, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
):
    """Seventy-two frames take no more than twelve."""
    monkeypatch.setattr(published_dataset, "TABLES_IN_MEMORY", 1)
    dataset = open_dataset(small.folder)

    def peak_bytes(repeats: int) -> int:
        out = tmp_path / f"{repeats}"
        out.mkdir()
        frames = (
            replace(one, row=one.row | {"frame_index": number * 10 + one.row["frame_index"]})
            for number in range(repeats)
            for one in published_frames(dataset, splits=("train",))
        )
        common = {"products": ("gt", "rgb"), "truth_form": "exr"}
        tracemalloc.start()
        if form == "folders":
            write_folders(frames, out, **common)
        elif form == "webdataset":
            write_tars(frames, out, tar_bytes=10**9, **common)
        else:
            write_coco(frames, out, info={}, licences=[], **common)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(1)  # what is loaded and cached once
    assert peak_bytes(12) < 1.1 * peak_bytes(2) + 20_000
