"""Draw one frame of a recipe: an address (split, index) becomes FrameParameters."""

from collections.abc import Iterable, Iterator
from typing import Any

from render.config import Recipe
from render.draws import Draws
from render.heads.families import identity_modes
from render.parameters import NOTHING_HELD, Expression, FrameParameters, HeadPose, Occluder
from render.sampling.accessories import draw_glasses, draw_lenses, draw_occluder
from render.sampling.appearance import draw_eyes, draw_skin
from render.sampling.camera import draw_camera, rig_azimuth_deg
from render.sampling.clothing import draw_fabric, draw_outfit
from render.sampling.expression import draw_expression
from render.sampling.hair import draw_hair, draw_hair_colour
from render.sampling.head_pose import draw_head_pose
from render.sampling.identity import draw_identity
from render.sampling.lighting import draw_lighting
from render.sampling.motion import holding_index, sequence_expression, sequence_head_pose
from render.sampling.place import Place, frame_place
from render.sampling.scene import draw_backdrop
from render.variations import recipe_with, variation_names


def draw_frame(recipe: Recipe, split: str, index: int) -> FrameParameters:
    """The concrete numbers of frame `index` of a split; they depend on nothing but seed, ranges, split and index."""
    return next(draw_frames(recipe, split, (index,)))


def draw_frames(recipe: Recipe, split: str, indices: Iterable[int]) -> Iterator[FrameParameters]:
    """The frames of a split in the order asked for; people whose frames follow each other are drawn once.

    Everything is drawn by the index of what it belongs to: person, scene, instant, or camera and light of a scene.
    """
    recipes: dict[tuple[str, ...], Recipe] = {}
    known: tuple[int, Recipe, dict[str, Any]] | None = None
    for index in indices:
        place = frame_place(recipe.structure, index)
        if known is None or known[0] != place.person:
            names = variation_names(recipe, split, place.person)
            if names not in recipes:
                recipes[names] = recipe_with(recipe, names)
            known = place.person, recipes[names], _draw_person(recipes[names], Draws(recipe.seed, split, place.person))
        yield _draw_at(known[1], split, place, known[2])


def _draw_person(recipe: Recipe, person: Draws) -> dict[str, Any]:
    """The factors of PERSON_FACTORS."""
    skin = draw_skin(recipe.skins, person)
    return {
        "identity": draw_identity(recipe.heads, identity_modes(recipe.heads), person),
        "skin": skin,
        "eyes": draw_eyes(skin, person),
        "hair": draw_hair(recipe.hairs, person),
        "hair_colour": draw_hair_colour(recipe.hairs, skin, person),
        "glasses": draw_glasses(recipe.accessories, person),
        "lenses": draw_lenses(recipe.accessories, person),
        "outfit": draw_outfit(recipe.outfits, person),
        "fabric": draw_fabric(person),
    }


def _draw_at(recipe: Recipe, split: str, place: Place, person: dict[str, Any]) -> FrameParameters:
    """One frame of a person who is drawn already."""
    structure = recipe.structure
    scene = Draws(recipe.seed, split, place.scene)
    camera = Draws(recipe.seed, split, place.scene * structure.view_count + place.view)
    light = Draws(recipe.seed, split, place.scene * structure.lights + place.light)
    expression, head_pose, occluder = _draw_instant(recipe, split, place)
    return FrameParameters(
        **person,
        expression=expression,
        head_pose=head_pose,
        occluder=occluder,
        camera=draw_camera(recipe.cameras, camera, rig_azimuth_deg=rig_azimuth_deg(structure, place.view)),
        lighting=draw_lighting(recipe.lightings, light),
        backdrop=draw_backdrop(recipe.backdrops, scene),
    )


def _draw_instant(recipe: Recipe, split: str, place: Place) -> tuple[Expression, HeadPose, Occluder]:
    """What the face does and what is held before it: drawn for itself, or as a sequence has it at this step."""
    sequences = recipe.structure.sequences
    scene = Draws(recipe.seed, split, place.scene)
    expression = draw_expression(recipe.expressions, scene)
    if sequences is None or place.sequence is None or place.step is None:
        return expression, draw_head_pose(recipe.head_poses, scene), draw_occluder(recipe.accessories, scene)
    motion = sequences.motions[place.sequence]
    held = Draws(recipe.seed, split, holding_index(place.scene, step=place.step, sequences=sequences))
    return (
        sequence_expression(expression, scene, seconds=place.step * sequences.seconds_per_step),
        sequence_head_pose(recipe.head_poses, motion, scene, step=place.step, sequences=sequences),
        draw_occluder(recipe.accessories, held) if motion == "free" else NOTHING_HELD,
    )
