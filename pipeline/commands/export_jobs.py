"""`python -m pipeline export-jobs`: write a job for a farm of another kind, around the command that renders a shard."""

import argparse
import shlex
from pathlib import Path

from pipeline.commands.run_options import add_run_options, chosen_run
from pipeline.errors import PipelineError
from pipeline.job_files.farm_job import FarmJob, farm_job
from pipeline.job_files.flamenco import JOB_TYPE, SCRIPT, flamenco_job
from pipeline.job_files.kubernetes import PodSettings, kubernetes_job
from pipeline.job_files.openjd import openjd_template
from pipeline.open_plan import open_plan
from pipeline.run_settings import dataset_plan, resolve
from pipeline.store import prepare_store, write_atomically
from pipeline.tasks.render_chunk import plan_work
from pipeline.tasks.render_dataset import missing_shards

FARMS = ("kubernetes", "openjd", "flamenco")


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "export-jobs", help="write job files for a farm: one task for every shard that is missing"
    )
    parser.add_argument("farm", choices=FARMS, help="whose job files")
    add_run_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="file to write (flamenco: and its job type beside it)")
    parser.add_argument(
        "--render-command", default="python -m render", help="what starts the renderer on the farm's hosts"
    )
    pods = parser.add_argument_group("kubernetes")
    pods.add_argument("--image", help="image that has Headroom installed")
    pods.add_argument("--claim", help="persistent volume claim that holds the store, mounted under the store's path")
    pods.add_argument("--cores", type=int, default=PodSettings.cores, help="cores of a pod")
    pods.add_argument("--memory", default=PodSettings.memory, help="memory of a pod")
    pods.add_argument("--parallelism", type=int, default=PodSettings.parallelism, help="pods at once")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the files, and say how to hand them in. Raises: PipelineError when nothing is missing.

    The farm renders on the CPU unless `--device gpu` is asked for: what this machine has tells nothing of the farm's.
    """
    if options.device == "auto":
        raise PipelineError("--device auto asks what this machine has; name what the farm renders on: cpu or gpu")
    if options.farm == "kubernetes" and not (options.image and options.claim):
        raise PipelineError("a Kubernetes job needs --image (Headroom installed) and --claim (the store's volume)")
    chosen = chosen_run(options)
    settings, dataset = resolve(chosen), dataset_plan(chosen)
    if not missing_shards(dataset, settings.store):
        raise PipelineError(f"every frame of dataset {dataset.dataset_id} is published in {settings.store} already")
    prepare_store(settings.store)
    plan, path = open_plan(dataset, settings.store, lambda: missing_shards(dataset, settings.store))
    work = plan_work(
        plan,
        path,
        store=settings.store,
        command=shlex.split(options.render_command),
        device=options.device or "cpu",
        assets_source=settings.assets_source,
    )
    title = f"{len(plan.elements)} shards of recipe {plan.recipe.name}, plan {path}"
    job = farm_job(work, plan=path, store=settings.store, title=title)
    write_atomically(options.out, _text(job, options))
    print(f"{options.out}: {len(job.elements)} tasks, {title}")
    if options.farm == "flamenco":
        script = options.out.with_name(f"{JOB_TYPE}.js")
        write_atomically(script, SCRIPT)
        print(f"{script}: the job type; put it into the Manager's folder `scripts`")
    print("when the farm is done, run luigi with --engine none: it checks what is published and goes on")
    return 0


def _text(job: FarmJob, options: argparse.Namespace) -> str:
    if options.farm == "kubernetes":
        pods = PodSettings(
            image=options.image,
            claim=options.claim,
            cores=options.cores,
            memory=options.memory,
            parallelism=options.parallelism,
        )
        return kubernetes_job(job, pods)
    return openjd_template(job) if options.farm == "openjd" else flamenco_job(job)
