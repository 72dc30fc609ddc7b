"""Pack, floor, training, evaluation: from a dataset to a network's scores, by the training tool."""

from math import inf
from pathlib import Path

import luigi

from pipeline.console import counted, say
from pipeline.devices import TRAIN_DEVICES, chosen_device
from pipeline.engines.choice import engine_named
from pipeline.engines.seats import deal_seats
from pipeline.errors import PipelineError
from pipeline.identity import key_of
from pipeline.results import produce
from pipeline.run_settings import EVALUATED_SPLIT, RunKeys, RunSettings, check_trainable, run_keys
from pipeline.stage_command import run_stage_command
from pipeline.store import is_published, published_folder
from pipeline.tasks.farm_parameters import slurm_settings
from pipeline.tasks.parameters import RunTask, engine_settings, train_command
from pipeline.tasks.render_dataset import RenderDataset
from pipeline.training_plan import PlannedTraining, TrainingPlan, make_training, training_work, write_training_plan


class PackDataset(RunTask):
    """The run's dataset in the size that networks are trained on, as memory-mapped arrays."""

    def check_options(self) -> None:
        """Raises: as RunTask, and PipelineError when the recipe has no frame to train or test on."""
        check_trainable(self.settings.recipe)

    def requires(self) -> luigi.Task:
        """The dataset."""
        return self.clone(RenderDataset)

    def complete(self) -> bool:
        """Whether the pack is published."""
        return is_published(self.settings.store, "packs", key_of(run_keys(self.options).pack))

    def work(self) -> None:
        """Raises: PipelineError when the training tool fails."""
        settings, keys = self.settings, run_keys(self.options)

        def make(folder: Path) -> None:
            dataset = published_folder(settings.store, "datasets", keys.dataset_id)
            arguments = ["pack", "--dataset", str(dataset), "--out", str(folder)]
            arguments += ["--width-px", str(settings.pack_width_px), "--height-px", str(settings.pack_height_px)]
            run_train(
                arguments,
                stage="pack",
                log=settings.store / "logs" / f"pack-{key_of(keys.pack)}.log",
            )

        produce(settings.store, "packs", keys.pack, stage="pack", make=make)


class MeasureFloor(RunTask):
    """The floor of distance: how well it can be told from the true landmarks of people never seen."""

    def requires(self) -> luigi.Task:
        """The dataset."""
        return self.clone(RenderDataset)

    def complete(self) -> bool:
        """Whether the floor is published, or cannot be had without validation frames."""
        floor = run_keys(self.options).floor
        return floor is None or is_published(self.settings.store, "floors", key_of(floor))

    def work(self) -> None:
        """Raises: PipelineError when the training tool fails."""
        settings, keys = self.settings, run_keys(self.options)
        inputs = keys.floor
        if inputs is None:
            return

        def make(folder: Path) -> None:
            dataset = published_folder(settings.store, "datasets", keys.dataset_id)
            run_train(
                ["floor", "--dataset", str(dataset), "--split", EVALUATED_SPLIT, "--out", str(folder)],
                stage="floor",
                log=settings.store / "logs" / f"floor-{key_of(inputs)}.log",
            )

        produce(settings.store, "floors", inputs, stage="floor", make=make)


