"""How close the picture of few samples comes to one of a thousand: PSNR of the stored 8-bit sRGB pixels."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from render.blender.passes import Stage, render_radiance
from render.picture import srgb_picture

REFERENCE_SAMPLES = 1024
# A reference is rendered in parts of different seeds, so that a long one can be stopped and taken up again.
_PARTS = 4
_FIRST_SEED = 20_000


def psnr_db(picture: UInt8[np.ndarray, "h w 3"], reference: UInt8[np.ndarray, "h w 3"]) -> float:
    """Peak signal-to-noise ratio in decibels, peak 255; infinite for equal pictures."""
    difference = picture.astype(np.float64) - reference.astype(np.float64)
    error = float(np.mean(difference**2))
    return float("inf") if error == 0 else float(10.0 * np.log10(255.0**2 / error))


def picture_psnr_db(stage: Stage, *, exposure_ev: float, references: Path | None, name: str) -> float:
    """PSNR of the frame on the stage, rendered as its settings want it, to the same frame of 1024 samples.

    The reference is not denoised, so it is unbiased, and what noise it has left counts against the picture. Its parts
    are kept in the folder `references` under `name`, if one is given.
    """
    picture = srgb_picture(render_radiance(stage.scenes["rgb"]), exposure_ev=exposure_ev)
    parts = [_part(stage, number, references, name) for number in range(_PARTS)]
    reference = srgb_picture(np.mean(parts, axis=0, dtype=np.float32), exposure_ev=exposure_ev)
    return psnr_db(picture, reference)


def _part(stage: Stage, number: int, references: Path | None, name: str) -> Float32[np.ndarray, "h w 3"]:
    kept = references / f"{name}-{number}.npy" if references else None
    if kept and kept.exists():
        return np.load(kept)
    cycles = stage.scenes["rgb"].cycles
    before = cycles.samples, cycles.seed, cycles.use_denoising
    cycles.samples, cycles.seed, cycles.use_denoising = REFERENCE_SAMPLES // _PARTS, _FIRST_SEED + number, False
    radiance = render_radiance(stage.scenes["rgb"])
    cycles.samples, cycles.seed, cycles.use_denoising = before
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, radiance)
    return radiance
