"""What is put on or held before the face: glasses and occluders."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from render.ranges.section import Section, between, check_shares

GLASSES_STYLES = ("none", "round", "rectangular", "aviator", "cat_eye", "wayfarer", "half_rim")
LENS_KINDS = ("clear", "tinted", "sunglasses", "mirrored")
LENS_SHARES = {"clear": 0.85, "tinted": 0.07, "sunglasses": 0.06, "mirrored": 0.02}
OCCLUDER_KINDS = ("none", "smartphone", "tablet", "book", "paper", "mug", "bottle", "hand")

Share = Annotated[float, Field(ge=0)]


class Accessories(Section):
    """Shares of kinds of glasses (a person's) and of hand-held things (a frame's); weights, need not add up to 1."""

    glasses: dict[Literal[GLASSES_STYLES], Share] = Field(default={"none": 1.0})  # pyright: ignore[reportInvalidTypeForm]
    lenses: dict[Literal[LENS_KINDS], Share] = Field(default=LENS_SHARES)  # pyright: ignore[reportInvalidTypeForm]
    occluders: dict[Literal[OCCLUDER_KINDS], Share] = Field(default={"none": 1.0})  # pyright: ignore[reportInvalidTypeForm]
    # Where things are held; see Occluder in render/parameters.py.
    aim_x: between(-1, 1) = (-0.6, 0.6)  # pyright: ignore[reportInvalidTypeForm]
    aim_y: between(-1.2, 1.2) = (-1.0, 0.7)  # pyright: ignore[reportInvalidTypeForm]
    gap_mm: between(5, 400) = (50, 250)  # pyright: ignore[reportInvalidTypeForm]
    turn_deg: between(-60, 60) = (-20, 20)  # pyright: ignore[reportInvalidTypeForm]

    @model_validator(mode="after")
    def _some_share(self) -> "Accessories":
        check_shares(self.glasses, "kind of glasses")
        check_shares(self.lenses, "kind of lens")
        check_shares(self.occluders, "kind of occluder")
        return self
