"""predict: what a trained network says of any photograph, as files."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from render.dataset_format import file_sha256, publish
from train.checkpoint import TrainingRecord, load_trained, read_training_record
from train.depth_spec import DepthExperiment
from train.device import choose_device, describe_device
from train.errors import InputError
from train.geometry import pinhole_intrinsics_px
from train.normals_spec import NormalsExperiment
from train.photo import FittedPhoto, fit_photo, read_photo, without_frame
from train.predict_depth import write_predicted_depth
from train.predict_normals import write_predicted_normals
from train.unpublished import unpublished_folder


def predict_photo(
    training: Path, photo: Path, out: Path, *, device: str = "auto", focal_length_px: float | None = None
) -> None:
    """Predict one photograph and write picture.png, prediction.json and what the network predicts into a new folder
    `out`: of depth, train/predict_depth.py says what; of normals, train/predict_normals.py.

    The photograph is fitted into the size that the network was trained at (aspect ratio kept, border repeated), and
    all results have the size of the photograph inside that frame. `focal_length_px` counts pixels of the photograph;
    without it, the photograph is assumed to have the mean focal length of the training frames. prediction.json says all
    that was assumed.

    Raises: InputError when `out` exists, the photograph cannot be read, the training is unfinished, the focal length
    is not positive, or the device is missing.
    """
    if out.exists():
        raise InputError(f"{out} exists already and is not overwritten; choose another folder or delete it")
    chosen = choose_device(device)
    experiment, network = load_trained(training)
    record = read_training_record(training)
    read = read_photo(photo)
    fitted = fit_photo(read.rgb_srgb, width_px=record.width_px, height_px=record.height_px)
    focal_px, focal_source = _focal_length(record, fitted, focal_length_px)
    intrinsics_px = pinhole_intrinsics_px(focal_px, width_px=fitted.width_px, height_px=fitted.height_px)
    network.to(chosen)
    facts = {
        "photo": {
            "name": photo.name,
            "sha256": file_sha256(photo),
            "width_px": read.rgb_srgb.shape[1],
            "height_px": read.rgb_srgb.shape[0],
        },
        "experiment": experiment.key,
        "trained_on": {"dataset_id": record.dataset_id, "dataset_name": record.dataset_name},
        "device": describe_device(chosen),
        "network_frame_px": [record.width_px, record.height_px],
        "width_px": fitted.width_px,
        "height_px": fitted.height_px,
        "result_pixels_per_photo_pixel": fitted.scale,
        "focal_length_px": focal_px,
        "intrinsics_px": intrinsics_px.tolist(),
    }
    with unpublished_folder(out) as temporary:
        match experiment:
            case DepthExperiment():
                told = write_predicted_depth(temporary, network, experiment, fitted, focal_length_px=focal_px)
            case NormalsExperiment():
                told = write_predicted_normals(temporary, network, experiment, fitted, focal_length_px=focal_px)
        Image.fromarray(without_frame(fitted.rgb_srgb, fitted)).save(temporary / "picture.png")
        camera = "the camera is a pinhole with square pixels, and its axis meets the middle of the photograph"
        told["assumed"] = [focal_source, camera, *told["assumed"], *read.decisions]
        text = json.dumps({**facts, **told}, indent=1) + "\n"
        (temporary / "prediction.json").write_text(text, encoding="utf-8")
        if not publish(temporary, out):
            raise InputError(f"{out} was made by another process meanwhile; choose another folder")


def _focal_length(record: TrainingRecord, fitted: FittedPhoto, focal_length_px: float | None) -> tuple[float, str]:
    """The focal length in pixels of the results, and a sentence on where it comes from."""
    if focal_length_px is not None:
        if not (np.isfinite(focal_length_px) and focal_length_px > 0):
            raise InputError(
                f"--focal-length-px must be above 0 (pixels of the photograph), but {focal_length_px} came"
            )
        return focal_length_px * fitted.scale, f"the focal length of {focal_length_px:g} photograph pixels was given"
    mean_px = record.mean_focal_length_px
    return mean_px, (
        f"the focal length is the mean of the training frames, {mean_px:g} pixels of the network's frame; "
        "give --focal-length-px when that of the photograph is known"
    )
