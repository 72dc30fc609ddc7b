"""Profile: how big a run is; which recipe, experiments, picture size and device FullRun takes when nothing is said."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.errors import PipelineError

PROFILES_FOLDER = Path(__file__).parent / "profiles"
DEVICES = ("auto", "cpu", "gpu")
Device = Literal["auto", "cpu", "gpu"]
Amp = Literal["off", "bf16", "fp16"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProfileExperiment(_Part):
    """An experiment of the catalogue, what is changed of it, and how often it is trained: each time with another seed,
    the first with the run's and the others with those that follow. `name` tells two entries of one experiment apart."""

    key: str
    name: str = Field(default="", pattern=r"^[A-Za-z0-9_]*$")
    settings: dict[str, str | int | float] = {}
    repeats: int = Field(default=1, ge=1, le=100)


class PackSize(_Part):
    """To what size frames are packed for training."""

    width_px: int = Field(ge=16, le=8192)
    height_px: int = Field(ge=16, le=8192)


class Profile(_Part):
    """One file of pipeline/profiles. `settings` are of all its experiments; an experiment's own come after them.

    `amp` is the number type that networks are trained with, as `python -m train fit --amp` takes it."""

    recipe: str
    recipe_settings: dict[str, object] = {}
    settings: dict[str, str | int | float] = {}
    experiments: tuple[ProfileExperiment, ...] = Field(min_length=1)
    pack: PackSize
    device: Device
    amp: Amp = "off"
    seed: int = Field(ge=0)

    @field_validator("experiments")
    @classmethod
    def _once_each(cls, experiments: tuple[ProfileExperiment, ...]) -> tuple[ProfileExperiment, ...]:
        names = [experiment.name or experiment.key for experiment in experiments]
        if len(set(names)) < len(names):
            raise ValueError(f"an experiment is listed twice among {', '.join(names)}; list each once, or name them")
        return experiments


def profile_names() -> list[str]:
    """Names of the profiles that come with Headroom."""
    return sorted(path.stem for path in PROFILES_FOLDER.glob("*.yaml"))


def load_profile(name: str) -> Profile:
    """Read a profile by name, or by the path of a file that ends in .yaml.

    Raises: PipelineError that names the file, the field, the value and what is allowed.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else PROFILES_FOLDER / f"{name}.yaml"
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PipelineError(
            f"no profile {name!r}: {path} does not exist. Known names: {', '.join(profile_names())}; "
            "a path must end in .yaml"
        ) from error
    except yaml.YAMLError as error:
        raise PipelineError(f"profile {path} is no YAML: {error}") from error
    try:
        return Profile.model_validate(tree)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']} (came: {problem['input']!r})"
            for problem in error.errors()
        ]
        raise PipelineError(f"profile {path} cannot be used:\n" + "\n".join(lines)) from error
