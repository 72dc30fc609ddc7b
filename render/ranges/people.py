"""Who is shown: head family, expressions, skin, and what is worn at the neck."""

from typing import Literal

from pydantic import Field, model_validator

from render.ranges.section import Section, between

# Families whose model is a file of the user's own (docs/head_models.md).
OWN_FAMILIES = ("lyhm", "bfm2017", "flame", "character")
HEAD_FAMILIES = ("procedural", "ict", *OWN_FAMILIES)


class Heads(Section):
    """Which head family, how far its people may lie from the mean, and how finely it is subdivided.

    `model_file` names the description of a model of the user's own (docs/head_models.md), and `identity_modes` how many
    of its modes are drawn; without it a number that suits the family.
    """

    family: Literal[HEAD_FAMILIES] = "procedural"  # pyright: ignore[reportInvalidTypeForm]
    model_file: str | None = None
    identity_modes: int | None = Field(default=None, ge=0, le=300)
    identity_sigma: float = Field(default=1.0, ge=0, le=2)
    identity_limit: float = Field(default=2.5, gt=0, le=4)
    subdivision_level: int = Field(default=1, ge=0, le=3)

    @model_validator(mode="after")
    def _own_file(self) -> "Heads":
        if self.family in OWN_FAMILIES and self.model_file is None:
            raise ValueError(
                f"family {self.family!r} is read from a file of yours: set heads.model_file to its description, as "
                "docs/head_models.md shows"
            )
        given = [name for name in ("model_file", "identity_modes") if getattr(self, name) is not None]
        if self.family not in OWN_FAMILIES and given:
            raise ValueError(
                f"family {self.family!r} is not read from a file of yours, so leave {' and '.join(given)} out, or "
                f"choose family {', '.join(OWN_FAMILIES)}"
            )
        return self


EMOTION_NAMES = ("neutral", "happy", "angry", "scared", "sad", "disgusted", "surprised")
LID_NAMES = ("blink", "squint")
# Shapes of the mouth in speech.
VISEME_NAMES = ("aa", "ee", "oh", "oo", "mm", "ff", "ss")
EXPRESSION_NAMES = (*EMOTION_NAMES, *LID_NAMES, *VISEME_NAMES)


# A face out of the statistical expression modes of a model of the user's own.
SAMPLED = "sampled"


class Expressions(Section):
    """Which expressions are drawn (evenly) and how strongly they show.

    `sampled` draws the first `modes` statistical expressions of a bfm2017 or flame head, each a normal variate.
    """

    names: tuple[Literal[(*EXPRESSION_NAMES, SAMPLED)], ...] = Field(min_length=1)  # pyright: ignore[reportInvalidTypeForm]
    intensity: between(0, 1) = (0.6, 1.0)  # pyright: ignore[reportInvalidTypeForm]
    modes: int = Field(default=0, ge=0, le=100)

    @model_validator(mode="after")
    def _modes_of_sampled(self) -> "Expressions":
        if (SAMPLED in self.names) != (self.modes > 0):
            raise ValueError(
                f"names is {list(self.names)} and modes is {self.modes}: `{SAMPLED}` needs modes of 1 or more, and "
                f"modes needs `{SAMPLED}`; change one of them"
            )
        return self


class Skins(Section):
    """Pigment volume fractions (human range: melanin 0.013 to 0.43, haemoglobin 0.02 to 0.07), and amounts 0..1."""

    melanin: between(0, 0.6) = (0.013, 0.43)  # pyright: ignore[reportInvalidTypeForm]
    haemoglobin: between(0, 0.2) = (0.02, 0.07)  # pyright: ignore[reportInvalidTypeForm]
    redness: between(0, 1) = (0, 1)  # pyright: ignore[reportInvalidTypeForm]
    lip_colour: between(0, 1) = (0, 1)  # pyright: ignore[reportInvalidTypeForm]
    oiliness: between(0, 1) = (0, 1)  # pyright: ignore[reportInvalidTypeForm]
    freckles: between(0, 1) = (0, 0.6)  # pyright: ignore[reportInvalidTypeForm]
    """Freckles of pale skin; they fade out towards dark skin."""
    moles: between(0, 1) = (0, 0.6)  # pyright: ignore[reportInvalidTypeForm]
    stubble: between(0, 1) = (0, 1)  # pyright: ignore[reportInvalidTypeForm]
    """Shade of a shaved beard; `stubble_share` of the people have one."""
    stubble_share: float = Field(default=0.4, ge=0, le=1)
    wrinkles: between(0, 1) = (0, 1)  # pyright: ignore[reportInvalidTypeForm]


OUTFIT_STYLES = ("none", "crew", "scoop", "v_neck", "stand", "turtleneck")


class Outfits(Section):
    """Necklines of what people wear, drawn evenly; `none` leaves the cut bust bare. Fabrics are drawn freely."""

    styles: tuple[Literal[OUTFIT_STYLES], ...] = Field(default=OUTFIT_STYLES[1:], min_length=1)  # pyright: ignore[reportInvalidTypeForm]
