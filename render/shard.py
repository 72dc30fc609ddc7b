"""Render and measure one element of a plan and publish its shards: the unit of work of a farm."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from render.dataset_format import (
    FrameGeometry,
    GroundTruth,
    QuarantinedFrame,
    read_ground_truth,
    read_rgb,
    write_ground_truth,
    write_rgb,
)
from render.frame_keys import frame_key
from render.heads.model import HeadModel
from render.parameters import PERSON_FACTORS, FrameParameters
from render.quarantine import CheckedFrames
from render.recipe_head import recipe_head
from render.sampling.frame import draw_frame
from render.sensors.measured_frames import find_ground_truth, measure_frame
from render.sensors.millimetre_png import read_millimetres, write_millimetres
from render.shard_draft import Draft, add_record, open_drafts, publish_draft
from render.shard_plan import PlannedFrame, PlannedShard, Product, ShardPlan, shard_folder

Progress = Callable[[int, int, str], None]
People = list[tuple[PlannedFrame, FrameParameters]]


class ShardError(Exception):
    """A shard cannot be rendered or stored; the message names the frame or file and what to do."""


def render_element(
    plan: ShardPlan,
    element: int,
    *,
    device: str,
    assets_source: str | None,
    cache: Path,
    report_progress: Progress,
    quarantine: bool = True,
) -> list[Path]:
    """Render what is still missing of one element and publish it; returns the published folders.

    What a sensor measures is made last, of ground truth that is published: that of this element or of any other. Where
    nothing else is missing, nothing is rendered.

    Safe to run twice, and twice at once: what is published is left alone, and the loser of a race deletes its copy.
    `report_progress(done, total, stage)` is called after every frame. A frame that fails its checks is rendered once
    more; when it fails again it is quarantined: its shard is published without it and says so. Where `quarantine` is
    false it is an error instead.

    Raises: ShardError, QuarantineError, BadFrameError, DatasetError, DeviceError, AssetError.
    """
    if not 0 <= element < len(plan.elements):
        raise ShardError(f"the plan has elements 0 to {len(plan.elements) - 1}, but element {element} was asked for")
    shard = plan.elements[element]
    folders: dict[Product, Path] = {name: shard_folder(Path(plan.store), shard, name) for name in shard.products}
    missing: tuple[Product, ...] = tuple(product for product in shard.products if not folders[product].exists())
    total = len(shard.frames)
    if not missing:
        report_progress(total, total, "published")
        return list(folders.values())

    people = _by_person(plan, shard.frames)
    rendered: tuple[Product, ...] = tuple(product for product in missing if product != "sensor")
    if rendered:
        model = recipe_head(plan.recipe, assets_source=assets_source, cache=cache, planned=plan.assets)
        checked = CheckedFrames(total=total, allow=quarantine)
        with open_drafts(folders, rendered) as drafts:
            _render(plan, people, drafts, model, checked, device=device, report_progress=report_progress)
    if "sensor" in missing:
        already = total if rendered else 0  # progress never goes back
        with open_drafts(folders, ("sensor",)) as (draft,):
            _measure(plan, shard, people, draft, already=already, report_progress=report_progress)
    return list(folders.values())


def _render(
    plan: ShardPlan,
    people: list[People],
    drafts: list[Draft],
    model: HeadModel,
    checked: CheckedFrames,
    *,
    device: str,
    report_progress: Progress,
) -> None:
    """Draw every frame, write its products into their drafts, and publish these."""
    from render.blender.draw import draw_frame as render_frame
    from render.blender.draw import open_stage, person_on_stage

    started = time.perf_counter()
    products = [draft.product for draft in drafts]
    stage = open_stage(device=device, products=products)  # pyright: ignore[reportArgumentType]
    seconds: dict[str, float] = {"start": time.perf_counter() - started}
    done = 0
    for frames in people:
        started = time.perf_counter()
        with person_on_stage(stage, model, frames[0][1], level=plan.recipe.heads.subdivision_level) as person:
            seconds["person"] = seconds.get("person", 0.0) + time.perf_counter() - started
            for frame, parameters in frames:
                seed = int(frame.keys["rgb"][:7], 16)
                render = partial(
                    render_frame,
                    stage,
                    person,
                    parameters,
                    plan.recipe.rgb,
                    noise_seed=seed,
                    image_folder=plan.recipe.backdrops.image_folder,
                )
                drawn = checked.draw(frame, render)
                done += 1
                if drawn is not None:
                    started = time.perf_counter()
                    for draft in drafts:
                        _write_frame(draft, plan, frame, parameters, drawn.truth, drawn.geometry, drawn.rgb_srgb)
                    for name, spent in {**drawn.seconds, "encode": time.perf_counter() - started}.items():
                        seconds[name] = seconds.get(name, 0.0) + spent
                report_progress(done, checked.total, "rendering")
    for draft in drafts:
        bad = checked.quarantined(draft.product, str(draft.final.relative_to(plan.store)))
        publish_draft(draft, plan, bad, retried=checked.retried, seconds=seconds, device=device)


def _measure(
    plan: ShardPlan,
    shard: PlannedShard,
    people: list[People],
    draft: Draft,
    *,
    already: int,
    report_progress: Progress,
) -> None:
    """Measure every frame whose ground truth is published, and publish that; frames that have none are quarantined."""
    started = time.perf_counter()
    truth = find_ground_truth(Path(plan.store), shard)
    bad: list[QuarantinedFrame] = []
    for done, (frame, parameters) in enumerate((one for frames in people for one in frames), start=1):
        key, gt_key = frame.keys["sensor"], frame.keys["gt"]
        if gt_key in truth.files:
            measured_mm = measure_frame(*truth.files[gt_key], plan.recipe.sensor, frame_key=key)
            path = draft.temporary / f"{len(draft.records):06d}.png"
            write_millimetres(path, measured_mm)
            if not np.array_equal(read_millimetres(path), measured_mm):
                raise ShardError(f"{path} does not read back as it was written; check the disk")
            add_record(draft, plan, frame, parameters, path, geometry=None)
        else:
            bad.append(truth.quarantined[gt_key].model_copy(update={"key": key}))
        report_progress(max(done, already), len(shard.frames), "measuring")
    seconds = {"measure": time.perf_counter() - started}
    publish_draft(draft, plan, tuple(bad), retried=[], seconds=seconds, device="cpu")


def _by_person(plan: ShardPlan, frames: tuple[PlannedFrame, ...]) -> list[People]:
    """Consecutive frames of the same person together; each frame's key is checked against the plan."""
    groups: list[People] = []
    for frame in frames:
        parameters = draw_frame(plan.recipe, frame.split, frame.index)
        for product, planned in frame.keys.items():
            actual = frame_key(parameters, product, plan.recipe, plan.assets)
            if actual != planned:
                raise ShardError(
                    f"frame {frame.split}/{frame.index}: the plan was made by another version of Headroom or bpy "
                    f"(its {product} key is {planned}, this one makes {actual}). Plan again with this version."
                )
        previous = groups[-1][-1][1] if groups else None
        if previous and all(getattr(previous, factor) == getattr(parameters, factor) for factor in PERSON_FACTORS):
            groups[-1].append((frame, parameters))
        else:
            groups.append([(frame, parameters)])
    return groups


def _write_frame(
    draft: Draft,
    plan: ShardPlan,
    frame: PlannedFrame,
    parameters: FrameParameters,
    truth: GroundTruth | None,
    geometry: FrameGeometry | None,
    rgb_srgb: np.ndarray | None,
) -> None:
    suffix = "exr" if draft.product == "gt" else plan.recipe.rgb.file_format
    path = draft.temporary / f"{len(draft.records):06d}.{suffix}"
    if draft.product == "gt":
        assert truth is not None
        write_ground_truth(path, truth)
        if not np.array_equal(read_ground_truth(path).visible.depth_m, truth.visible.depth_m):
            raise ShardError(f"{path} does not read back as it was written; check the disk")
    else:
        assert rgb_srgb is not None
        write_rgb(path, rgb_srgb, jpeg_quality=plan.recipe.rgb.jpeg_quality)
        if read_rgb(path).shape != rgb_srgb.shape:
            raise ShardError(f"{path} does not read back as it was written; check the disk")
    add_record(draft, plan, frame, parameters, path, geometry=geometry if draft.product == "gt" else None)
