"""The frames of a shard, or a part of them, from plan to files: what one process does of a shard."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from render.bad_frame import BadFrameError
from render.config import Recipe
from render.dataset_format import (
    FrameGeometry,
    GroundTruth,
    read_ground_truth,
    read_rgb,
    write_ground_truth,
    write_rgb,
)
from render.frame_keys import KeyMaker
from render.parameters import PERSON_FACTORS, FrameParameters
from render.quarantine import draw_checked
from render.recipe_head import recipe_head
from render.sampling.frame import draw_frame
from render.shard_plan import PlannedFrame, Product, noise_seed


class ShardError(Exception):
    """A shard cannot be rendered or stored; the message names the frame or file and what to do."""


@dataclass(frozen=True)
class DrawnPlan:
    """A planned frame at its position in the shard, and everything that was drawn for it."""

    position: int
    frame: PlannedFrame
    parameters: FrameParameters


@dataclass(frozen=True)
class FramesJob:
    """Frames that one process renders: their products go to files in `folders`, named for the frame's position."""

    recipe: Recipe
    frames: tuple[DrawnPlan, ...]
    folders: Mapping[Product, Path]
    device: str
    assets: dict[str, str]
    assets_source: str | None
    cache: Path
    sent_s: float
    """`time.monotonic()` when the job was given: what passes until the first frame is the start of its process."""
    blend: Path | None = None
    """Where the scene of the job's (only) frame is saved as well."""


@dataclass(frozen=True)
class FrameFiles:
    """What became of one frame: a file for each product (none when its checks failed twice), and seconds by stage."""

    drawn: DrawnPlan
    files: Mapping[Product, Path]
    geometry: FrameGeometry | None
    failures: tuple[BadFrameError, ...]
    seconds: Mapping[str, float]


def drawn_plans(recipe: Recipe, frames: Sequence[PlannedFrame], assets: dict[str, str]) -> tuple[DrawnPlan, ...]:
    """Draw every frame of a planned shard, and check that it is the frame that was planned.

    Raises: ShardError when a key of the plan is not what this version makes.
    """
    keys, drawn = KeyMaker(recipe, assets), []
    for position, frame in enumerate(frames):
        parameters = draw_frame(recipe, frame.split, frame.index)
        for product, planned in frame.keys.items():
            actual = keys.key(parameters, product)
            if actual != planned:
                raise ShardError(
                    f"frame {frame.split}/{frame.index}: the plan was made by another version of Headroom or bpy "
                    f"(its {product} key is {planned}, this one makes {actual}). Plan again with this version."
                )
        drawn.append(DrawnPlan(position, frame, parameters))
    return tuple(drawn)


def render_frames(job: FramesJob) -> Iterator[FrameFiles]:
    """Render the frames of a job, one after the other; a person is built once for consecutive frames.

    Raises: ShardError when a file does not read back; DeviceError, AssetError.
    """
    from render.blender.draw import draw_frame as render_frame
    from render.blender.draw import open_stage, person_on_stage

    model = recipe_head(job.recipe, assets_source=job.assets_source, cache=job.cache, planned=job.assets)
    stage = open_stage(device=job.device, products=tuple(job.folders))  # pyright: ignore[reportArgumentType]
    seconds = {"start": time.monotonic() - job.sent_s}
    for group in _by_person(job.frames):
        started = time.perf_counter()
        level = job.recipe.heads.subdivision_level
        with person_on_stage(stage, model, group[0].parameters, level=level) as person:
            seconds["person"] = time.perf_counter() - started
            for drawn in group:
                render = partial(
                    render_frame,
                    stage,
                    person,
                    drawn.parameters,
                    job.recipe.rgb,
                    noise_seed=noise_seed(drawn.frame),
                    image_folder=job.recipe.backdrops.image_folder,
                    blend=job.blend,
                )
                result, failures = draw_checked(render)
                if result is None:
                    yield FrameFiles(drawn, {}, None, failures, seconds)
                else:
                    started = time.perf_counter()
                    files: dict[Product, Path] = {
                        product: _write(folder, product, drawn.position, result.truth, result.rgb_srgb, job.recipe)
                        for product, folder in job.folders.items()
                    }
                    spent = {**seconds, **result.seconds, "encode": time.perf_counter() - started}
                    yield FrameFiles(drawn, files, result.geometry, failures, spent)
                seconds = {}


def _by_person(frames: tuple[DrawnPlan, ...]) -> list[list[DrawnPlan]]:
    """Consecutive frames of the same person together."""
    groups: list[list[DrawnPlan]] = []
    for drawn in frames:
        previous = groups[-1][-1].parameters if groups else None
        if previous and all(getattr(previous, name) == getattr(drawn.parameters, name) for name in PERSON_FACTORS):
            groups[-1].append(drawn)
        else:
            groups.append([drawn])
    return groups


def _write(
    folder: Path,
    product: Product,
    position: int,
    truth: GroundTruth | None,
    rgb_srgb: np.ndarray | None,
    recipe: Recipe,
) -> Path:
    suffix = "exr" if product == "gt" else recipe.rgb.file_format
    path = folder / f"{position:06d}.{suffix}"
    if product == "gt":
        assert truth is not None
        write_ground_truth(path, truth)
        if not np.array_equal(read_ground_truth(path).visible.depth_m, truth.visible.depth_m):
            raise ShardError(f"{path} does not read back as it was written; check the disk")
    else:
        assert rgb_srgb is not None
        write_rgb(path, rgb_srgb, jpeg_quality=recipe.rgb.jpeg_quality)
        if read_rgb(path).shape != rgb_srgb.shape:
            raise ShardError(f"{path} does not read back as it was written; check the disk")
    return path
