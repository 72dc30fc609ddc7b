"""Quarantine: a frame that fails its checks twice is left out of its shard, with the reason and a command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from render.bad_frame import BadFrameError
from render.dataset_format import (
    PRODUCTS,
    SHARD_MANIFEST,
    SHARD_RECIPE,
    QuarantinedFrame,
    ShardManifest,
    read_shard_manifest,
)
from render.shard_plan import PlannedFrame, Product

Drawn = TypeVar("Drawn")
# More of a shard than this (ours), and more than one frame, is no accident: the recipe or the renderer is to blame.
ALLOWED_SHARE = 0.05


class QuarantineError(Exception):
    """Too many frames of a shard failed their checks; the message counts them and gives the first one's reason."""


@dataclass
class CheckedFrames:
    """Draws frames one after the other, bad ones a second time, and keeps account of what went wrong.

    Where `allow` is false, as for a single frame that someone wants to see, a frame that fails twice is an error.
    """

    total: int
    allow: bool
    retried: list[dict] = field(default_factory=list)
    bad: list[tuple[PlannedFrame, BadFrameError]] = field(default_factory=list)

    def draw(self, frame: PlannedFrame, render: Callable[[], Drawn]) -> Drawn | None:
        """What `render()` returns, or None when its checks failed twice.

        Raises: BadFrameError when no bad frame is allowed, QuarantineError when there are too many.
        """
        try:
            return render()
        except BadFrameError as error:
            self.retried.append({"frame": f"{frame.split}/{frame.index}", "reason": str(error)})
        try:
            return render()
        except BadFrameError as error:
            if not self.allow:
                raise
            self.bad.append((frame, error))
        if len(self.bad) > max(1, int(ALLOWED_SHARE * self.total)):
            first, error = self.bad[0]
            raise QuarantineError(
                f"{len(self.bad)} of {self.total} frames failed their checks twice, more than {ALLOWED_SHARE:.0%} of "
                f"the shard; the first is {first.split}/{first.index}: {type(error).__name__}: {error}"
            )
        return None

    def quarantined(self, product: Product, folder: str) -> tuple[QuarantinedFrame, ...]:
        """The bad frames as the shard of a product lists them; `folder` is the shard's, relative to the store."""
        return tuple(
            QuarantinedFrame(
                key=frame.keys[product],
                split=frame.split,
                index=frame.index,
                failed=error.product,
                reason=str(error),
                command=f"python -m render frame --recipe {folder}/{SHARD_RECIPE} --split {frame.split} "
                f"--index {frame.index} --out quarantine/{frame.keys[product][:12]}",
            )
            for frame, error in self.bad
        )


def shard_manifests(store: Path, product: str) -> list[tuple[str, ShardManifest]]:
    """Every published shard of a product by its path in the store, with its manifest, in order of their names.

    Raises: DatasetError when a shard's manifest cannot be read.
    """
    folders = sorted((store / "shards" / product).glob("[!.]*"))
    return [
        (f"shards/{product}/{folder.name}", read_shard_manifest(folder))
        for folder in folders
        if (folder / SHARD_MANIFEST).is_file()
    ]


def quarantined_frames(store: Path) -> Sequence[QuarantinedFrame]:
    """Every frame that a store holds in quarantine, once, under the product whose check it failed.

    Raises: DatasetError when a shard's manifest cannot be read.
    """
    return [
        frame
        for product in PRODUCTS
        for _, manifest in shard_manifests(store, product)
        for frame in manifest.quarantined
        if frame.failed == product
    ]
