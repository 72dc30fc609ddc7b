"""The head model of a recipe, checked against what the recipe asks of it before the first frame is rendered."""

from collections.abc import Mapping
from pathlib import Path

from render.config import Recipe
from render.heads.families import FAMILIES, head_model_is_compiled, identity_modes, load_head_model
from render.heads.model import HeadModel
from render.heads.model_checks import HeadModelError
from render.heads.own_model import load_own_model, own_model_is_compiled, own_model_sha256
from render.ranges.people import OWN_FAMILIES
from render.sampling.expression import EMOTIONS, numbered_shapes, shapes_of
from render.variations import every_variation

STATISTICAL = numbered_shapes(1)[0]
GAZE_RANGES = ("gaze_yaw_deg", "gaze_pitch_deg")


def recipe_head(
    recipe: Recipe, *, assets_source: str | None, cache: Path, planned: Mapping[str, str] | None = None
) -> HeadModel:
    """The model that all heads of a recipe are made of; a file of the user's own must be the one in `planned`, if any.

    Raises: AssetError or HeadModelError when the model cannot be had, ValueError or HeadModelError when it is unfit.
    """
    heads = recipe.heads
    if heads.model_file is None:
        model = load_head_model(heads.family, assets_source=assets_source, cache=cache)
    else:
        model = load_own_model(
            heads.family,
            heads.model_file,
            identity_modes=identity_modes(heads),
            source=assets_source,
            cache=cache,
            expected_sha256=None if planned is None else planned.get(str(FAMILIES[heads.family].asset_id)),
        )
    for varied in every_variation(recipe):
        check_head_fits(varied, model)
    return model


def recipe_head_is_compiled(recipe: Recipe, *, assets_source: str | None, cache: Path) -> bool:
    """Whether `recipe_head` only has to read a file (or needs none); an asset must be installed.

    Raises: HeadModelError when a file of the user's own is missing.
    """
    heads = recipe.heads
    if heads.model_file is None:
        return head_model_is_compiled(heads.family, assets_source=assets_source, cache=cache)
    return own_model_is_compiled(
        heads.family, heads.model_file, identity_modes=identity_modes(heads), source=assets_source, cache=cache
    )


def own_assets(recipe: Recipe, *, source: str | None) -> dict[str, str]:
    """Asset id to sha256 of the files of the user's own that a recipe uses. Raises: HeadModelError."""
    heads = recipe.heads
    if heads.family not in OWN_FAMILIES or heads.model_file is None:
        return {}
    return {str(FAMILIES[heads.family].asset_id): own_model_sha256(heads.family, heads.model_file, source=source)}


def check_head_fits(recipe: Recipe, model: HeadModel) -> None:
    """Nothing, when the model can do what the recipe asks for: its expressions, and eyes that turn.

    Raises: HeadModelError that names the family, what it offers, and the setting to change.
    """
    offered = set(model.expression_names)
    possible = [name for name, shapes in EMOTIONS.items() if set(shapes) <= offered]
    for name in recipe.expressions.names:
        lacking = sorted(set(shapes_of(name, recipe.expressions)) - offered)
        if lacking:
            raise HeadModelError(
                f"expressions.names asks for {name!r}, which needs the shapes {', '.join(lacking)}; head family "
                f"{model.family!r} does not have them. It can show {', '.join(possible)}: set expressions.names to "
                f"[{', '.join(possible)}] (its own shapes are {', '.join(model.expression_names) or 'none'}"
                f"{'; `sampled` draws numbered ones' if STATISTICAL in offered else ''})"
            )
    bones = {bone.name for bone in model.bones}
    turning = [name for name in GAZE_RANGES if getattr(recipe.head_poses, name) != (0, 0)]
    if turning and not {"eye_left", "eye_right"} <= bones:
        raise HeadModelError(
            f"head_poses.{turning[0]} is {list(getattr(recipe.head_poses, turning[0]))}, but the eyes of head family "
            f"{model.family!r} are part of its skin and cannot turn; set "
            f"{' and '.join(f'head_poses.{name}' for name in turning)} to [0, 0]"
        )
