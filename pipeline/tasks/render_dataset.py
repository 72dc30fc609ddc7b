"""RenderDataset: plan, render what no earlier dataset has rendered, publish the dataset."""

import luigi

from pipeline.console import say
from pipeline.dataset_index import publish_dataset
from pipeline.devices import chosen_device
from pipeline.engines.local import render_missing
from pipeline.frame_lookup import published_shards
from pipeline.plan_summary import count_frames, describe_plan
from pipeline.planning import shards_to_render
from pipeline.results import timed
from pipeline.run_settings import dataset_plan
from pipeline.store import is_published, prepare_store, remove_stale_temporaries, write_atomically
from pipeline.store_lock import store_lock
from pipeline.tasks.fetch_assets import FetchAssets
from pipeline.tasks.parameters import RunTask, engine_settings
from render.dataset_format import PRODUCTS, canonical_sha256
from render.shard_plan import PlannedShard, ShardPlan


class RenderDataset(RunTask):
    """Every frame of the recipe published, and a dataset that lists them. Frames of earlier datasets are used again."""

    def requires(self) -> luigi.Task:
        """The assets that frames are made of."""
        return self.clone(FetchAssets)

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
                published = {product: published_shards(store, product) for product in PRODUCTS}
                shards = shards_to_render(plan.frames, published, shard_size=plan.recipe.structure.shard_size)
                say("render", describe_plan(plan, shards))
                if shards:
                    self._render(shards)
                facts |= {"frames": len(plan.frames), "rendered": count_frames(shards)}
                folder = publish_dataset(plan, store)
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
        render_missing(
            plan,
            plan_path,
            settings=engine_settings(),
            options=options,
            logs=settings.store / "logs" / plan_id,
        )
