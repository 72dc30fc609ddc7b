"""RenderDataset: plan, render what no earlier dataset has rendered, publish the dataset."""

import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path

import luigi

from pipeline.console import counted, say
from pipeline.dataset_index import publish_dataset
from pipeline.engines.choice import engine_named
from pipeline.engines.shard_work import note_shard_work
from pipeline.frame_lookup import look_up_frames
from pipeline.identity import key_of
from pipeline.luigi_progress import told_to_luigi
from pipeline.open_plan import close_plan, is_open, open_plan, written_plan
from pipeline.plan_summary import count_frames, describe_plan
from pipeline.planning import DatasetPlan, keep_plan, quarantined_rows, shards_to_render
from pipeline.results import timed
from pipeline.run_settings import dataset_plan, run_keys
from pipeline.status_text import headline, pace
from pipeline.store import is_published, prepare_store, published_folder, remove_stale_temporaries
from pipeline.store_lock import store_lock
from pipeline.tasks.certify import Certify
from pipeline.tasks.farm_parameters import slurm_settings
from pipeline.tasks.parameters import RunTask, engine_settings
from pipeline.tasks.render_chunk import chunks, work_here
from pipeline.work_status import read_work
from render.dataset_format import DATASET_CERTIFICATE, Product
from render.shard_plan import PlannedShard, ShardPlan


class RenderDataset(RunTask):
    """Every frame of the recipe published, and a dataset that lists them. Frames of earlier datasets are used again."""

    def requires(self) -> list[luigi.Task]:
        """The proof that the ground truth of these heads is exact, which requires their assets. Where several hosts
        share the work, also its parts."""
        certificate = self.clone(Certify)
        if self.engine != "luigid":
            return [certificate]
        plan, store = dataset_plan(self.options), self.settings.store
        prepare_store(store)
        return [certificate, *chunks(self, plan, lambda: missing_shards(plan, store))]

    def complete(self) -> bool:
        """Whether the dataset is published."""
        plan = dataset_plan(self.options)
        published = is_published(self.settings.store, "datasets", plan.dataset_id)
        if published:
            with suppress(OSError):  # a store that may only be read serves as well, and is slower
                keep_plan(plan, self.settings.store)
        return published

    def work(self) -> None:
        """Raises: PipelineError when an element cannot be rendered, DatasetError when the store holds wrong shards."""
        store, plan = self.settings.store, dataset_plan(self.options)
        prepare_store(store)
        # One lock for all datasets: two recipes that share frames would else render them twice.
        with store_lock(store, "render"):
            if self.complete():
                return
            for folder in remove_stale_temporaries(store):
                say("render", f"removed {folder}, left by a run that died")
            keep_plan(plan, store)
            with timed(store, "datasets", plan.dataset_id, stage="render") as facts:
                shards = missing_shards(plan, store)
                say("render", describe_plan(plan, shards))
                rendered = count_frames(plan, shards)
                if self.engine != "local":
                    rendered = self._render_on_farm(plan)
                elif shards:
                    self._render(*written_plan(plan, store, shards))
                remove_stale_temporaries(store)
                quarantined = look_up_frames(store).quarantined
                bad = int(quarantined_rows(plan.frames, quarantined).sum())
                facts |= {"frames": len(plan.frames), "rendered": rendered, "quarantined": bad}
                certificate = published_folder(store, "certificates", key_of(run_keys(self.options).certificate))
                folder = publish_dataset(plan, store, certificate=certificate / DATASET_CERTIFICATE)
            if bad:
                say("render", quarantine_warning(bad, len(plan.frames), store))
            say("render", f"dataset {plan.recipe.name} is {folder}")

    def _render_on_farm(self, dataset: DatasetPlan) -> dict[Product, int]:
        """Have the open plan rendered, and then what it lacks, when it is older than a change of the store. Returns
        the frames of both by product."""
        store = self.settings.store
        rendered: Counter[Product] = Counter()
        while is_open(dataset, store) or missing_shards(dataset, store):
            plan, path = open_plan(dataset, store, lambda: missing_shards(dataset, store))
            self._render(plan, path)
            close_plan(dataset, store)
            rendered.update(count_frames(dataset, plan.elements))
        return dict(rendered)

    def _render(self, plan: ShardPlan, plan_path: Path) -> None:
        work = work_here(self.settings, plan, plan_path)
        say("render", f"{counted(len(plan.elements), 'shard')} on the {work.device}; logs are in {work.folder}")
        note_shard_work(plan, work)
        engine = engine_named(self.engine, local=engine_settings(), slurm=slurm_settings())
        with told_to_luigi(self, partial(how_far, work.folder, self.settings.store)):
            engine(work)


def missing_shards(plan: DatasetPlan, store: Path) -> tuple[PlannedShard, ...]:
    """Shards of every frame of a dataset that is neither published nor quarantined now."""
    found = look_up_frames(store)
    return shards_to_render(
        plan.frames, found.published, found.quarantined, shard_size=plan.recipe.structure.shard_size
    )


def how_far(folder: Path, store: Path) -> tuple[float, str]:
    """The share of a work's frames that is made, and its state in words."""
    work = read_work(folder, store, now_s=time.time())
    return (work.published + work.unfinished) / max(1, work.frames), f"{headline(work)}; {pace(work)}"


def quarantine_warning(count: int, planned: int, store: Path) -> str:
    """What a run says, loudly, when frames of its dataset failed their checks."""
    return (
        f"WARNING: {count} of {planned} frames failed their checks and are not in the dataset; "
        f"`python -m render quarantine --store {store}` lists them with their reasons"
    )
