"""Section and between: what every part of a recipe is made of."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Section(BaseModel):
    """Base of every part of a recipe: unknown keys are errors, values never change.

    Defaults are validated like what is given, so that a default 5 is the number 5.0 too: keys are hashes of texts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the lower bound {bounds[0]} is above the upper bound {bounds[1]}; swap them")
    return bounds


def between(low: float, high: float):
    """The type of a range `[lower, upper]` whose bounds must both lie between low and high."""
    bound = Annotated[float, Field(ge=low, le=high)]
    return Annotated[tuple[bound, bound], AfterValidator(_ordered)]


def check_shares(shares: dict[str, float], what: str) -> None:
    """Raise ValueError unless some share is above 0."""
    if sum(shares.values()) <= 0:
        raise ValueError(f"every share is 0; give at least one {what} a weight above 0")
