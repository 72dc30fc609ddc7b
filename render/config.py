"""Recipe: what may be drawn, and how it is rendered; read from YAML and checked field by field."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

RECIPES_FOLDER = Path(__file__).parent / "recipes"


class RecipeError(Exception):
    """A recipe cannot be used; the message names field, value and what is allowed."""


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the lower bound {bounds[0]} is above the upper bound {bounds[1]}; swap them")
    return bounds


def between(low: float, high: float):
    """The type of a range `[lower, upper]` whose bounds must both lie between low and high."""
    bound = Annotated[float, Field(ge=low, le=high)]
    return Annotated[tuple[bound, bound], AfterValidator(_ordered)]


class Section(BaseModel):
    """Base of every part of a recipe: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Heads(Section):
    """Which head family, how far its people may lie from the mean, and how finely it is subdivided."""

    family: Literal["procedural", "ict"] = "procedural"
    identity_sigma: float = Field(default=1.0, ge=0, le=2)
    identity_limit: float = Field(default=2.5, gt=0, le=4)
    subdivision_level: int = Field(default=1, ge=0, le=3)


class Structure(Section):
    """How many frames each split holds (whole identities each) and how many frames one person gets."""

    frames: dict[Literal["train", "validation", "test"], Annotated[int, Field(ge=0, le=100_000_000)]]
    frames_per_identity: int = Field(default=5, ge=1, le=10_000)
    shard_size: int = Field(default=32, ge=1, le=10_000)

    @model_validator(mode="after")
    def _something_to_render(self) -> "Structure":
        if sum(self.frames.values()) == 0:
            raise ValueError("frames asks for no frame at all; give at least one split a number above 0")
        return self


class Expressions(Section):
    """Which emotions are drawn (evenly) and how strongly they show."""

    names: tuple[Literal["neutral", "happy", "angry", "scared", "sad"], ...] = Field(min_length=1)
    intensity: between(0, 1) = (0.6, 1.0)  # pyright: ignore[reportInvalidTypeForm]


class HeadPoses(Section):
    """Head rotation against the frontal pose, and gaze against the head."""

    yaw_deg: between(-90, 90) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    pitch_deg: between(-60, 60) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    roll_deg: between(-60, 60) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    gaze_yaw_deg: between(-35, 35) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    gaze_pitch_deg: between(-25, 25) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]


class Cameras(Section):
    """Pinhole cameras in front of the face; distance is measured to the point between the eyes."""

    distance_mm: between(300, 5000) = (700, 1000)  # pyright: ignore[reportInvalidTypeForm]
    sensor_width_mm: between(4, 100) = (36, 60)  # pyright: ignore[reportInvalidTypeForm]
    focal_length_mm: between(4, 400) = (50, 50)  # pyright: ignore[reportInvalidTypeForm]
    offset_x: between(-0.5, 0.5) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    offset_y: between(-0.5, 0.5) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    width_px: int = Field(default=640, ge=16, le=8192)
    height_px: int = Field(default=480, ge=16, le=8192)
    clip_m: between(0.001, 100) = (0.01, 5)  # pyright: ignore[reportInvalidTypeForm]


ENVIRONMENTS = ("city", "courtyard", "forest", "interior", "night", "studio", "sunrise", "sunset")


class Lightings(Section):
    """An environment map (one of the eight that bpy ships) and a key light."""

    environments: tuple[Literal[ENVIRONMENTS], ...] = Field(default=ENVIRONMENTS, min_length=1)  # pyright: ignore[reportInvalidTypeForm]
    environment_rotation_deg: between(-180, 180) = (-180, 180)  # pyright: ignore[reportInvalidTypeForm]
    environment_strength: between(0, 10) = (0.5, 1.2)  # pyright: ignore[reportInvalidTypeForm]
    key_azimuth_deg: between(-180, 180) = (-60, 60)  # pyright: ignore[reportInvalidTypeForm]
    key_elevation_deg: between(-90, 90) = (0, 50)  # pyright: ignore[reportInvalidTypeForm]
    key_distance_m: between(0.3, 20) = (1.0, 1.8)  # pyright: ignore[reportInvalidTypeForm]
    key_size_m: between(0.01, 5) = (0.15, 0.8)  # pyright: ignore[reportInvalidTypeForm]
    key_power_w: between(0, 2000) = (5, 40)  # pyright: ignore[reportInvalidTypeForm]
    key_temperature_k: between(1500, 15000) = (3200, 7500)  # pyright: ignore[reportInvalidTypeForm]


class Backdrops(Section):
    """Share of each kind of backdrop; shares are weights and need not add up to 1."""

    shares: dict[Literal["plain", "gradient", "texture", "environment"], Annotated[float, Field(ge=0)]]

    @model_validator(mode="after")
    def _some_share(self) -> "Backdrops":
        if sum(self.shares.values()) <= 0:
            raise ValueError("every share is 0; give at least one kind of backdrop a weight above 0")
        return self


class Skins(Section):
    """Pigment volume fractions (human range: melanin 0.013 to 0.43, haemoglobin 0.02 to 0.07) and surface."""

    melanin: between(0, 0.6) = (0.013, 0.43)  # pyright: ignore[reportInvalidTypeForm]
    haemoglobin: between(0, 0.2) = (0.02, 0.07)  # pyright: ignore[reportInvalidTypeForm]
    roughness: between(0.1, 0.9) = (0.35, 0.55)  # pyright: ignore[reportInvalidTypeForm]
    freckles: between(0, 1) = (0, 0.6)  # pyright: ignore[reportInvalidTypeForm]


