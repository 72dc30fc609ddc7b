"""The pictures of a dataset's card: many people on one sheet, and everything that is known of one frame."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pipeline.published_dataset import PublishedDataset, PublishedFrame, frame_of_row, index_rows, records_by_key
from render.dataset_format import read_rgb
from render.gallery import Portrait, gallery_picture
from render.preview import sheet
from render.sensors.millimetre_png import read_millimetres

MOST_ON_A_SHEET = 24
COLUMNS = 6
CELL_WIDTH_PX = 256
# The example has three pictures in a row.
EXAMPLE_WIDTH_PX = 3 * 384


def chosen_frames(dataset: PublishedDataset, people: int) -> list[PublishedFrame]:
    """The first frames of evenly spaced people; evenly spaced frames where there are fewer people than places."""
    if people >= MOST_ON_A_SHEET:
        wanted = {place * people // MOST_ON_A_SHEET for place in range(MOST_ON_A_SHEET)}
    else:
        total = sum(dataset.manifest.frames.values())
        places = min(total, MOST_ON_A_SHEET)
        wanted = {place * total // places for place in range(places)}
    chosen, seen = [], set()
    for number, row in enumerate(index_rows(dataset)):
        new_person = row["identity_id"] not in seen
        seen.add(row["identity_id"])
        if (new_person and len(seen) - 1 in wanted) if people >= MOST_ON_A_SHEET else number in wanted:
            chosen.append(frame_of_row(dataset, row, records_by_key))
    return chosen


def contact_sheet(frames: list[PublishedFrame]) -> UInt8[np.ndarray, "h w 3"]:
    """Each frame in colour, with depth and normals of everything visible beneath.

    Raises: DatasetError when a file cannot be read.
    """
    portraits = [Portrait(read_rgb(frame.files["rgb"]), frame.read_truth()) for frame in frames]
    columns = min(COLUMNS, len(portraits))
    return gallery_picture(portraits, columns=columns, cell_width_px=CELL_WIDTH_PX)


def example_picture(frame: PublishedFrame) -> UInt8[np.ndarray, "h w 3"]:
    """One frame with its landmarks, labels and both layers; what a sensor measured, where there is one."""
    measured_mm = read_millimetres(frame.files["sensor"]) if "sensor" in frame.files else None
    pixels = sheet(read_rgb(frame.files["rgb"]), frame.read_truth(), frame.geometry, measured_mm)
    height, width, _ = pixels.shape
    size = (EXAMPLE_WIDTH_PX, round(height * EXAMPLE_WIDTH_PX / width))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)) if size[0] < width else pixels
