"""A plan of shards as work for an engine: an element is a shard of every product of its frames."""

import json
import os
import socket
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from pipeline.engines.work import Element, Work
from pipeline.store import write_atomically
from render.dataset_format import SHARD_MANIFEST
from render.shard_plan import PlannedShard, ShardPlan, shard_folder

# Blender and its scene take seconds to start, hence several shards in one process; its pools and the glibc heap grow
# by some megabytes in a hundred frames, hence not all of them.
FRAMES_OF_A_PROCESS = 400
WORK_NOTE = "work.json"


def shard_work(
    plan: ShardPlan, plan_path: Path, *, command: Sequence[str], options: Sequence[str], folder: Path
) -> Work:
    """The work of a plan that lies at `plan_path`; logs and progress files go to `folder`.

    `command` starts a renderer; `options` (`--device`, `--assets`) are handed to each of them.
    """
    store = Path(plan.store)
    return Work(
        label="render",
        unit="frames",
        command=(*command, "shard", "--plan", str(plan_path), *options),
        elements=tuple(
            Element(
                number=number,
                size=len(shard.frames),
                what=frames_of(shard),
                # Names of folders, not the frames: a million of them would stay in memory.
                published=partial(are_published, tuple(shard_folder(store, shard, name) for name in shard.products)),
            )
            for number, shard in enumerate(plan.elements)
        ),
        device="gpu" if ("--device", "gpu") in pairwise(options) else "cpu",
        together=max(1, FRAMES_OF_A_PROCESS // max((len(shard.frames) for shard in plan.elements), default=1)),
        folder=folder,
    )


def are_published(folders: Sequence[Path]) -> bool:
    """Whether all these shards are published."""
    return all((folder / SHARD_MANIFEST).is_file() for folder in folders)


def frames_of(shard: PlannedShard) -> str:
    """Which frames a shard holds, in words."""
    first, last = shard.frames[0], shard.frames[-1]
    return f"frames {first.split}/{first.index} to {last.split}/{last.index}"


def note_shard_work(plan: ShardPlan, work: Work) -> None:
    """Write into the work's folder what `python -m pipeline status` must know of it, so that it need not read the plan.

    `elements` has for each the number of frames and the folders, relative to the store, that it publishes.
    """
    store = Path(plan.store)
    note = {
        "recipe": plan.recipe.name,
        "device": work.device,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started_s": round(time.time(), 3),
        "published_before": sum(element.size for element in work.elements if element.published()),
        "elements": [
            {
                "frames": element.size,
                "what": element.what,
                "folders": [str(shard_folder(store, shard, name).relative_to(store)) for name in shard.products],
            }
            for element, shard in zip(work.elements, plan.elements, strict=True)
        ],
    }
    write_atomically(work.folder / WORK_NOTE, json.dumps(note) + "\n")
