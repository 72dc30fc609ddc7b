"""Finding: one thing that is wrong with a published dataset: where, what was promised, what is there, what to do."""

from dataclasses import dataclass
from pathlib import Path

RENDER_AGAIN = "delete the shard's folder {folder} and run the dataset's recipe again: only that shard is rendered"
PUBLISH_AGAIN = "move {folder} away and run the dataset's recipe again: it is published anew, and nothing is rendered"
# When frames of one shard fail by the hundred, the first few say it.
MOST_OF_A_KIND = 20


@dataclass(frozen=True)
class Finding:
    """What `python -m pipeline validate` reports."""

    path: Path
    expected: str
    found: str
    remedy: str

    @property
    def text(self) -> str:
        """Four lines."""
        return f"WRONG {self.path}\n  expected  {self.expected}\n  found     {self.found}\n  to do     {self.remedy}"


def in_shard(path: Path, shard: Path, *, expected: str, found: str) -> Finding:
    """Something of a shard is wrong: it has to be rendered again."""
    return Finding(path, expected, found, RENDER_AGAIN.format(folder=shard))


def in_dataset(path: Path, dataset: Path, *, expected: str, found: str) -> Finding:
    """Something in a dataset's own folder is wrong: it has to be published again."""
    return Finding(path, expected, found, PUBLISH_AGAIN.format(folder=dataset))
