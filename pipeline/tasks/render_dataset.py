"""RenderDataset: plan, render what no earlier dataset has rendered, publish the dataset."""

import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import luigi

from pipeline.console import say
from pipeline.dataset_index import publish_dataset
from pipeline.devices import chosen_device
from pipeline.engines.local import local_engine
from pipeline.engines.shard_work import note_shard_work, shard_work
from pipeline.frame_lookup import look_up_frames
from pipeline.identity import key_of
from pipeline.luigi_progress import told_to_luigi
from pipeline.plan_summary import count_frames, describe_plan
from pipeline.planning import keep_plan, quarantined_rows, shards_to_render
from pipeline.results import timed
from pipeline.run_settings import dataset_plan, run_keys
from pipeline.status_text import headline, pace
from pipeline.store import is_published, prepare_store, published_folder, remove_stale_temporaries
from pipeline.store_lock import store_lock
from pipeline.tasks.certify import Certify
from pipeline.tasks.parameters import RunTask, engine_settings, render_command
from pipeline.work_status import read_work
from render.dataset_format import DATASET_CERTIFICATE
from render.shard_plan import PlannedShard, ShardPlan, plan_id, write_plan


class RenderDataset(RunTask):
    """Every frame of the recipe published, and a dataset that lists them. Frames of earlier datasets are used again."""

    def requires(self) -> luigi.Task:
        """The proof that the ground truth of these heads is exact; it requires their assets."""
        return self.clone(Certify)

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
                found = look_up_frames(store)
                shards = shards_to_render(
                    plan.frames, found.published, found.quarantined, shard_size=plan.recipe.structure.shard_size
                )
                say("render", describe_plan(plan, shards))
                if shards:
                    self._render(shards)
                    remove_stale_temporaries(store)
                quarantined = look_up_frames(store).quarantined
                bad = int(quarantined_rows(plan.frames, quarantined).sum())
                facts |= {"frames": len(plan.frames), "rendered": count_frames(plan, shards), "quarantined": bad}
                certificate = published_folder(store, "certificates", key_of(run_keys(self.options).certificate))
                folder = publish_dataset(plan, store, certificate=certificate / DATASET_CERTIFICATE)
            if bad:
                say("render", quarantine_warning(bad, len(plan.frames), store))
            say("render", f"dataset {plan.recipe.name} is {folder}")

    def _render(self, shards: tuple[PlannedShard, ...]) -> None:
        settings, dataset = self.settings, dataset_plan(self.options)
        plan = ShardPlan(recipe=dataset.recipe, store=str(settings.store), assets=dataset.assets, elements=shards)
        name = plan_id(plan)
        plan_path = settings.store / "plans" / f"{name}.jsonl"
        write_plan(plan_path, plan)
        device = chosen_device(settings.device)
        say("render", f"{len(shards)} shards on the {device}; logs are in {settings.store / 'logs' / name}")
        options = ["--device", device]
        if settings.assets_source:
            options += ["--assets", settings.assets_source]
        folder = settings.store / "logs" / name
        work = shard_work(plan, plan_path, command=render_command(), options=options, folder=folder)
        note_shard_work(plan, work)
        with told_to_luigi(self, partial(how_far, folder, settings.store)):
            local_engine(engine_settings())(work)


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
