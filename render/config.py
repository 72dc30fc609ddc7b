"""Recipe: what may be drawn, and how it is rendered; read from YAML and checked field by field."""

from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from render.ranges.accessories import Accessories
from render.ranges.backdrops import Backdrops
from render.ranges.framing import Cameras, HeadPoses
from render.ranges.hair import Hairs
from render.ranges.lighting import Lightings
from render.ranges.people import Expressions, Heads, Outfits, Skins
from render.ranges.quality import RgbSettings
from render.ranges.section import Section
from render.ranges.sensor import SensorSettings
from render.ranges.structure import Structure
from render.ranges.variations import Variation

# From the eyes to the tip of the nose, a thing with the hand around it, and room before the lens.
HELD_THING_MM = 200.0
RECIPES_FOLDER = Path(__file__).parent / "recipes"


class RecipeError(Exception):
    """A recipe cannot be used; the message names field, value and what is allowed."""


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
    hairs: Hairs = Hairs()
    accessories: Accessories = Accessories()
    outfits: Outfits = Outfits()
    rgb: RgbSettings = RgbSettings()
    sensor: SensorSettings = SensorSettings()
    variations: tuple[Variation, ...] = ()

    @model_validator(mode="after")
    def _held_before_the_camera(self) -> "Recipe":
        held = sum(share for kind, share in self.accessories.occluders.items() if kind != "none") > 0
        farthest_mm = self.accessories.gap_mm[1] + HELD_THING_MM
        if held and self.cameras.distance_mm[0] < farthest_mm:
            raise ValueError(
                f"accessories.gap_mm lets things be held {self.accessories.gap_mm[1]:g} mm before the face; that needs "
                f"cameras at least {farthest_mm:g} mm away, but cameras.distance_mm begins at "
                f"{self.cameras.distance_mm[0]:g}; lower the one or raise the other"
            )
        return self

    @model_validator(mode="after")
    def _possible_variations(self) -> "Recipe":
        names = [one.name for one in self.variations]
        if len(set(names)) < len(names):
            raise ValueError(f"two variations have one name among {', '.join(names)}; each is drawn by its own")
        for one in self.variations:
            try:
                with_changes(self, one.set, where=f"variation {one.name!r}")
            except RecipeError as error:
                raise ValueError(str(error)) from error
        return self


def with_changes(recipe: Recipe, changes: dict[str, Any], *, where: str) -> Recipe:
    """The recipe with dotted fields changed, and without its variations. Raises: RecipeError that says `where`."""
    tree = recipe.model_dump(mode="json", exclude={"variations"})
    for dotted, value in changes.items():
        _assign(tree, dotted, value, where=where)
    return _validated(tree, where=where)


def load_recipe(name_or_path: str, *, overrides: dict[str, object] | None = None) -> Recipe:
    """Read a recipe by name (of render/recipes) or path, follow `extends:` and `set:`, then apply dotted overrides.

    A section given beside `extends:` replaces the parent's whole section; `set:` changes single fields of it.
    Raises: RecipeError that names the file, the field, the value and what is allowed.
    """
    tree = _read_tree(name_or_path, trail=())
    for dotted, value in (overrides or {}).items():
        _assign(tree, dotted, value, where=name_or_path)
    return _validated(tree, where=f"recipe {name_or_path!r}")


def _validated(tree: dict, *, where: str) -> Recipe:
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        lines = [f"  {_explain(problem)}" for problem in _own_problems(error.errors())]
        raise RecipeError(f"{where} cannot be used:\n" + "\n".join(lines)) from error


def _own_problems(problems: list[ErrorDetails]) -> list[ErrorDetails]:
    """All but a tuple that is too short only because pydantic dropped the wrong items of it, which it names as well."""
    places = [problem["loc"] for problem in problems]
    return [
        problem
        for problem in problems
        if problem["type"] != "too_short"
        or not any(place != problem["loc"] and place[: len(problem["loc"])] == problem["loc"] for place in places)
    ]


def _explain(problem: ErrorDetails) -> str:
    """One problem that pydantic found: the field by its dotted name, what is allowed, and what came."""
    # A wrong key of a mapping is marked by a last part of its own, but named already.
    field = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    if problem["type"] == "missing":
        return f"{field} is required, but no value came"
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_fields_of_section(problem["loc"][:-1]))
        return f"{field} is no setting; known here are {known} (came: {problem['input']!r})"
    message = problem["msg"].removeprefix("Value error, ")
    # What is wrong with the recipe as a whole names its fields itself.
    return f"{field}: {message} (came: {problem['input']!r})" if field else message


def _fields_of_section(location: tuple[int | str, ...]) -> list[str]:
    section: type[BaseModel] = Recipe
    for part in (part for part in location if isinstance(part, str)):
        annotation = section.model_fields[part].annotation
        # A section that may be left out is `Section | None`.
        kinds = [kind for kind in get_args(annotation) or (annotation,) if isinstance(kind, type)]
        sections = [kind for kind in kinds if issubclass(kind, BaseModel)]
        if len(sections) != 1:
            raise TypeError(f"{'.'.join(map(str, location))} is no section of a recipe")
        section = sections[0]
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
