"""Which engine a run uses, by its name."""

from typing import Literal, get_args

from pipeline.engines.elsewhere import elsewhere_engine
from pipeline.engines.local import LocalEngineSettings, local_engine
from pipeline.engines.slurm import SlurmSettings, slurm_engine
from pipeline.engines.work import Engine
from pipeline.errors import PipelineError

EngineName = Literal["local", "slurm", "luigid", "none"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


def engine_named(name: str, *, local: LocalEngineSettings, slurm: SlurmSettings) -> Engine:
    """The engine of a name. Under `luigid`, Luigi deals parts of the work to its workers, each of which is local.

    Raises: PipelineError with the names there are.
    """
    if name == "slurm":
        return slurm_engine(slurm)
    if name == "none":
        return elsewhere_engine()
    if name in ("local", "luigid"):
        return local_engine(local)
    raise PipelineError(f"--engine {name!r} is no engine; there are {', '.join(ENGINES)}")
