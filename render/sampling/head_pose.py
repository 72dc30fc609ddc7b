"""How the head and the eyes are turned."""

from render.config import HeadPoses
from render.draws import draw_between, random_stream
from render.parameters import HeadPose


def draw_head_pose(poses: HeadPoses, seed: int, split: str, index: int) -> HeadPose:
    """Each angle uniform in its range, each from a stream of its own."""

    def draw(field: str) -> float:
        return draw_between(random_stream(seed, split, f"head_pose.{field}", index), getattr(poses, field))

    return HeadPose(
        yaw_deg=draw("yaw_deg"),
        pitch_deg=draw("pitch_deg"),
        roll_deg=draw("roll_deg"),
        gaze_yaw_deg=draw("gaze_yaw_deg"),
        gaze_pitch_deg=draw("gaze_pitch_deg"),
    )
