"""How the head and the eyes are turned."""

from render.config import HeadPoses
from render.draws import field_drawer
from render.parameters import HeadPose


def draw_head_pose(poses: HeadPoses, seed: int, split: str, index: int) -> HeadPose:
    """Each angle uniform in its range, each from a stream of its own."""
    draw = field_drawer(poses, "head_pose", seed, split, index)
    return HeadPose(
        yaw_deg=draw("yaw_deg"),
        pitch_deg=draw("pitch_deg"),
        roll_deg=draw("roll_deg"),
        gaze_yaw_deg=draw("gaze_yaw_deg"),
        gaze_pitch_deg=draw("gaze_pitch_deg"),
    )
