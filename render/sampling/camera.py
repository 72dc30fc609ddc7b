"""Where the camera stands and how long its lens is."""

from render.config import Cameras
from render.draws import draw_between, random_stream
from render.parameters import Camera


def draw_camera(cameras: Cameras, seed: int, split: str, index: int) -> Camera:
    """Distance, sensor width, focal length and framing, each uniform in its range."""

    def draw(field: str) -> float:
        return draw_between(random_stream(seed, split, f"camera.{field}", index), getattr(cameras, field))

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
