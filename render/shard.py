"""Render one element of a plan and publish its shards: the unit of work of a farm."""

import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np

from render.dataset_format import (
    FORMAT_VERSION,
    SHARD_MANIFEST,
    SHARD_RECORDS,
    SHARD_RUN,
    FrameGeometry,
    FrameRecord,
    GroundTruth,
    ShardManifest,
    canonical_json,
    file_sha256,
    publish,
    read_ground_truth,
    read_rgb,
    write_ground_truth,
    write_rgb,
)
from render.frame_keys import frame_key, identity_id, product_assets, product_epochs, software_versions
from render.heads.families import load_head_model
from render.parameters import FrameParameters, factor_values
from render.sampling.frame import draw_frame
from render.shard_plan import PlannedFrame, Product, ShardPlan, shard_folder

# What a person on the stage is made of: frames that agree in all of it are rendered on one person.
PERSON_FACTORS = ("identity", "skin", "eyes", "outfit", "fabric")


class ShardError(Exception):
    """A shard cannot be rendered or stored; the message names the frame or file and what to do."""


@dataclass
class _Draft:
    """A shard of one product while it is being written, under a name that nobody takes for a shard."""

    product: Product
    temporary: Path
    final: Path
    records: list[FrameRecord] = field(default_factory=list)


def render_element(
    plan: ShardPlan,
    element: int,
    *,
    device: str,
    assets_source: str | None,
    cache: Path,
    report_progress: Callable[[int, int, str], None],
) -> list[Path]:
    """Render what is still missing of one element and publish it; returns the published folders.

    Safe to run twice, and twice at once: what is published is left alone, and the loser of a race deletes its copy.
    `report_progress(done, total, stage)` is called after every frame.

    Raises: ShardError, GroundTruthError, DeviceError, AssetError.
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

    from render.blender.draw import draw_frame as render_frame
    from render.blender.draw import open_stage, person_on_stage

    model = load_head_model(plan.recipe.heads.family, assets_source=assets_source, cache=cache)
    started = time.perf_counter()
    stage = open_stage(device=device, products=missing)  # pyright: ignore[reportArgumentType]
    seconds: dict[str, float] = {"start": time.perf_counter() - started}
    drafts = [_open_draft(product, folders[product]) for product in missing]
    try:
        done = 0
        for people in _by_person(plan, shard.frames):
            started = time.perf_counter()
            with person_on_stage(stage, model, people[0][1], level=plan.recipe.heads.subdivision_level) as person:
                seconds["person"] = seconds.get("person", 0.0) + time.perf_counter() - started
                for frame, parameters in people:
                    drawn = render_frame(
                        stage, person, parameters, plan.recipe.rgb, noise_seed=int(frame.keys["rgb"][:7], 16)
                    )
                    started = time.perf_counter()
                    for draft in drafts:
                        _write_frame(draft, plan, frame, parameters, drawn.truth, drawn.geometry, drawn.rgb_srgb)
                    for name, spent in {**drawn.seconds, "encode": time.perf_counter() - started}.items():
                        seconds[name] = seconds.get(name, 0.0) + spent
                    done += 1
                    report_progress(done, total, "rendering")
        for draft in drafts:
            _publish(draft, seconds=seconds, device=device)
    finally:
        for draft in drafts:
            shutil.rmtree(draft.temporary, ignore_errors=True)
    return list(folders.values())


def _by_person(plan: ShardPlan, frames: tuple[PlannedFrame, ...]) -> list[list[tuple[PlannedFrame, FrameParameters]]]:
    """Consecutive frames of the same person together; each frame's key is checked against the plan."""
    groups: list[list[tuple[PlannedFrame, FrameParameters]]] = []
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


def _open_draft(product: Product, final: Path) -> _Draft:
    temporary = final.parent / f".tmp-{final.name}-{socket.gethostname()}-{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    return _Draft(product=product, temporary=temporary, final=final)


def _write_frame(
    draft: _Draft,
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
    draft.records.append(
        FrameRecord(
            key=frame.keys[draft.product],
            product=draft.product,
            identity_id=identity_id(parameters, plan.assets),
            drawn=factor_values(parameters, draft.product),
            assets=product_assets(parameters, draft.product, plan.assets),
            epochs=product_epochs(draft.product),
            software=software_versions(),
            file=path.name,
            file_sha256=file_sha256(path),
            geometry=geometry if draft.product == "gt" else None,
        )
    )


def _publish(draft: _Draft, *, seconds: dict[str, float], device: str) -> None:
    """Write records, manifest and the run's facts (which alone may differ between two runs), then rename."""
    table = draft.temporary / SHARD_RECORDS
    table.write_text("".join(canonical_json(record.model_dump(mode="json")) + "\n" for record in draft.records))
    manifest = ShardManifest(
        format_version=FORMAT_VERSION,
        product=draft.product,
        frame_keys=tuple(record.key for record in draft.records),
        records_sha256=file_sha256(table),
    )
    (draft.temporary / SHARD_MANIFEST).write_text(canonical_json(manifest.model_dump(mode="json")) + "\n")
    run = {
        "frames": len(draft.records),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "device": device,
        "threads": len(os.sched_getaffinity(0)),
        "host": socket.gethostname(),
        "headroom": version("headroom"),
    }
    (draft.temporary / SHARD_RUN).write_text(json.dumps(run, indent=1) + "\n")
    publish(draft.temporary, draft.final)
