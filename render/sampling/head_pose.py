"""How the head and the eyes are turned."""

from render.draws import Draws
from render.parameters import HeadPose
from render.ranges.framing import HeadPoses


def draw_head_pose(poses: HeadPoses, draw: Draws) -> HeadPose:
    """Each angle uniform in its range; head angles fill their cube evenly, and so do gaze angles their square."""
    head = {"yaw_deg": poses.yaw_deg, "pitch_deg": poses.pitch_deg, "roll_deg": poses.roll_deg}
    gaze = {"gaze_yaw_deg": poses.gaze_yaw_deg, "gaze_pitch_deg": poses.gaze_pitch_deg}
    return HeadPose(**draw.between_jointly("head_pose", head), **draw.between_jointly("gaze", gaze))
