"""The frames that a report shows: which ones, and a picture of each of their arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from render.dataset_format import SPLITS, FrameRecord, GroundTruth
from train.data.dataset import Frame, FrameRow, RenderedDataset, read_frame
from train.errors import InputError
from train.figures import ColourScale, colour_gradient, colour_labels, colour_normals, colour_values, depth_scale


@dataclass(frozen=True)
class ShownFrame:
    """One frame of the dataset: its row of the index, the record of its picture (all drawn values), its arrays."""

    row: FrameRow
    record: FrameRecord
    frame: Frame


def choose_rows(rows: Sequence[FrameRow], count: int) -> list[FrameRow]:
    """At most `count` rows: one of each person in turn (another of their frames each time), splits in order.

    Where there are more persons than places, they are evenly spread over the dataset.
    """
    by_person: dict[str, list[FrameRow]] = {}
    for row in sorted(rows, key=lambda row: (SPLITS.index(row.split), row.frame_index)):
        by_person.setdefault(row.identity_id, []).append(row)
    people = list(by_person.values())
    places = min(count, len(people))
    people = [people[number * len(people) // places] for number in range(places)]
    most = max(len(frames) for frames in people)
    chosen = [
        frames[(number + turn) % len(frames)]
        for turn in range(most)
        for number, frames in enumerate(people)
        if turn < len(frames)
    ]
    return chosen[:count]


def load_frames(dataset: RenderedDataset, rows: Sequence[FrameRow]) -> list[ShownFrame]:
    """Pixels and records of some frames. Raises: InputError or DatasetError that names the bad file."""
    return [
        ShownFrame(row=row, record=dataset.records[(row.rgb_shard, row.rgb_key)], frame=read_frame(dataset, row))
        for row in rows
    ]


def most_telling(frames: Sequence[ShownFrame]) -> ShownFrame:
    """The frame to show large: most landmarks seen, then the head turned farthest."""

    def rank(shown: ShownFrame) -> tuple[int, float]:
        geometry = shown.frame.geometry
        return (sum(state == "visible" for state in geometry.landmarks_visibility), abs(geometry.yaw_deg))

    return max(frames, key=rank)


def nearest_m(truth: GroundTruth) -> float:
    """Depth of the nearest point of the visible layer, metres. Raises: InputError when nothing is visible."""
    depth_m = truth.visible.depth_m
    if not (depth_m > 0).any():
        raise InputError("a frame of the dataset shows no surface at all (its depth is 0 everywhere); validate it")
    return float(depth_m[depth_m > 0].min())


def relief_mm(depth_m: Float32[np.ndarray, "*shape"], nearest: float) -> Float32[np.ndarray, "*shape"]:
    """Depth behind a frame's nearest point (metres), in millimetres; meaningless where depth is 0."""
    return (depth_m - np.float32(nearest)) * np.float32(1000)


def relief_scale(frames: Sequence[ShownFrame]) -> ColourScale:
    """One scale for all frames: from each frame's nearest point to what holds 98 % of every head, in steps of 20 mm."""
    reach_mm = 20.0
    for shown in frames:
        head_m = shown.frame.truth.head.depth_m
        if (head_m > 0).any():
            relief = relief_mm(head_m[head_m > 0], nearest_m(shown.frame.truth))
            reach_mm = max(reach_mm, float(np.ceil(np.percentile(relief, 98) / 20) * 20))
    return depth_scale("depth behind the nearest point", low=0.0, high=reach_mm, unit="mm")


def frame_pictures(frame: Frame, scale: ColourScale) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
    """The picture of every array of a frame, by `rgb`, `labels`, or layer and quantity (`head.depth`)."""
    pictures = {"rgb": frame.rgb_srgb, "labels": colour_labels(frame.truth.labels)}
    near_m = nearest_m(frame.truth)
    for name, layer in (("visible", frame.truth.visible), ("head", frame.truth.head)):
        valid = layer.depth_m > 0
        pictures[f"{name}.depth"] = colour_values(relief_mm(layer.depth_m, near_m), scale, valid=valid)
        pictures[f"{name}.normals"] = colour_normals(layer.normals_cam)
        pictures[f"{name}.gradient"] = colour_gradient(layer.gradient_magnitude, valid=valid)
    return pictures
