"""Trees of asset files: their hash, taking them out of a zip archive safely, and the note that they were verified.

The tree hash is the sha256 of one text: for every file, sorted by path (as Unicode code points), the path relative to
the tree with / between its parts, a NUL, the file's sha256 in hexadecimal, and a newline; encoded as UTF-8. It does not
depend on how an archive was compressed, on times, or on permissions.
"""

import contextlib
import hashlib
import json
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from render.dataset_format import file_sha256

MARKER = ".headroom-verified.json"
# Files of an archive that are not used are not unpacked, but a directory of millions of them would still fill memory.
UNUSED_ENTRIES = 10_000


class TreeError(Exception):
    """An archive or a tree of files is not what it should be."""


def tree_sha256(files: Mapping[str, str]) -> str:
    """The tree hash (see the module) of relative paths with the sha256 of each file."""
    text = "".join(f"{path}\0{files[path]}\n" for path in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()


def hash_files(tree: Path, paths: Sequence[str]) -> dict[str, str]:
    """Relative path to sha256 of each of these files. Raises: TreeError naming the first that cannot be read."""
    hashes = {}
    for path in paths:
        try:
            hashes[path] = file_sha256(tree / path)
        except OSError as error:
            raise TreeError(f"{tree / path} cannot be read ({error.strerror})") from error
    return hashes


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether a relative path is named by one of the patterns; a * stays within its folder."""
    return any(path.count("/") == pattern.count("/") and fnmatchcase(path, pattern) for pattern in patterns)


def select_files(tree: Path, patterns: Sequence[str]) -> list[str]:
    """Relative paths of the files below a folder that the patterns name, sorted."""
    found = {path.relative_to(tree).as_posix() for pattern in patterns for path in tree.glob(pattern) if path.is_file()}
    return sorted(path for path in found if matches(path, patterns))


def check_files(sizes: Mapping[str, int], *, licence_file: str, file_count: int, total_bytes: int) -> None:
    """Raises: TreeError unless files (relative path to bytes) are as many and as large as expected, licence and all."""
    if not sizes:
        raise TreeError("none of the expected files is in it")
    if licence_file not in sizes:
        raise TreeError(f"the licence file {licence_file!r} is missing; it must stay with the files")
    total = sum(sizes.values())
    if (len(sizes), total) != (file_count, total_bytes):
        raise TreeError(
            f"it holds {len(sizes)} files of {total} bytes, but {file_count} files of {total_bytes} bytes were expected"
        )


def unpack(
    archive: Path,
    into: Path,
    *,
    root: str,
    patterns: Sequence[str],
    licence_file: str,
    file_count: int,
    unpacked_bytes: int,
) -> list[str]:
    """Unpack the files that the patterns name below the archive's folder `root` into the folder `into`.

    Every entry of the archive is looked at before the first byte is written: a path that leaves the folder, a link, a
    name that comes twice, or another number of files or bytes than announced refuses the whole archive. Bytes are
    counted again while they are unpacked, so that an entry that lies about its size is stopped.

    Raises: TreeError saying what is wrong with the archive.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            chosen = _chosen_entries(file.infolist(), root=root, patterns=patterns, limit=file_count + UNUSED_ENTRIES)
            sizes = {path: entry.file_size for path, entry in chosen.items()}
            check_files(sizes, licence_file=licence_file, file_count=file_count, total_bytes=unpacked_bytes)
            for path, entry in chosen.items():
                _unpack_entry(file, entry, into / path)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        size = archive.stat().st_size
        raise TreeError(f"{archive} ({size} bytes) is truncated or no zip archive: {error}") from error
    except OSError as error:
        raise TreeError(f"{archive} cannot be unpacked into {into}: {error}") from error
    return sorted(chosen)


def copy_files(tree: Path, into: Path, paths: Sequence[str]) -> None:
    """Copy files of a tree, keeping their relative paths. Raises: TreeError naming what cannot be copied."""
    try:
        for path in paths:
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree / path, into / path)
    except OSError as error:
        raise TreeError(f"{tree} cannot be copied into {into}: {error}") from error


def write_marker(tree: Path, sha256: str, paths: Sequence[str]) -> None:
    """Note in the tree that these files were hashed, with their sizes and times, by one rename."""
    files = {path: _size_and_time(tree / path) for path in paths}
    temporary = tree / f"{MARKER}.{os.getpid()}"
    temporary.write_text(json.dumps({"sha256": sha256, "files": files}), encoding="utf-8")
    temporary.replace(tree / MARKER)


def tree_content(tree: Path) -> str:
    """The tree hash that an installed tree was verified to have. Raises: TreeError when it was never verified."""
    return _read_marker(tree)[0]


def changed_files(tree: Path) -> list[str]:
    """Files of a verified tree whose size or time is not what it was (no file is read). Raises: TreeError."""
    changed = []
    for path, noted in _read_marker(tree)[1].items():
        with contextlib.suppress(OSError):
            if _size_and_time(tree / path) == tuple(noted):
                continue
        changed.append(path)
    return changed


def _read_marker(tree: Path) -> tuple[str, dict[str, list[int]]]:
    try:
        content = json.loads((tree / MARKER).read_bytes())
        return content["sha256"], content["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TreeError(f"{tree} holds no readable {MARKER}: it was not installed by Headroom") from error


def _size_and_time(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _chosen_entries(
    entries: Sequence[zipfile.ZipInfo], *, root: str, patterns: Sequence[str], limit: int
) -> dict[str, zipfile.ZipInfo]:
    """Relative path below `root` to entry, of the files that the patterns name."""
    if len(entries) > limit:
        raise TreeError(f"the archive lists {len(entries)} entries, more than the {limit} allowed")
    chosen: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.orig_filename
        if name.startswith("/") or "\\" in name or ":" in name or "\0" in name or ".." in name.split("/"):
            raise TreeError(f"the archive holds {name!r}, a path that leaves its folder; do not use that archive")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise TreeError(f"the archive holds {name!r}, a link or special file; do not use that archive")
        path = name.removeprefix(f"{root}/")
        if entry.is_dir() or path == name or not matches(path, patterns):
            continue
        if path in chosen:
            raise TreeError(f"the archive holds {name!r} twice; do not use that archive")
        chosen[path] = entry
    return chosen


def _unpack_entry(file: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with file.open(entry) as source, target.open("xb") as sink:
        while block := source.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise TreeError(f"{entry.filename!r} unpacks to more than the {entry.file_size} bytes it announces")
            sink.write(block)
    if left > 0:
        raise TreeError(f"{entry.filename!r} unpacks to {left} bytes fewer than the {entry.file_size} it announces")
