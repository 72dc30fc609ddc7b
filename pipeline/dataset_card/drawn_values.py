"""What a dataset's frames show in numbers and names: read from its index, one column at a time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow
import pyarrow.parquet
from jaxtyping import Float

from pipeline.published_dataset import PublishedDataset
from render.config import Recipe
from render.coverage import recipe_range
from render.dataset_format import DATASET_INDEX
from render.draws import Range

# By column of the index, what a reader should see first, and in which order; where it varies.
NUMBERS = {
    "yaw_deg": "head_pose.yaw_deg",
    "pitch_deg": "head_pose.pitch_deg",
    "roll_deg": "head_pose.roll_deg",
    "drawn.head_pose.gaze_yaw_deg": "head_pose.gaze_yaw_deg",
    "drawn.head_pose.gaze_pitch_deg": "head_pose.gaze_pitch_deg",
    "drawn.camera.distance_mm": "camera.distance_mm",
    "drawn.camera.azimuth_deg": "camera.azimuth_deg",
    "drawn.camera.elevation_deg": "camera.elevation_deg",
    "drawn.camera.roll_deg": "camera.roll_deg",
    "drawn.camera.focal_length_mm": "camera.focal_length_mm",
    "drawn.skin.melanin": "skin.melanin",
    "drawn.skin.haemoglobin": "skin.haemoglobin",
    "drawn.hair_colour.melanin": "hair_colour.melanin",
    "drawn.lighting.environment_rotation_deg": "lighting.environment_rotation_deg",
    "drawn.lighting.environment_strength": "lighting.environment_strength",
    "drawn.lighting.lamps.0.azimuth_deg": "lighting.key_azimuth_deg",
    "drawn.lighting.lamps.0.elevation_deg": "lighting.key_elevation_deg",
}
NAMES = {
    "drawn.expression.name": "expression.name",
    "drawn.hair.style": "hair.style",
    "drawn.hair.beard": "hair.beard",
    "drawn.glasses.style": "glasses.style",
    "drawn.outfit.style": "outfit.style",
    "drawn.fabric.pattern": "fabric.pattern",
    "drawn.occluder.kind": "occluder.kind",
    "drawn.lighting.rig": "lighting.rig",
    "drawn.lighting.environment": "lighting.environment",
    "drawn.backdrop.kind": "backdrop.kind",
    "sequence": "sequence",
}


@dataclass(frozen=True)
class DrawnNumber:
    """A number by split, frame by frame; `range` is the recipe's, where it gives one."""

    name: str
    values: dict[str, Float[np.ndarray, " n"]]
    range: Range | None

    @property
    def all(self) -> Float[np.ndarray, " n"]:
        """The values of every split."""
        return np.concatenate(list(self.values.values()))


def split_column(dataset: PublishedDataset) -> np.ndarray:
    """The split of every row."""
    return np.array(_column(dataset, "split"))


def drawn_numbers(dataset: PublishedDataset, recipe: Recipe, splits: np.ndarray) -> Iterator[DrawnNumber]:
    """The numbers of NUMBERS that the dataset has and that vary."""
    names = _columns(dataset)
    for column, name in NUMBERS.items():
        if column in names:
            values = np.array([np.nan if one is None else one for one in _column(dataset, column)], dtype=float)
            finite = values[np.isfinite(values)]
            if finite.size and np.ptp(finite) > 0:
                by_split = {
                    split: values[(splits == split) & np.isfinite(values)] for split in dict.fromkeys(splits.tolist())
                }
                yield DrawnNumber(name, by_split, recipe_range(recipe, name, finite))


def drawn_names(dataset: PublishedDataset) -> Iterator[tuple[str, Counter[str]]]:
    """The names of NAMES that the dataset has and that vary, counted over frames."""
    present = _columns(dataset)
    for column, name in NAMES.items():
        if column in present:
            counts = Counter(str(one) for one in _column(dataset, column) if one is not None)
            if len(counts) > 1:
                yield name, counts


def frames_per_person(dataset: PublishedDataset) -> Counter[str]:
    """By identity: how many frames show this person."""
    return Counter(_column(dataset, "identity_id"))


def _columns(dataset: PublishedDataset) -> set[str]:
    return set(pyarrow.parquet.read_schema(dataset.folder / DATASET_INDEX).names)


def _column(dataset: PublishedDataset, name: str) -> list:
    return pyarrow.parquet.read_table(dataset.folder / DATASET_INDEX, columns=[name])[name].to_pylist()
