"""One measured depth map of a frame: from its ground truth, its sensor settings and its key, nothing else."""

import numpy as np
from jaxtyping import Float, UInt16

from render.dataset_format import GroundTruth, Label
from render.ranges.sensor import SensorSettings
from render.sensors.structured_light import StructuredLight, measure_structured_light
from render.sensors.time_of_flight import TimeOfFlight, measure_time_of_flight

# Albedo near 850 nm (ours, by eye). Ground truth knows no colours, and needs none here: skin of any colour reflects
# about as much in the near infrared, most dyes let it pass, hair and glass give little back.
INFRARED_ALBEDO: dict[Label, float] = {
    Label.BACKGROUND: 0.0, Label.SKIN: 0.60, Label.EYES: 0.35, Label.MOUTH_INTERIOR: 0.40, Label.HAIR: 0.20,
    Label.GLASSES: 0.05, Label.CLOTHING: 0.50, Label.OCCLUDER: 0.40,
}  # fmt: skip


def simulate_sensor(
    truth: GroundTruth, intrinsics: Float[np.ndarray, "3 3"], settings: SensorSettings, *, frame_key: str
) -> UInt16[np.ndarray, "h w"]:
    """Depth in millimetres, 0 where nothing was measured; the noise is drawn by `frame_key` (hexadecimal digits).

    Raises: ValueError when the recipe asks for no sensor.
    """
    albedo = np.array([INFRARED_ALBEDO[label] for label in Label])[truth.labels]
    stream = np.random.Generator(np.random.Philox(key=int(frame_key[:32], 16) % 2**128))
    if settings.kind == "structured_light":
        camera = StructuredLight(baseline_m=settings.baseline_mm / 1000, disparity_noise_px=settings.disparity_noise_px)
        return measure_structured_light(truth.visible, intrinsics, albedo, camera, stream=stream)
    if settings.kind == "time_of_flight":
        camera = TimeOfFlight(
            noise_m=settings.noise_mm / 1000, footprint_px=settings.footprint_px, multipath=settings.multipath
        )
        return measure_time_of_flight(truth.visible, intrinsics, albedo, camera, stream=stream)
    raise ValueError("sensor.kind is 'none'; choose structured_light or time_of_flight to simulate a depth camera")
