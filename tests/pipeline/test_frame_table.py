"""A frame table reads like the frames it was made of."""

import pickle

import numpy as np
import pytest

from pipeline.frame_table import FrameTable
from render.dataset_format import SPLITS
from render.shard_plan import PlannedFrame


def frames_of(count: int) -> list[PlannedFrame]:
    """Frames of all splits with keys that follow from their place."""
    return [
        PlannedFrame.model_validate(
            {
                "split": SPLITS[place * 3 // count],
                "index": 5 * place,
                "keys": {"gt": f"{place:032x}", "rgb": f"{2**64 + place:032x}"},
            }
        )
        for place in range(count)
    ]


def test_a_table_reads_like_its_frames():
    """Places, slices, iteration, membership and equality are those of a list; frames are equal to validated ones."""
    frames = frames_of(12_000)
    table = FrameTable.of(frames)
    assert len(table) == 12_000 and list(table) == frames and table == frames
    assert table[0] == frames[0] and table[-1] == frames[-1] and table[7] in table
    assert list(table[11_000:9_000:-7]) == frames[11_000:9_000:-7]
    assert table.take(np.array([3, 1])) == [frames[3], frames[1]]
    assert table != frames[:-1] and table[:5] != table[1:6] and table[:5] == FrameTable.of(frames[:5])
    assert FrameTable.of(table) is table
    assert PlannedFrame.model_validate(next(iter(table)).model_dump()) == frames[0]
    assert pickle.loads(pickle.dumps(table[3:5])) == frames[3:5]


def test_a_frame_takes_forty_bytes():
    """A million frames with two products fit into 40 MB; a slice copies nothing."""
    table = FrameTable.of(frames_of(300))
    columns = [table.splits, table.indices, *(column.words for column in table.keys.values())]
    assert sum(column.nbytes for column in columns) == 37 * 300
    assert np.shares_memory(table[10:20].keys["gt"].words, table.keys["gt"].words)


def test_counts_are_by_split_in_order():
    """Splits without frames are left out."""
    table = FrameTable.of(frames_of(9))
    assert list(table.counts().items()) == [("train", 3), ("validation", 3), ("test", 3)]
    assert table[4:6].counts() == {"validation": 2} and FrameTable.of([]).counts() == {}


def test_a_key_that_is_none_is_refused():
    """The error names the key."""
    frame = PlannedFrame(split="train", index=0, keys={"gt": "a0"})
    with pytest.raises(ValueError, match="32 hexadecimal digits, but 'a0' came"):
        FrameTable.of([frame])
