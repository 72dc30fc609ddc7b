"""A folder is published whole, by one process, once."""

import os
import threading
from pathlib import Path

import pytest

from render.publishing import fsync_tree, publish


def folder_with(path: Path, content: str) -> Path:
    """A folder with a file and a folder inside."""
    (path / "deeper").mkdir(parents=True)
    (path / "frame.exr").write_text(content)
    (path / "deeper" / "note").write_text(content)
    return path


def test_a_published_folder_is_the_temporary_one_under_its_final_name(tmp_path: Path):
    """After publishing, the final name holds every file, the temporary name is gone, and parents were made."""
    temporary = folder_with(tmp_path / ".writing", "mine")
    final = tmp_path / "shards" / "gt" / "abc"
    assert publish(temporary, final) is True
    assert not temporary.exists()
    assert (final / "frame.exr").read_text() == "mine"
    assert (final / "deeper" / "note").read_text() == "mine"


def test_the_second_publisher_is_told_and_overwrites_nothing(tmp_path: Path):
    """False for the second; the first one's files stay, and the second's copy is left to its owner to delete."""
    final = tmp_path / "abc"
    publish(folder_with(tmp_path / "first", "first"), final)
    second = folder_with(tmp_path / "second", "second")
    assert publish(second, final) is False
    assert (final / "frame.exr").read_text() == "first"
    assert sorted(path.name for path in final.iterdir()) == ["deeper", "frame.exr"]
    assert (second / "frame.exr").read_text() == "second"


def test_of_many_publishers_at_once_exactly_one_wins(tmp_path: Path):
    """Eight threads start together on one name: one gets True, and every file there is the winner's."""
    final = tmp_path / "abc"
    folders = [folder_with(tmp_path / f"copy{number}", str(number)) for number in range(8)]
    start = threading.Barrier(len(folders))
    won = [False] * len(folders)

    def compete(number: int) -> None:
        start.wait()
        won[number] = publish(folders[number], final)

    threads = [threading.Thread(target=compete, args=(number,)) for number in range(len(folders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won.count(True) == 1
    winner = str(won.index(True))
    assert (final / "frame.exr").read_text() == winner
    assert (final / "deeper" / "note").read_text() == winner


def test_a_file_in_the_way_is_an_error(tmp_path: Path):
    """Only a folder can have been published; anything else under the name is reported, not taken for a winner."""
    (tmp_path / "abc").write_text("in the way")
    with pytest.raises(NotADirectoryError):
        publish(folder_with(tmp_path / "copy", "mine"), tmp_path / "abc")


def test_a_missing_temporary_folder_is_an_error(tmp_path: Path):
    """Publishing what was never written is reported."""
    with pytest.raises(FileNotFoundError):
        publish(tmp_path / "never", tmp_path / "abc")


def test_everything_is_flushed_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The folder, its files and its folders are on disk before the name appears, and the name itself afterwards."""
    temporary = folder_with(tmp_path / "copy", "mine")
    final = tmp_path / "shards" / "abc"
    flushed: list[tuple[str, bool]] = []
    real = os.fsync

    def record(descriptor: int) -> None:
        flushed.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, final.exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    publish(temporary, final)
    before = sorted(name for name, published in flushed if not published)
    assert before == ["copy", "deeper", "frame.exr", "note"]
    assert [name for name, published in flushed if published] == ["shards"]


def test_flushing_an_empty_folder_is_allowed(tmp_path: Path):
    """`fsync_tree` accepts a folder without files."""
    fsync_tree(tmp_path)
