"""Files of a photograph's predicted depth: depth and normals as EXR and pictures, and a mesh."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from PIL import Image
from torch import nn

from train.depth_spec import DepthExperiment
from train.encoding import decoded_background_m
from train.exr_file import write_exr, write_normals_exr
from train.figures import ColourScale, colour_depth, colour_normals, depth_scale, with_legend
from train.geometry import normals_from_depth, pinhole_intrinsics_px
from train.inference import predict_depth_m
from train.mesh_file import mesh_of_depth, write_ply
from train.photo import FittedPhoto, without_frame

# A pixel is taken for background when it is predicted farther than this share of the depth that the network was
# taught to give to background. Between a head and the background the prediction passes quickly through it.
BACKGROUND_SHARE = 0.5


def write_predicted_depth(
    folder: Path, network: nn.Module, experiment: DepthExperiment, fitted: FittedPhoto, *, focal_length_px: float
) -> dict[str, Any]:
    """Write depth.exr, depth.png, normals.exr, normals.png and mesh.ply, and return what prediction.json says of them.

    Depth is planar z in metres, 0 where the network sees background.
    """
    height_px, width_px = fitted.rgb_srgb.shape[:2]
    framed_px = pinhole_intrinsics_px(focal_length_px, width_px=width_px, height_px=height_px)
    depth_m = predict_depth_m(network, experiment, fitted.rgb_srgb[None], intrinsics_px=framed_px[None])[0]
    depth_m = without_frame(depth_m, fitted)
    background_m = decoded_background_m(experiment.encoding, focal_widths=focal_length_px / width_px)
    depth_m = np.where(depth_m < BACKGROUND_SHARE * background_m, depth_m, np.float32(0))
    intrinsics_px = pinhole_intrinsics_px(focal_length_px, width_px=fitted.width_px, height_px=fitted.height_px)
    normals_cam = normals_from_depth(depth_m, intrinsics_px)
    write_exr(folder / "depth.exr", {"Z": depth_m}, intrinsics_px, "planar depth z in metres, 0 = background")
    write_normals_exr(folder / "normals.exr", normals_cam, intrinsics_px)
    scale = _scale_of(depth_m, background_m)
    Image.fromarray(with_legend(colour_depth(depth_m, scale), scale)).save(folder / "depth.png")
    Image.fromarray(colour_normals(normals_cam)).save(folder / "normals.png")
    mesh = mesh_of_depth(depth_m, without_frame(fitted.rgb_srgb, fitted), intrinsics_px)
    write_ply(folder / "mesh.ply", mesh)
    return {
        "surface_pixels": int((depth_m > 0).sum()),
        "depth_png_bounds_m": [scale.low, scale.high],
        "assumed": [
            f"what is predicted at {BACKGROUND_SHARE * background_m:g} m or farther is background and has depth 0",
            _scale_source(experiment.encoding.camera),
            "mesh.ply: metres, x right, y up, z towards the viewer (camera axes turned by 180 degrees about x)",
        ],
    }


def _scale_source(camera: str) -> str:
    """A sentence on what the scale of depth rests on."""
    if camera == "canonical":
        return "depth is proportional to the focal length that is assumed; twice the focal length is twice the distance"
    if camera == "fixed":
        return "depth is on the scale of the training frames, which all have one focal length; another lens misleads it"
    return "depth is on the scale of the training frames; a head far from their distances is not measured well"


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
