"""RenderChunk: some shards of a dataset's open plan, for one of several hosts that run the same luigi command."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import luigi

from pipeline.devices import chosen_device
from pipeline.engines.local import local_engine
from pipeline.engines.shard_work import WORK_NOTE, note_shard_work, shard_work
from pipeline.engines.work import Work
from pipeline.open_plan import ShardsToRender, open_plan
from pipeline.planning import DatasetPlan
from pipeline.run_settings import RunSettings
from pipeline.tasks.certify import Certify
from pipeline.tasks.parameters import RunTask, engine_settings, render_command
from render.shard_plan import ShardPlan, read_plan

# Luigi's scheduling is quadratic in tasks; with this many a host that dies loses half a percent of the work.
MOST_CHUNKS = 200


class RenderChunk(RunTask):
    """Elements `first` to `last` of a plan in the store, all published."""

    plan: luigi.Parameter[str] = luigi.Parameter(description="name of a plan in the store")
    first: luigi.IntParameter = luigi.IntParameter(description="first element")
    last: luigi.IntParameter = luigi.IntParameter(description="last element")

    def requires(self) -> luigi.Task:
        """The proof that the ground truth of these heads is exact."""
        return self.clone(Certify)

    def complete(self) -> bool:
        """Whether every element is published, by whoever."""
        return all(element.published() for element in self._chunk().elements)

    def work(self) -> None:
        """Raises: PipelineError when an element cannot be rendered."""
        whole, chunk = self._whole(), self._chunk()
        if not (whole.folder / WORK_NOTE).exists():
            note_shard_work(read_plan(self._path()), whole)
        local_engine(engine_settings())(chunk)

    def _path(self) -> Path:
        return self.settings.store / "plans" / f"{self.plan}.jsonl"

    def _whole(self) -> Work:
        settings = self.settings
        return _work_of_file(self._path(), settings.store, chosen_device(settings.device), settings.assets_source)

    def _chunk(self) -> Work:
        work = self._whole()
        elements = work.elements[self.first : self.last + 1]
        return replace(work, label=f"render {self.first}-{self.last}", elements=elements)


def chunks(task: RunTask, dataset: DatasetPlan, missing: ShardsToRender) -> list[luigi.Task]:
    """The tasks that render a dataset's open plan, the same on every host; no more than luigi can bear."""
    plan, path = open_plan(dataset, task.settings.store, missing)
    count = min(MOST_CHUNKS, len(plan.elements))
    bounds = [len(plan.elements) * part // count for part in range(count + 1)] if count else []
    return [task.clone(RenderChunk, plan=path.stem, first=start, last=end - 1) for start, end in pairwise(bounds)]


def plan_work(
    plan: ShardPlan,
    path: Path,
    *,
    store: Path,
    command: Sequence[str],
    device: str,
    assets_source: str | None,
) -> Work:
    """A plan in the store as work: `command` starts a renderer, which is handed the device and where assets are."""
    options = ["--device", device, *(["--assets", assets_source] if assets_source else [])]
    return shard_work(plan, path, command=command, options=options, folder=store / "logs" / path.stem)


def work_here(settings: RunSettings, plan: ShardPlan, path: Path) -> Work:
    """A plan in the store as work for the engines of this run."""
    device = chosen_device(settings.device)
    return plan_work(
        plan,
        path,
        store=settings.store,
        command=render_command(),
        device=device,
        assets_source=settings.assets_source,
    )


# Every chunk asks for it more than once, and a plan of a million frames takes seconds to read.
@lru_cache(maxsize=2)
def _work_of_file(path: Path, store: Path, device: str, assets_source: str | None) -> Work:
    return plan_work(
        read_plan(path), path, store=store, command=render_command(), device=device, assets_source=assets_source
    )
