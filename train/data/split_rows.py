"""Which rows of a pack make a split: by identity, as rendered, or by frame, to show what that would have claimed."""

import hashlib

import numpy as np

from render.dataset_format import SPLITS
from train.data.backdrops import BACKDROP_KINDS, Backdrops, is_among
from train.data.pack import Pack, rows_of_split
from train.errors import InputError


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


def training_rows(pack: Pack, *, split_by: str, people_share: float, backdrops: Backdrops) -> np.ndarray:
    """Row numbers that are learnt from: of split train, the frames before such backdrops of a share of the people.

    Who is taken depends on the people's names alone: at least one, and who is in a smaller share is in every larger
    one. Raises: InputError when they have no frame before such a backdrop.
    """
    rows = split_rows(pack, "train", split_by=split_by)
    people = sorted(
        {pack.rows[row].identity_id for row in rows}, key=lambda name: hashlib.sha256(name.encode()).digest()
    )
    taken = set(people[: max(1, round(people_share * len(people)))])
    chosen = [
        row for row in rows if pack.rows[row].identity_id in taken and is_among(pack.rows[row].backdrop_kind, backdrops)
    ]
    if len(chosen) == 0 and len(rows) > 0:
        kinds = sorted({pack.rows[row].backdrop_kind or "unknown" for row in rows})
        raise InputError(
            f"{pack.folder} has no training frame before a {backdrops} backdrop "
            f"({', '.join(BACKDROP_KINDS[backdrops])}) of the people that are learnt from; "
            f"there are {', '.join(kinds)}. Set train_backdrops to all"
        )
    return np.array(chosen, dtype=np.int64)


def identities_in_training(
    pack: Pack, rows: np.ndarray, *, split_by: str, people_share: float, backdrops: Backdrops
) -> int:
    """How many of the people in some rows are also in the training frames; 0 where the split is by identity."""
    learnt = training_rows(pack, split_by=split_by, people_share=people_share, backdrops=backdrops)
    train = {pack.rows[row].identity_id for row in learnt}
    return len(train & {pack.rows[row].identity_id for row in rows})
