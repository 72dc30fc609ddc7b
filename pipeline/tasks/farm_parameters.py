"""How a farm is used: `[Slurm]` in luigi.cfg, or `--Slurm-partition gpu` on the command line."""

import shlex

import luigi

from pipeline.engines.slurm import SlurmSettings


class Slurm(luigi.Config):
    """How the slurm engine submits its job arrays."""

    partition: luigi.Parameter[str] = luigi.Parameter(default="", description="partition [default: Slurm's]")
    options: luigi.Parameter[str] = luigi.Parameter(
        default="", description="more options of sbatch, for example '--account=heads --qos=low'"
    )
    time_limit: luigi.Parameter[str] = luigi.Parameter(
        default="", description="time limit of a task as sbatch takes it, 2:00:00 [default: the partition's]"
    )
    cpus: luigi.IntParameter = luigi.IntParameter(default=0, description="cores of a task [default: Slurm's]")
    memory: luigi.Parameter[str] = luigi.Parameter(default="", description="memory of a task, 8G [default: Slurm's]")
    gpu_option: luigi.Parameter[str] = luigi.Parameter(
        default=SlurmSettings.gpu_option, description="option that asks for a GPU, where the run's device is gpu"
    )
    max_running: luigi.IntParameter = luigi.IntParameter(
        default=0, description="tasks that run at once [default: as many as Slurm lets]"
    )
    elements_per_task: luigi.IntParameter = luigi.IntParameter(
        default=SlurmSettings.elements_per_task, description="shards that one task renders, one after the other"
    )
    rounds: luigi.IntParameter = luigi.IntParameter(
        default=SlurmSettings.rounds, description="rounds in which a shard may fail before the run does"
    )
    warning_s: luigi.IntParameter = luigi.IntParameter(
        default=SlurmSettings.warning_s,
        description="so long before its time limit a task is asked to finish its frame and leave",
    )
    poll_s: luigi.FloatParameter = luigi.FloatParameter(
        default=SlurmSettings.poll_s, description="seconds between two questions to Slurm"
    )
    patience_s: luigi.FloatParameter = luigi.FloatParameter(
        default=SlurmSettings.patience_s, description="seconds without an answer of Slurm before a run gives up"
    )


def slurm_settings() -> SlurmSettings:
    """The slurm engine as configured."""
    configured = Slurm()
    return SlurmSettings(
        partition=configured.partition,
        options=tuple(shlex.split(configured.options)),
        time_limit=configured.time_limit,
        cpus=configured.cpus,
        memory=configured.memory,
        gpu_option=configured.gpu_option,
        max_running=configured.max_running,
        elements_per_task=configured.elements_per_task,
        rounds=configured.rounds,
        warning_s=configured.warning_s,
        poll_s=configured.poll_s,
        patience_s=configured.patience_s,
    )
