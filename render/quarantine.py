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
ATTEMPTS = 2


class QuarantineError(Exception):
    """Too many frames of a shard failed their checks; the message counts them and gives the first one's reason."""


def draw_checked(render: Callable[[], Drawn]) -> tuple[Drawn | None, tuple[BadFrameError, ...]]:
    """What `render()` returns, and the failure before it, if any; None and two failures when its checks fail twice."""
    failures: list[BadFrameError] = []
    for _ in range(ATTEMPTS):
        try:
            return render(), tuple(failures)
        except BadFrameError as error:
            failures.append(error)
    return None, tuple(failures)


@dataclass
class Quarantine:
    """An account of the frames of a shard that failed their checks.

    Where `allow` is false, as for a single frame that someone wants to see, a frame that fails twice is an error.
    """

    total: int
    allow: bool
    retried: list[dict] = field(default_factory=list)
    bad: list[tuple[PlannedFrame, BadFrameError]] = field(default_factory=list)

    def note(self, frame: PlannedFrame, failures: Sequence[BadFrameError]) -> None:
        """Take down how a frame failed, if it did.

        Raises: BadFrameError when no bad frame is allowed, QuarantineError when there are too many.
        """
        if failures:
            self.retried.append({"frame": f"{frame.split}/{frame.index}", "reason": str(failures[0])})
        if len(failures) < ATTEMPTS:
            return
        if not self.allow:
            raise failures[-1]
        self.bad.append((frame, failures[-1]))
        if len(self.bad) > max(1, int(ALLOWED_SHARE * self.total)):
            first, error = self.bad[0]
            raise QuarantineError(
                f"{len(self.bad)} of {self.total} frames failed their checks twice, more than {ALLOWED_SHARE:.0%} of "
                f"the shard; the first is {first.split}/{first.index}: {type(error).__name__}: {error}"
            )

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
