"""LandmarkFrames, and the best simple estimate of a head's distance from its 68 landmarks: kernel ridge regression."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import scipy.linalg
from jaxtyping import Float

from train.errors import InputError

# iBUG order, both eyes.
EYES = slice(36, 48)
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
# A kernel is solved in the cube of this many samples: seconds.
MOST_SAMPLES = 1500
MOST_COPIES = 9
# Of a picture width; a smaller face is one point, but for rounding.
SMALLEST_FACE = 1e-6


@dataclass(frozen=True)
class LandmarkFrames:
    """The true landmarks of some frames, in pixels and in camera axes (metres), with the cameras and who is shown."""

    landmarks_px: Float[np.ndarray, "n 68 2"]
    landmarks_cam_m: Float[np.ndarray, "n 68 3"]
    intrinsics_px: Float[np.ndarray, "n 3 3"]
    width_px: Float[np.ndarray, " n"]
    identity_ids: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """What is chosen on validation people: components of the face's shape, width of the kernel's bell in standard
    deviations (None: the kernel is linear), and the ridge."""

    components: int
    kernel_width: float | None
    ridge: float


CHOICES = tuple(
    Choice(components, kernel_width, ridge)
    for components in (4, 16, 48)
    for kernel_width in (None, 1.0, 3.0)
    for ridge in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
)


@dataclass(frozen=True)
class DistanceModel:
    """What `fit_distances` learnt: a pinhole law (ln distance = offset + slope * ln size), and what the kernel adds."""

    choice: Choice
    offset: float
    slope: float
    shape_mean: Float[np.ndarray, " d"]
    shape_axes: Float[np.ndarray, "d c"]
    mean: Float[np.ndarray, " f"]
    deviation: Float[np.ndarray, " f"]
    samples: Float[np.ndarray, "n f"]
    weights: Float[np.ndarray, " n"]


def eyes_distance_m(frames: LandmarkFrames) -> Float[np.ndarray, " n"]:
    """Planar depth of the middle of both eyes: what is to be estimated."""
    return frames.landmarks_cam_m[:, EYES, 2].mean(axis=1)


def seen_landmarks(frames: LandmarkFrames, *, intrinsics_known: bool) -> Float[np.ndarray, "n 68 2"]:
    """Where the landmarks are in the picture, without unit.

    With the intrinsics: in normalised camera coordinates (x / z, y / z). Without: in widths of the picture.
    """
    if not intrinsics_known:
        return frames.landmarks_px / frames.width_px[:, None, None]
    focal_px = frames.intrinsics_px[:, None, [0, 1], [0, 1]]
    return (frames.landmarks_px - frames.intrinsics_px[:, None, :2, 2]) / focal_px


def recombined(frames: LandmarkFrames, stream: np.random.Generator) -> LandmarkFrames:
    """The frames, and more: each face again, turned as it is, where the camera of another frame saw another head.

    Faces and cameras are drawn independently of each other, so these are frames that the same recipe might have
    rendered of the same people; they make the estimate better without showing anybody else.
    """
    count = len(frames.width_px)
    copies = max(1, min(1 + MOST_COPIES, MOST_SAMPLES // count))
    faces = np.concatenate([np.arange(count)] * copies)
    cameras = np.concatenate([np.arange(count), *(stream.permutation(count) for _ in range(copies - 1))])
    if count > MOST_SAMPLES:
        faces = cameras = np.linspace(0, count - 1, MOST_SAMPLES).astype(int)
    middles_m = frames.landmarks_cam_m[:, EYES].mean(axis=1)
    points_m = frames.landmarks_cam_m[faces] + (middles_m[cameras] - middles_m[faces])[:, None]
    projected = points_m @ frames.intrinsics_px[cameras].transpose(0, 2, 1)
    return LandmarkFrames(
        landmarks_px=projected[..., :2] / projected[..., 2:],
        landmarks_cam_m=points_m,
        intrinsics_px=frames.intrinsics_px[cameras],
        width_px=frames.width_px[cameras],
        identity_ids=tuple(frames.identity_ids[face] for face in faces),
    )


def fit_distances(
    seen: Float[np.ndarray, "n 68 2"], distance_m: Float[np.ndarray, " n"], choices: Iterable[Choice] = CHOICES
) -> Iterator[DistanceModel]:
    """Learn the logarithm of distance from landmarks, once with each choice.

    Raises: InputError when the landmarks of a frame coincide.
    """
    size, place, shape = _procrustes(seen)
    slope, offset = np.polyfit(np.log(size), np.log(distance_m), 1)
    left = np.log(distance_m) - (offset + slope * np.log(size))
    shape_mean = shape.mean(axis=0)
    all_axes = np.linalg.svd(shape - shape_mean, full_matrices=False)[2]
    # Choices that differ in the ridge alone share a kernel.
    for (components, _), alike in groupby(choices, key=lambda choice: (choice.components, choice.kernel_width)):
        axes = all_axes[:components].T
        rows = np.column_stack([np.log(size), place, (shape - shape_mean) @ axes])
        mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
        samples, kernel = (rows - mean) / deviation, None
        for choice in alike:
            kernel = _kernel(samples, samples, choice) if kernel is None else kernel
            factor = scipy.linalg.cho_factor(kernel + choice.ridge * np.eye(len(samples)), overwrite_a=True)
            weights = scipy.linalg.cho_solve(factor, left)
            yield DistanceModel(
                choice, float(offset), float(slope), shape_mean, axes, mean, deviation, samples, weights
            )


def estimate_distance_m(model: DistanceModel, seen: Float[np.ndarray, "n 68 2"]) -> Float[np.ndarray, " n"]:
    """Distances of heads that the model has not seen, in metres."""
    size, place, shape = _procrustes(seen)
    rows = np.column_stack([np.log(size), place, (shape - model.shape_mean) @ model.shape_axes])
    added = _kernel((rows - model.mean) / model.deviation, model.samples, model.choice) @ model.weights
    return np.exp(model.offset + model.slope * np.log(size) + added)


def estimate_by_size_m(model: DistanceModel, seen: Float[np.ndarray, "n 68 2"]) -> Float[np.ndarray, " n"]:
    """Distances by the pinhole law alone: nothing but how large the face is in the picture."""
    return np.exp(model.offset + model.slope * np.log(_procrustes(seen)[0]))


def _procrustes(
    seen: Float[np.ndarray, "n 68 2"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 3"], Float[np.ndarray, "n 136"]]:
    """Size (root mean square distance from the centre), place (centre and roll of the eye line, radians), and shape:
    the landmarks centred, turned so that the eyes are level, and divided by the size."""
    centre = seen.mean(axis=1)
    centred = seen - centre[:, None]
    size = np.sqrt((centred**2).sum(axis=-1).mean(axis=1))
    points = int((size <= SMALLEST_FACE).sum())
    if points:
        raise InputError(f"the 68 landmarks of {points} frames are one point; nothing can be told")
    line = centred[:, LEFT_EYE].mean(axis=1) - centred[:, RIGHT_EYE].mean(axis=1)
    roll = np.arctan2(line[:, 1], line[:, 0])
    cosine, sine = np.cos(roll)[:, None], np.sin(roll)[:, None]
    x, y = centred[..., 0], centred[..., 1]
    level = np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=-1) / size[:, None, None]
    return size, np.column_stack([centre, roll]), level.reshape(len(seen), -1)


def _kernel(
    first: Float[np.ndarray, "n f"], second: Float[np.ndarray, "m f"], choice: Choice
) -> Float[np.ndarray, "n m"]:
    """How alike samples are: a linear kernel, and a bell over it where the choice has a width."""
    features = first.shape[1]
    products = first @ second.T / features
    if choice.kernel_width is None:
        return products
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None] - 2 * features * products
    return products + np.exp(-np.maximum(squares, 0) / (2 * choice.kernel_width**2 * features))
