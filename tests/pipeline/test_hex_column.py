"""Columns of hashes behave like sequences of texts, and find texts as a dictionary would."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.hex_column import HexColumn, HexIndex


def texts_of(count: int, *, seed: int, distinct: int) -> list[str]:
    """Texts of 32 digits, some of which come again; half of them share their first 16 digits with others."""
    stream = random.Random(seed)
    pool = [f"{stream.getrandbits(128):032x}" for _ in range(distinct // 2)]
    pool += [pool[0][:16] + f"{stream.getrandbits(64):016x}" for _ in range(distinct // 2)]
    return [stream.choice(pool) for _ in range(count)]


def test_a_column_reads_like_the_texts_it_was_made_of():
    """Places, slices, iteration, membership and equality are those of a list."""
    texts = texts_of(25_000, seed=1, distinct=500)
    column = HexColumn.of(texts, digits=32)
    assert isinstance(column, Sequence) and len(column) == len(texts)
    assert list(column) == texts and column == texts
    assert [column[0], column[-1], column[12_345]] == [texts[0], texts[-1], texts[12_345]]
    assert list(column[10_000:20_001:3]) == texts[10_000:20_001:3]
    assert column.take(np.array([7, 7, 2])) == [texts[7], texts[7], texts[2]]
    assert texts[3] in column and "f" * 32 not in column
    assert column != texts[:-1] and column[:2] != HexColumn.of(texts[1:3], digits=32)
    assert column.words.nbytes == 16 * len(texts)
    with pytest.raises(IndexError):
        column[len(texts)]


def test_columns_join_in_order():
    """Nothing joined is an empty column; parts stand one after the other."""
    texts = texts_of(9, seed=2, distinct=20)
    parts = [HexColumn.of(texts[:4], digits=32), HexColumn.of([], digits=32), HexColumn.of(texts[4:], digits=32)]
    assert HexColumn.joined(parts, digits=32) == texts
    assert list(HexColumn.joined([], digits=16)) == []


@pytest.mark.parametrize("wrong", ["", "12", "g" * 16, "A" * 16, "0" * 17, " 12345678901234 "])
def test_what_is_no_hash_is_refused(wrong: str):
    """The error names the text: a key that was read wrong must not become another key."""
    with pytest.raises(ValueError, match=f"16 hexadecimal digits, but '{wrong}' came"):
        HexColumn.of(["0" * 16, wrong], digits=16)


def test_first_occurrences_are_those_of_a_set_that_fills():
    """A row is the first of its text or it is not; expected: reading the list with a set."""
    texts = texts_of(5_000, seed=3, distinct=900)
    seen: set[str] = set()
    expected = [not (text in seen or seen.add(text)) for text in texts]
    assert HexColumn.of(texts, digits=32).first_occurrences().tolist() == expected


def test_an_index_finds_the_first_row_of_a_text():
    """Expected: a dictionary that keeps the first. Texts that share their first 16 digits are told apart."""
    texts, others = texts_of(3_000, seed=4, distinct=1_000), texts_of(2_000, seed=4, distinct=1_400)
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    found = HexIndex.of(HexColumn.of(texts, digits=32)).find(HexColumn.of(others, digits=32))
    assert found.tolist() == [first.get(text, -1) for text in others]
    assert 100 < sum(row < 0 for row in found) < 1_900
    nothing = HexIndex.of(HexColumn.of([], digits=32))
    assert nothing.find(HexColumn.of(others[:3], digits=32)).tolist() == [-1, -1, -1]
