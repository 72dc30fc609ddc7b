"""Drawing keys: what `frame i of a split` comes to, for stretches of frames, side by side where there are many."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.frame_table import KEY_DIGITS
from pipeline.hex_column import HexColumn
from render.config import Recipe
from render.frame_keys import KeyMaker, identity_id
from render.sampling.frame import draw_frames
from render.shard_plan import wanted_products
from render.side_by_side import Crew

IDENTITY_DIGITS = 16
# Starting a process takes as long as drawing some thousands of frames.
LEAST_FRAMES_SIDE_BY_SIDE = 20_000


@dataclass(frozen=True)
class Stretch:
    """Frames `start` to `stop` (exclusive) of a split."""

    split: str
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class DrawnKeys:
    """The keys of a stretch's frames by product, and who they show."""

    stretch: Stretch
    keys: dict[str, HexColumn]
    identities: HexColumn


@dataclass(frozen=True)
class _Job:
    recipe: Recipe
    assets: dict[str, str]
    stretch: Stretch


def draw_stretch(recipe: Recipe, assets: dict[str, str], stretch: Stretch) -> DrawnKeys:
    """Draw the frames of a stretch one after the other. Raises: ImageFolderError."""
    maker, products = KeyMaker(recipe, assets), wanted_products(recipe)
    keys: dict[str, list[str]] = {product: [] for product in products}
    identities: list[str] = []
    person = None
    for parameters in draw_frames(recipe, stretch.split, range(stretch.start, stretch.stop)):
        for product in products:
            keys[product].append(maker.key(parameters, product))
        same = parameters.identity is person
        identities.append(identities[-1] if same else identity_id(parameters, assets))
        person = parameters.identity
    columns = {product: HexColumn.of(texts, digits=KEY_DIGITS) for product, texts in keys.items()}
    return DrawnKeys(stretch, columns, HexColumn.of(identities, digits=IDENTITY_DIGITS))


def draw_stretches(recipe: Recipe, assets: dict[str, str], stretches: Sequence[Stretch]) -> list[DrawnKeys]:
    """Draw many stretches, in a process for each core where they are long; in the order asked for, and always the same.

    Raises: ImageFolderError, ProcessLostError.
    """
    processes = min(len(os.sched_getaffinity(0)), len(stretches))
    if processes < 2 or sum(map(len, stretches)) < LEAST_FRAMES_SIDE_BY_SIDE:
        return [draw_stretch(recipe, assets, stretch) for stretch in stretches]
    with Crew(processes) as crew:
        drawn = {one.stretch: one for one in crew.run(_draw_job, [_Job(recipe, assets, one) for one in stretches])}
    return [drawn[stretch] for stretch in stretches]


def joined(parts: Sequence[DrawnKeys], stretch: Stretch) -> DrawnKeys:
    """Neighbouring parts, in order, as one stretch."""
    keys = {
        product: HexColumn.joined([part.keys[product] for part in parts], digits=KEY_DIGITS)
        for product in parts[0].keys
    }
    return DrawnKeys(stretch, keys, HexColumn(np.concatenate([part.identities.words for part in parts])))


def _draw_job(job: _Job) -> Iterator[DrawnKeys]:
    yield draw_stretch(job.recipe, job.assets, job.stretch)
