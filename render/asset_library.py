"""Assets: found in a folder or on a mirror or downloaded, verified, unpacked once into a cache, and used from there."""

import contextlib
import fcntl
import os
import secrets
import shutil
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from render.asset_archive import (
    TreeError,
    changed_files,
    check_files,
    copy_files,
    hash_files,
    select_files,
    tree_content,
    tree_sha256,
    unpack,
    write_marker,
)
from render.asset_download import DownloadError, Progress, download
from render.asset_manifest import ArchiveAsset, AssetError, BundledAsset, load_manifest
from render.bundled_assets import bundled_folder
from render.publishing import publish

__all__ = [
    "ArchiveAsset",
    "AssetError",
    "AssetStatus",
    "BundledAsset",
    "asset_status",
    "assets_source",
    "cache_folder",
    "install_asset",
    "load_manifest",
    "verify_asset",
]

SOURCE_VARIABLE = "HEADROOM_ASSETS"
CACHE_VARIABLE = "HEADROOM_CACHE"
# An archive compressed anew is smaller or larger than the one measured, but not several times so.
_ARCHIVE_SIZE_FACTOR = 4
_ABANDONED_AFTER_S = 24 * 3600.0


@dataclass(frozen=True)
class AssetStatus:
    """What a machine has of one asset. `verified`: installed and whole. `present`: found at the source, to be installed
    on first use. `damaged`: installed, but changed. `missing`: neither; it would have to be downloaded."""

    asset_id: str
    state: Literal["verified", "present", "damaged", "missing"]
    where: str
    remedy: str


def assets_source(option: str | None) -> str | None:
    """Where assets are taken from: the option, else the environment variable HEADROOM_ASSETS, else None (download)."""
    return option or os.environ.get(SOURCE_VARIABLE) or None


def cache_folder(option: Path | str | None) -> Path:
    """Where installed assets live: the option, else HEADROOM_CACHE, else headroom in XDG_CACHE_HOME or ~/.cache."""
    chosen = option or os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "headroom"


def install_asset(
    asset: ArchiveAsset | BundledAsset, *, source: str | None, cache: Path, progress: Progress | None = None
) -> Path:
    """The folder of a verified asset, installed first when need be.

    `source` is a folder (that holds the archive, or its unpacked tree), a mirror (an http, https or file URL to which
    the name of the archive is appended), or None for the address in the manifest. A tree that was installed before is
    used after a look at sizes and times; its files are not hashed again. Any number of processes may call this at once.

    Raises: AssetError naming the asset, what was expected, what came, and the remedy. Nothing half-installed is left.
    """
    if isinstance(asset, BundledAsset):
        return bundled_folder(asset)
    final = installed_folder(asset, cache)
    if final.is_dir():
        return _checked(asset, final)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with _only_process(final.with_name(f".{final.name}.lock")):
            if not final.is_dir():
                _install(asset, source, cache, final, progress)
    except OSError as error:
        raise AssetError(
            f"asset {asset.id} cannot be installed into {final}: {error}. Free some disk space "
            f"({asset.unpacked_bytes / 1e6:.0f} MB and the archive), or set {CACHE_VARIABLE} to another folder"
        ) from error
    return _checked(asset, final)


def installed_folder(asset: ArchiveAsset, cache: Path) -> Path:
    """Where an archive's files lie once installed; the content is part of the name."""
    return cache / "assets" / f"{asset.id}-{asset.sha256[:16]}"


def verify_asset(asset: ArchiveAsset | BundledAsset, *, cache: Path) -> Path:
    """Hash every file of an installed asset again. Raises: AssetError when one is missing or changed."""
    if isinstance(asset, BundledAsset):
        return bundled_folder(asset)
    folder = installed_folder(asset, cache)
    if not folder.is_dir():
        raise AssetError(f"asset {asset.id} is not installed in {folder}. {_how_to_get(asset)}")
    try:
        paths = select_files(folder, asset.files)
        _check_hash(asset, folder, paths)
        # Only a note that spares the next hashing: a cache that cannot be written to is still a good cache.
        with contextlib.suppress(OSError):
            write_marker(folder, asset.sha256, paths)
    except TreeError as error:
        raise AssetError(f"asset {asset.id} in {folder} is damaged: {error}. {_delete_remedy(folder)}") from error
    return folder


def asset_status(
    asset: ArchiveAsset | BundledAsset, *, source: str | None, cache: Path, rehash: bool = False
) -> AssetStatus:
    """What this machine has of an asset; nothing is installed or downloaded. `rehash` reads every installed file."""
    if isinstance(asset, BundledAsset):
        try:
            return AssetStatus(asset.id, "verified", str(bundled_folder(asset)), "")
        except AssetError as error:
            return AssetStatus(asset.id, "missing", f"Python package {asset.package}", str(error))
    folder = installed_folder(asset, cache)
    if folder.is_dir():
        try:
            (verify_asset(asset, cache=cache) if rehash else _checked(asset, folder))
        except AssetError as error:
            return AssetStatus(asset.id, "damaged", str(folder), str(error))
        return AssetStatus(asset.id, "verified", str(folder), "")
    try:
        local = _local_folder(source)
    except AssetError as error:
        return AssetStatus(asset.id, "missing", str(source), str(error))
    found = _find_local(asset, local) if local is not None else None
    if found is not None:
        return AssetStatus(asset.id, "present", str(found), "it is installed on first use")
    return AssetStatus(asset.id, "missing", _address(asset, source), _how_to_get(asset))


