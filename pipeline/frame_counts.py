"""How many frames each split gets when the total is changed: whole identities, in the recipe's proportions."""

from render.config import Recipe, RecipeError
from render.dataset_format import SPLITS
from render.ranges.structure import Structure


def with_total_frames(recipe: Recipe, total: int) -> Recipe:
    """The recipe with `total` frames over all splits, at least one identity in each split that it names.

    Identities are handed out one by one, each to the split that is furthest behind its share (Sainte-Laguë). So the
    recipe's own total gives the recipe's own splits, and a larger total takes no frame from any split.

    Raises: RecipeError when `total` frames are not whole identities, or not enough for every split.
    """
    structure = recipe.structure
    per_identity = structure.frames_per_identity
    shares = {split: structure.frames[split] for split in SPLITS if structure.frames.get(split, 0) > 0}
    smallest = len(shares) * per_identity
    if total < smallest:
        raise RecipeError(
            f"--frames {total} is too few for recipe {recipe.name!r}: its {len(shares)} splits ({', '.join(shares)}) "
            f"need one identity of {per_identity} frames each, so at least {smallest}; "
            "or lower structure.frames_per_identity with --set"
        )
    if total % per_identity:
        below = total - total % per_identity
        raise RecipeError(
            f"--frames {total} is no whole number of identities of {per_identity} frames (recipe {recipe.name!r}); "
            f"try {below} or {below + per_identity}, or change structure.frames_per_identity with --set"
        )
    identities = dict.fromkeys(shares, 1)
    for _ in range(total // per_identity - len(shares)):
        behind = max(shares, key=lambda split: shares[split] / (identities[split] + 0.5))
        identities[behind] += 1
    frames = {split: count * per_identity for split, count in identities.items()}
    changed = Structure.model_validate({**structure.model_dump(), "frames": frames})
    return recipe.model_copy(update={"structure": changed})
