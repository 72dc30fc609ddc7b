"""Render and measure one element of a plan and publish its shards: the unit of work of a farm."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from render.dataset_format import QuarantinedFrame
from render.quarantine import Quarantine
from render.sensors.measured_frames import find_ground_truth, measure_frame
from render.sensors.millimetre_png import read_millimetres, write_millimetres
from render.shard_draft import Draft, add_record, open_drafts, publish_draft
from render.shard_frames import DrawnPlan, FrameFiles, FramesJob, ShardError, drawn_plans, render_frames
from render.shard_plan import PlannedShard, Product, ShardPlan, shard_folder
from render.side_by_side import Crew

Progress = Callable[[int, int, str], None]


def render_element(
    plan: ShardPlan,
    element: int,
    *,
    device: str,
    assets_source: str | None,
    cache: Path,
    report_progress: Progress,
    quarantine: bool = True,
    crew: Crew | None = None,
    blend: Path | None = None,
) -> list[Path]:
    """Render what is still missing of one element and publish it; returns the published folders.

    A crew shares the frames among its processes; without one, this process renders. Pixels are the same. What a sensor
    measures is made last, of ground truth that is published: that of this element or of any other. Where nothing else
    is missing, nothing is rendered.

    Safe to run twice, and twice at once: what is published is left alone, and the loser of a race deletes its copy.
    `report_progress(done, total, stage)` is called after every frame. A frame that fails its checks is rendered once
    more; when it fails again it is quarantined: its shard is published without it and says so. Where `quarantine` is
    false it is an error instead. The scene of an element's only frame is saved as the file `blend`, if one is named.

    Raises: ShardError, QuarantineError, BadFrameError, DatasetError, DeviceError, AssetError, ProcessLostError.
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

    frames = drawn_plans(plan.recipe, shard.frames, plan.assets)
    rendered: tuple[Product, ...] = tuple(product for product in missing if product != "sensor")
    if rendered:
        with open_drafts(folders, rendered) as drafts:
            jobs = _jobs(
                plan, frames, drafts, crew, device=device, assets_source=assets_source, cache=cache, blend=blend
            )
            account = Quarantine(total=total, allow=quarantine)
            _render(plan, jobs, drafts, account, crew, report_progress=report_progress)
    if "sensor" in missing:
        already = total if rendered else 0  # progress never goes back
        with open_drafts(folders, ("sensor",)) as (draft,):
            _measure(plan, shard, frames, draft, already=already, report_progress=report_progress)
    return list(folders.values())


def _jobs(
    plan: ShardPlan,
    frames: Sequence[DrawnPlan],
    drafts: list[Draft],
    crew: Crew | None,
    *,
    device: str,
    assets_source: str | None,
    cache: Path,
    blend: Path | None,
) -> list[FramesJob]:
    """Neighbours stay together, so that few people are built in two processes."""
    processes = min(crew.processes, len(frames)) if crew else 1
    bounds = [len(frames) * part // processes for part in range(processes + 1)]
    return [
        FramesJob(
            recipe=plan.recipe,
            frames=tuple(frames[start:end]),
            folders={draft.product: draft.temporary for draft in drafts},
            device=device,
            assets=plan.assets,
            assets_source=assets_source,
            cache=cache,
            sent_s=time.monotonic(),
            blend=blend,
        )
        for start, end in pairwise(bounds)
    ]


def _render(
    plan: ShardPlan,
    jobs: list[FramesJob],
    drafts: list[Draft],
    account: Quarantine,
    crew: Crew | None,
    *,
    report_progress: Progress,
) -> None:
    """Have all frames rendered into the drafts, and publish these."""
    started = time.perf_counter()
    results: list[FrameFiles] = []
    for result in crew.run(render_frames, jobs) if crew else render_frames(jobs[0]):
        account.note(result.drawn.frame, result.failures)
        results.append(result)
        report_progress(len(results), account.total, "rendering")
    results.sort(key=lambda result: result.drawn.position)
    for draft in drafts:
        for result in results:
            if draft.product in result.files:
                geometry = result.geometry if draft.product == "gt" else None
                drawn = result.drawn
                path = result.files[draft.product]
                add_record(draft, plan, drawn.frame, drawn.parameters, path, geometry=geometry)
    # Of processes side by side the mean, so that the stages add up to the clock.
    spent: Counter[str] = Counter()
    for result in results:
        spent.update(result.seconds)
    seconds = {name: value / len(jobs) for name, value in spent.items()}
    seconds["other"] = time.perf_counter() - started - sum(seconds.values())
    for draft in drafts:
        bad = account.quarantined(draft.product, str(draft.final.relative_to(plan.store)))
        publish_draft(
            draft, plan, bad, retried=account.retried, seconds=seconds, device=jobs[0].device, processes=len(jobs)
        )


def _measure(
    plan: ShardPlan,
    shard: PlannedShard,
    frames: Sequence[DrawnPlan],
    draft: Draft,
    *,
    already: int,
    report_progress: Progress,
) -> None:
    """Measure every frame whose ground truth is published, and publish that; frames that have none are quarantined."""
    started = time.perf_counter()
    truth = find_ground_truth(Path(plan.store), shard)
    bad: list[QuarantinedFrame] = []
    for done, drawn in enumerate(frames, start=1):
        key, gt_key = drawn.frame.keys["sensor"], drawn.frame.keys["gt"]
        if gt_key in truth.files:
            measured_mm = measure_frame(*truth.files[gt_key], plan.recipe.sensor, frame_key=key)
            path = draft.temporary / f"{drawn.position:06d}.png"
            write_millimetres(path, measured_mm)
            if not np.array_equal(read_millimetres(path), measured_mm):
                raise ShardError(f"{path} does not read back as it was written; check the disk")
            add_record(draft, plan, drawn.frame, drawn.parameters, path, geometry=None)
        else:
            bad.append(truth.quarantined[gt_key].model_copy(update={"key": key}))
        report_progress(max(done, already), len(shard.frames), "measuring")
    seconds = {"measure": time.perf_counter() - started}
    publish_draft(draft, plan, tuple(bad), retried=[], seconds=seconds, device="cpu", processes=1)
