"""Where a frame stands among people, instants, views, lights and sequences follows from its index alone."""

import pytest

from render.config import RecipeError, load_recipe
from render.ranges.structure import Structure
from render.sampling.place import Place, frame_place


def structure(**fields) -> Structure:
    return Structure.model_validate({"frames": {"train": 1000}, **fields})


def test_without_groups_a_frame_is_an_instant_of_its_own():
    """Frame 13 of people with 5 frames each: person 2, instant 13."""
    place = frame_place(structure(frames_per_identity=5), 13)
    assert place == Place(person=2, scene=13, instant=13, view=0, light=0, sequence=None, step=None)


def test_lights_vary_fastest_then_views_then_instants_then_people():
    """Two instants a person, 3 views, 2 lights: 24 frames are the places in that order, none twice."""
    grouped = structure(frames_per_identity=12, views=3, lights=2)
    places = [frame_place(grouped, index) for index in range(24)]
    expected = [
        (person, 2 * person + instant, view, light)
        for person in range(2)
        for instant in range(2)
        for view in range(3)
        for light in range(2)
    ]
    assert [(place.person, place.instant, place.view, place.light) for place in places] == expected


def test_a_rig_has_its_own_number_of_views():
    """multi_pie_nine gives nine frames an instant."""
    rig = structure(frames_per_identity=18, views="multi_pie_nine")
    assert [frame_place(rig, index).view for index in (0, 8, 9, 17)] == [0, 8, 0, 8]
    assert [frame_place(rig, index).instant for index in (0, 8, 9, 17)] == [0, 0, 1, 1]


def test_steps_of_one_sequence_follow_each_other_and_share_their_scene():
    """Two sequences of 3 steps with 2 views: the second person's first sequence is scene 2, its last instant 8."""
    moving = structure(
        frames_per_identity=12, views=2, sequences={"motions": ["yaw", "free"], "steps": 3, "seconds_per_step": 0.1}
    )
    places = [frame_place(moving, index) for index in range(24)]
    assert [place.step for place in places[:12]] == [0, 0, 1, 1, 2, 2] * 2
    assert [place.sequence for place in places[:12]] == [0] * 6 + [1] * 6
    assert [place.scene for place in places] == [0] * 6 + [1] * 6 + [2] * 6 + [3] * 6
    assert places[17] == Place(person=1, scene=2, instant=8, view=1, light=0, sequence=0, step=2)


def test_growing_a_dataset_moves_no_frame():
    """The place of a frame does not depend on how many there are."""
    few, many = (
        structure(frames={"train": count}, frames_per_identity=18, views=9, lights=2) for count in (18, 90_000)
    )
    assert [frame_place(few, index) for index in range(18)] == [frame_place(many, index) for index in range(18)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"structure.views": "multi_pie_nine", "structure.frames_per_identity": 20},
            r"frames_per_identity must be a multiple of 9 \(9 views x 1 lights for each instant\), but is 20",
        ),
        (
            {"structure.views": 2, "structure.lights": 3, "structure.frames_per_identity": 4},
            r"must be a multiple of 6 \(2 views x 3 lights for each instant\), but is 4",
        ),
        (
            {"structure.sequences": {"motions": ["yaw", "free"], "steps": 7}, "structure.frames_per_identity": 7},
            r"must be 14 \(2 sequences x 7 steps x 1 views x 1 lights\), but is 7",
        ),
        ({"structure.views": "circle"}, r"structure\.views\..*'multi_pie_nine' \(came: 'circle'\)"),
        (
            {"structure.sequences": {"motions": ["nod"], "steps": 7}},
            r"structure\.sequences\.motions\.0: .*'yaw', 'pitch', 'roll' or 'free' \(came: 'nod'\)",
        ),
        (
            {"structure.sequences": {"motions": ["yaw"], "steps": 7, "fps": 25}},
            r"structure\.sequences\.fps is no setting; known here are motions, seconds_per_step, steps",
        ),
    ],
)
def test_groups_that_do_not_fit_are_refused(settings: dict[str, object], message: str):
    """The message names the field, the number that would fit, and what came."""
    with pytest.raises(RecipeError, match=message):
        load_recipe("quick", overrides=settings)