class TrainNetwork(RunTask):
    """Experiments trained on the run's pack; a training that was interrupted goes on from its checkpoint.

    Luigi puts the trainings of a run into one task, so that an engine can start them together, one network a GPU. With
    `luigid` each stays a task of its own, which the scheduler deals out.
    """

    experiment: luigi.Parameter[str] = luigi.Parameter(
        batch_method=",".join,
        description="an experiment of the profile, with .seedN where it is repeated, or several with commas between",
    )

    @property
    def max_batch_size(self) -> float:
        """How many trainings Luigi may put into one task."""
        return 1 if self.engine == "luigid" else inf

    @property
    def names(self) -> list[str]:
        """Keys of the experiments."""
        return self.experiment.split(",")

    def check_options(self) -> None:
        """Raises: as RunTask, and PipelineError when the profile has no such experiment."""
        for name in self.names:
            check_experiment(self, name)

    def requires(self) -> luigi.Task:
        """The pack."""
        return self.clone(PackDataset)

    def complete(self) -> bool:
        """Whether every training is published."""
        store, trainings = self.settings.store, run_keys(self.options).trainings
        return all(is_published(store, "trainings", key_of(trainings[name])) for name in self.names)

    def work(self) -> None:
        """Raises: PipelineError when the training tool fails."""
        settings, keys = self.settings, run_keys(self.options)
        device = chosen_device(settings.device)
        plan = TrainingPlan(
            store=str(settings.store),
            trainings=tuple(
                PlannedTraining(
                    experiment=name, inputs=keys.trainings[name], arguments=fit_arguments(settings, keys, name)
                )
                for name in self.names
            ),
        )
        if self.engine in ("local", "luigid") and len(deal_seats(device, workers=engine_settings().workers)) == 1:
            # Nothing to do at once: one after the other, in sight.
            for training in plan.trainings:
                make_training(settings.store, training, train_command=train_command())
            return
        work = training_work(plan, write_training_plan(plan), train_command=train_command(), device=device)
        say("train", f"{counted(len(self.names), 'network')}; logs are in {work.folder}")
        engine_named(self.engine, local=engine_settings(), slurm=slurm_settings())(work)


def fit_arguments(settings: RunSettings, keys: RunKeys, experiment: str) -> tuple[str, ...]:
    """The arguments of `python -m train fit` for a training of a run, but for the folder."""
    planned = settings.trainings[experiment]
    arguments = ["--experiment", planned.experiment.key, "--seed", str(planned.seed), "--amp", settings.amp]
    arguments += ["--pack", str(published_folder(settings.store, "packs", key_of(keys.pack)))]
    arguments += ["--device", TRAIN_DEVICES[chosen_device(settings.device)]]
    for name, value in planned.settings.items():
        arguments += ["--set", f"{name}={value}"]
    return tuple(arguments)


def check_experiment(task: RunTask, experiment: str) -> None:
    """Raises: as RunTask, and PipelineError when the profile has no such experiment."""
    check_trainable(task.settings.recipe)
    if experiment not in task.settings.trainings:
        raise PipelineError(
            f"profile {task.profile!r} has no experiment {experiment!r}; it has {', '.join(task.settings.trainings)}"
        )


class EvaluateNetwork(RunTask):
    """The scores of one trained experiment on people it has never seen."""

    experiment: luigi.Parameter[str] = luigi.Parameter(
        description="an experiment of the profile, with .seedN where it is repeated"
    )

    def check_options(self) -> None:
        """Raises: as RunTask, and PipelineError when the profile has no such experiment."""
        check_experiment(self, self.experiment)

    def requires(self) -> list[luigi.Task]:
        """The training, and the pack it is scored on."""
        return [self.clone(TrainNetwork), self.clone(PackDataset)]

    def complete(self) -> bool:
        """Whether the evaluation is published."""
        inputs = run_keys(self.options).evaluations[self.experiment]
        return is_published(self.settings.store, "evaluations", key_of(inputs))

    def work(self) -> None:
        """Raises: PipelineError when the training tool fails."""
        settings, keys = self.settings, run_keys(self.options)
        inputs = keys.evaluations[self.experiment]

        def make(folder: Path) -> None:
            training = published_folder(settings.store, "trainings", key_of(keys.trainings[self.experiment]))
            pack = published_folder(settings.store, "packs", key_of(keys.pack))
            arguments = ["evaluate", "--training", str(training), "--pack", str(pack), "--split", EVALUATED_SPLIT]
            arguments += ["--out", str(folder), "--device", TRAIN_DEVICES[chosen_device(settings.device)]]
            run_train(
                arguments,
                stage="evaluation",
                log=settings.store / "logs" / f"evaluation-{key_of(inputs)}.log",
            )

        produce(settings.store, "evaluations", inputs, stage="evaluation", make=make)


def run_train(arguments: list[str], *, stage: str, log: Path) -> None:
    """Run one command of the training tool. Raises: PipelineError with its exit code and its last words."""
    run_stage_command([*train_command(), *arguments], stage=stage, log=log)
