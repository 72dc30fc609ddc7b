"""Where the head turns, where the camera stands, and how much of the picture the head takes."""

import math
from typing import Literal

from pydantic import Field, field_validator, model_validator

from render.ranges.section import Section, between

# What `margin` frames: a box around a nominal head that faces the camera, centred on the point between the eyes, which
# lies halfway between chin and crown. Ours: 232 mm from chin to crown and 152 mm of breadth (men's means in ANSUR,
# Gordon et al. 1989), and some hair and ears.
HEAD_BOX_WIDTH_MM, HEAD_BOX_HEIGHT_MM = 190.0, 250.0
# From the point between the eyes to the back of the head, and hair or a chest beyond: what a camera must keep free.
NEAREST_CAMERA_MM, HEAD_REACH_MM = 300.0, 250.0


class HeadPoses(Section):
    """Head rotation against the frontal pose, and gaze against the head."""

    yaw_deg: between(-90, 90) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    pitch_deg: between(-60, 60) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    roll_deg: between(-60, 60) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    gaze_yaw_deg: between(-35, 35) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    gaze_pitch_deg: between(-25, 25) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]


class Cameras(Section):
    """Pinhole cameras around the face; distance is measured to the point between the eyes.

    That point is the frontal head's with aim `frontal`: cameras do not know how the head is turned. With `posed` it is
    where the head's turn takes it, as a face detector would frame it.
    Either `focal_length_mm` is drawn, or `margin`: the share of the picture's height that is left free above and below
    the nominal head, from which the focal length follows (sensor width and distance then change perspective alone).
    With `step_deg`, azimuth, elevation and roll are drawn from a grid that starts at their lower bounds.
    """

    aim: Literal["frontal", "posed"] = "frontal"
    distance_mm: between(0, 5000) = (700, 1000)  # pyright: ignore[reportInvalidTypeForm]
    sensor_width_mm: between(4, 100) = (36, 60)  # pyright: ignore[reportInvalidTypeForm]
    focal_length_mm: between(4, 400) | None = (50, 50)  # pyright: ignore[reportInvalidTypeForm]
    margin: between(0, 0.4) | None = None  # pyright: ignore[reportInvalidTypeForm]
    offset_x: between(-0.5, 0.5) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    offset_y: between(-0.5, 0.5) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    azimuth_deg: between(-180, 180) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    elevation_deg: between(-80, 80) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    roll_deg: between(-180, 180) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    step_deg: float | None = Field(default=None, gt=0, le=90)
    width_px: int = Field(default=640, ge=16, le=8192)
    height_px: int = Field(default=480, ge=16, le=8192)
    clip_m: between(0.001, 100) = (0.01, 5)  # pyright: ignore[reportInvalidTypeForm]

    @field_validator("distance_mm")
    @classmethod
    def _outside_the_head(cls, distance_mm: tuple[float, float]) -> tuple[float, float]:
        if distance_mm[0] < NEAREST_CAMERA_MM:
            raise ValueError(
                f"{distance_mm[0]:g} mm from the point between the eyes the camera is inside the head or touches it; "
                f"let the range start at {NEAREST_CAMERA_MM:g} mm or more"
            )
        return distance_mm

    @model_validator(mode="after")
    def _the_head_is_seen(self) -> "Cameras":
        (nearest_mm, farthest_mm), (near_m, far_m) = self.distance_mm, self.clip_m
        if near_m * 1000 > nearest_mm - HEAD_REACH_MM or far_m * 1000 < farthest_mm + HEAD_REACH_MM:
            raise ValueError(
                f"clip_m [{near_m:g}, {far_m:g}] cuts heads at {nearest_mm:g} to {farthest_mm:g} mm; it must begin at "
                f"{(nearest_mm - HEAD_REACH_MM) / 1000:g} m or nearer and end at "
                f"{(farthest_mm + HEAD_REACH_MM) / 1000:g} m or farther"
            )
        if (self.focal_length_mm is None) == (self.margin is None):
            raise ValueError(
                "give either focal_length_mm or margin (from which the focal length follows), and set the other to "
                f"null; focal_length_mm is {self.focal_length_mm}, margin {self.margin}"
            )
        if self.margin is not None:
            _check_head_fits(self, *self.margin)
        return self

    @model_validator(mode="after")
    def _whole_steps(self) -> "Cameras":
        for field in ("azimuth_deg", "elevation_deg", "roll_deg"):
            low, high = getattr(self, field)
            steps = (high - low) / (self.step_deg or 1.0)
            if self.step_deg is not None and not math.isclose(steps, round(steps), abs_tol=1e-9):
                raise ValueError(
                    f"{field} [{low:g}, {high:g}] is no whole number of steps of {self.step_deg:g} degrees"
                )
        return self


def _check_head_fits(cameras: Cameras, margin: float, widest_margin: float) -> None:
    """Raise ValueError when the offsets can push the nominal head, at its largest, over a border of the picture, or
    ask for a ray so oblique that no lens makes the head, at its smallest, as small as the margin wants it."""
    half_width = (0.5 - margin) * HEAD_BOX_WIDTH_MM / HEAD_BOX_HEIGHT_MM * cameras.height_px / cameras.width_px
    free = {"offset_x": 0.5 - half_width, "offset_y": margin}
    most = {field: max(abs(bound) for bound in getattr(cameras, field)) for field in free}
    for field, allowed in free.items():
        if most[field] > allowed:
            raise ValueError(
                f"{field} reaches {most[field]:g}, but with margin {margin:g} the head stays inside the picture up to "
                f"{max(allowed, 0):.3g} only; narrow {field} or raise the lower bound of margin"
            )
    aside_px = math.hypot(most["offset_x"] * cameras.width_px, most["offset_y"] * cameras.height_px)
    if (1 - 2 * widest_margin) * cameras.height_px * cameras.distance_mm[0] / HEAD_BOX_HEIGHT_MM <= aside_px:
        raise ValueError(
            f"from {cameras.distance_mm[0]:g} mm no lens shows the head with margin {widest_margin:g} and offsets of "
            f"{most['offset_x']:g} and {most['offset_y']:g}; move the camera away, or narrow margin or offsets"
        )
