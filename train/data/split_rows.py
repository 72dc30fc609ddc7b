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


def training_rows(pack: Pack, *, split_by: str, people_share: float) -> np.ndarray:
    """Row numbers that are learnt from: of split train, the frames of a share of the people, at least of one.

    Who is taken depends on the people's names alone, and who is in a smaller share is in every larger one.
    """
    rows = split_rows(pack, "train", split_by=split_by)
    people = sorted(
        {pack.rows[row].identity_id for row in rows}, key=lambda name: hashlib.sha256(name.encode()).digest()
    )
    taken = set(people[: max(1, round(people_share * len(people)))])
    return np.array([row for row in rows if pack.rows[row].identity_id in taken], dtype=np.int64)


def identities_in_training(pack: Pack, rows: np.ndarray, *, split_by: str, people_share: float) -> int:
    """How many of the people in some rows are also in the training frames; 0 where the split is by identity."""
    learnt = training_rows(pack, split_by=split_by, people_share=people_share)
    train = {pack.rows[row].identity_id for row in learnt}
    return len(train & {pack.rows[row].identity_id for row in rows})
