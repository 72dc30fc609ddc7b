"""BuildReport: gather what a run made, how long it took and with what, and let the training tool write the page."""

import json
from importlib.metadata import version
from pathlib import Path

import luigi

from pipeline.identity import key_of
from pipeline.results import produce
from pipeline.run_settings import (
    RunKeys,
    RunOptions,
    RunSettings,
    command_line,
    resolve,
    results_after_dataset,
    run_keys,
)
from pipeline.store import Kind, is_published, published_folder, recorded_seconds
from pipeline.tasks.parameters import RunTask
from pipeline.tasks.train_network import EvaluateNetwork, MeasureFloor, run_train
from render.asset_library import assets_source, load_manifest
from render.dataset_format import DATASET_MANIFEST, SHARD_RUN, DatasetManifest
from render.frame_keys import asset_ids
from render.recipe_head import own_assets

REPORT_INPUTS = "report_inputs.json"
VERSIONS_OF = ("headroom", "bpy", "torch", "numpy", "luigi")


class BuildReport(RunTask):
    """A self-contained page about the run: pictures, scores beside the papers', timings, versions."""

    def requires(self) -> list[luigi.Task]:
        """One evaluation for each training of the run, and the floor that stands beside them."""
        evaluations = [self.clone(EvaluateNetwork, experiment=name) for name in self.settings.trainings]
        return [*evaluations, self.clone(MeasureFloor)]

    def complete(self) -> bool:
        """Whether the report is published."""
        return is_published(self.settings.store, "reports", key_of(run_keys(self.options).report))

    def work(self) -> None:
        """Raises: PipelineError when the training tool fails."""
        settings, inputs = self.settings, run_keys(self.options).report

        def make(folder: Path) -> None:
            listing = folder.parent / REPORT_INPUTS
            listing.write_text(json.dumps(gather_report_inputs(self.options), indent=1) + "\n")
            run_train(
                ["report", "--inputs", str(listing), "--out", str(folder)],
                stage="report",
                log=settings.store / "logs" / f"report-{key_of(inputs)}.log",
            )
            listing.rename(folder / REPORT_INPUTS)

        produce(settings.store, "reports", inputs, stage="report", make=make)


def gather_report_inputs(options: RunOptions) -> dict:
    """The file that `python -m train report` starts from; its paths are absolute."""
    settings, keys = resolve(options), run_keys(options)
    store = settings.store
    dataset = published_folder(store, "datasets", keys.dataset_id)
    return {
        "title": f"Headroom: {settings.recipe.name} on {settings.recipe.heads.family} heads",
        "store": str(store),
        "dataset": str(dataset),
        "profile": options.profile,
        "command": command_line(options),
        "trainings": [str(published_folder(store, "trainings", key_of(inputs))) for inputs in keys.trainings.values()],
        "evaluations": [
            str(published_folder(store, "evaluations", key_of(inputs))) for inputs in keys.evaluations.values()
        ],
        "floors": [str(published_folder(store, "floors", key_of(keys.floor)))] if keys.floor else [],
        "pack": str(published_folder(store, "packs", key_of(keys.pack))),
        "timings": stage_seconds(store, keys),
        "versions": {name: version(name) for name in VERSIONS_OF},
        "seed": settings.seed,
        "render_runs": [str(path) for path in render_runs(store, dataset)],
        "assets": assets_used(settings),
    }


def assets_used(settings: RunSettings) -> list[dict[str, str]]:
    """Everything that a run uses and Headroom did not make: id, licence, source and content of each."""
    manifest = load_manifest()
    listed = [
        {"id": asset.id, "licence": asset.licence.spdx, "source": asset.source, "sha256": asset.sha256}
        for asset in (manifest[name] for name in asset_ids(settings.recipe))
    ]
    # A head model out of a file of the user's own; who may have it, its owner says.
    file_name = Path(str(settings.recipe.heads.model_file)).name
    own = own_assets(settings.recipe, source=assets_source(settings.assets_source))
    return listed + [
        {"id": name, "licence": "its owner's", "source": file_name, "sha256": sha256} for name, sha256 in own.items()
    ]


def stage_seconds(store: Path, keys: RunKeys) -> dict[str, float]:
    """Wall-clock seconds of each stage that made the run's results, whenever that was; trainings are added up."""
    certificate: tuple[Kind, str, str] = ("certificates", "certificate", key_of(keys.certificate))
    dataset: tuple[Kind, str, str] = ("datasets", "dataset", keys.dataset_id)
    seconds: dict[str, float] = {}
    for kind, _, key in [certificate, dataset, *results_after_dataset(keys)]:
        recorded = recorded_seconds(store, kind, key)
        if recorded.get("finished"):
            seconds[recorded["stage"]] = round(seconds.get(recorded["stage"], 0.0) + recorded["seconds"], 3)
    return seconds


def render_runs(store: Path, dataset: Path) -> list[Path]:
    """What rendering each shard of a dataset cost; products of one rendering tell the same, once is enough."""
    shards = DatasetManifest.model_validate_json((dataset / DATASET_MANIFEST).read_bytes()).shards
    by_content = {}
    for product in sorted(shards):
        for shard in shards[product]:
            path = store / shard / SHARD_RUN
            by_content.setdefault(path.read_bytes(), path)
    return list(by_content.values())
