"""FrameParameters: the concrete numbers of one frame, by factor."""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Identity:
    """Who: the coefficients of a head family's identity modes, each a standard normal variate."""

    family: str
    coefficients: tuple[float, ...]


@dataclass(frozen=True)
class Skin:
    """Pigments (volume fractions, 0..1) and surface of the skin; `texture_seed` places pores, freckles, moles, folds.

    All but the pigments and the seed are amounts, 0 none or least, 1 most: redness of cheeks and nose, colour of the
    lips, oiliness, freckles, moles, shade of shaved hair, wrinkles.
    """

    melanin: float
    haemoglobin: float
    redness: float
    lip_colour: float
    oiliness: float
    freckles: float
    moles: float
    stubble: float
    wrinkles: float
    texture_seed: int


@dataclass(frozen=True)
class Eyes:
    """Iris colour (scene-linear RGB), the pupil's share of the iris, and how red the whites are (0..1)."""

    iris_rgb: tuple[float, float, float]
    pupil_share: float
    redness: float


@dataclass(frozen=True)
class Hair:
    """Geometry of hair: style of the scalp (or `bald`), beard (or `none`), how thick the brows are (1: average), and
    the seed of all strands."""

    style: str
    beard: str
    brow_thickness: float
    seed: int


@dataclass(frozen=True)
class HairColour:
    """Pigment of hair: amount of melanin (0 white, 1 black), share of red pheomelanin, share of grey hairs."""

    melanin: float
    redness: float
    grey: float


@dataclass(frozen=True)
class Glasses:
    """Frame of the glasses on the nose (or `none`), and the seed of its size and proportions."""

    style: str
    seed: int


@dataclass(frozen=True)
class Lenses:
    """How glasses look (scene-linear RGB): what lenses let through, and the colours of the two kinds of frames.

    `gradient` (0..1) fades the tint out towards the lower edge; `mirror` (0..1) is the share of light that a mirror
    coating throws back; `tortoise` (0..1) mixes warm patches into the colour of an acetate frame.
    """

    tint_rgb: tuple[float, float, float]
    gradient: float
    mirror: float
    acetate_rgb: tuple[float, float, float]
    tortoise: float
    metal_rgb: tuple[float, float, float]


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
    """A named expression and the shape-key weights that make it, sorted by name.

    Weights lie in 0..1, those of statistical modes are standard deviations.
    """

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
class Occluder:
    """A thing held before the face in this frame (or `none`), where it is held, and the seed of how it looks.

    It belongs to the person, not to the camera: it is held in a direction between where the chest and the face look
    (render.accessories.holding), before the point of the face that `aim_x` (1 = the person's left cheek) and `aim_y`
    (1 = brows, -1 = chin) name. `gap_mm` is how far its nearest part is from the head, along that direction. The angles
    turn it against facing the face squarely; `size` multiplies its usual size.
    """

    kind: str
    seed: int
    aim_x: float
    aim_y: float
    gap_mm: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    size: float


NOTHING_HELD = Occluder("none", 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks at the face; the offsets move the face in the picture, as shares of it.

    With all angles 0 it is upright and faces the frontal head. Azimuth takes it around the point between the eyes
    towards the person's left (its own right), elevation upwards, each at the same distance; roll turns the picture's
    content anticlockwise. Azimuth and elevation are those of the optical axis (docs/conventions.md). The point between
    the eyes is that of the `frontal` head or of the `posed` one, as `aim` says.
    """

    distance_mm: float
    sensor_width_mm: float
    focal_length_mm: float
    offset_x: float
    offset_y: float
    azimuth_deg: float
    elevation_deg: float
    roll_deg: float
    width_px: int
    height_px: int
    clip_near_m: float
    clip_far_m: float
    aim: str = "frontal"


@dataclass(frozen=True)
class Lamp:
    """A round lamp that faces the eyes: `size_m` is its diameter. Azimuth from the side that the frontal face looks to,
    positive to the image right of a camera there; elevation upwards; colour scene-linear, brightest channel 1."""

    role: str
    azimuth_deg: float
    elevation_deg: float
    distance_m: float
    size_m: float
    power_w: float
    rgb: tuple[float, float, float]


@dataclass(frozen=True)
class Lighting:
    """An environment map (or `none`) and lamps, the main one first; `exposure_ev` brightens the whole picture."""

    rig: str
    environment: str
    environment_rotation_deg: float
    environment_strength: float
    lamps: tuple[Lamp, ...]
    exposure_ev: float


@dataclass(frozen=True)
class Backdrop:
    """What stands behind the head: `plain` colour, `gradient`, procedural `texture`, the `environment` itself, an
    `image` of the user's folder (relative name and sha256, else empty), or a `room`; `image_blur` is the standard
    deviation of the picture's blur as a share of its height."""

    kind: str
    rgb: tuple[float, float, float]
    second_rgb: tuple[float, float, float]
    pattern: str
    pattern_scale: float
    seed: int
    image: str
    image_sha256: str
    image_blur: float


@dataclass(frozen=True)
class FrameParameters:
    """Everything that one frame shows. It does not know its name, its dataset, or how many frames there are."""

    identity: Identity
    skin: Skin
    eyes: Eyes
    hair: Hair
    hair_colour: HairColour
    glasses: Glasses
    lenses: Lenses
    outfit: Outfit
    fabric: Fabric
    expression: Expression
    head_pose: HeadPose
    occluder: Occluder
    camera: Camera
    lighting: Lighting
    backdrop: Backdrop


# What is made once for a person and kept for all of their frames.
PERSON_FACTORS = (
    "identity", "skin", "eyes", "hair", "hair_colour", "glasses", "lenses", "outfit", "fabric",
)  # fmt: skip
_SHAPES = ("identity", "hair", "glasses", "outfit", "expression", "head_pose", "occluder", "camera")
# What each product depends on. Ground truth knows nothing of light, colours, fabric or backdrop: relighting re-renders
# none of it. What a sensor measures is made of ground truth alone.
FACTORS_OF_PRODUCT: dict[str, tuple[str, ...]] = {
    "gt": _SHAPES,
    "rgb": tuple(field.name for field in dataclasses.fields(FrameParameters)),
    "sensor": _SHAPES,
}


def factor_values(parameters: FrameParameters, product: str) -> dict[str, dict]:
    """The drawn values that a product depends on, as plain data: factor name to field name to value."""
    return {factor: _plain(getattr(parameters, factor)) for factor in FACTORS_OF_PRODUCT[product]}


def _plain(value: Any) -> Any:
    """Dataclasses as dictionaries, all the way down. As dataclasses.asdict, but for copies of what cannot change: keys
    of 100 000 frames are a matter of time."""
    if dataclasses.is_dataclass(value):
        return {name: _plain(item) for name, item in vars(value).items()}
    if isinstance(value, tuple) and value and not isinstance(value[0], float):
        return tuple(_plain(item) for item in value)
    return value
