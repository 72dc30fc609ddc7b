"""Installing assets: from a folder, a tree or a mirror; verified; whole or not at all; clear about every failure."""

import functools
import hashlib
import http.server
import multiprocessing
import os
import shutil
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from render import asset_library
from render.asset_archive import MARKER, tree_sha256
from render.asset_library import (
    AssetError,
    asset_status,
    assets_source,
    cache_folder,
    install_asset,
    load_manifest,
    verify_asset,
)
from render.asset_manifest import ArchiveAsset, ArchiveFile, BundledAsset, Licence
from render.bundled_assets import environment_path
from render.ranges.lighting import ENVIRONMENTS

FILES = {"LICENSE": b"do what you like", "mesh/a.obj": b"v 1 2 3\n", "mesh/b.obj": b"v 4 5 6\nv 7 8 9\n"}


def _asset(files: dict[str, bytes] = FILES, *, source: str = "https://127.0.0.1:1/tiny.zip") -> ArchiveAsset:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return ArchiveAsset(
        id="tiny",
        kind="archive",
        title="A tiny asset",
        licence=Licence(spdx="MIT", file="LICENSE"),
        source=source,
        archive=ArchiveFile(file_name="tiny-1.zip", size_bytes=500),
        root="tiny-1",
        files=("LICENSE", "mesh/*.obj"),
        file_count=len(files),
        unpacked_bytes=sum(map(len, files.values())),
        tree_sha256=tree_sha256(hashes),
        units="cm",
        axes={"x": "left", "y": "up", "z": "forward"},
    )


def _archive(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "tiny-1.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(f"tiny-1/{name}", content)
    return folder / "tiny-1.zip"


def _tree(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _content(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    del found[MARKER]
    return found


def _nothing_installed(cache: Path) -> bool:
    """No published tree and no temporary one; a lock file may stay."""
    return not [path for path in (cache / "assets").glob("*") if path.is_dir()]


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """A web server on loopback that serves the folder `mirror`."""
    (tmp_path / "mirror").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "mirror"))
    )
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_archive_tree_and_mirror_install_the_same_files(tmp_path: Path, mirror: str):
    """A folder with the archive, one with the unpacked tree, the tree itself, a file URL and a web mirror all agree."""
    archives = _archive(tmp_path / "archives").parent
    _archive(tmp_path / "mirror")
    _tree(tmp_path / "trees" / "tiny-1", FILES | {"README.md": b"unused"})
    sources = [str(archives), archives.as_uri(), mirror, str(tmp_path / "trees"), str(tmp_path / "trees" / "tiny-1")]
    for position, source in enumerate(sources):
        cache = tmp_path / f"cache{position}"
        folder = install_asset(_asset(), source=source, cache=cache)
        assert _content(folder) == FILES, source
        assert folder.parent == cache / "assets"
        assert not list((cache / "downloads").glob("*"))


def test_an_installed_asset_needs_neither_its_source_nor_another_hashing(tmp_path: Path, monkeypatch):
    """The second call looks at sizes and times alone, even when the source is gone."""
    _archive(tmp_path / "archives")
    folder = install_asset(_asset(), source=str(tmp_path / "archives"), cache=tmp_path / "cache")
    shutil.rmtree(tmp_path / "archives")
    monkeypatch.setattr(asset_library, "hash_files", lambda *_: pytest.fail("a verified tree was hashed again"))
    assert install_asset(_asset(), source=None, cache=tmp_path / "cache") == folder


def test_a_tree_with_other_times_but_equal_content_stays_valid(tmp_path: Path):
    """A copied cache is hashed once more, then trusted again."""
    _archive(tmp_path / "archives")
    folder = install_asset(_asset(), source=str(tmp_path / "archives"), cache=tmp_path / "cache")
    os.utime(folder / "mesh/a.obj", (1, 1))
    assert install_asset(_asset(), source=None, cache=tmp_path / "cache") == folder
    assert asset_library.changed_files(folder) == []


def test_a_changed_tree_is_refused_with_the_remedy(tmp_path: Path):
    """A damaged cache is named, with the hash expected and the folder to delete."""
    _archive(tmp_path / "archives")
    folder = install_asset(_asset(), source=str(tmp_path / "archives"), cache=tmp_path / "cache")
    (folder / "mesh/a.obj").write_bytes(b"v 1 2 4\n")
    message = rf"tiny in .* is damaged.*expected {_asset().sha256}.*Delete the folder {folder}"
    with pytest.raises(AssetError, match=message):
        install_asset(_asset(), source=None, cache=tmp_path / "cache")
    status = asset_status(_asset(), source=None, cache=tmp_path / "cache")
    assert (status.state, status.where) == ("damaged", str(folder))


