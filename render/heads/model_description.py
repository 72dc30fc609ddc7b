"""Description: the YAML beside someone's own head model; it says which file that is, its units and its landmarks."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, ValidationError

from render.dataset_format import canonical_sha256, file_sha256
from render.heads.model import BONE_NAMES, Region
from render.heads.model_checks import HeadModelError

Units = Literal["m", "cm", "mm", "um"]
Point = Annotated[StrictInt, Field(ge=0)] | str
RegionName = Literal[(*(region.name.lower() for region in Region), "left_out")]  # pyright: ignore[reportInvalidTypeForm]
BoneName = Literal[BONE_NAMES]  # pyright: ignore[reportInvalidTypeForm]


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str


class LyhmDescription(_Described):
    """A LYHM .mat file; it knows no landmarks, so all 68 are given by vertex number (counted from 0)."""

    units: Units = "mm"
    landmarks: tuple[Annotated[StrictInt, Field(ge=0)], ...] = Field(min_length=68, max_length=68)


class Bfm2017Description(_Described):
    """A Basel Face Model 2017 .h5 file; a landmark is a vertex number or the name of a landmark in the file."""

    units: Units = "mm"
    landmarks: tuple[Point, ...] = Field(min_length=68, max_length=68)
    expression_modes: int = Field(default=10, ge=0, le=100)


class FlameDescription(_Described):
    """A FLAME .pkl file, with landmarks by vertex number, or in FLAME's own file of 68 points on faces."""

    units: Units = "m"
    landmarks: tuple[Annotated[StrictInt, Field(ge=0)], ...] | None = Field(default=None, min_length=68, max_length=68)
    landmark_file: str | None = None
    expression_modes: int = Field(default=10, ge=0, le=100)


def _with_head_and_neck(bones: dict) -> dict:
    if not {"head", "neck"} <= set(bones):
        raise ValueError(f"bones must map head and neck at least, but maps {sorted(bones)}")
    return bones


class CharacterDescription(_Described):
    """A rigged .fbx, .glb or .gltf; a landmark is the name of an empty, or a vertex number of `landmark_mesh`."""

    units: Units = "m"
    bones: Annotated[dict[BoneName, str], AfterValidator(_with_head_and_neck)]  # pyright: ignore[reportInvalidTypeForm]
    materials: dict[str, RegionName]  # pyright: ignore[reportInvalidTypeForm]
    shape_keys: dict[str, str] = {}
    identity_shapes: tuple[str, ...] = ()
    landmarks: tuple[Point, ...] = Field(min_length=68, max_length=68)
    pupils: tuple[Point, Point] | None = None
    landmark_mesh: str | None = None


Description = LyhmDescription | Bfm2017Description | FlameDescription | CharacterDescription
DESCRIPTIONS: dict[str, type[_Described]] = {
    "lyhm": LyhmDescription,
    "bfm2017": Bfm2017Description,
    "flame": FlameDescription,
    "character": CharacterDescription,
}
# Fields that name a file beside the description. What counts is the content of those files, not their names.
_FILE_FIELDS = ("file", "landmark_file")


def read_description(family: str, path: Path) -> _Described:
    """The description of a model, checked field by field.

    Raises: HeadModelError that names the file, the field, what came and what is allowed.
    """
    kind = DESCRIPTIONS[family]
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise HeadModelError(
            f"{path} cannot be read as the description of a {family} model ({error}). It is a YAML text, as "
            "docs/head_models.md shows; heads.model_file must name that text, not the model itself"
        ) from error
    if not isinstance(content, dict):
        raise HeadModelError(
            f"{path} must map {', '.join(kind.model_fields)} to values, but holds {type(content).__name__}. "
            "docs/head_models.md shows an example"
        )
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            + ("" if problem["type"] == "missing" else f" (came: {_shortened(problem['input'])})")
            for problem in error.errors()
        ]
        known = ", ".join(kind.model_fields)
        raise HeadModelError(
            f"{path} cannot be used as the description of a {family} model, whose settings are {known}:\n"
            + "\n".join(lines)
        ) from error


def described_files(description: _Described, folder: Path) -> dict[str, Path]:
    """Setting to path of the files that a description names, relative to its folder. Raises: HeadModelError."""
    files = {}
    for setting in _FILE_FIELDS:
        name = getattr(description, setting, None)
        if name is not None:
            files[setting] = folder / Path(name).expanduser()
            if not files[setting].is_file():
                raise HeadModelError(
                    f"`{setting}: {name}` names {files[setting]}, which is no file; a path is taken from the folder of "
                    "the description. Put the file there, or write its absolute path"
                )
    return files


def description_sha256(family: str, description: _Described, folder: Path) -> str:
    """What a model depends on, as one hash: the settings, and the content of every file. Names of files do not count.

    Raises: HeadModelError when a file is missing.
    """
    files = {setting: file_sha256(path) for setting, path in described_files(description, folder).items()}
    settings = description.model_dump(mode="json", exclude=set(_FILE_FIELDS))
    return canonical_sha256({"family": family, "settings": settings, "files": files})


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
