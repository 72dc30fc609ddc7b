"""FullRun: the whole product in one task; its last step points at the report and says what came out."""

import json
from pathlib import Path

import luigi

from pipeline.console import duration
from pipeline.identity import key_of
from pipeline.plan_summary import plan_text
from pipeline.run_settings import EVALUATED_SPLIT, RunOptions, check_trainable, resolve, run_keys
from pipeline.store import point_latest_at, published_folder, recorded_seconds
from pipeline.tasks.build_report import BuildReport, stage_seconds
from pipeline.tasks.parameters import RunTask
from pipeline.tasks.render_dataset import quarantine_warning
from render.certification.certificate import Certificate
from render.dataset_format import DATASET_CERTIFICATE, DATASET_MANIFEST, DatasetManifest
from train.depth_spec import DepthExperiment
from train.normals_spec import NormalsExperiment

# Regions with their titles, and scores, by what an experiment learns.
SHOWN = {
    DepthExperiment: ({"head_mask": "head", "full": "full image"}, ("abs_rel", "rmse_m", "delta_1")),
    NormalsExperiment: ({"head": "head"}, ("mask_precision", "mask_recall", "mean_angle_deg", "below_10_deg")),
}


class FullRun(RunTask):
    """Assets, dataset, pack, trainings, evaluations and report of a profile; what is there already is used again."""

    dry_run: luigi.BoolParameter = luigi.BoolParameter(
        default=False, description="say what would be rendered and made, and what is there already; change nothing"
    )
    _finished = False

    def check_options(self) -> None:
        """Raises: as RunTask, and PipelineError when the recipe has no frame to train or test on."""
        check_trainable(self.settings.recipe)

    def requires(self) -> list[luigi.Task]:
        """The report, which requires everything else; nothing in a dry run."""
        return [] if self.dry_run else [self.clone(BuildReport)]

    def complete(self) -> bool:
        """False until it ran in this process: `reports/latest` and the summary are of the run just asked for."""
        return self._finished

    def work(self) -> None:
        """Point `reports/latest` at this run's report and print the summary; in a dry run, print the plan."""
        if self.dry_run:
            print(plan_text(self.options), flush=True)
            self._finished = True
            return
        report = published_folder(self.settings.store, "reports", key_of(run_keys(self.options).report))
        print(summary(self.options, latest=point_latest_at(report)), flush=True)
        self._finished = True


def summary(options: RunOptions, *, latest: Path) -> str:
    """What came out, in a few lines: the scores beside the paper's, the time by stage, and where the report is."""
    settings, keys = resolve(options), run_keys(options)
    rendering = recorded_seconds(settings.store, "datasets", keys.dataset_id)
    dataset = published_folder(settings.store, "datasets", keys.dataset_id)
    manifest = DatasetManifest.model_validate_json((dataset / DATASET_MANIFEST).read_bytes())
    lines = [
        f"dataset  {settings.recipe.name}, {settings.recipe.heads.family} heads: "
        + ", ".join(f"{count} {split}" for split, count in manifest.frames.items())
        + f" frames ({keys.dataset_id})"
    ]
    left_out = sum(manifest.quarantined.values())
    if left_out:
        planned = left_out + sum(manifest.frames.values())
        lines.append(f"         {quarantine_warning(left_out, planned, settings.store)}")
    certificate = Certificate.model_validate_json((dataset / DATASET_CERTIFICATE).read_bytes())
    lines.append(f"         {certificate.summary}")
    if "rendered" in rendering:
        counts = [f"{count} {product}" for product, count in rendering["rendered"].items()]
        lines.append(f"         {', '.join(counts)} rendered for it")
    for name, inputs in keys.evaluations.items():
        folder = published_folder(settings.store, "evaluations", key_of(inputs))
        evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
        lines.append(f"scores   {name}, split {EVALUATED_SPLIT}")
        regions, scores = SHOWN[type(settings.trainings[name].experiment)]
        lines += [f"         {title}: {score_line(evaluation, region, scores)}" for region, title in regions.items()]
    times = [f"{stage} {duration(seconds)}" for stage, seconds in stage_seconds(settings.store, keys).items()]
    lines.append(f"time     {', '.join(times)}")
    lines.append(f"report   {latest / 'index.html'}")
    return "\n".join(lines)


def score_line(evaluation: dict, region: str, names: tuple[str, ...]) -> str:
    """Some scores over a region, each with the paper's number behind it; the head may be in no picture."""
    ours = evaluation["metrics"].get(region, {"pooled": {}})["pooled"]
    reported = evaluation["reported"].get(region, {})
    parts = []
    for name in names:
        printed = f" (paper: {reported[name]:.4f})" if name in reported else ""
        value = ours.get(name)
        parts.append(f"{name} {'none' if value is None else format(value, '.4f')}{printed}")
    return ", ".join(parts)
