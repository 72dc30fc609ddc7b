"""Sensor: which depth camera is simulated from the ground truth, if any, and how it is set."""

from typing import Literal

from pydantic import Field

from render.ranges.section import Section

SETTINGS_OF_KIND: dict[str, tuple[str, ...]] = {
    "none": (),
    "structured_light": ("baseline_mm", "disparity_noise_px", "noise_seed"),
    "time_of_flight": ("noise_mm", "footprint_px", "multipath", "noise_seed"),
}


class SensorSettings(Section):
    """A third product made of ground truth alone: none, a structured-light camera (first Kinect) or a time-of-flight
    camera (second Kinect). Settings that the kind does not use have no effect and are not part of its key.

    The noise of a frame is drawn by its key; another `noise_seed` measures the same frames again."""

    kind: Literal["none", "structured_light", "time_of_flight"] = "none"
    baseline_mm: float = Field(default=75.0, gt=0, le=500)
    disparity_noise_px: float = Field(default=0.05, ge=0, le=2)
    noise_mm: float = Field(default=1.2, ge=0, le=100)
    footprint_px: float = Field(default=0.6, ge=0, le=5)
    multipath: float = Field(default=0.0, ge=0, le=0.5)
    noise_seed: int = Field(default=0, ge=0, lt=2**63)

    def used(self) -> dict:
        """The kind and the settings that it uses, as plain data."""
        return self.model_dump(mode="json", include={"kind", *SETTINGS_OF_KIND[self.kind]})
