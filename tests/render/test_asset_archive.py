"""Unpacking: only the files wanted, never outside the folder, never more bytes than announced."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from render.asset_archive import TreeError, changed_files, select_files, tree_content, unpack, write_marker

PATTERNS = ("LICENSE", "mesh/*.obj")
FILES = {"LICENSE": b"free", "mesh/a.obj": b"v 1 2 3\n", "mesh/b.obj": b"v 4 5 6\nv 7 8 9\n"}


def _zip(path: Path, entries: dict[str, bytes], *, root: str = "tiny-1") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(f"{root}/{name}", content)
    return path


def _unpack(archive: Path, into: Path, *, files: dict[str, bytes] = FILES) -> list[str]:
    return unpack(
        archive,
        into,
        root="tiny-1",
        patterns=PATTERNS,
        licence_file="LICENSE",
        file_count=len(files),
        unpacked_bytes=sum(map(len, files.values())),
    )


def _files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_exactly_the_wanted_files_are_unpacked(tmp_path: Path):
    """Files that no pattern names stay in the archive; a * does not reach into folders."""
    extra = {"README.md": b"long", "mesh/deep/c.obj": b"v", "mesh/a.mtl": b"m"}
    archive = _zip(tmp_path / "a.zip", FILES | extra)
    assert _unpack(archive, tmp_path / "out") == sorted(FILES)
    assert _files_below(tmp_path / "out") == FILES


@pytest.mark.parametrize("name", ["../evil.obj", "mesh/../../evil.obj", "/evil.obj", "C:/evil.obj", "mesh\\..\\e.obj"])
def test_a_path_that_leaves_the_folder_refuses_the_archive(tmp_path: Path, name: str):
    """Whatever its other entries: nothing at all is written, inside or outside."""
    archive = _zip(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(zipfile.ZipInfo(name), b"v 0 0 0\n")
    with pytest.raises(TreeError, match="leaves its folder"):
        _unpack(archive, tmp_path / "deep" / "out")
    assert list(tmp_path.iterdir()) == [archive]


def test_a_link_refuses_the_archive(tmp_path: Path):
    """A symbolic link could point anywhere."""
    archive = _zip(tmp_path / "a.zip", FILES)
    link = zipfile.ZipInfo("tiny-1/mesh/link.obj")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(TreeError, match=r"link\.obj'.*link or special file"):
        _unpack(archive, tmp_path / "out")


def test_a_bomb_is_refused_before_anything_is_written(tmp_path: Path):
    """50 MB of zeros in 50 kB: the announced sizes give it away."""
    archive = _zip(tmp_path / "a.zip", FILES | {"mesh/bomb.obj": bytes(50_000_000)})
    assert archive.stat().st_size < 60_000
    with pytest.raises(TreeError, match=r"4 files of 500000\d\d bytes, but 3 files of 28 bytes were expected"):
        _unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_entry_that_lies_about_its_size_is_stopped(tmp_path: Path):
    """The directory announces 8 bytes for what holds 5 MB: no more than those are written."""
    archive = _zip(tmp_path / "a.zip", {"LICENSE": b"free", "mesh/a.obj": bytes(5_000_000)})
    content = bytearray(archive.read_bytes())
    for position in range(len(content)):
        if content[position : position + 4] == struct.pack("<I", 5_000_000):
            content[position : position + 4] = struct.pack("<I", 8)
    archive.write_bytes(content)
    with pytest.raises(TreeError, match="truncated or no zip archive"):
        _unpack(archive, tmp_path / "out", files={"LICENSE": b"free", "mesh/a.obj": bytes(8)})
    assert sum(map(len, _files_below(tmp_path / "out").values())) <= 12


def test_a_truncated_archive_says_so_with_its_size(tmp_path: Path):
    """Half an archive has no directory at its end."""
    archive = _zip(tmp_path / "a.zip", FILES)
    archive.write_bytes(archive.read_bytes()[:150])
    with pytest.raises(TreeError, match=r"a\.zip \(150 bytes\) is truncated or no zip archive"):
        _unpack(archive, tmp_path / "out")


def test_a_damaged_entry_is_found_by_its_checksum(tmp_path: Path):
    """One flipped bit in the data of an entry is enough."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for name, content in FILES.items():
            file.writestr(f"tiny-1/{name}", content)
    archive.write_bytes(archive.read_bytes().replace(b"v 4 5 6", b"v 4 5 7"))
    with pytest.raises(TreeError, match=r"truncated or no zip archive.*CRC"):
        _unpack(archive, tmp_path / "out")


def test_a_missing_licence_or_file_and_a_foreign_archive_are_told_apart(tmp_path: Path):
    """Each has its own message."""
    no_licence = {name: content for name, content in FILES.items() if name != "LICENSE"}
    with pytest.raises(TreeError, match="licence file 'LICENSE' is missing"):
        _unpack(_zip(tmp_path / "a.zip", no_licence), tmp_path / "out")
    one_less = {name: content for name, content in FILES.items() if name != "mesh/a.obj"}
    with pytest.raises(TreeError, match="2 files of 20 bytes, but 3 files of 28 bytes were expected"):
        _unpack(_zip(tmp_path / "b.zip", one_less), tmp_path / "out")
    with pytest.raises(TreeError, match="none of the expected files"):
        _unpack(_zip(tmp_path / "c.zip", FILES, root="tiny-2"), tmp_path / "out")


def test_a_name_that_comes_twice_refuses_the_archive(tmp_path: Path):
    """Which of the two is meant cannot be known."""
    archive = _zip(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(archive, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("tiny-1/mesh/a.obj", b"v 9 9 9\n")
    with pytest.raises(TreeError, match="twice"):
        _unpack(archive, tmp_path / "out")


def test_a_marked_tree_knows_its_content_and_what_changed(tmp_path: Path):
    """A rewritten and a deleted file are found by size and time alone; an unmarked tree is refused."""
    _unpack(_zip(tmp_path / "a.zip", FILES), tmp_path / "out")
    with pytest.raises(TreeError, match="not installed by Headroom"):
        tree_content(tmp_path / "out")
    write_marker(tmp_path / "out", "ab" * 32, sorted(FILES))
    assert tree_content(tmp_path / "out") == "ab" * 32
    assert changed_files(tmp_path / "out") == []
    assert select_files(tmp_path / "out", PATTERNS) == sorted(FILES)
    (tmp_path / "out" / "LICENSE").unlink()
    (tmp_path / "out" / "mesh" / "b.obj").write_bytes(b"v 4 5 6\nv 7 8 0\n")
    assert changed_files(tmp_path / "out") == ["LICENSE", "mesh/b.obj"]