def _checked(asset: ArchiveAsset, folder: Path) -> Path:
    """An installed folder after the cheap check; when times changed, after hashing it anew. Raises: AssetError."""
    try:
        if tree_content(folder) == asset.sha256 and not changed_files(folder):
            return folder
    except TreeError as error:
        raise AssetError(f"asset {asset.id}: {error}. {_delete_remedy(folder)}") from error
    return verify_asset(asset, cache=folder.parents[1])


def _install(asset: ArchiveAsset, source: str | None, cache: Path, final: Path, progress: Progress | None) -> None:
    """Fill a temporary folder, verify it, and publish it by one rename."""
    _remove_abandoned(final)
    temporary = final.with_name(f".{final.name}.{secrets.token_hex(6)}.tmp")
    temporary.mkdir()
    downloaded: Path | None = None
    try:
        local = _local_folder(source)
        if local is None:
            downloaded = _download(asset, source, cache, progress)
        found = downloaded if local is None else _find_local(asset, local)
        if found is None:
            raise AssetError(
                f"asset {asset.id} is not in {local}: expected {asset.archive.file_name} or the folder {asset.root} "
                f"there. {_how_to_get(asset)}"
            )
        try:
            paths = _fill(asset, found, temporary)
            _check_hash(asset, temporary, paths)
        except TreeError as error:
            kept = "It was deleted; run again to download it anew" if downloaded else f"Replace {found}"
            raise AssetError(f"asset {asset.id} from {found} cannot be used: {error}. {kept}") from error
        write_marker(temporary, asset.sha256, paths)
        publish(temporary, final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if downloaded is not None:
            downloaded.unlink(missing_ok=True)


def _fill(asset: ArchiveAsset, found: Path, into: Path) -> list[str]:
    if found.is_dir():
        paths = select_files(found, asset.files)
        sizes = {path: (found / path).stat().st_size for path in paths}
        check_files(
            sizes, licence_file=asset.licence.file, file_count=asset.file_count, total_bytes=asset.unpacked_bytes
        )
        copy_files(found, into, paths)
        return paths
    return unpack(
        found,
        into,
        root=asset.root,
        patterns=asset.files,
        licence_file=asset.licence.file,
        file_count=asset.file_count,
        unpacked_bytes=asset.unpacked_bytes,
    )


def _check_hash(asset: ArchiveAsset, folder: Path, paths: list[str]) -> None:
    found = tree_sha256(hash_files(folder, paths))
    if found != asset.sha256:
        raise TreeError(f"its {len(paths)} files have tree hash {found}, expected {asset.sha256}")


def _download(asset: ArchiveAsset, source: str | None, cache: Path, progress: Progress | None) -> Path:
    target = cache / "downloads" / asset.archive.file_name
    try:
        download(
            _address(asset, source),
            target,
            limit_bytes=_ARCHIVE_SIZE_FACTOR * asset.archive.size_bytes,
            progress=progress,
        )
    except DownloadError as error:
        raise AssetError(f"asset {asset.id}: {error}. {_how_to_get(asset)}") from error
    return target


def _address(asset: ArchiveAsset, source: str | None) -> str:
    return asset.source if source is None else f"{source.rstrip('/')}/{asset.archive.file_name}"


def _local_folder(source: str | None) -> Path | None:
    """The source as a folder, or None when it is a mirror to download from. Raises: AssetError when it is no folder."""
    if source is None or source.startswith(("http://", "https://")):
        return None
    folder = Path(source).expanduser()
    if source.startswith("file:"):
        folder = Path(urllib.request.url2pathname(urllib.parse.urlsplit(source).path))
    if not folder.is_dir():
        raise AssetError(
            f"the source of assets is {source!r}, which is no folder. Set {SOURCE_VARIABLE} (or --assets) to a folder "
            "that holds the archives, to a mirror that starts with http:// or https://, or to nothing to download them"
        )
    return folder


def _find_local(asset: ArchiveAsset, folder: Path) -> Path | None:
    """The archive in a folder, else its unpacked tree there, else the folder itself when it is the tree."""
    if (folder / asset.archive.file_name).is_file():
        return folder / asset.archive.file_name
    if (folder / asset.root).is_dir():
        return folder / asset.root
    return folder if len(select_files(folder, asset.files)) > 1 else None


def _how_to_get(asset: ArchiveAsset) -> str:
    return (
        f"Either connect this machine to the network and run again: {asset.source} "
        f"({asset.archive.size_bytes / 1e6:.0f} MB, {asset.licence.spdx} licence) is then downloaded by itself. "
        f"Or fetch that file elsewhere, put it into a folder as {asset.archive.file_name}, and set {SOURCE_VARIABLE} "
        "(or --assets) to that folder"
    )


def _delete_remedy(folder: Path) -> str:
    return f"Delete the folder {folder} and run again: it is then installed anew"


@contextlib.contextmanager
def _only_process(lock: Path) -> Iterator[None]:
    """Wait until no other process installs this asset. Where locks do not work, publishing still picks one winner."""
    with lock.open("w") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_abandoned(final: Path) -> None:
    """Delete what installations left behind that were killed a day or more ago."""
    for path in final.parent.glob(f".{final.name}.*.tmp"):
        if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
            shutil.rmtree(path, ignore_errors=True)
