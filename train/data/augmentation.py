"""Augmentation: training images changed at random, together with everything that is known about them.

What an image gets depends on (seed, epoch, its row) alone: not on the batch it comes in, nor on the process, nor on
where a training was stopped. Flip and crop move picture, depth, normals, slope, intrinsics and landmarks as another
camera would have seen them; colour, blur and noise touch the picture alone.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from train.data.batches import Batch
from train.data.crop import enlarge_pictures, enlarge_surface
from train.training_spec import AugmentationSpec

# Rec. 709 weights of luminance; here they only say which grey a colour fades to.
GREY_WEIGHTS = (0.2126, 0.7152, 0.0722)
# A Gaussian beyond three sigma weighs less than one step of 8 bits.
BLUR_REACH_SIGMAS = 3


@dataclass(frozen=True)
class Change:
    """What happens to one image; a value that changes nothing (False, 1, 0) where a kind was not drawn.

    The window that a crop keeps begins at `crop_left` and `crop_top` and holds `crop_share` of width and height; all
    three are shares of them. `brightness`, `contrast` and `saturation` are factors, `blur_px` a sigma, `noise` a
    standard deviation, and `noise_key` says which noise.
    """

    flip: bool
    crop_share: float
    crop_left: float
    crop_top: float
    brightness: float
    contrast: float
    saturation: float
    blur_px: float
    noise: float
    noise_key: bytes


def draw_change(spec: AugmentationSpec, *, seed: int, epoch: int, row: int) -> Change:
    """What happens to one row of the pack in one epoch. No probability and no strength moves the draw of another."""
    digest = hashlib.sha256(f"headroom/augmentation/{seed}/{epoch}/{row}".encode()).digest()
    drawn = _stream(digest[:16]).random(13).tolist()
    share = 1.0 - drawn[2] * (1.0 - spec.crop_smallest) if drawn[1] < spec.crop else 1.0
    colour = spec.colour_strength if drawn[5] < spec.colour else 0.0
    return Change(
        flip=drawn[0] < spec.flip,
        crop_share=share,
        crop_left=drawn[3] * (1.0 - share),
        crop_top=drawn[4] * (1.0 - share),
        brightness=1.0 + colour * (2.0 * drawn[6] - 1.0),
        contrast=1.0 + colour * (2.0 * drawn[7] - 1.0),
        saturation=1.0 + colour * (2.0 * drawn[8] - 1.0),
        blur_px=spec.blur_px * drawn[9] if drawn[10] < spec.blur else 0.0,
        noise=spec.noise_strength * drawn[11] if drawn[12] < spec.noise else 0.0,
        noise_key=digest[16:],
    )


def augment(batch: Batch, changes: Sequence[Change]) -> Batch:
    """The batch with one change for each of its images; new tensors where something changes, on the same device."""
    if any(change.flip for change in changes):
        batch = _flipped(batch, [change.flip for change in changes])
    if any(change.crop_share < 1 for change in changes):
        batch = _cropped(batch, changes)
    rgb = batch.rgb
    if any((change.brightness, change.contrast, change.saturation) != (1, 1, 1) for change in changes):
        rgb = _recoloured(rgb, changes)
    if any(change.blur_px > 0 for change in changes):
        rgb = _blurred(rgb, [change.blur_px for change in changes])
    if any(change.noise > 0 for change in changes):
        rgb = (rgb + _noise(rgb, changes)).clamp(0, 1)
    return dataclasses.replace(batch, rgb=rgb)


def mirrored_landmarks() -> list[int]:
    """For each of the 68 landmarks (iBUG order) the one that takes its place in a mirror."""
    order = list(range(68))
    # Jaw, brows, nostrils, and the four arcs of the lips: each runs from one side to the other.
    for first, last in ((0, 16), (17, 26), (31, 35), (48, 54), (55, 59), (60, 64), (65, 67)):
        order[first : last + 1] = range(last, first - 1, -1)
    # Each eye runs around itself from its own left corner, above before below.
    for one, other in ((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)):
        order[one], order[other] = other, one
    return order


def _flipped(batch: Batch, flips: Sequence[bool]) -> Batch:
    """Left becomes right where asked for: columns, x of normals and of landmarks, and who is who among these."""
    device, width = batch.rgb.device, batch.rgb.shape[-1]
    chosen = torch.tensor(flips, device=device)
    images = chosen[:, None, None, None]
    sign = torch.tensor([-1.0, 1.0, 1.0], device=device)
    mirror = torch.tensor([[-1.0, 0.0, width], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], device=device)
    normals, slope, landmarks = (
        batch.normals_cam,
        batch.gradient_magnitude,
        batch.landmarks_2d_px[:, mirrored_landmarks()],
    )
    if normals is not None:
        normals = torch.where(images, normals.flip(-1) * sign[:, None, None], normals)
    if slope is not None:
        slope = torch.where(images, slope.flip(-1), slope)
    landmarks = torch.stack([width - landmarks[..., 0], landmarks[..., 1]], dim=-1)
    return Batch(
        rgb=torch.where(images, batch.rgb.flip(-1), batch.rgb),
        depth_m=torch.where(images, batch.depth_m.flip(-1), batch.depth_m),
        normals_cam=normals,
        gradient_magnitude=slope,
        # The mirrored scene before the mirrored camera: x changes its sign on both sides.
        intrinsics_px=torch.where(images[..., 0], mirror @ batch.intrinsics_px @ sign.diag(), batch.intrinsics_px),
        landmarks_2d_px=torch.where(images[..., 0], landmarks, batch.landmarks_2d_px),
    )


def _cropped(batch: Batch, changes: Sequence[Change]) -> Batch:
    """Windows enlarged to the full size: depth stays what it is, and the camera has the longer lens that sees so."""
    device, (height, width) = batch.rgb.device, batch.rgb.shape[-2:]
    share = torch.tensor([change.crop_share for change in changes], device=device)
    left_top_px = torch.tensor([[c.crop_left * width, c.crop_top * height] for c in changes], device=device)
    surface = enlarge_surface(
        batch.depth_m, batch.normals_cam, batch.gradient_magnitude, left_top_px=left_top_px, share=share
    )
    intrinsics_px = batch.intrinsics_px.clone()
    intrinsics_px[:, :2, 2] -= left_top_px
    intrinsics_px[:, :2] /= share[:, None, None]
    return Batch(
        rgb=enlarge_pictures(batch.rgb, left_top_px=left_top_px, share=share),
        depth_m=surface.depth_m,
        normals_cam=surface.normals_cam,
        gradient_magnitude=surface.gradient_magnitude,
        intrinsics_px=intrinsics_px,
        landmarks_2d_px=(batch.landmarks_2d_px - left_top_px[:, None]) / share[:, None, None],
    )


def _recoloured(rgb: Float[Tensor, "b 3 h w"], changes: Sequence[Change]) -> Float[Tensor, "b 3 h w"]:
    """Brightness multiplies, contrast stretches about the mean grey of the picture, saturation about each grey."""
    factors = torch.tensor([(c.brightness, c.contrast, c.saturation) for c in changes], device=rgb.device)
    brightness, contrast, saturation = factors.T[:, :, None, None, None]
    weights = torch.tensor(GREY_WEIGHTS, device=rgb.device)[:, None, None]
    brighter = rgb * brightness
    mean_grey = (brighter * weights).sum(dim=1, keepdim=True).mean(dim=(-2, -1), keepdim=True)
    stretched = mean_grey + (brighter - mean_grey) * contrast
    grey = (stretched * weights).sum(dim=1, keepdim=True)
    changed = (grey + (stretched - grey) * saturation).clamp(0, 1)
    return torch.where((brightness == 1) & (contrast == 1) & (saturation == 1), rgb, changed)


def _blurred(rgb: Float[Tensor, "b 3 h w"], sigmas_px: Sequence[float]) -> Float[Tensor, "b 3 h w"]:
    """Each picture with its own Gaussian; the border is repeated, and a sigma of 0 leaves a picture as it is."""
    count, channels, height, width = rgb.shape
    reach = max(1, round(BLUR_REACH_SIGMAS * max(sigmas_px)))
    offsets = torch.arange(-reach, reach + 1, device=rgb.device)
    sigma = torch.tensor(sigmas_px, device=rgb.device).clamp(min=1e-3)
    taps = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    # Each ends where it would alone: another image's blur changes nothing.
    taps = taps * (offsets.abs() <= (BLUR_REACH_SIGMAS * sigma[:, None]).round().clamp(min=1))
    taps = (taps / taps.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)[:, None]
    planes = rgb.reshape(1, count * channels, height, width)
    down = functional.conv2d(
        functional.pad(planes, (0, 0, reach, reach), mode="replicate"), taps[..., None], groups=count * channels
    )
    both = functional.conv2d(
        functional.pad(down, (reach, reach, 0, 0), mode="replicate"), taps[:, :, None], groups=count * channels
    )
    return both.reshape(rgb.shape)


def _noise(rgb: Float[Tensor, "b 3 h w"], changes: Sequence[Change]) -> Float[Tensor, "b 3 h w"]:
    shape = tuple(rgb.shape[1:])
    fields = [
        change.noise * _stream(change.noise_key).standard_normal(shape, dtype=np.float32)
        if change.noise > 0
        else np.zeros(shape, np.float32)
        for change in changes
    ]
    return torch.from_numpy(np.stack(fields).astype(np.float32)).to(rgb.device)


def _stream(key: bytes) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.frombuffer(key, dtype=np.uint64)))
