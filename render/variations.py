"""Which variations of a recipe hold for a person, and the recipe that this person is drawn by."""

from collections.abc import Iterator

from render.config import Recipe, with_changes
from render.draws import Draws


def variation_names(recipe: Recipe, split: str, person: int) -> tuple[str, ...]:
    """Names of the variations that hold for a person of a split, in the recipe's order.

    Whether one does depends on the recipe's seed, the variation's name, split and person alone, so that neither other
    variations nor the number of frames matter.
    """
    return tuple(
        one.name
        for one in recipe.variations
        if split in one.splits
        and (
            person in one.identities
            if isinstance(one.identities, tuple)
            else Draws(recipe.seed, split, person).share(f"variation.{one.name}") < one.identities
        )
    )


def recipe_with(recipe: Recipe, names: tuple[str, ...]) -> Recipe:
    """The recipe of the people for whom exactly these variations hold; of two that set one field the later counts.

    Raises: RecipeError when they are impossible together.
    """
    if not names:
        return recipe
    chosen = [one for one in recipe.variations if one.name in names]
    where = f"recipe {recipe.name!r} with variations {', '.join(names)}"
    return with_changes(recipe, {dotted: value for one in chosen for dotted, value in one.set.items()}, where=where)


def every_variation(recipe: Recipe) -> Iterator[Recipe]:
    """The recipe as it is, and as each single variation makes it."""
    yield recipe
    for one in recipe.variations:
        yield recipe_with(recipe, (one.name,))
