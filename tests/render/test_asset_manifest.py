"""The list of assets: every entry complete, and every mistake in it named with its asset."""

import copy
import hashlib
from pathlib import Path

import pytest
import yaml

from render.asset_archive import tree_sha256
from render.asset_manifest import DEFAULT_MANIFEST, ArchiveAsset, AssetError, BundledAsset, load_manifest


@pytest.fixture
def entries() -> list[dict]:
    return copy.deepcopy(yaml.safe_load(DEFAULT_MANIFEST.read_text(encoding="utf-8"))["assets"])


def _load(tmp_path: Path, entries: object) -> dict:
    path = tmp_path / "manifest.yaml"
    path.write_text(yaml.safe_dump({"assets": entries}), encoding="utf-8")
    return load_manifest(path)


def test_the_repository_lists_the_head_model_and_the_environment_maps():
    """Both assets are there, pinned to a commit or a version, with licence, units and axes."""
    assets = load_manifest()
    assert set(assets) == {"ict_facekit", "blender_studiolights"}
    head, lights = assets["ict_facekit"], assets["blender_studiolights"]
    assert isinstance(head, ArchiveAsset)
    assert isinstance(lights, BundledAsset)
    assert head.licence.spdx == "MIT"
    assert head.source.endswith("/da5f95a607f5e6b37755b38d3385d7f2853732e5.zip")
    assert head.units == "cm"
    assert head.axes == {"x": "to the person's left", "y": "up", "z": "forward, out of the face"}
    assert lights.licence.spdx == "CC0-1.0"
    assert len([path for path in lights.file_sha256 if path.endswith(".exr")]) == 8


def test_the_tree_hash_is_the_sha256_of_sorted_paths_and_file_hashes():
    """The definition, written out by hand; the order in which files are given does not matter."""
    files = {"b/x": "11" * 32, "a": "22" * 32, "B": "33" * 32}
    text = "B\0" + "33" * 32 + "\na\0" + "22" * 32 + "\nb/x\0" + "11" * 32 + "\n"
    assert tree_sha256(files) == hashlib.sha256(text.encode()).hexdigest()
    assert tree_sha256(dict(reversed(files.items()))) == tree_sha256(files)


def test_an_unknown_key_is_an_error_that_names_asset_and_key(tmp_path: Path, entries: list[dict]):
    """A misspelt key is refused, never ignored."""
    entries[0]["colour"] = "red"
    with pytest.raises(AssetError, match=r"'ict_facekit'.*colour"):
        _load(tmp_path, entries)


def test_a_missing_licence_is_an_error_that_names_the_asset(tmp_path: Path, entries: list[dict]):
    """No asset without a licence; no licence without the file that holds its text."""
    without_file = copy.deepcopy(entries)
    del without_file[1]["licence"]["file"]
    del entries[0]["licence"]
    with pytest.raises(AssetError, match=r"'ict_facekit'.*licence: Field required"):
        _load(tmp_path, entries)
    with pytest.raises(AssetError, match=r"'blender_studiolights'.*licence\.file: Field required"):
        _load(tmp_path, without_file)


def test_a_path_that_leaves_the_asset_is_refused(tmp_path: Path, entries: list[dict]):
    """Neither the root nor a pattern may be absolute or climb."""
    entries[0]["files"] = ["../LICENSE"]
    with pytest.raises(AssetError, match=r"'ict_facekit'.*files.*relative"):
        _load(tmp_path, entries)


def test_an_asset_without_kind_or_listed_twice_is_refused(tmp_path: Path, entries: list[dict]):
    """The message says which asset."""
    with pytest.raises(AssetError, match=r"'ict_facekit' is listed twice"):
        _load(tmp_path, [entries[0], entries[0]])
    del entries[0]["kind"]
    with pytest.raises(AssetError, match=r"'ict_facekit'.*kind"):
        _load(tmp_path, entries)


def test_a_manifest_that_is_no_list_of_assets_is_refused(tmp_path: Path):
    """Missing, broken, or of another shape: the message names the file."""
    with pytest.raises(AssetError, match=r"absent\.yaml cannot be read"):
        load_manifest(tmp_path / "absent.yaml")
    (tmp_path / "other.yaml").write_text("things: []", encoding="utf-8")
    with pytest.raises(AssetError, match=r"other\.yaml must hold one key `assets`"):
        load_manifest(tmp_path / "other.yaml")
