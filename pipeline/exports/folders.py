"""Plain folders: a folder for each split and kind of file, and one table of records."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.exports.frame_files import TruthForm, frame_description, frame_files
from pipeline.published_dataset import PublishedFrame
from render.dataset_format import Product, canonical_json

TABLE = "frames.jsonl"


def write_folders(
    frames: Iterator[PublishedFrame], folder: Path, *, products: tuple[Product, ...], truth_form: TruthForm
) -> None:
    """Write `<split>/<kind>/<number>.<suffix>` of every frame, and a line of the table for each."""
    with (folder / TABLE).open("w", encoding="utf-8") as table:
        for frame in frames:
            names = {}
            for file in frame_files(frame, products=products, truth_form=truth_form):
                path = folder / frame.row["split"] / file.kind / f"{frame.row['frame_index']:06d}.{file.suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.content)
                names[file.kind] = path.relative_to(folder).as_posix()
            table.write(canonical_json(frame_description(frame, names)) + "\n")
