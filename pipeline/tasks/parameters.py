"""RunTask: the options that every task of a run shares, checked as soon as a task is made."""

import shlex
import sys
from types import TracebackType

import luigi
from luigi.configuration import get_config

from pipeline.console import say
from pipeline.engines.choice import ENGINES
from pipeline.engines.local import LocalEngineSettings
from pipeline.errors import PipelineError
from pipeline.run_settings import RunOptions, RunSettings, resolve
from pipeline.storage_trouble import storage_trouble


class SettingsParameter(luigi.Parameter[tuple[str, ...]]):
    """`--set key=value`, as often as one likes; in luigi.cfg one setting a line."""

    def parse(self, x: str | list[str]) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Settings as typed: a list from the command line, lines of text from luigi.cfg."""
        return tuple(x) if isinstance(x, list) else tuple(line.strip() for line in x.splitlines() if line.strip())

    def serialize(self, x: tuple[str, ...]) -> str:
        """The text that `parse` reads back."""
        return "\n".join(x)

    @classmethod
    def _parser_kwargs(cls, param_name: str, task_name: str | None = None) -> dict:
        return {**super()._parser_kwargs(param_name, task_name), "action": "append"}


class LocalEngine(luigi.Config):
    """How stages are started on this machine: `[LocalEngine]` in luigi.cfg, or `--LocalEngine-workers 2`.

    The commands may be replaced by others that take the same arguments (a container, a queue, a stand-in for tests).
    """

    render_command: luigi.Parameter[str] = luigi.Parameter(
        default="", description="starts a renderer [default: python -m render]"
    )
    train_command: luigi.Parameter[str] = luigi.Parameter(
        default="", description="starts a training tool [default: python -m train]"
    )
    workers: luigi.IntParameter = luigi.IntParameter(
        default=0,
        description="processes at once, each on its own cores and GPU [default: one a GPU, else 1]",
    )
    retries: luigi.IntParameter = luigi.IntParameter(default=1, description="how often a failed element is tried again")
    silence_s: luigi.FloatParameter = luigi.FloatParameter(
        default=LocalEngineSettings.silence_s,
        description="a process that reports and says nothing for so long is killed (or for 20 times the slowest frame "
        "of the run, when that is longer)",
    )
    memory_gb: luigi.FloatParameter = luigi.FloatParameter(
        default=0.0,
        description="a process that holds more is replaced after its shard [default: its part of 80 % of the memory]",
    )


def engine_settings() -> LocalEngineSettings:
    """The local engine as configured."""
    configured = LocalEngine()
    return LocalEngineSettings(
        workers=configured.workers,
        retries=configured.retries,
        silence_s=configured.silence_s,
        memory_gb=configured.memory_gb,
    )


def render_command() -> list[str]:
    """The beginning of every command of the renderer."""
    return shlex.split(LocalEngine().render_command) or [sys.executable, "-m", "render"]


def train_command() -> list[str]:
    """The beginning of every command of the training tool."""
    return shlex.split(LocalEngine().train_command) or [sys.executable, "-m", "train"]


class RunTask(luigi.Task):
    """A stage of a run. All stages of a run have the same options, so each can also be run by itself.

    Raises (when made): PipelineError, RecipeError or InputError when an option cannot be used.
    """

    profile: luigi.Parameter[str] = luigi.Parameter(
        default="quick", description="how big a run: quick, standard, paper, or a .yaml file"
    )
    recipe: luigi.Parameter[str] = luigi.Parameter(
        default="", description="recipe name or .yaml file [default: the profile's]"
    )
    frames: luigi.Parameter[str] = luigi.Parameter(
        default="", description="frames in all, shared out to the splits as in the recipe"
    )
    heads: luigi.Parameter[str] = luigi.Parameter(
        default="", description="head family: procedural or ict [default: the recipe's]"
    )
    store: luigi.Parameter[str] = luigi.Parameter(default="store", description="folder of everything that is made")
    set: SettingsParameter = SettingsParameter(
        default=(),
        description="key=value of the recipe, experiment.part.field=value of the experiments, or pack.width_px=…; "
        "may be repeated",
    )
    seed: luigi.Parameter[str] = luigi.Parameter(
        default="", description="seed of the trainings (the recipe's: --set seed=N)"
    )
    device: luigi.Parameter[str] = luigi.Parameter(default="", description="auto, cpu or gpu [default: the profile's]")
    assets: luigi.Parameter[str] = luigi.Parameter(
        default="", description="folder or mirror that holds the assets [default: HEADROOM_ASSETS, else download]"
    )
    engine: luigi.Parameter[str] = luigi.Parameter(
        default="local",
        significant=False,
        description="what renders: local, slurm, luigid (several hosts run this command), or none (another farm did)",
    )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.engine not in ENGINES:
            raise PipelineError(f"--engine must be one of {', '.join(ENGINES)}, but {self.engine!r} came")
        if self.engine == "luigid" and get_config().getboolean("core", "local_scheduler", False):
            raise PipelineError(
                "--engine luigid shares the work through Luigi's scheduler, but none is named; start one "
                "(LUIGI_CONFIG_PATH=docs/luigid.cfg luigid), and add --scheduler-host HOST"
            )
        self.check_options()

    @property
    def options(self) -> RunOptions:
        """The options as typed."""
        return RunOptions(
            profile=self.profile,
            recipe=self.recipe,
            frames=self.frames,
            heads=self.heads,
            store=self.store,
            settings=self.set,
            seed=self.seed,
            device=self.device,
            assets=self.assets,
        )

    @property
    def settings(self) -> RunSettings:
        """What the options come to."""
        return resolve(self.options)

    def check_options(self) -> None:
        """Raises: PipelineError, RecipeError or InputError when this task cannot be run with its options."""
        resolve(self.options)

    def run(self) -> None:
        """What luigi calls: `work`; plain words when the disk fails it, and when it is interrupted.

        Raises: whatever `work` raises; PipelineError when the store cannot be written.
        """
        try:
            self.work()
        except OSError as error:
            trouble = storage_trouble(error, self.settings.store)
            if trouble is None:
                raise
            raise PipelineError(trouble) from error
        except KeyboardInterrupt:
            say("run", "interrupted; what is published is kept, run the same command to go on")
            sys.excepthook = _no_traceback
            raise

    def work(self) -> None:
        """Do the stage's work and publish its result."""
        raise NotImplementedError(f"{type(self).__name__} is no stage of a run; run FullRun or another task")


def _no_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
