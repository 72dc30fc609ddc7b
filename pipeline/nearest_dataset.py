"""The published dataset that shares most with a set of frames: what a plan or a frame is compared with."""

from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.frame_differences import setting_differences
from pipeline.frame_set import FrameSet, published_datasets, published_frame_set


def nearest_dataset(frames: FrameSet, store: Path) -> FrameSet | None:
    """The dataset of a store that has most frame products in common, then most addresses, then most settings, then the
    newest; None where there is none that this version can read."""
    best: tuple[tuple[int, int, int], FrameSet] | None = None
    for folder in published_datasets(store):
        try:
            published = published_frame_set(folder)
        except PipelineError:
            continue  # made by a version with other settings: nothing can be compared
        score = _likeness(frames, published)
        if best is None or score > best[0]:
            best = score, published
    return best[1] if best else None


def _likeness(frames: FrameSet, published: FrameSet) -> tuple[int, int, int]:
    shared = addresses = 0
    for product, splits in published.keys.items():
        for split, keys in splits.items():
            pairs = list(zip(keys, frames.keys.get(product, {}).get(split, ()), strict=False))
            addresses += len(pairs)
            shared += sum(one == other for one, other in pairs)
    return shared, addresses, -len(setting_differences(frames.recipe, published.recipe))
