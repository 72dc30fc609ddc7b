"""Ground truth as pictures for the eye: depth, normals, gradient magnitude, labels, landmarks."""

import numpy as np
from jaxtyping import Float32, UInt8, UInt16
from PIL import Image, ImageDraw

from render.dataset_format import FrameGeometry, GroundTruth, SurfaceLayer

LABEL_COLOURS = np.array(
    [
        [24, 24, 28],
        [224, 172, 142],
        [90, 170, 230],
        [200, 70, 90],
        [90, 62, 40],
        [240, 200, 60],
        [110, 150, 110],
        [180, 90, 210],
    ],
    dtype=np.uint8,
)
ERROR_SHOWN_MM = 10.0
LANDMARK_COLOURS = {"visible": (64, 255, 120), "hidden": (255, 96, 64)}


def depth_picture(depth_m: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Near is bright, far is dark, invalid is black; stretched over the valid depths of this picture."""
    valid = depth_m > 0
    if not valid.any():
        return np.zeros((*depth_m.shape, 3), dtype=np.uint8)
    near, far = depth_m[valid].min(), depth_m[valid].max()
    level = 255 - 215 * (depth_m - near) / max(far - near, 1e-6)
    return np.repeat(np.where(valid, level, 0).astype(np.uint8)[..., None], 3, axis=-1)


def normals_picture(normals_cam: Float32[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """x right in red, y up in green, towards the camera in blue; invalid is black."""
    coloured = (normals_cam * np.array([1, -1, -1]) + 1) * 127.5
    return np.where(np.any(normals_cam != 0, axis=-1, keepdims=True), coloured, 0).astype(np.uint8)


def gradient_picture(gradient_magnitude: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Logarithmic from slope 0.05 (black) to 50 (white)."""
    level = np.log10(np.clip(gradient_magnitude, 0.05, 50) / 0.05) / 3
    return np.repeat((255 * level).astype(np.uint8)[..., None], 3, axis=-1)


def landmarks_picture(rgb: UInt8[np.ndarray, "h w 3"], geometry: FrameGeometry) -> UInt8[np.ndarray, "h w 3"]:
    """The picture with its 68 landmarks; hidden ones in another colour."""
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    radius = max(geometry.width_px / 400, 1.0)
    for (x, y), state in zip(geometry.landmarks_2d_px, geometry.landmarks_visibility, strict=True):
        colour = LANDMARK_COLOURS["visible" if state == "visible" else "hidden"]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return np.asarray(image)


def error_picture(
    measured_mm: UInt16[np.ndarray, "h w"], depth_m: Float32[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w 3"]:
    """Measured too near is blue, too far red, right white, 10 mm off full colour; black where either has no depth."""
    share = np.clip((measured_mm - 1000.0 * depth_m) / ERROR_SHOWN_MM, -1, 1)
    colour = np.stack([1 + np.minimum(share, 0), 1 - np.abs(share), 1 - np.maximum(share, 0)], axis=-1)
    return np.where(((measured_mm > 0) & (depth_m > 0))[..., None], 255 * colour, 0).astype(np.uint8)


def sheet(
    rgb: UInt8[np.ndarray, "h w 3"],
    truth: GroundTruth,
    geometry: FrameGeometry,
    measured_mm: UInt16[np.ndarray, "h w"] | None = None,
) -> UInt8[np.ndarray, "h2 w2 3"]:
    """One picture of everything: colour, landmarks and labels on top, then the head layer, then the visible one; last,
    where there is a sensor, what it measured, its error, and the labels of what it measured at all."""

    def row(layer: SurfaceLayer) -> list[np.ndarray]:
        return [
            depth_picture(layer.depth_m),
            normals_picture(layer.normals_cam),
            gradient_picture(layer.gradient_magnitude),
        ]

    rows = [
        [rgb, landmarks_picture(rgb, geometry), LABEL_COLOURS[truth.labels]],
        row(truth.head),
        row(truth.visible),
    ]
    if measured_mm is not None:
        seen = LABEL_COLOURS[truth.labels] * (measured_mm > 0)[..., None]
        exact_m = truth.visible.depth_m
        near, far = exact_m[exact_m > 0].min(initial=np.inf), exact_m.max()  # outliers take no grey from the face
        measured_m = np.where(measured_mm > 0, np.clip(measured_mm / 1000, near, far), 0).astype(np.float32)
        rows.append([depth_picture(measured_m), error_picture(measured_mm, exact_m), seen])
    return np.concatenate([np.concatenate(pictures, axis=1) for pictures in rows], axis=0)
