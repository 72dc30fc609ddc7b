"""Whatever is changed in a published dataset is found, named, and comes with what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from small_dataset import SmallDataset, publish_small_dataset

from pipeline.__main__ import main
from pipeline.validation.findings import Finding
from pipeline.validation.validate_dataset import findings_of
from render.dataset_format import canonical_json, file_sha256, read_ground_truth, write_ground_truth


@pytest.fixture(scope="module")
def sound_once(tmp_path_factory: pytest.TempPathFactory) -> SmallDataset:
    """A dataset of ten frames of five people."""
    return publish_small_dataset(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def sound(sound_once: SmallDataset, tmp_path: Path) -> SmallDataset:
    """The same in a copy that a test may damage."""
    shutil.copytree(sound_once.store, tmp_path / "store")
    return SmallDataset(sound_once.plan, tmp_path / "store", tmp_path / "store" / "datasets" / sound_once.folder.name)


def rows_of(dataset: SmallDataset) -> list[dict]:
    """The rows of a dataset's index."""
    return pyarrow.parquet.read_table(dataset.folder / "index.parquet").to_pylist()


def file_of(dataset: SmallDataset, product: str, row: int = 0) -> Path:
    """The file of a product of a row's frame."""
    found = rows_of(dataset)[row]
    return dataset.store / found[f"{product}_shard"] / found[f"{product}_file"]


def edit_json(path: Path, **changes: object) -> None:
    """Change fields of a JSON file."""
    path.write_text(canonical_json(json.loads(path.read_text()) | changes) + "\n")


def edit_index(dataset: SmallDataset, change: Callable[[list[dict]], None], *, reseal: bool) -> None:
    """Change rows of an index; with `reseal` also its hash in the manifest, as someone would who means it."""
    path = dataset.folder / "index.parquet"
    schema, rows = pyarrow.parquet.read_schema(path), rows_of(dataset)
    change(rows)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), path)
    if reseal:
        edit_json(dataset.folder / "manifest.json", index_sha256=file_sha256(path))


def edit_record(file: Path, change: Callable[[dict], None]) -> None:
    """Change the record of a published file, and the hash of its table in the shard's manifest."""
    table = file.parent / "records.jsonl"
    records = [json.loads(line) for line in table.read_text().splitlines()]
    for record in records:
        if record["file"] == file.name:
            change(record)
    table.write_text("".join(canonical_json(record) + "\n" for record in records))
    edit_json(file.parent / "shard.json", records_sha256=file_sha256(table))


