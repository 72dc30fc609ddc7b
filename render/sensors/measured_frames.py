"""Measured frames: made of ground truth that a store has published already, so nothing is rendered for them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt16

from render.dataset_format import (
    DatasetError,
    FrameRecord,
    QuarantinedFrame,
    file_sha256,
    read_ground_truth,
    read_records,
    read_shard_manifest,
)
from render.ranges.sensor import SensorSettings
from render.sensors.simulate import simulate_sensor
from render.shard_plan import PlannedShard, shard_folder


@dataclass(frozen=True)
class PublishedTruth:
    """By gt key: the file and record of a frame's ground truth, or why there is none."""

    files: dict[str, tuple[Path, FrameRecord]] = field(default_factory=dict)
    quarantined: dict[str, QuarantinedFrame] = field(default_factory=dict)


def find_ground_truth(store: Path, shard: PlannedShard) -> PublishedTruth:
    """Where the ground truth of every frame of a planned shard is, in whatever shards of the store.

    The shard that would hold just these frames is looked at first, then all others until every frame is found.
    Raises: DatasetError when the ground truth of a frame is neither published nor quarantined.
    """
    wanted = {frame.keys["gt"]: frame for frame in shard.frames}
    own = shard_folder(store, shard, "gt")
    others = sorted(folder for folder in own.parent.glob("[!.]*") if folder != own)
    truth = PublishedTruth()
    for folder in [own, *others] if own.exists() else others:
        if wanted.keys() <= truth.files.keys():
            break
        manifest = read_shard_manifest(folder)
        if not wanted.keys().isdisjoint(manifest.frame_keys):
            for record in read_records(folder):
                if record.key in wanted:
                    truth.files.setdefault(record.key, (folder / record.file, record))
        truth.quarantined.update({one.key: one for one in manifest.quarantined if one.key in wanted})
    for key, frame in wanted.items():
        if key not in truth.files and key not in truth.quarantined:
            raise DatasetError(
                f"frame {frame.split}/{frame.index} cannot be measured: {own.parent} holds no ground truth of key "
                f"{key}. Run again: what is missing is planned anew"
            )
    return truth


def measure_frame(
    path: Path, record: FrameRecord, settings: SensorSettings, *, frame_key: str
) -> UInt16[np.ndarray, "h w"]:
    """What the sensor measures of a published ground truth, in millimetres; 0 where it measures nothing.

    Raises: DatasetError when the file is not the one that was published, or its record has no geometry.
    """
    if not path.exists() or file_sha256(path) != record.file_sha256:
        raise DatasetError(f"{path} is missing or not the file its shard was published with; delete the shard")
    if record.geometry is None:
        raise DatasetError(f"the record of {path} has no geometry, so it is no ground truth")
    intrinsics = np.array(record.geometry.intrinsics_px)
    return simulate_sensor(read_ground_truth(path), intrinsics, settings, frame_key=frame_key)
