"""Tasks that end in every way a task can end; started as `luigi --module exit_code_tasks …` by test_exit_codes.py."""

import luigi

import pipeline
from pipeline.errors import PipelineError

assert pipeline.FullRun  # importing the pipeline is what sets luigi's defaults


class Absent(luigi.ExternalTask):
    """Data that somebody else should have delivered."""

    def complete(self) -> bool:
        """Never there."""
        return False


class NeedsAbsent(luigi.WrapperTask):
    """A task whose input never comes."""

    def requires(self) -> luigi.Task:
        """The data that is not there."""
        return Absent()


class FailsPlainly(luigi.Task):
    """A task that fails with one of our own errors."""

    def run(self) -> None:
        """Raise it."""
        raise PipelineError("the paper tray is empty; fill it and run again")


class FailsOddly(luigi.Task):
    """A task that fails with an error that nobody foresaw."""

    def run(self) -> None:
        """Raise it."""
        raise ZeroDivisionError("nobody foresaw this")


class CannotSay(luigi.Task):
    """A task that cannot tell whether it is complete."""

    def complete(self) -> bool:
        """Raise an error."""
        raise ZeroDivisionError("cannot tell")


class Fine(luigi.Task):
    """A task that does well."""

    _done = False

    def complete(self) -> bool:
        """Whether it ran."""
        return self._done

    def run(self) -> None:
        """Do well."""
        self._done = True
