"""PackDataset, TrainNetwork, EvaluateNetwork: from a dataset to a network's scores, by the training tool."""

from pathlib import Path

import luigi

from pipeline.devices import TRAIN_DEVICES, chosen_device
from pipeline.errors import PipelineError
from pipeline.identity import key_of
from pipeline.results import produce
from pipeline.run_settings import EVALUATED_SPLIT, check_trainable, run_keys
from pipeline.stage_command import run_stage_command
from pipeline.store import is_published, published_folder
from pipeline.tasks.parameters import RunTask, train_command
from pipeline.tasks.render_dataset import RenderDataset


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


class ExperimentTask(RunTask):
    """A stage of one experiment of the profile."""

    experiment: luigi.Parameter[str] = luigi.Parameter(description="key of an experiment of the profile")

    def check_options(self) -> None:
        """Raises: as RunTask, and PipelineError when the profile has no such experiment."""
        check_trainable(self.settings.recipe)
        if self.experiment not in self.settings.experiments:
            raise PipelineError(
                f"profile {self.profile!r} has no experiment {self.experiment!r}; "
                f"it has {', '.join(self.settings.experiments)}"
            )


class TrainNetwork(ExperimentTask):
    """One experiment trained on the run's pack; a training that was interrupted goes on from its checkpoint."""

    def requires(self) -> luigi.Task:
        """The pack."""
        return self.clone(PackDataset)

    def complete(self) -> bool:
        """Whether the training is published."""
        return is_published(self.settings.store, "trainings", key_of(run_keys(self.options).trainings[self.experiment]))

    def work(self) -> None:
        """Raises: PipelineError when the training tool fails."""
        settings, keys = self.settings, run_keys(self.options)
        inputs = keys.trainings[self.experiment]

        def make(folder: Path) -> None:
            arguments = ["fit", "--experiment", self.experiment, "--out", str(folder), "--seed", str(settings.seed)]
            arguments += ["--pack", str(published_folder(settings.store, "packs", key_of(keys.pack)))]
            arguments += ["--device", TRAIN_DEVICES[chosen_device(settings.device)]]
            for name, value in settings.experiment_settings[self.experiment].items():
                arguments += ["--set", f"{name}={value}"]
            run_train(arguments, stage="training", log=settings.store / "logs" / f"training-{key_of(inputs)}.log")

        produce(settings.store, "trainings", inputs, stage="training", make=make, resumable=True)


class EvaluateNetwork(ExperimentTask):
    """The scores of one trained experiment on people it has never seen."""

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
