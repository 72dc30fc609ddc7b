"""Where the camera stands and how long its lens is."""

from render.config import Cameras
from render.draws import field_drawer
from render.parameters import Camera


def draw_camera(cameras: Cameras, seed: int, split: str, index: int) -> Camera:
    """Distance, sensor width, focal length and framing, each uniform in its range."""
    draw = field_drawer(cameras, "camera", seed, split, index)
    return Camera(
        distance_mm=draw("distance_mm"),
        sensor_width_mm=draw("sensor_width_mm"),
        focal_length_mm=draw("focal_length_mm"),
        offset_x=draw("offset_x"),
        offset_y=draw("offset_y"),
        width_px=cameras.width_px,
        height_px=cameras.height_px,
        clip_near_m=cameras.clip_m[0],
        clip_far_m=cameras.clip_m[1],
    )
