"""Where things are held: the gap asked for, never in the head, and upright before it whatever its pose."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial import KDTree

from render.accessories.holding import held_place, holding_axes
from render.geometry.frames import head_rotation
from render.parameters import NOTHING_HELD

PUPILS, CHIN = np.array([0.0, 0.035, 0.08]), np.array([0.0, -0.08, 0.075])


def ball(radius_m: float, count: int, *, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """Points spread evenly over an ellipsoid about the origin (a Fibonacci spiral)."""
    k = np.arange(count) + 0.5
    z, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    ring = np.sqrt(1 - z**2)
    return radius_m * np.stack([ring * np.cos(turn), ring * np.sin(turn), z], axis=1) * np.array(stretch)


HEAD = ball(0.095, 20_000, stretch=(0.8, 1.3, 1.0))
THING = ball(0.05, 4_000, stretch=(0.7, 1.4, 0.2))


@pytest.mark.parametrize("seed", range(6))
def test_the_gap_is_kept_for_any_pose_and_turn(seed):
    """The nearest points of thing and head are no nearer than the gap allows, and no farther than it and its slack."""
    stream = np.random.default_rng(seed)
    yaw, pitch, roll, *turns = stream.uniform(-30, 30, size=6)
    aim_x, aim_y = stream.uniform(-0.6, 0.6, size=2)
    occluder = dataclasses.replace(
        NOTHING_HELD,
        kind="tablet",
        aim_x=float(aim_x),
        aim_y=float(aim_y),
        gap_mm=40.0,
        yaw_deg=float(turns[0]),
        pitch_deg=float(turns[1]),
        roll_deg=float(turns[2]),
    )
    axes = holding_axes(head_rotation(float(yaw), float(pitch), float(roll)))
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    turn, place = held_place(HEAD, THING, np.zeros((0, 3)), pupils_m=PUPILS, chin_m=CHIN, axes=axes, occluder=occluder)
    held = THING @ turn.T + place
    along = (held - place) @ axes[:, 2]
    assert np.linalg.det(turn) > 0.999 and np.isfinite(along).all()
    nearest = float(KDTree(HEAD).query(held)[0].min())
    assert 0.024 < nearest < 0.056


def test_the_arm_keeps_clear_even_where_the_gap_is_small():
    """An arm that would run through the head pushes the thing away until it clears it by 1 cm."""
    occluder = dataclasses.replace(NOTHING_HELD, kind="mug", gap_mm=5.0)
    arm = THING - np.array([0.0, 0.0, 0.08])
    turn, place = held_place(
        HEAD, THING, arm, pupils_m=PUPILS, chin_m=CHIN, axes=holding_axes(np.eye(3)), occluder=occluder
    )
    assert KDTree(HEAD).query(arm @ turn.T + place)[0].min() > 0.006


def test_things_stay_before_the_chest_when_the_head_turns():
    """At yaw 60 the holding direction has turned by less than 25 degrees, and stays level."""
    axes = holding_axes(head_rotation(60.0, 0.0, 0.0))
    turned_deg = np.degrees(np.arctan2(axes[0, 2], axes[2, 2]))
    assert 5 < turned_deg < 25 and abs(axes[1, 2]) < 1e-12
