"""floor: how well a head's distance can be told from its true landmarks, with and without knowing the camera.

The best estimate that we know, so an upper bound of the true floor: whoever does better has seen more than landmarks.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from render.dataset_format import publish
from train.data.dataset import RenderedDataset, open_dataset
from train.errors import InputError
from train.landmark_distance import (
    LandmarkFrames,
    estimate_by_size_m,
    estimate_distance_m,
    eyes_distance_m,
    fit_distances,
    recombined,
    seen_landmarks,
)
from train.unpublished import unpublished_folder

FLOOR_FILE = "floor.json"
SETTINGS = {"intrinsics_unknown": False, "intrinsics_known": True}
BOOTSTRAP_DRAWS = 2000
INTERVAL_PERCENT = (2.5, 97.5)


def write_floor(
    dataset: Path, out: Path, *, split: str = "test", seed: int = 0, landmark_error_px: float = 0.0
) -> None:
    """Measure the floor of a dataset on the people of one split and publish floor.json in the folder `out`.

    Learnt on the people of split train; what is to be chosen is chosen on those of validation. `seed` decides which
    frames are recombined, the errors of landmarks, and the bootstrap. `landmark_error_px` is the standard deviation by
    which every coordinate is off, in learning as in testing, in pixels of the rendered picture: nobody finds landmarks
    exactly. An equal floor that is already there is kept.
    Raises: InputError when a split has no frame, landmarks are no landmarks, their error is no number of 0 or more, or
    `out` is something else.
    """
    if not 0 <= landmark_error_px < np.inf:
        raise InputError(f"the error of landmarks must be 0 pixels or more, but {landmark_error_px} came")
    source = open_dataset(dataset)
    identity = {
        "index_sha256": source.manifest.index_sha256,
        "split": split,
        "seed": seed,
        "landmark_error_px": landmark_error_px,
    }
    if out.exists():
        _check_equal(out, identity)
        return
    frames = {name: read_landmarks(source, name) for name in dict.fromkeys(("train", "validation", split))}
    measured = measure_floor(
        frames["train"], frames["validation"], frames[split], seed=seed, landmark_error_px=landmark_error_px
    )
    floor = {
        **identity,
        "dataset_id": source.manifest.dataset_id,
        "dataset_name": source.manifest.name,
        "frames": {name: len(one.identity_ids) for name, one in frames.items()},
        "identities": {name: len(set(one.identity_ids)) for name, one in frames.items()},
        **measured,
    }
    with unpublished_folder(out) as temporary:
        (temporary / FLOOR_FILE).write_text(json.dumps(floor, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        if not publish(temporary, out):
            _check_equal(out, identity)


def read_landmarks(source: RenderedDataset, split: str) -> LandmarkFrames:
    """The landmarks of one split, from the records of its shards. Raises: InputError when the split has no frame."""
    rows = [row for row in source.rows if row.split == split]
    if not rows:
        raise InputError(f"{source.folder} holds no frame of split {split!r}; the floor needs train, validation and it")
    found = [source.records[row.gt_shard, row.gt_key].geometry for row in rows]
    geometries = [geometry for geometry in found if geometry is not None]
    if len(geometries) < len(rows):
        raise InputError(f"{len(rows) - len(geometries)} records of split {split!r} in {source.folder} lack geometry")
    return LandmarkFrames(
        landmarks_px=np.array([one.landmarks_2d_px for one in geometries], dtype=np.float64),
        landmarks_cam_m=np.array([one.landmarks_cam_m for one in geometries], dtype=np.float64),
        intrinsics_px=np.array([one.intrinsics_px for one in geometries], dtype=np.float64),
        width_px=np.array([one.width_px for one in geometries], dtype=np.float64),
        identity_ids=tuple(row.identity_id for row in rows),
    )


def measure_floor(
    train: LandmarkFrames,
    validation: LandmarkFrames,
    held_out: LandmarkFrames,
    *,
    seed: int,
    landmark_error_px: float = 0.0,
) -> dict[str, Any]:
    """The floors as plain data: by setting the absolute relative error of distance, a mean over held-out people.

    `abs_rel` is the best estimate, with the interval that 95 % of bootstraps over people fall into; `size_abs_rel`
    uses nothing but the size of the face; `constant_abs_rel` is always the same distance. `analytic_abs_rel` follows
    from the spreads of the training data alone (`analytic_floor`).
    """
    stream = np.random.Generator(np.random.Philox(seed))
    samples, validation, held_out = (
        with_errors(frames, landmark_error_px, stream) for frames in (recombined(train, stream), validation, held_out)
    )
    middle_m = np.full(len(held_out.identity_ids), np.median(eyes_distance_m(train)))
    spreads = log_spreads(train)
    settings = {}
    for name, known in SETTINGS.items():
        seen, distance_m = seen_landmarks(samples, intrinsics_known=known), eyes_distance_m(samples)
        checked = seen_landmarks(validation, intrinsics_known=known)
        models = list(fit_distances(seen, distance_m))
        errors = [float(_by_identity(estimate_distance_m(model, checked), validation).mean()) for model in models]
        best = int(np.argmin(errors))
        shown = seen_landmarks(held_out, intrinsics_known=known)
        by_identity = _by_identity(estimate_distance_m(models[best], shown), held_out)
        low, high = _bootstrap(by_identity, stream)
        settings[name] = {
            "abs_rel": float(by_identity.mean()),
            "abs_rel_low": low,
            "abs_rel_high": high,
            "validation_abs_rel": errors[best],
            "size_abs_rel": float(_by_identity(estimate_by_size_m(models[best], shown), held_out).mean()),
            "analytic_abs_rel": analytic_floor(
                log_distance_sd=spreads["log_distance_sd"],
                log_head_size_sd=spreads["log_head_size_sd"],
                log_focal_length_sd=0.0 if known else spreads["log_focal_length_sd"],
            ),
            "chosen": dict(vars(models[best].choice)),
        }
    return {
        "settings": settings,
        "constant_abs_rel": float(_by_identity(middle_m, held_out).mean()),
        "spreads": spreads,
    }


def with_errors(frames: LandmarkFrames, error_px: float, stream: np.random.Generator) -> LandmarkFrames:
    """The frames with each coordinate of their landmarks in the picture off by a normal error of that deviation."""
    if error_px == 0:
        return frames
    errors_px = error_px * stream.standard_normal(frames.landmarks_px.shape)
    return dataclasses.replace(frames, landmarks_px=frames.landmarks_px + errors_px)


def analytic_floor(*, log_distance_sd: float, log_head_size_sd: float, log_focal_length_sd: float) -> float:
    """Absolute relative error of the best estimate of distance from the size of a head in the picture.

    distance = focal length * head size / size in the picture, so ln distance is known but for the spreads of ln focal
    length and ln head size; that is combined with what the recipe says of distance beforehand. All are taken for
    normal and independent, so their variances add, and the mean of |x| is sqrt(2 / pi) of a standard deviation.
    Source: ours (docs/depth_numbers.md).
    """
    measured, before = log_head_size_sd**2 + log_focal_length_sd**2, log_distance_sd**2
    if measured == 0 or before == 0:
        return 0.0
    return float(np.sqrt(2 / np.pi) * np.sqrt(measured * before / (measured + before)))


def log_spreads(frames: LandmarkFrames) -> dict[str, float]:
    """Standard deviations of ln distance and ln focal length over frames, and of ln head size over people.

    The size of a head is the root mean square distance of its landmarks from their centre, in three dimensions.
    """
    centred_m = frames.landmarks_cam_m - frames.landmarks_cam_m.mean(axis=1, keepdims=True)
    log_size = np.log(np.sqrt((centred_m**2).sum(axis=-1).mean(axis=1)))
    focal_widths = frames.intrinsics_px[:, 0, 0] / frames.width_px
    return {
        "log_distance_sd": float(np.log(eyes_distance_m(frames)).std()),
        "log_focal_length_sd": float(np.log(focal_widths).std()),
        "log_head_size_sd": float(_mean_by_identity(log_size, frames).std()),
    }


def _by_identity(estimate_m: Float[np.ndarray, " n"], frames: LandmarkFrames) -> Float[np.ndarray, " p"]:
    """The absolute relative error of each person: the mean over that person's frames."""
    true_m = eyes_distance_m(frames)
    return _mean_by_identity(np.abs(estimate_m - true_m) / true_m, frames)


def _mean_by_identity(values: Float[np.ndarray, " n"], frames: LandmarkFrames) -> Float[np.ndarray, " p"]:
    _, numbers = np.unique(frames.identity_ids, return_inverse=True)
    return np.bincount(numbers, weights=values) / np.bincount(numbers)


def _bootstrap(by_identity: Float[np.ndarray, " p"], stream: np.random.Generator) -> tuple[float, float]:
    """The interval that the mean falls into when people are drawn anew, with repetition."""
    drawn = stream.integers(len(by_identity), size=(BOOTSTRAP_DRAWS, len(by_identity)))
    low, high = np.percentile(by_identity[drawn].mean(axis=1), INTERVAL_PERCENT)
    return float(low), float(high)


def _check_equal(out: Path, identity: dict[str, Any]) -> None:
    try:
        there = json.loads((out / FLOOR_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{out} exists and is no floor ({error}); choose another folder or delete it") from error
    different = [name for name, value in identity.items() if there.get(name) != value]
    if different:
        raise InputError(
            f"{out} is already a floor that differs in {', '.join(different)}; choose another folder or delete it"
        )
