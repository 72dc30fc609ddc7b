"""How a network is trained, as frozen data: optimiser, schedule and augmentation; the parts that every paper sets."""

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from train.errors import InputError

_STRICT_KEYS = ConfigDict(extra="forbid")
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True)
class OptimiserSpec:
    """The optimiser and its first learning rate; `Schedule` says how the rate goes on.

    `beta_1` and `beta_2` belong to Adam and AdamW, `momentum` to Nesterov's accelerated descent, `smoothing` to
    RMSprop: the share of the running mean of squares that a step keeps. `weight_decay` is added to the gradient; AdamW
    takes it off the weights instead.
    """

    __pydantic_config__ = _STRICT_KEYS
    kind: Literal["adam", "adamw", "rmsprop", "sgd", "nesterov"] = "adam"
    learning_rate: Positive = 1e-3
    beta_1: ShareBelowOne = 0.9
    beta_2: ShareBelowOne = 0.999
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.9
    smoothing: ShareBelowOne = 0.99
    weight_decay: Weight = 0.0


@dataclass(frozen=True)
class Schedule:
    """How often every training image is seen, how many images make one step, how the rate falls, and when to end.

    `decay`: the learning rate stays (`constant`), falls to 0 along half a cosine (`cosine`), or is multiplied by
    `decay_factor` after every `decay_epochs` (`step`). Before that it climbs from 0 over `warm_up_epochs`.
    `watched_score` is a score of the validation frames, `<mask>.<score>`. The training ends when it has not become
    better for `patience_epochs` (0: never), and keeps the weights of the `last` epoch or of the `best` one by it.
    """

    __pydantic_config__ = _STRICT_KEYS
    epochs: Annotated[int, Field(ge=1)] = 20
    global_batch: Annotated[int, Field(ge=1)] = 6
    decay: Literal["constant", "cosine", "step"] = "constant"
    decay_epochs: Annotated[int, Field(ge=1)] = 10
    decay_factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    warm_up_epochs: Weight = 0.0
    patience_epochs: Annotated[int, Field(ge=0)] = 0
    keep_weights: Literal["last", "best"] = "last"
    watched_score: Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")] = "head_mask.abs_rel"


@dataclass(frozen=True)
class AugmentationSpec:
    """How training images are changed (train/data/augmentation.py): for each kind a probability; 0 switches it off.

    `crop` keeps a window of at least `crop_smallest` of width and height and enlarges it to the full size. `colour`
    changes brightness, contrast and saturation by up to `colour_strength` of themselves. `blur` is Gaussian, with a
    sigma of up to `blur_px`; `noise` is Gaussian, with a standard deviation of up to `noise_strength` (white is 1).
    """

    __pydantic_config__ = _STRICT_KEYS
    flip: Share = 0.0
    crop: Share = 0.0
    crop_smallest: Annotated[float, Field(gt=0, lt=1)] = 0.7
    colour: Share = 0.0
    colour_strength: Annotated[float, Field(gt=0, lt=1)] = 0.2
    blur: Share = 0.0
    blur_px: Annotated[float, Field(gt=0, le=10)] = 1.5
    noise: Share = 0.0
    noise_strength: Annotated[float, Field(gt=0, le=1)] = 0.02


def check_training_spec(
    optimiser: OptimiserSpec, schedule: Schedule, augmentation: AugmentationSpec, *, where: str
) -> None:
    """Raises: InputError on a field that was changed although nothing reads it, and on a schedule that cannot be."""
    kind, decay = optimiser.kind, schedule.decay
    watched = schedule.patience_epochs > 0 or schedule.keep_weights == "best"
    check_read(
        ("optimiser", optimiser),
        {
            **dict.fromkeys(("beta_1", "beta_2"), (kind in ("adam", "adamw"), "kind=adam or adamw")),
            "momentum": (kind == "nesterov", "kind=nesterov"),
            "smoothing": (kind == "rmsprop", "kind=rmsprop"),
        },
        where=where,
    )
    check_read(
        ("schedule", schedule),
        {
            **dict.fromkeys(("decay_epochs", "decay_factor"), (decay == "step", "decay=step")),
            "watched_score": (watched, "patience_epochs above 0 or keep_weights=best"),
        },
        where=where,
    )
    check_read(
        ("augmentation", augmentation),
        {
            "crop_smallest": (augmentation.crop > 0, "crop above 0"),
            "colour_strength": (augmentation.colour > 0, "colour above 0"),
            "blur_px": (augmentation.blur > 0, "blur above 0"),
            "noise_strength": (augmentation.noise > 0, "noise above 0"),
        },
        where=where,
    )
    if schedule.warm_up_epochs >= schedule.epochs:
        raise InputError(
            f"{where}: schedule.warm_up_epochs ({schedule.warm_up_epochs}) must end before schedule.epochs "
            f"({schedule.epochs}); set fewer"
        )


def check_read(part: tuple[str, Any], readers: dict[str, tuple[bool, str]], *, where: str) -> None:
    """`readers` maps a field to whether anything reads it now, and to the settings under which something does."""
    name, spec = part
    defaults = {spec_field.name: spec_field.default for spec_field in fields(spec)}
    for field_name, (is_read, condition) in readers.items():
        value = getattr(spec, field_name)
        if not is_read and value != defaults[field_name]:
            raise InputError(
                f"{where}: {name}.{field_name} = {value!r} would change nothing: it is read only with {condition}. "
                f"Set that too, or leave {name}.{field_name} at {defaults[field_name]!r}"
            )
