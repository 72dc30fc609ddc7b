"""What an export's own page says of its files: where they lie, and a program that reads them without Headroom."""

from dataclasses import dataclass

from pipeline.exports.frame_files import TruthForm
from pipeline.templating import fill_template


@dataclass(frozen=True)
class Contents:
    """What an export holds: its splits, and whether there are pictures (with which suffix) and ground truth."""

    splits: tuple[str, ...]
    rgb_suffix: str | None
    truth: TruthForm | None


def reading_guide(contents: Contents, *, template: str) -> str:
    """The Markdown of a format (`folders`, `webdataset` or `coco`)."""
    return fill_template(
        f"{template}.md",
        splits=contents.splits,
        rgb=contents.rgb_suffix,
        truth=contents.truth,
        depth_kind="gt" if contents.truth == "exr" else "depth_head",
    )
