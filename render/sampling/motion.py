"""How head, eyes and face move over the steps of a sequence: smoothly, within the ranges of the recipe."""

import dataclasses
import math

from render.draws import Draws, Range
from render.parameters import Expression, HeadPose
from render.ranges.framing import HeadPoses
from render.ranges.structure import Motion, Sequences

# Free motion is a sum of three swings: their shares, and the bands in hertz from which their frequencies are drawn.
# Ours: slow turning of the head, nods, and a little restlessness.
SWING_SHARES = (0.60, 0.28, 0.12)
SWING_BANDS_HZ = ((0.06, 0.14), (0.18, 0.35), (0.40, 0.70))
# A sweep reaches at least this share of its range, so that people differ.
LEAST_SWEEP = 0.85
# A thing that is held before the face is held for so long (ours).
HOLDING_SECONDS = 2.0


def sequence_head_pose(poses: HeadPoses, motion: Motion, draw: Draws, *, step: int, sequences: Sequences) -> HeadPose:
    """The pose at one step of a sequence; `draw` belongs to the sequence.

    A sweep starts ahead, goes to one end of its range, through the middle to the other end, and comes back.
    """
    if motion == "free":
        seconds = step * sequences.seconds_per_step
        return HeadPose(**{field: _along(bounds, free_swing(draw, field, seconds)) for field, bounds in poses})
    ahead = HeadPose(**{field: _along(bounds, 0.0) for field, bounds in poses})
    reach = draw.one("motion.side", (-1, 1)) * draw.between("motion.reach", (LEAST_SWEEP, 1.0))
    swing = reach * math.sin(2 * math.pi * step / sequences.steps)
    field = f"{motion}_deg"
    return dataclasses.replace(ahead, **{field: _along(getattr(poses, field), swing)})


def sequence_expression(expression: Expression, draw: Draws, *, seconds: float) -> Expression:
    """The expression of a sequence as strong as it is at this moment: between not at all and as it was drawn."""
    strength = 0.5 + 0.5 * free_swing(draw, "expression", seconds)
    return dataclasses.replace(
        expression, weights=tuple((name, round(weight * strength, 6)) for name, weight in expression.weights)
    )


def holding_index(scene: int, *, step: int, sequences: Sequences) -> int:
    """The index by which what is held is drawn: it stays for HOLDING_SECONDS, and no two sequences share one."""
    steps_held = max(round(HOLDING_SECONDS / sequences.seconds_per_step), 1)
    return scene * -(-sequences.steps // steps_held) + step // steps_held


def free_swing(draw: Draws, what: str, seconds: float) -> float:
    """A smooth motion between -1 and 1 at one moment: swings of drawn frequency and phase."""
    numbers = draw.stream(f"motion.{what}").random(2 * len(SWING_SHARES)).reshape(-1, 2)
    return sum(
        share * math.sin(2 * math.pi * ((low + (high - low) * place) * seconds + phase))
        for share, (low, high), (place, phase) in zip(SWING_SHARES, SWING_BANDS_HZ, numbers, strict=True)
    )


def _along(bounds: Range, swing: float) -> float:
    """-1 is the lower bound, 1 the upper, 0 the angle nearest to straight ahead."""
    low, high = bounds
    ahead = min(max(0.0, low), high)
    return round(ahead + swing * (high - ahead if swing > 0 else ahead - low), 9) + 0.0
