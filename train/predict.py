"""predict: depth, normals and a mesh from any photograph, by a trained network."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from jaxtyping import Float, Float32, UInt8
from PIL import Image

from render.dataset_format import file_sha256, publish
from train.checkpoint import TrainingRecord, load_trained, read_training_record
from train.device import choose_device, describe_device
from train.encoding import decoded_background_m
from train.errors import InputError
from train.figures import ColourScale, colour_depth, colour_normals, depth_scale, with_legend
from train.geometry import normals_from_depth, pinhole_intrinsics_px
from train.inference import predict_depth_m
from train.mesh_file import mesh_of_depth, write_ply
from train.photo import FittedPhoto, fit_photo, read_photo
from train.unpublished import unpublished_folder

# A pixel is taken for background when it is predicted farther than this share of the depth that the network was
# taught to give to background. Between a head and the background the prediction passes quickly through it.
BACKGROUND_SHARE = 0.5


def predict_photo(
    training: Path, photo: Path, out: Path, *, device: str = "auto", focal_length_px: float | None = None
) -> None:
    """Predict one photograph and write depth.exr, depth.png, normals.exr, normals.png, picture.png, mesh.ply and
    prediction.json into a new folder `out`.

    The photograph is fitted into the size that the network was trained at (aspect ratio kept, border repeated), and
    all results have the size of the photograph inside that frame. Depth is planar z in metres, 0 where the network
    sees background. `focal_length_px` counts pixels of the photograph; without it, the photograph is assumed to have
    the mean focal length of the training frames. prediction.json says all that was assumed.

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
    intrinsics_px = pinhole_intrinsics_px(focal_px, width_px=record.width_px, height_px=record.height_px)
    network.to(chosen)
    depth_m = predict_depth_m(network, experiment, fitted.rgb_srgb[None], intrinsics_px=intrinsics_px[None])[0]
    depth_m = _without_frame(depth_m, fitted)
    background_m = decoded_background_m(experiment.encoding, focal_widths=focal_px / record.width_px)
    depth_m = np.where(depth_m < BACKGROUND_SHARE * background_m, depth_m, np.float32(0))
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
        "surface_pixels": int((depth_m > 0).sum()),
        "assumed": [
            focal_source,
            "the camera is a pinhole with square pixels, and its axis meets the middle of the photograph",
            f"what is predicted at {BACKGROUND_SHARE * background_m:g} m or farther is background and has depth 0",
            _scale_source(experiment.encoding.camera),
            "mesh.ply: metres, x right, y up, z towards the viewer (camera axes turned by 180 degrees about x)",
            *read.decisions,
        ],
    }
    with unpublished_folder(out) as temporary:
        _write_results(temporary, depth_m, _without_frame(fitted.rgb_srgb, fitted), focal_px, background_m, facts)
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


def _scale_source(camera: str) -> str:
    """A sentence on what the scale of depth rests on."""
    if camera == "canonical":
        return "depth is proportional to the focal length that is assumed; twice the focal length is twice the distance"
    if camera == "fixed":
        return "depth is on the scale of the training frames, which all have one focal length; another lens misleads it"
    return "depth is on the scale of the training frames; a head far from their distances is not measured well"


def _without_frame(values: np.ndarray, fitted: FittedPhoto) -> np.ndarray:
    rows = slice(fitted.top_px, fitted.top_px + fitted.height_px)
    columns = slice(fitted.left_px, fitted.left_px + fitted.width_px)
    return np.ascontiguousarray(values[rows, columns])


def _write_results(
    folder: Path,
    depth_m: Float32[np.ndarray, "h w"],
    rgb_srgb: UInt8[np.ndarray, "h w 3"],
    focal_length_px: float,
    background_depth_m: float,
    facts: dict[str, Any],
) -> None:
    height_px, width_px = depth_m.shape
    intrinsics_px = pinhole_intrinsics_px(focal_length_px, width_px=width_px, height_px=height_px)
    normals_cam = normals_from_depth(depth_m, intrinsics_px)
    _write_exr(folder / "depth.exr", {"Z": depth_m}, intrinsics_px, "planar depth z in metres, 0 = background")
    axes = {f"normal.{axis}": np.ascontiguousarray(normals_cam[..., number]) for number, axis in enumerate("XYZ")}
    meaning = "unit normals in camera axes (x right, y down, z forward), 0 0 0 = none"
    _write_exr(folder / "normals.exr", axes, intrinsics_px, meaning)
    scale = _scale_of(depth_m, background_depth_m)
    Image.fromarray(with_legend(colour_depth(depth_m, scale), scale)).save(folder / "depth.png")
    Image.fromarray(colour_normals(normals_cam)).save(folder / "normals.png")
    Image.fromarray(rgb_srgb).save(folder / "picture.png")
    write_ply(folder / "mesh.ply", mesh_of_depth(depth_m, rgb_srgb, intrinsics_px))
    written = {**facts, "intrinsics_px": intrinsics_px.tolist(), "depth_png_bounds_m": [scale.low, scale.high]}
    (folder / "prediction.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def _scale_of(depth_m: Float32[np.ndarray, "h w"], background_depth_m: float) -> ColourScale:
    """Colours from the 1st to the 90th percentile of depth, which leaves out the slide into the background at the
    silhouette; over all that the network can say when it saw no surface."""
    surface_m = depth_m[depth_m > 0]
    low_m, high_m = (0.0, background_depth_m)
    if surface_m.size:
        low_m, high_m = (float(value) for value in np.percentile(surface_m, [1, 90]))
    if high_m - low_m < 1e-3:
        low_m, high_m = low_m - 5e-4, high_m + 5e-4
    return depth_scale("depth", low=low_m, high=high_m)


def _write_exr(
    path: Path, channels: dict[str, np.ndarray], intrinsics_px: Float[np.ndarray, "3 3"], meaning: str
) -> None:
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "headroom": meaning,
        "intrinsicsPx": intrinsics_px.astype(np.float32),
    }
    # OpenEXR replaces the values of the dictionary it is given, so it gets one of its own.
    with OpenEXR.File(header, dict(channels)) as file:
        file.write(str(path))