def flip_byte(path: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def damage_depth(dataset: SmallDataset) -> None:
    """Write a depth that is not finite, under the right hash."""
    path = file_of(dataset, "gt", 3)
    truth = read_ground_truth(path)
    truth.head.depth_m[2, 5] = np.nan
    write_ground_truth(path, truth)
    edit_record(path, lambda record: record.update(file_sha256=file_sha256(path)))


def damage_labels(dataset: SmallDataset) -> None:
    """Write a label where nothing is, under the right hash: the mask and depth disagree."""
    path = file_of(dataset, "gt", 3)
    truth = read_ground_truth(path)
    truth.labels[1, 4] = 0
    write_ground_truth(path, truth)
    edit_record(path, lambda record: record.update(file_sha256=file_sha256(path)))


def swap_people_in_index(rows: list[dict]) -> None:
    """Exchange the people of the first and the third frame, who are two."""
    rows[0]["identity_id"], rows[2]["identity_id"] = rows[2]["identity_id"], rows[0]["identity_id"]


def show_train_in_test(rows: list[dict]) -> None:
    """Let the last frame, of split test, show whom the first one shows."""
    rows[-1]["identity_id"] = rows[0]["identity_id"]


def recipe_of(dataset: SmallDataset, **changes: object) -> dict:
    """The recipe in a manifest, changed."""
    return json.loads((dataset.folder / "manifest.json").read_text())["recipe"] | changes


def in_manifest(**changes: object) -> Callable[[SmallDataset], None]:
    """A damage: fields of the dataset's manifest."""
    return lambda dataset: edit_json(dataset.folder / "manifest.json", **changes)


def in_certificate(dataset: SmallDataset) -> None:
    """A certificate that failed, sealed."""
    path = dataset.folder / "certificate.json"
    edit_json(path, passed=False)
    edit_json(dataset.folder / "manifest.json", certificate_sha256=file_sha256(path))


NEVER_PLANNED = {"key": "k", "split": "train", "index": 9, "failed": "gt", "reason": "", "command": ""}
# Damage, the end of the path that is named, what is expected, what is found.
DAMAGES: dict[str, tuple[Callable[[SmallDataset], object], str, str, str]] = {
    "a byte of ground truth": (lambda d: flip_byte(file_of(d, "gt")), "000000.exr", "as published", "sha256"),
    "a byte of a picture": (lambda d: flip_byte(file_of(d, "rgb", 5)), "000001.png", "as published", "sha256"),
    "a byte of measured depth": (lambda d: flip_byte(file_of(d, "sensor")), "000000.png", "as published", "sha256"),
    "a file cut short": (
        lambda d: file_of(d, "gt").write_bytes(file_of(d, "gt").read_bytes()[:700]), "000000.exr", "as published",
        "its 700 bytes",
    ),
    "a file gone": (lambda d: file_of(d, "rgb").unlink(), "000000.png", "its record names", "no such file"),
    "a file too many": (
        lambda d: (file_of(d, "rgb").parent / "notes.txt").touch(), "notes.txt", "only what was published",
        "nothing names",
    ),
    "a shard gone": (lambda d: shutil.rmtree(file_of(d, "gt").parent), "", "the shard that", "no such folder"),
    "a shard's manifest cut": (
        lambda d: (file_of(d, "gt").parent / "shard.json").write_text("{"), "shard.json", "manifest", "cannot be read",
    ),
    "a byte of a table": (
        lambda d: flip_byte(file_of(d, "gt").parent / "records.jsonl"), "records.jsonl", "published with",
        "not the table",
    ),
    "a shard under another name": (
        lambda d: edit_json(file_of(d, "gt").parent / "shard.json", quarantined=[NEVER_PLANNED]), "shard.json",
        "which its product, frames and quarantine have", "the name",
    ),
    "another person in a record": (
        lambda d: edit_record(file_of(d, "gt"), lambda r: r.update(identity_id="0123456789abcdef")),
        "000000.exr", "the hash of its coefficients", "0123456789abcdef",
    ),
    "another drawn value in a record": (
        lambda d: edit_record(file_of(d, "rgb"), lambda r: r["drawn"]["skin"].update(melanin=0.25)),
        "000000.png", "the hash of its drawn values", "in its record",
    ),
    "people swapped in the index": (
        lambda d: edit_index(d, swap_people_in_index, reseal=True), "index.parquet", "identity_id", "'",
    ),
    "a person in two splits": (
        lambda d: edit_index(d, show_train_in_test, reseal=True), "index.parquet", "one split alone",
        "train and in test",
    ),
    "a drawn value in the index": (
        lambda d: edit_index(d, lambda rows: rows[4].update({"drawn.skin.melanin": 0.5}), reseal=True),
        "index.parquet", "drawn.skin.melanin", "0.5",
    ),
    "the index without its seal": (
        lambda d: edit_index(d, lambda rows: rows.reverse(), reseal=False), "index.parquet", "manifest.json says", "",
    ),
    "a row gone": (
        lambda d: edit_index(d, lambda rows: rows.pop(1), reseal=True), "index.parquet", "frame train/1, or", "neither",
    ),
    "rows out of order": (
        lambda d: edit_index(d, lambda rows: rows.reverse(), reseal=True), "index.parquet", "in order", "out of place",
    ),
    "an index that is no table": (
        lambda d: (d.folder / "index.parquet").write_text("no"), "index.parquet", "a parquet table", "",
    ),
    "a certificate that failed": (in_certificate, "certificate.json", "procedural heads that passed", "certificate"),
    "a byte of the certificate": (
        lambda d: flip_byte(d.folder / "certificate.json"), "certificate.json", "manifest.json says", "",
    ),
    "another count of frames": (
        in_manifest(frames={"train": 7, "validation": 2, "test": 2}), "manifest.json", "6 frames of split train", "7",
    ),
    "another count of people": (
        in_manifest(identities={"train": 3, "validation": 1, "test": 2}), "manifest.json", "1 identities of split test",
        "2",
    ),
    "another count of quarantine": (
        in_manifest(quarantined={"train": 0, "validation": 1, "test": 0}), "manifest.json", "0 quarantined", "1",
    ),
    "another id": (in_manifest(dataset_id="f" * 24), "manifest.json", "as the folder is called", "f" * 24),
    "another seed in the recipe": (
        lambda d: edit_json(d.folder / "manifest.json", recipe=recipe_of(d, seed=99)), "manifest.json",
        "a recipe that draws", "draws another",
    ),
    "a manifest cut short": (
        lambda d: (d.folder / "manifest.json").write_text("{}"), "manifest.json", "a manifest of format 2",
        "cannot be read",
    ),
    "a depth that is not finite": (damage_depth, "000003.exr", "checks of rendering", "every value is finite"),
    "a mask that disagrees with depth": (damage_labels, "000003.exr", "checks of rendering", "a label exactly where"),
}  # fmt: skip


def found_in(dataset: SmallDataset, *, fast: bool = False) -> list[Finding]:
    """Everything that is wrong, found in this process."""
    return list(findings_of(dataset.folder, fast=fast, jobs=1))


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_named_with_what_was_promised_and_what_is_there(sound: SmallDataset, damage: str):
    """One change of a dataset's files, with hashes made to fit where someone could do so, is found by its path."""
    change, path, expected, found = DAMAGES[damage]
    change(sound)
    findings = found_in(sound)
    named = [
        one for one in findings if str(one.path).endswith(path) and expected in one.expected and found in one.found
    ]
    assert named, "\n".join(one.text for one in findings)
    for one in findings:
        assert one.remedy.startswith(("delete the shard's folder", "move"))


def test_a_sound_dataset_has_nothing_wrong_and_is_not_changed(sound_once: SmallDataset, capsys: pytest.CaptureFixture):
    """Exit code 0, whether fast or not; and no file of the store is touched."""
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sound_once.store.rglob("*")}
    for options in (["--fast", "--jobs", "1"], ["--jobs", "1"]):
        assert main(["validate", str(sound_once.folder), *options]) == 0
        assert "all is as published" in capsys.readouterr().out
    after = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sound_once.store.rglob("*")}
    assert before == after


