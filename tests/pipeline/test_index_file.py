"""An index file does not tell in which parts its rows came."""

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

import pipeline.index_file
from pipeline.index_file import write_index

ROWS = [
    {
        "split": "train",
        "frame_index": place,
        "sequence": None,
        "late": 0.5 * place if place > 20 else None,
        **({f"drawn.{place % 5}": place} if place > 2 else {}),
        "number": 1 if place < 9 else 1.5,
        "modes": [0.1 * place] * (place % 4),
    }
    for place in range(40)
]


def straightforward(path: Path) -> bytes:
    """All rows as one table, written in one go."""
    names = list(dict.fromkeys(name for row in ROWS for name in row))
    pyarrow.parquet.write_table(pyarrow.table({name: [row.get(name) for row in ROWS] for name in names}), path)
    return path.read_bytes()


@pytest.mark.parametrize("size", [1, 3, 7, 39, 40])
def test_the_bytes_are_those_of_one_table(tmp_path: Path, size: int):
    """Columns that come late, are empty at first, or change from whole numbers to fractions: the file is the one that
    pyarrow writes of all rows at once. Nothing is left beside it."""
    parts = [ROWS[start : start + size] for start in range(0, len(ROWS), size)]
    write_index(tmp_path / "index.parquet", parts)
    assert [path.name for path in tmp_path.iterdir()] == ["index.parquet"]
    assert (tmp_path / "index.parquet").read_bytes() == straightforward(tmp_path / "whole.parquet")


def test_many_rows_come_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Groups of one size but for the last, whatever the parts; the rows are all there, in order."""
    monkeypatch.setattr(pipeline.index_file, "ROWS_A_GROUP", 16)
    write_index(tmp_path / "index.parquet", [ROWS[:5], ROWS[5:30], ROWS[30:]])
    file = pyarrow.parquet.ParquetFile(tmp_path / "index.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(3)] == [16, 16, 8]
    assert file.read().column("frame_index").to_pylist() == list(range(40))
    assert file.read().column("drawn.3").to_pylist() == [place if place % 5 == 3 else None for place in range(40)]
