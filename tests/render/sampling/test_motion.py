"""Sequences move smoothly, within the ranges of the recipe, and one angle at a time where they are constrained."""

import dataclasses
import math

import numpy as np
import pytest

from render.config import Recipe, load_recipe
from render.draws import Draws
from render.ranges.accessories import OCCLUDER_KINDS
from render.sampling.frame import draw_frame, draw_frames
from render.sampling.motion import LEAST_SWEEP, SWING_BANDS_HZ, SWING_SHARES, free_swing, holding_index

STEPS, SECONDS = 40, 0.1
POSE_RANGES = {"yaw_deg": [-50, 70], "pitch_deg": [-30, 20], "roll_deg": [5, 25], "gaze_yaw_deg": [-12, 12]}


def moving(*motions: str, **overrides: object) -> Recipe:
    sequences = {"motions": list(motions), "steps": STEPS, "seconds_per_step": SECONDS}
    return load_recipe(
        "quick",
        overrides={
            "structure.frames_per_identity": STEPS * len(motions),
            "structure.frames": {"train": 10 * STEPS * len(motions)},
            "structure.sequences": sequences,
            "head_poses": POSE_RANGES,
            **overrides,
        },
    )


def angles(recipe: Recipe, sequence: int) -> dict[str, np.ndarray]:
    """Each angle of the head over the steps of one sequence."""
    drawn = list(draw_frames(recipe, "train", range(sequence * STEPS, (sequence + 1) * STEPS)))
    return {
        field.name: np.array([getattr(frame.head_pose, field.name) for frame in drawn])
        for field in dataclasses.fields(drawn[0].head_pose)
    }


@pytest.mark.parametrize("motion", ["yaw", "pitch", "roll"])
def test_a_constrained_motion_turns_one_angle_through_its_range(motion: str):
    """The angle starts ahead and reaches most of the way to both ends; all others stay at what is nearest to 0."""
    low, high = POSE_RANGES[f"{motion}_deg"]
    ahead = min(max(0, low), high)
    values = angles(moving("yaw", "pitch", "roll"), ["yaw", "pitch", "roll"].index(motion))
    swept = values.pop(f"{motion}_deg")
    assert swept[0] == ahead and low <= swept.min() and swept.max() <= high
    assert swept.max() >= ahead + 0.99 * LEAST_SWEEP * (high - ahead)
    assert swept.min() <= ahead - 0.99 * LEAST_SWEEP * (ahead - low)
    resting = {"yaw_deg": 0, "pitch_deg": 0, "roll_deg": 5, "gaze_yaw_deg": 0, "gaze_pitch_deg": 0}
    for field, others in values.items():
        assert set(others) == {resting[field]}


def test_free_motion_turns_everything_within_the_ranges():
    """Over ten sequences every angle with a range uses most of it, and none leaves it."""
    recipe = moving("free")
    sequences = [angles(recipe, sequence) for sequence in range(10)]
    for field, (low, high) in POSE_RANGES.items():
        values = np.concatenate([one[field] for one in sequences])
        assert low <= values.min() and values.max() <= high, field
        assert np.ptp(values) > 0.7 * (high - low), field
    assert {value for one in sequences for value in one["gaze_pitch_deg"]} == {0}


def test_free_motion_is_smooth():
    """No step is larger than the steepest slope of its swings: 2 pi sum(share x frequency) x time."""
    steepest = 2 * math.pi * sum(share * band[1] for share, band in zip(SWING_SHARES, SWING_BANDS_HZ, strict=True))
    for index in range(20):
        swing = [free_swing(Draws(3, "train", index), "yaw_deg", step * 0.02) for step in range(200)]
        assert np.abs(np.diff(swing)).max() <= steepest * 0.02
        assert np.abs(swing).max() <= 1


def test_what_belongs_to_the_scene_stays_for_the_whole_sequence():
    """Camera, light, backdrop and person are the same in all steps; the next sequence has its own."""
    recipe = moving("free", "free")
    first, last, following = (draw_frame(recipe, "train", index) for index in (0, STEPS - 1, STEPS))
    for factor in ("camera", "lighting", "backdrop"):
        assert getattr(first, factor) == getattr(last, factor) != getattr(following, factor)
    assert first.skin == following.skin and first.head_pose != last.head_pose


def test_an_expression_comes_and_goes():
    """In one sequence the name stays, each weight keeps its share of the others, and the strength changes smoothly."""
    recipe = moving("free", **{"expressions.names": ["happy"]})
    drawn = list(draw_frames(recipe, "train", range(STEPS)))
    assert {frame.expression.name for frame in drawn} == {"happy"}
    strongest = np.array([max(weight for _, weight in frame.expression.weights) for frame in drawn])
    assert np.ptp(strongest) > 0.1 and np.abs(np.diff(strongest)).max() < 0.15
    strong, weak = (dict(drawn[pick].expression.weights) for pick in (int(strongest.argmax()), int(strongest.argmin())))
    ratios = [weak[name] / weight for name, weight in strong.items() if weight > 0.1]
    assert np.ptp(ratios) < 1e-3


def test_things_are_held_for_two_seconds_and_no_two_sequences_share_one():
    """41 steps of 0.1 s are held in runs of 20, 20 and 1; the next sequence begins its own."""
    sequences = moving("free").structure.sequences
    assert sequences is not None
    longer = sequences.model_copy(update={"steps": 41})
    held = [holding_index(scene, step=step, sequences=longer) for scene in (0, 1) for step in range(41)]
    assert held == [0] * 20 + [1] * 20 + [2] + [3] * 20 + [4] * 20 + [5]


def test_in_constrained_motion_nothing_is_held():
    """Occluders come in free sequences alone, and not all the time."""
    kinds = OCCLUDER_KINDS
    recipe = moving("yaw", "free", "free", **{"accessories.occluders": dict.fromkeys(kinds, 1)})
    one_a_second = [start + step for start in range(0, 15 * STEPS, STEPS) for step in range(0, STEPS, 10)]
    drawn = dict(zip(one_a_second, draw_frames(recipe, "train", one_a_second), strict=True))
    constrained = {index for index in one_a_second if index % (3 * STEPS) < STEPS}
    assert {drawn[index].occluder.kind for index in constrained} == {"none"}
    assert {frame.occluder.kind for frame in drawn.values()} == set(kinds)


def test_a_frame_of_a_sequence_does_not_depend_on_the_others():
    """Drawn alone, in reverse or in a run, step 17 is the same."""
    recipe = moving("pitch", "free")
    in_order = list(draw_frames(recipe, "train", range(2 * STEPS)))
    assert draw_frame(recipe, "train", 57) == in_order[57]
    assert list(draw_frames(recipe, "train", (57, 3))) == [in_order[57], in_order[3]]
