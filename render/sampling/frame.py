"""Draw one frame of a recipe: an address (split, index) becomes FrameParameters."""

from render.config import Recipe
from render.heads.families import FAMILIES
from render.parameters import FrameParameters
from render.sampling.appearance import draw_eyes, draw_skin
from render.sampling.camera import draw_camera
from render.sampling.clothing import draw_fabric, draw_outfit
from render.sampling.expression import draw_expression
from render.sampling.head_pose import draw_head_pose
from render.sampling.identity import draw_identity
from render.sampling.lighting import draw_lighting
from render.sampling.scene import draw_backdrop


def identity_index(recipe: Recipe, index: int) -> int:
    """Which person of its split a frame shows."""
    return index // recipe.structure.frames_per_identity


def draw_frame(recipe: Recipe, split: str, index: int) -> FrameParameters:
    """The concrete numbers of frame `index` of a split; they depend on nothing but seed, ranges, split and index.

    What belongs to the person is drawn by the person's index, everything else by the frame's.
    """
    person = identity_index(recipe, index)
    seed = recipe.seed
    return FrameParameters(
        identity=draw_identity(recipe.heads, FAMILIES[recipe.heads.family].identity_modes, seed, split, person),
        skin=draw_skin(recipe.skins, seed, split, person),
        eyes=draw_eyes(recipe.skins, seed, split, person),
        outfit=draw_outfit(recipe.outfits, seed, split, person),
        fabric=draw_fabric(seed, split, person),
        expression=draw_expression(recipe.expressions, seed, split, index),
        head_pose=draw_head_pose(recipe.head_poses, seed, split, index),
        camera=draw_camera(recipe.cameras, seed, split, index),
        lighting=draw_lighting(recipe.lightings, seed, split, index),
        backdrop=draw_backdrop(recipe.backdrops, seed, split, index),
    )
