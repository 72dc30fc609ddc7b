"""Hair: styles of the scalp, beards and brows, how likely each is, and its colours."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from render.ranges.section import Section, between, check_shares

HAIR_STYLES = (
    "bald", "buzz", "crew", "side_part", "swept_back", "undercut", "fringe", "bob", "curls", "afro", "long_straight",
    "long_wavy", "ponytail", "braid", "bun", "receding", "horseshoe",
)  # fmt: skip
BEARD_STYLES = ("none", "stubble", "moustache", "goatee", "short_boxed", "full", "long")

Share = Annotated[float, Field(ge=0)]
# Every style is drawn, baldness seldom; half of all faces are beardless (ours).
_STYLE_SHARES = {style: 0.4 if style in ("bald", "horseshoe") else 1.0 for style in HAIR_STYLES}
_BEARD_SHARES = {style: 6.0 if style == "none" else 1.0 for style in BEARD_STYLES}


class Hairs(Section):
    """Shares of styles (weights, need not add up to 1), and the pigments of hair."""

    styles: dict[Literal[HAIR_STYLES], Share] = Field(default=_STYLE_SHARES)  # pyright: ignore[reportInvalidTypeForm]
    beards: dict[Literal[BEARD_STYLES], Share] = Field(default=_BEARD_SHARES)  # pyright: ignore[reportInvalidTypeForm]
    brow_thickness: between(0.2, 2) = (0.6, 1.5)  # pyright: ignore[reportInvalidTypeForm]
    melanin: between(0, 1) = (0.15, 0.95)  # pyright: ignore[reportInvalidTypeForm]
    redness: between(0, 1) = (0, 0.5)  # pyright: ignore[reportInvalidTypeForm]
    grey: between(0, 1) = (0, 0.6)  # pyright: ignore[reportInvalidTypeForm]

    @model_validator(mode="after")
    def _some_share(self) -> "Hairs":
        check_shares(self.styles, "hair style")
        check_shares(self.beards, "beard style")
        return self