OUTFIT_STYLES = ("none", "crew", "scoop", "v_neck", "stand", "turtleneck")


class Outfits(Section):
    """Necklines of what people wear, drawn evenly; `none` leaves the cut bust bare. Fabrics are drawn freely."""

    styles: tuple[Literal[OUTFIT_STYLES], ...] = Field(default=OUTFIT_STYLES[1:], min_length=1)  # pyright: ignore[reportInvalidTypeForm]


class RgbSettings(Section):
    """How the picture is made. The device is a matter of the machine, not of the recipe."""

    samples: int = Field(default=32, ge=1, le=16384)
    denoise: bool = True
    file_format: Literal["jpg", "png"] = "jpg"
    jpeg_quality: int = Field(default=95, ge=50, le=100)
    exposure_ev: float = Field(default=0.0, ge=-5, le=5)


class Recipe(Section):
    """A whole dataset, but for where it is rendered."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    seed: int = Field(ge=0, lt=2**63)
    structure: Structure
    heads: Heads = Heads()
    expressions: Expressions
    head_poses: HeadPoses = HeadPoses()
    cameras: Cameras = Cameras()
    lightings: Lightings = Lightings()
    backdrops: Backdrops
    skins: Skins = Skins()
    outfits: Outfits = Outfits()
    rgb: RgbSettings = RgbSettings()


def load_recipe(name_or_path: str, *, overrides: dict[str, object] | None = None) -> Recipe:
    """Read a recipe by name (of render/recipes) or path, follow `extends:` and `set:`, then apply dotted overrides.

    A section given beside `extends:` replaces the parent's whole section; `set:` changes single fields of it.
    Raises: RecipeError that names the file, the field, the value and what is allowed.
    """
    tree = _read_tree(name_or_path, trail=())
    for dotted, value in (overrides or {}).items():
        _assign(tree, dotted, value, where=name_or_path)
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        lines = [f"  {_explain(problem)}" for problem in error.errors()]
        raise RecipeError(f"recipe {name_or_path!r} cannot be used:\n" + "\n".join(lines)) from error


def _explain(problem: ErrorDetails) -> str:
    """One problem that pydantic found: the field by its dotted name, what is allowed, and what came."""
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{field} is required, but no value came"
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_fields_of_section(problem["loc"][:-1]))
        return f"{field} is no setting; known here are {known} (came: {problem['input']!r})"
    return f"{field}: {problem['msg']} (came: {problem['input']!r})"


def _fields_of_section(location: tuple[int | str, ...]) -> list[str]:
    section: type[BaseModel] = Recipe
    for part in location:
        annotation = section.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            raise TypeError(f"{'.'.join(map(str, location))} is no section of a recipe")
        section = annotation
    return sorted(section.model_fields)


def recipe_names() -> list[str]:
    """Names of the recipes that come with Headroom."""
    return sorted(path.stem for path in RECIPES_FOLDER.glob("*.yaml"))


def parse_override(text: str) -> tuple[str, object]:
    """Split `key.sub=value`; the value is read as YAML. Raises: RecipeError on any other form."""
    dotted, equals, value = text.partition("=")
    if not equals or not dotted:
        raise RecipeError(f"expected --set key=value (for example cameras.width_px=320), but {text!r} came")
    try:
        return dotted.strip(), yaml.load(value, Loader=_UniqueKeyLoader)
    except yaml.YAMLError as error:
        raise RecipeError(f"the value of --set {text!r} is no YAML: {error}") from error


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML whose mappings may not name a key twice; plain YAML lets the last one win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _read_tree(name_or_path: str, *, trail: tuple[str, ...]) -> dict:
    path = Path(name_or_path) if name_or_path.endswith((".yaml", ".yml")) else RECIPES_FOLDER / f"{name_or_path}.yaml"
    place = str(path.resolve())
    if place in trail:
        raise RecipeError("recipes extend each other in a circle: " + " -> ".join([*trail, place]))
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError as error:
        raise RecipeError(
            f"no recipe {name_or_path!r}: {path} does not exist. Known names: {', '.join(recipe_names())}; "
            "a path must end in .yaml"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} cannot be read ({error}); a recipe is a YAML text file in UTF-8") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is no YAML: {error}") from error
    if not isinstance(tree, dict):
        raise RecipeError(f"{path} must hold a mapping of settings, but holds {type(tree).__name__}")
    changes = tree.pop("set", None) or {}
    if not isinstance(changes, dict):
        raise RecipeError(f"{path}: `set:` must map dotted fields to values, but is {changes!r}")
    if "extends" not in tree:
        if changes:
            raise RecipeError(f"{path}: `set:` changes a recipe named by `extends:`, but none is named; add it")
        return tree
    parent = tree.pop("extends")
    if not isinstance(parent, str):
        raise RecipeError(f"{path}: `extends:` must name one recipe or path, but is {parent!r}")
    if parent.endswith((".yaml", ".yml")):
        parent = str(path.parent / parent)
    result = _read_tree(parent, trail=(*trail, place))
    for dotted, value in changes.items():
        _assign(result, str(dotted), value, where=str(path))
    result.update(tree)
    return result


def _assign(tree: dict, dotted: str, value: object, *, where: str) -> None:
    *parents, leaf = dotted.split(".")
    node = tree
    for part in parents:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise RecipeError(f"{where}: cannot set {dotted!r}, because {part!r} is a value, not a section")
    node[leaf] = value
