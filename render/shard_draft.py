"""Draft: a shard of one product while it is being written, under a name that nobody takes for a shard."""

import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import yaml

from render.dataset_format import (
    FORMAT_VERSION,
    SHARD_MANIFEST,
    SHARD_RECIPE,
    SHARD_RECORDS,
    SHARD_RUN,
    FrameGeometry,
    FrameRecord,
    QuarantinedFrame,
    ShardManifest,
    canonical_json,
    file_sha256,
    publish,
)
from render.frame_keys import identity_id, product_assets, product_epochs, software_versions
from render.parameters import FrameParameters, factor_values
from render.shard_plan import PlannedFrame, Product, ShardPlan


@dataclass
class Draft:
    """Where a shard is being written, where it will be published, and the records of its frames so far."""

    product: Product
    temporary: Path
    final: Path
    records: list[FrameRecord] = field(default_factory=list)


@contextmanager
def open_drafts(folders: dict[Product, Path], products: tuple[Product, ...]) -> Iterator[list[Draft]]:
    """A draft for each product; what was not published of it is deleted at the end."""
    drafts = []
    try:
        for product in products:
            final = folders[product]
            # A token, because two containers may share the name of their host and count processes from 1 both.
            name = f".tmp-{final.name}_{secrets.token_hex(4)}-{socket.gethostname()}-{os.getpid()}"
            temporary = final.parent / name
            temporary.mkdir(parents=True)
            drafts.append(Draft(product=product, temporary=temporary, final=final))
        yield drafts
    finally:
        for draft in drafts:
            shutil.rmtree(draft.temporary, ignore_errors=True)


def add_record(
    draft: Draft,
    plan: ShardPlan,
    frame: PlannedFrame,
    parameters: FrameParameters,
    path: Path,
    *,
    geometry: FrameGeometry | None,
) -> None:
    """Add the record of a frame whose file lies in the draft."""
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
            geometry=geometry,
        )
    )


def publish_draft(
    draft: Draft,
    plan: ShardPlan,
    quarantined: tuple[QuarantinedFrame, ...],
    *,
    retried: list[dict],
    seconds: dict[str, float],
    device: str,
    processes: int,
) -> None:
    """Write records, manifest and the run's facts (which alone may differ between two runs), then rename.

    Of two processes that publish the same shard, the second to come leaves its draft to be deleted.
    """
    table = draft.temporary / SHARD_RECORDS
    table.write_text("".join(canonical_json(record.model_dump(mode="json")) + "\n" for record in draft.records))
    manifest = ShardManifest(
        format_version=FORMAT_VERSION,
        product=draft.product,
        frame_keys=tuple(record.key for record in draft.records),
        records_sha256=file_sha256(table),
        quarantined=quarantined,
    )
    if manifest.quarantined:  # what its command reads
        recipe = yaml.safe_dump(plan.recipe.model_dump(mode="json"), sort_keys=False)
        (draft.temporary / SHARD_RECIPE).write_text(recipe)
    (draft.temporary / SHARD_MANIFEST).write_text(canonical_json(manifest.model_dump(mode="json")) + "\n")
    run = {
        "frames": len(draft.records),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "retried": retried,
        "device": device,
        "processes": processes,
        "threads": len(os.sched_getaffinity(0)),
        "host": socket.gethostname(),
        "headroom": version("headroom"),
    }
    (draft.temporary / SHARD_RUN).write_text(json.dumps(run, indent=1) + "\n")
    publish(draft.temporary, draft.final)