def test_fast_finds_what_tables_tell_and_reads_no_pixels(sound: SmallDataset):
    """A flipped byte of a picture needs the full check; a file that is gone does not."""
    flip_byte(file_of(sound, "rgb", 5))
    assert found_in(sound, fast=True) == []
    file_of(sound, "gt", 7).unlink()
    (gone,) = found_in(sound, fast=True)
    assert gone.path == file_of(sound, "gt", 7) and gone.found == "no such file"


def test_findings_are_printed_and_the_command_exits_with_1(sound: SmallDataset, capsys: pytest.CaptureFixture):
    """Two processes find the same as one; each finding has path, promise, fact and remedy; the last line counts."""
    flip_byte(file_of(sound, "gt", 8))
    alone = [one.text for one in found_in(sound)]
    assert main(["validate", sound.folder.name[:8], "--store", str(sound.store), "--jobs", "2"]) == 1
    out = capsys.readouterr().out
    assert "\n".join(alone) in out and out.count("WRONG") == 2
    assert f"WRONG {file_of(sound, 'gt', 8)}\n  expected  sha256 " in out
    assert f"{sound.folder}: 1 thing is WRONG" in out


def test_a_quarantined_frame_is_no_damage_until_its_shard_forgets_it(tmp_path: Path):
    """Its gap in the index is explained by a shard, and its key is part of the dataset's id as that of any other."""
    dataset = publish_small_dataset(tmp_path, bad_frames=("train/3",))
    assert json.loads((dataset.folder / "manifest.json").read_text())["quarantined"]["train"] == 1
    assert found_in(dataset) == []
    for manifest in dataset.store.glob("shards/*/*/shard.json"):
        edit_json(manifest, quarantined=[])
    findings = found_in(dataset)
    assert any("frame train/3, or a shard that says why" in one.expected for one in findings)
    assert any("which its product, frames and quarantine have" in one.expected for one in findings)


def test_what_is_no_dataset_is_bad_input(sound_once: SmallDataset, capsys: pytest.CaptureFixture):
    """Exit code 2 and the datasets that are there."""
    assert main(["validate", "nothing", "--store", str(sound_once.store)]) == 2
    assert f"there: {sound_once.folder.name} (quick)" in capsys.readouterr().err
    assert main(["validate", "quick", "--store", str(sound_once.store), "--jobs", "0"]) == 2
    assert "--jobs must be 1 or more" in capsys.readouterr().err
