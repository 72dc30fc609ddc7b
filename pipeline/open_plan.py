"""The open plan of a dataset: the one that a farm is at work on, which every later run keeps to until it is done.

What is missing changes with every published shard, and with it the plan that a run would make. Running job arrays, and
commands that were handed to another farm, are of one plan: its element numbers must keep their meaning.
"""

import os
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.planning import DatasetPlan
from pipeline.store import write_atomically
from render.dataset_format import canonical_sha256
from render.shard_plan import PlanError, PlannedShard, ShardPlan, plan_id, read_plan, write_plan

ShardsToRender = Callable[[], tuple[PlannedShard, ...]]


def written_plan(dataset: DatasetPlan, store: Path, shards: tuple[PlannedShard, ...]) -> tuple[ShardPlan, Path]:
    """A plan of these shards, and its file, which is named for its content."""
    plan = ShardPlan(recipe=dataset.recipe, store=str(store), assets=dataset.assets, elements=shards)
    path = store / "plans" / f"{plan_id(plan)}.jsonl"
    if not path.exists():
        write_plan(path, plan)
    return plan, path


def open_plan(dataset: DatasetPlan, store: Path, shards: ShardsToRender) -> tuple[ShardPlan, Path]:
    """The dataset's open plan and its file; where there is none, one of `shards()`, which is open from now on.

    Of several hosts that open one at once, all get the first one's. Raises: PipelineError when it cannot be read.
    """
    link = _link(dataset, store)
    if not link.exists():
        _, path = written_plan(dataset, store, shards())
        _first_come(link, f"{path.name}\n")
    path = store / "plans" / link.read_text(encoding="utf-8").strip()
    try:
        return read_plan(path), path
    except PlanError as error:
        raise PipelineError(f"the open plan {path} cannot be used ({error}); delete {link} and run again") from error


def is_open(dataset: DatasetPlan, store: Path) -> bool:
    """Whether a farm is, or was, at work on this dataset."""
    return _link(dataset, store).exists()


def close_plan(dataset: DatasetPlan, store: Path) -> None:
    """Forget the open plan, because all of it is published. The plan's file stays."""
    _link(dataset, store).unlink(missing_ok=True)


def _link(dataset: DatasetPlan, store: Path) -> Path:
    """Named for the frames, and for what else a plan says: another shard size is another plan."""
    said = canonical_sha256([dataset.recipe.model_dump(mode="json"), dataset.assets, str(store)])[:12]
    return store / "plans" / f"{dataset.dataset_id}-{said}.open"


def _first_come(path: Path, text: str) -> None:
    """Write a file unless another process was first; readers see it whole."""
    temporary = path.with_name(f".{path.name}.{os.uname().nodename}.{os.getpid()}")
    write_atomically(temporary, text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
