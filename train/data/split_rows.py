"""Which rows of a pack make a split: by identity, as rendered, or by frame, to show what that would have claimed."""

import hashlib

import numpy as np

from render.dataset_format import SPLITS
from train.data.pack import Pack, rows_of_split


def split_rows(pack: Pack, split: str, *, split_by: str) -> np.ndarray:
    """Row numbers of one split, in pack order.

    By "identity" nobody is in two splits. By "frame" all frames are dealt out anew in an order that depends on their
    keys alone, as many to each split as before: the same frames are learnt from and scored in number, but the people
    of test frames are mostly known from training. Scores of such a split say nothing of unseen people.

    Raises: InputError on an unknown split; ValueError on another `split_by`.
    """
    by_identity = rows_of_split(pack, split)
    if split_by == "identity":
        return by_identity
    if split_by != "frame":
        raise ValueError(f"split_by must be 'identity' or 'frame', but {split_by!r} came")
    order = sorted(range(len(pack.rows)), key=lambda row: hashlib.sha256(pack.rows[row].gt_key.encode()).digest())
    before = sum(len(rows_of_split(pack, other)) for other in SPLITS[: SPLITS.index(split)])
    return np.array(sorted(order[before : before + len(by_identity)]), dtype=np.int64)


def identities_in_training(pack: Pack, rows: np.ndarray, *, split_by: str) -> int:
    """How many of the people in some rows are also in the training frames; 0 where the split is by identity."""
    train = {pack.rows[row].identity_id for row in split_rows(pack, "train", split_by=split_by)}
    return len(train & {pack.rows[row].identity_id for row in rows})
