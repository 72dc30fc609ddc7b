"""Facts: what a dataset's card says, gathered from manifest, index, records and certificate, piece by piece."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from pipeline.dataset_quarantine import Address, missing_addresses, why_missing
from pipeline.published_dataset import PublishedDataset, published_frames, validate_it
from render.certification.certificate import Certificate
from render.config import Recipe
from render.dataset_format import (
    DATASET_CERTIFICATE,
    SHARD_RUN,
    SPLITS,
    DatasetError,
    QuarantinedFrame,
)


@dataclass
class DatasetFacts:
    """What is counted over all records of a dataset, and what was read beside them."""

    dataset: PublishedDataset
    recipe: Recipe
    certificate: Certificate
    left_out: dict[Address, QuarantinedFrame | None] = field(default_factory=dict)
    bytes_of: Counter[str] = field(default_factory=Counter)
    assets: dict[str, str] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=dict)
    headroom: Counter[str] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    sizes_px: Counter[tuple[int, int]] = field(default_factory=Counter)
    own_pictures: bool = False

    @property
    def frames(self) -> int:
        """Frames of all splits."""
        return sum(self.dataset.frames.values())

    @property
    def identities(self) -> int:
        """People of all splits."""
        return sum(self.dataset.manifest.identities.values())


def dataset_recipe(dataset: PublishedDataset) -> Recipe:
    """The recipe that a dataset was made by. Raises: DatasetError when this version of Headroom cannot read it."""
    try:
        return Recipe.model_validate(dataset.manifest.recipe)
    except ValidationError as error:
        raise DatasetError(f"the recipe in the manifest of {dataset.folder} cannot be used: {error}") from error


def dataset_certificate(dataset: PublishedDataset) -> Certificate:
    """The dataset's certificate. Raises: DatasetError when it cannot be read."""
    path = dataset.folder / DATASET_CERTIFICATE
    try:
        return Certificate.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DatasetError(f"{path} cannot be read as a certificate ({error})") from error


def gather_facts(dataset: PublishedDataset) -> DatasetFacts:
    """Count over all shards and the index of a dataset.

    Raises: DatasetError when something of the dataset cannot be read.
    """
    facts = DatasetFacts(dataset, dataset_recipe(dataset), dataset_certificate(dataset))
    for shards in dataset.manifest.shards.values():
        for shard in shards:
            _note_run(facts, dataset.store / shard)
    missing = list(missing_addresses(facts.recipe, _counted_addresses(facts)))
    facts.left_out = why_missing(dataset, facts.recipe, missing, facts.assets)
    return facts


def _counted_addresses(facts: DatasetFacts) -> Iterator[Address]:
    """The addresses of the dataset's frames; each frame is counted on the way."""
    for frame in published_frames(facts.dataset, splits=SPLITS):
        for product, record in frame.records.items():
            path = frame.files[product]
            if not path.is_file():
                raise DatasetError(f"{path} is missing; {validate_it(path)}")
            facts.bytes_of[product] += path.stat().st_size
            facts.assets |= record.assets
            facts.epochs |= record.epochs
            facts.software |= record.software
            facts.own_pictures |= bool(record.drawn.get("backdrop", {}).get("image"))
        facts.sizes_px[frame.geometry.width_px, frame.geometry.height_px] += 1
        yield frame.row["split"], frame.row["frame_index"]


def _note_run(facts: DatasetFacts, shard: Path) -> None:
    try:
        run = json.loads((shard / SHARD_RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # facts of the run are in no hash, and a store may be without them
    facts.headroom[run.get("headroom", "version unknown")] += 1
    facts.devices[run.get("device", "unknown")] += 1
