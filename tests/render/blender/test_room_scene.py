"""A room is in the picture, and nowhere in the ground truth."""

from dataclasses import replace

import numpy as np

from render.blender.draw import draw_frame, open_stage, person_on_stage
from render.config import load_recipe
from render.heads.procedural import load_procedural
from render.ranges.quality import RgbSettings
from render.sampling.frame import draw_frame as draw_parameters


def test_a_room_changes_the_picture_and_no_array_of_the_ground_truth():
    """The same frame before a plain backdrop and in a room: equal depth, normals and labels; another background; and
    background of the truth stays invalid although walls stand there."""
    recipe = load_recipe(
        "quick", overrides={"cameras.width_px": 48, "cameras.height_px": 36, "heads.subdivision_level": 0}
    )
    parameters = draw_parameters(recipe, "train", 1)
    stage = open_stage(device="cpu", products=("gt", "rgb"))
    drawn = {}
    with person_on_stage(stage, load_procedural(), parameters, level=0) as person:
        for kind in ("plain", "room"):
            shown = replace(parameters, backdrop=replace(parameters.backdrop, kind=kind))
            drawn[kind] = draw_frame(stage, person, shown, RgbSettings(samples=1, denoise=False), noise_seed=1)
    plain, room = drawn["plain"], drawn["room"]
    for layer in ("visible", "head"):
        for name in ("depth_m", "normals_cam", "gradient_magnitude"):
            assert np.array_equal(getattr(getattr(plain.truth, layer), name), getattr(getattr(room.truth, layer), name))
    assert np.array_equal(plain.truth.labels, room.truth.labels)
    background = room.truth.labels == 0
    assert background.any() and (room.truth.visible.depth_m[background] == 0).all()
    assert room.rgb_srgb[background].std() > 5 and np.ptp(plain.rgb_srgb[background], axis=0).max() <= 60
    assert plain.geometry == room.geometry
