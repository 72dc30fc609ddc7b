"""Where the camera stands and how long its lens is."""

import math

from render.draws import Draws
from render.parameters import Camera
from render.ranges.framing import HEAD_BOX_HEIGHT_MM, Cameras
from render.ranges.structure import VIEW_RIGS, Structure


def draw_camera(cameras: Cameras, draw: Draws, *, rig_azimuth_deg: float = 0.0) -> Camera:
    """Distance, lens, framing and direction, each uniform in its range; what belongs together is drawn jointly.

    The azimuth is added to that of the camera's place in a rig.
    """
    lens = {"distance_mm": cameras.distance_mm, "sensor_width_mm": cameras.sensor_width_mm}
    framed_by = "focal_length_mm" if cameras.margin is None else "margin"
    drawn = draw.between_jointly("camera", {**lens, framed_by: getattr(cameras, framed_by)})
    offsets = draw.between_jointly("camera.offset", {"offset_x": cameras.offset_x, "offset_y": cameras.offset_y})
    if cameras.margin is not None:
        drawn["focal_length_mm"] = _framing_focal_length_mm(cameras, **drawn, **offsets)
    view = _draw_direction(cameras, draw)
    return Camera(
        distance_mm=drawn["distance_mm"],
        sensor_width_mm=drawn["sensor_width_mm"],
        focal_length_mm=drawn["focal_length_mm"],
        offset_x=offsets["offset_x"],
        offset_y=offsets["offset_y"],
        azimuth_deg=rig_azimuth_deg + view["azimuth_deg"],
        elevation_deg=view["elevation_deg"],
        roll_deg=view["roll_deg"],
        width_px=cameras.width_px,
        height_px=cameras.height_px,
        clip_near_m=cameras.clip_m[0],
        clip_far_m=cameras.clip_m[1],
        aim=cameras.aim,
    )


def rig_azimuth_deg(structure: Structure, view: int) -> float:
    """Azimuth of a view's place in the rig; 0 where the recipe names none."""
    return 0.0 if isinstance(structure.views, int) else VIEW_RIGS[structure.views][view]


def _framing_focal_length_mm(
    cameras: Cameras,
    *,
    distance_mm: float,
    sensor_width_mm: float,
    margin: float,
    offset_x: float,
    offset_y: float,
) -> float:
    """The focal length at which the nominal head, with `margin` above and below, fills the height of the picture.

    The head is `distance_mm` away along its ray. Its planar depth is less by the ray's obliqueness, which depends on
    the focal length f: depth = distance f / sqrt(f^2 + a^2), a the offset in pixels. Hence f = sqrt((k distance)^2 -
    a^2), k being the pixels per millimetre that are wanted at the head.
    """
    pixels_per_mm = (1 - 2 * margin) * cameras.height_px / HEAD_BOX_HEIGHT_MM
    aside_px = math.hypot(offset_x * cameras.width_px, offset_y * cameras.height_px)
    focal_length_px = math.sqrt((pixels_per_mm * distance_mm) ** 2 - aside_px**2)
    return round(focal_length_px * sensor_width_mm / cameras.width_px, 9)


def _draw_direction(cameras: Cameras, draw: Draws) -> dict[str, float]:
    """Azimuth, elevation and roll, which fill their cube evenly; on the grid when there is one."""
    ranges = {"azimuth_deg": cameras.azimuth_deg, "elevation_deg": cameras.elevation_deg, "roll_deg": cameras.roll_deg}
    step_deg = cameras.step_deg
    if step_deg is None:
        return draw.between_jointly("camera.view", ranges)
    counts = {field: round((high - low) / step_deg) + 1 for field, (low, high) in ranges.items()}
    places = draw.between_jointly("camera.view", {field: (0, count) for field, count in counts.items()})
    return {
        field: round(ranges[field][0] + min(int(place), counts[field] - 1) * step_deg, 9)
        for field, place in places.items()
    }