def test_a_full_check_finds_what_sizes_and_times_hide(tmp_path: Path):
    """Same size, same time, other bytes: the cheap check passes, verify_asset does not."""
    _archive(tmp_path / "archives")
    folder = install_asset(_asset(), source=str(tmp_path / "archives"), cache=tmp_path / "cache")
    assert verify_asset(_asset(), cache=tmp_path / "cache") == folder
    times = (folder / "mesh/a.obj").stat()
    (folder / "mesh/a.obj").write_bytes(b"v 1 2 4\n")
    os.utime(folder / "mesh/a.obj", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert asset_status(_asset(), source=None, cache=tmp_path / "cache").state == "verified"
    with pytest.raises(AssetError, match=r"damaged.*tree hash"):
        verify_asset(_asset(), cache=tmp_path / "cache")
    assert asset_status(_asset(), source=None, cache=tmp_path / "cache", rehash=True).state == "damaged"


def test_a_wrong_hash_names_asset_expected_found_and_remedy(tmp_path: Path):
    """Right names and sizes, one other byte: refused, and nothing is left behind."""
    archive = _archive(tmp_path / "archives", FILES | {"mesh/a.obj": b"v 1 2 9\n"})
    with pytest.raises(
        AssetError, match=rf"asset tiny from .*tree hash .*expected {_asset().sha256}.*Replace"
    ) as error:
        install_asset(_asset(), source=str(tmp_path / "archives"), cache=tmp_path / "cache")
    assert str(archive) in str(error.value)
    assert _nothing_installed(tmp_path / "cache")


def test_a_missing_licence_is_refused(tmp_path: Path):
    """In an archive and in a tree alike."""
    files = {name: content for name, content in FILES.items() if name != "LICENSE"}
    _archive(tmp_path / "archives", files)
    _tree(tmp_path / "trees" / "tiny-1", files)
    for folder in ("archives", "trees"):
        with pytest.raises(AssetError, match=r"asset tiny .*licence file 'LICENSE' is missing"):
            install_asset(_asset(), source=str(tmp_path / folder), cache=tmp_path / "cache")
    assert _nothing_installed(tmp_path / "cache")


def test_a_truncated_archive_is_refused_and_a_downloaded_one_deleted(tmp_path: Path, mirror: str):
    """A local archive is the user's to replace; a downloaded one is fetched anew on the next run."""
    whole = _archive(tmp_path / "mirror").read_bytes()
    (tmp_path / "mirror" / "tiny-1.zip").write_bytes(whole[:200])
    with pytest.raises(AssetError, match=r"tiny .*\(200 bytes\) is truncated.*Replace"):
        install_asset(_asset(), source=str(tmp_path / "mirror"), cache=tmp_path / "cache")
    with pytest.raises(AssetError, match=r"tiny .*\(200 bytes\) is truncated.*run again to download it anew"):
        install_asset(_asset(), source=mirror, cache=tmp_path / "cache")
    assert _nothing_installed(tmp_path / "cache")
    (tmp_path / "mirror" / "tiny-1.zip").write_bytes(whole)
    assert _content(install_asset(_asset(), source=mirror, cache=tmp_path / "cache")) == FILES


def test_an_interrupted_installation_leaves_nothing(tmp_path: Path, monkeypatch):
    """Stopped after the last file was written, before the rename: the next run starts from nothing and succeeds."""
    _archive(tmp_path / "archives")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(asset_library, "publish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        install_asset(_asset(), source=str(tmp_path / "archives"), cache=tmp_path / "cache")
    assert _nothing_installed(tmp_path / "cache")
    monkeypatch.undo()
    assert _content(install_asset(_asset(), source=str(tmp_path / "archives"), cache=tmp_path / "cache")) == FILES


def test_no_network_says_how_to_get_the_asset_otherwise(tmp_path: Path):
    """The message names the asset, the address, the reason, the file to fetch and the setting."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        asset = _asset(source=f"https://127.0.0.1:{closed.getsockname()[1]}/tiny.zip")
        with pytest.raises(AssetError) as error:
            install_asset(asset, source=None, cache=tmp_path / "cache")
    for part in ("asset tiny", asset.source, "no connection", "tiny-1.zip", "HEADROOM_ASSETS", "MIT"):
        assert part in str(error.value)
    assert _nothing_installed(tmp_path / "cache")


def test_a_folder_without_the_asset_says_what_it_should_hold(tmp_path: Path):
    """A wrong folder and a folder that does not exist are told apart; neither falls back to a download."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(AssetError, match=r"asset tiny is not in .*empty: expected tiny-1\.zip or the folder tiny-1"):
        install_asset(_asset(), source=str(tmp_path / "empty"), cache=tmp_path / "cache")
    with pytest.raises(AssetError, match=r"'.*absent', which is no folder\. Set HEADROOM_ASSETS"):
        install_asset(_asset(), source=str(tmp_path / "absent"), cache=tmp_path / "cache")
    assert _nothing_installed(tmp_path / "cache")


def test_a_cache_that_cannot_be_written_names_setting_and_folder(tmp_path: Path):
    """Here a file stands where the cache should be."""
    _archive(tmp_path / "archives")
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(AssetError, match=r"asset tiny cannot be installed into .*set HEADROOM_CACHE"):
        install_asset(_asset(), source=str(tmp_path / "archives"), cache=tmp_path / "cache")


def _install_in_child(source: str, cache: Path, barrier, results) -> None:
    barrier.wait()
    results.put(str(install_asset(_asset(), source=source, cache=cache)))


def test_processes_that_install_at_once_agree(tmp_path: Path):
    """Four start together: all succeed with one folder, whole, and no temporary one stays."""
    _archive(tmp_path / "archives")
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(4), context.Queue()
    children = [
        context.Process(
            target=_install_in_child, args=(str(tmp_path / "archives"), tmp_path / "cache", barrier, results)
        )
        for _ in range(4)
    ]
    for child in children:
        child.start()
    folders = {results.get(timeout=30) for _ in children}
    for child in children:
        child.join()
    assert len(folders) == 1
    assert _content(Path(folders.pop())) == FILES
    assert len([path for path in (tmp_path / "cache" / "assets").iterdir() if path.is_dir()]) == 1


def test_what_a_killed_installation_left_is_removed_after_a_day(tmp_path: Path):
    """A fresh one is spared: it may belong to a process on another host."""
    _archive(tmp_path / "archives")
    assets = tmp_path / "cache" / "assets"
    name = asset_library.installed_folder(_asset(), tmp_path / "cache").name
    for suffix, age_s in (("old", 2 * 86400), ("new", 60)):
        folder = assets / f".{name}.{suffix}.tmp"
        folder.mkdir(parents=True)
        stamp = folder.stat().st_mtime - age_s
        os.utime(folder, (stamp, stamp))
    install_asset(_asset(), source=str(tmp_path / "archives"), cache=tmp_path / "cache")
    assert [path.name for path in assets.glob("*.tmp")] == [f".{name}.new.tmp"]


def test_status_tells_present_verified_and_missing(tmp_path: Path):
    """The doctor learns where an asset is and what to do; asking installs nothing."""
    cache = tmp_path / "cache"
    archive = _archive(tmp_path / "archives")
    missing = asset_status(_asset(), source=None, cache=cache)
    assert (missing.state, missing.where) == ("missing", _asset().source)
    assert "HEADROOM_ASSETS" in missing.remedy
    present = asset_status(_asset(), source=str(tmp_path / "archives"), cache=cache)
    assert (present.state, present.where) == ("present", str(archive))
    assert not cache.exists()
    folder = install_asset(_asset(), source=str(tmp_path / "archives"), cache=cache)
    verified = asset_status(_asset(), source=None, cache=cache)
    assert (verified.state, verified.where, verified.remedy) == ("verified", str(folder), "")
    wrong = asset_status(_asset(), source=str(tmp_path / "nowhere"), cache=tmp_path / "other")
    assert wrong.state == "missing"
    assert "no folder" in wrong.remedy


def test_an_option_wins_over_the_environment_and_that_over_the_default(tmp_path: Path, monkeypatch):
    """Source: option, HEADROOM_ASSETS, None. Cache: option, HEADROOM_CACHE, XDG_CACHE_HOME, home."""
    monkeypatch.setenv("HEADROOM_ASSETS", "from/env")
    assert assets_source("from/option") == "from/option"
    assert assets_source(None) == "from/env"
    monkeypatch.setenv("HEADROOM_ASSETS", "")
    assert assets_source(None) is None
    monkeypatch.setenv("HEADROOM_CACHE", str(tmp_path / "env"))
    assert cache_folder(tmp_path / "option") == tmp_path / "option"
    assert cache_folder(None) == tmp_path / "env"
    monkeypatch.delenv("HEADROOM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder(None) == tmp_path / "xdg" / "headroom"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder(None) == tmp_path / ".cache" / "headroom"


def test_every_environment_of_a_recipe_is_a_verified_file():
    """The names that recipes may draw are exactly the maps of the asset."""
    asset = load_manifest()["blender_studiolights"]
    assert isinstance(asset, BundledAsset)
    assert {f"{name}.exr" for name in ENVIRONMENTS} | {asset.licence.file} == set(asset.file_sha256)
    for name in ENVIRONMENTS:
        path = environment_path(name)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == asset.file_sha256[path.name]
    with pytest.raises(AssetError, match=r"no environment map 'moon'; known are city, courtyard"):
        environment_path("moon")


def test_a_bundled_asset_of_another_content_or_package_says_what_to_install(tmp_path: Path):
    """A changed file and an absent package both end with the command that repairs them."""
    asset = load_manifest()["blender_studiolights"]
    assert isinstance(asset, BundledAsset)
    changed = asset.model_copy(update={"file_sha256": asset.file_sha256 | {"city.exr": "00" * 32}})
    with pytest.raises(AssetError, match=r"city\.exr has sha256 .*expected 0000.*pip install .*bpy==4\.5"):
        install_asset(changed, source=None, cache=tmp_path)
    absent = asset.model_copy(update={"package": "no_such_package_here"})
    with pytest.raises(AssetError, match=r"package no_such_package_here, which is absent.*pip install"):
        install_asset(absent, source=None, cache=tmp_path)
    assert asset_status(absent, source=None, cache=tmp_path).state == "missing"
