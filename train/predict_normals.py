"""Files of a photograph's predicted normals and gradient magnitude: EXR and pictures, and the mask of the head."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import nn

from train.exr_file import write_exr, write_normals_exr
from train.figures import colour_gradient, colour_normals, gradient_scale, with_legend
from train.geometry import pinhole_intrinsics_px
from train.inference import predict_normals
from train.normals_encoding import SURFACE_LENGTH
from train.normals_spec import NormalsExperiment
from train.photo import FittedPhoto, without_frame


def write_predicted_normals(
    folder: Path, network: nn.Module, experiment: NormalsExperiment, fitted: FittedPhoto, *, focal_length_px: float
) -> dict[str, Any]:
    """Write normals and gradient_magnitude, each as .exr and .png, and mask.png (white: head); return what
    prediction.json says of them.

    Normals are (0, 0, 0) and slopes 0 outside the mask.
    """
    found = predict_normals(network, experiment, fitted.rgb_srgb[None])
    normals_cam = without_frame(found.normals_cam[0], fitted)
    gradient_magnitude = without_frame(found.gradient_magnitude[0], fitted)
    mask = without_frame(found.mask[0], fitted)
    intrinsics_px = pinhole_intrinsics_px(focal_length_px, width_px=fitted.width_px, height_px=fitted.height_px)
    write_normals_exr(folder / "normals.exr", normals_cam, intrinsics_px)
    meaning = "slope of the surface per unit of lateral distance, no unit, 0 outside the mask"
    channels = {"gradient_magnitude": gradient_magnitude}
    write_exr(folder / "gradient_magnitude.exr", channels, intrinsics_px, meaning)
    Image.fromarray(colour_normals(normals_cam)).save(folder / "normals.png")
    steepness = with_legend(colour_gradient(gradient_magnitude, valid=mask), gradient_scale())
    Image.fromarray(steepness).save(folder / "gradient_magnitude.png")
    Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0))).save(folder / "mask.png")
    return {
        "surface_pixels": int(mask.sum()),
        "assumed": [
            f"the head is where the predicted normal is longer than {SURFACE_LENGTH:g}",
            f"slopes are at most {experiment.encoding.largest_gradient:g}, the steepest that the network can say",
        ],
    }
