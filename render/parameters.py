"""FrameParameters: the concrete numbers of one frame, by factor."""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """Who: the coefficients of a head family's identity modes, each a standard normal variate."""

    family: str
    coefficients: tuple[float, ...]


@dataclass(frozen=True)
class Skin:
    """Pigments (volume fractions, 0..1) and surface of the skin; `texture_seed` places pores and freckles."""

    melanin: float
    haemoglobin: float
    roughness: float
    freckles: float
    texture_seed: int


@dataclass(frozen=True)
class Eyes:
    """Iris colour (scene-linear RGB), drawn once a person."""

    iris_rgb: tuple[float, float, float]


@dataclass(frozen=True)
class Outfit:
    """What is worn over the shoulders: a neckline (or `none`), and the seed of folds and of the body's breadth."""

    style: str
    seed: int


@dataclass(frozen=True)
class Fabric:
    """Colours (scene-linear RGB) of what is worn; `pattern` is `plain`, `stripes` or `heather`."""

    rgb: tuple[float, float, float]
    second_rgb: tuple[float, float, float]
    pattern: str


@dataclass(frozen=True)
class Expression:
    """A named emotion and the shape-key weights (0..1) that make it, sorted by name."""

    name: str
    weights: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class HeadPose:
    """Rotation of the head against the frontal pose (docs/conventions.md), and of the eyes against the head."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    gaze_yaw_deg: float
    gaze_pitch_deg: float


@dataclass(frozen=True)
class Camera:
    """A pinhole camera on the axis of the frontal face; the offsets move the face in the picture, as shares of it."""

    distance_mm: float
    sensor_width_mm: float
    focal_length_mm: float
    offset_x: float
    offset_y: float
    width_px: int
    height_px: int
    clip_near_m: float
    clip_far_m: float


@dataclass(frozen=True)
class Lighting:
    """An environment map and one key light; azimuth from the camera's side of the face, positive to the image right."""

    environment: str
    environment_rotation_deg: float
    environment_strength: float
    key_azimuth_deg: float
    key_elevation_deg: float
    key_distance_m: float
    key_size_m: float
    key_power_w: float
    key_rgb: tuple[float, float, float]


@dataclass(frozen=True)
class Backdrop:
    """What stands behind the head: `plain` colour, `gradient`, procedural `texture`, or the `environment` itself."""

    kind: str
    rgb: tuple[float, float, float]
    second_rgb: tuple[float, float, float]
    pattern: str
    pattern_scale: float
    seed: int


@dataclass(frozen=True)
class FrameParameters:
    """Everything that one frame shows. It does not know its name, its dataset, or how many frames there are."""

    identity: Identity
    skin: Skin
    eyes: Eyes
    outfit: Outfit
    fabric: Fabric
    expression: Expression
    head_pose: HeadPose
    camera: Camera
    lighting: Lighting
    backdrop: Backdrop


# What each product depends on. Ground truth knows nothing of light, skin, fabric or backdrop: relighting re-renders
# none of it.
FACTORS_OF_PRODUCT: dict[str, tuple[str, ...]] = {
    "gt": ("identity", "outfit", "expression", "head_pose", "camera"),
    "rgb": tuple(field.name for field in dataclasses.fields(FrameParameters)),
}


def factor_values(parameters: FrameParameters, product: str) -> dict[str, dict]:
    """The drawn values that a product depends on, as plain data: factor name to field name to value."""
    return {factor: dataclasses.asdict(getattr(parameters, factor)) for factor in FACTORS_OF_PRODUCT[product]}
