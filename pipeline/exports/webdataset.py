"""WebDataset: tar files of bounded size whose neighbouring members of one name make a sample.

Source: the WebDataset format, in which the part of a member's name before its first dot is the sample's key.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.exports.frame_files import ExportedFile, TruthForm, frame_description, frame_files
from pipeline.published_dataset import PublishedFrame
from render.dataset_format import Product, canonical_json

BLOCK = tarfile.BLOCKSIZE


def write_tars(
    frames: Iterator[PublishedFrame],
    folder: Path,
    *,
    products: tuple[Product, ...],
    truth_form: TruthForm,
    tar_bytes: int,
) -> None:
    """Write `<split>-<number>.tar`, none larger than `tar_bytes` unless a single frame is.

    The same frames always make the same bytes: members in order, without times and owners.
    """
    tar, split, number, written = None, "", 0, 0
    try:
        for frame in frames:
            members = _sample(frame, products=products, truth_form=truth_form)
            size = sum(BLOCK + -(-len(content) // BLOCK) * BLOCK for _, content in members)
            other_split = frame.row["split"] != split
            if tar is None or other_split or written + size > tar_bytes:
                if tar is not None:
                    tar.close()
                split, number = frame.row["split"], 0 if other_split else number + 1
                tar = tarfile.open(folder / f"{split}-{number:06d}.tar", "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
                written = tarfile.RECORDSIZE + 2 * BLOCK  # two empty blocks end a tar, which is padded to whole records
            for name, content in members:
                member = tarfile.TarInfo(name)  # of nobody, from 1970, readable by all
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            tar.getmembers().clear()  # tarfile keeps a list of what it wrote, for readers of the open file
            written += size
    finally:
        if tar is not None:
            tar.close()


def _sample(frame: PublishedFrame, *, products: tuple[Product, ...], truth_form: TruthForm) -> list[tuple[str, bytes]]:
    """Names and bytes of a sample's members, sorted."""
    files = list(frame_files(frame, products=products, truth_form=truth_form))
    names = {file.kind: f"{frame.name}.{_ending(file)}" for file in files}
    members = [(names[file.kind], file.content) for file in files]
    description = canonical_json(frame_description(frame, names)) + "\n"
    return sorted([*members, (f"{frame.name}.json", description.encode())])


def _ending(file: ExportedFile) -> str:
    """A picture's ending is its suffix, as readers expect; other files say what they are: gt.exr, depth_head.png."""
    return file.suffix if file.kind == "rgb" else f"{file.kind}.{file.suffix}"
