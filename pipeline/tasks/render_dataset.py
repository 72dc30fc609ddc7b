"""RenderDataset: plan, render what no earlier dataset has rendered, publish the dataset."""

from pathlib import Path

import luigi

from pipeline.console import say
from pipeline.dataset_index import publish_dataset
from pipeline.devices import chosen_device
from pipeline.engines.local import local_engine
from pipeline.engines.shard_work import note_shard_work, shard_work
from pipeline.frame_lookup import look_up_frames
from pipeline.identity import key_of
from pipeline.plan_summary import count_frames, describe_plan
from pipeline.planning import is_quarantined, shards_to_render
from pipeline.results import timed
from pipeline.run_settings import dataset_plan, run_keys
from pipeline.store import is_published, prepare_store, published_folder, remove_stale_temporaries, write_atomically
from pipeline.store_lock import store_lock
from pipeline.tasks.certify import Certify
from pipeline.tasks.parameters import RunTask, engine_settings, render_command
from render.dataset_format import DATASET_CERTIFICATE, canonical_sha256
from render.shard_plan import PlannedShard, ShardPlan


class RenderDataset(RunTask):
    """Every frame of the recipe published, and a dataset that lists them. Frames of earlier datasets are used again."""

    def requires(self) -> luigi.Task:
        """The proof that the ground truth of these heads is exact; it requires their assets."""
        return self.clone(Certify)

    def complete(self) -> bool:
        """Whether the dataset is published."""
        return is_published(self.settings.store, "datasets", dataset_plan(self.options).dataset_id)

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
            with timed(store, "datasets", plan.dataset_id, stage="render") as facts:
                found = look_up_frames(store)
                shards = shards_to_render(
                    plan.frames, found.published, found.quarantined, shard_size=plan.recipe.structure.shard_size
                )
                say("render", describe_plan(plan, shards))
                if shards:
                    self._render(shards)
                quarantined = look_up_frames(store).quarantined
                bad = sum(is_quarantined(frame, quarantined) for frame in plan.frames)
                facts |= {"frames": len(plan.frames), "rendered": count_frames(plan, shards), "quarantined": bad}
                certificate = published_folder(store, "certificates", key_of(run_keys(self.options).certificate))
                folder = publish_dataset(plan, store, certificate=certificate / DATASET_CERTIFICATE)
            if bad:
                say("render", quarantine_warning(bad, len(plan.frames), store))
            say("render", f"dataset {plan.recipe.name} is {folder}")

    def _render(self, shards: tuple[PlannedShard, ...]) -> None:
        settings, dataset = self.settings, dataset_plan(self.options)
        plan = ShardPlan(recipe=dataset.recipe, store=str(settings.store), assets=dataset.assets, elements=shards)
        text = plan.model_dump_json(indent=1)
        plan_id = canonical_sha256(text)[:24]
        plan_path = settings.store / "plans" / f"{plan_id}.json"
        write_atomically(plan_path, text + "\n")
        device = chosen_device(settings.device)
        say("render", f"{len(shards)} shards on the {device}; logs are in {settings.store / 'logs' / plan_id}")
        options = ["--device", device]
        if settings.assets_source:
            options += ["--assets", settings.assets_source]
        folder = settings.store / "logs" / plan_id
        work = shard_work(plan, plan_path, command=render_command(), options=options, folder=folder)
        note_shard_work(plan, work)
        local_engine(engine_settings())(work)


def quarantine_warning(count: int, planned: int, store: Path) -> str:
    """What a run says, loudly, when frames of its dataset failed their checks."""
    return (
        f"WARNING: {count} of {planned} frames failed their checks and are not in the dataset; "
        f"`python -m render quarantine --store {store}` lists them with their reasons"
    )
