"""Variation: some of a recipe's people for whom other settings hold, everybody else untouched."""

from typing import Any, Literal

from pydantic import Field, field_validator

from render.ranges.section import Section

# What is drawn for a person or a frame. Who the people are, how many frames they get, and how all frames are rendered
# belongs to the whole dataset.
VARIED_SECTIONS = (
    "expressions", "head_poses", "cameras", "lightings", "backdrops", "skins", "hairs", "accessories", "outfits",
)  # fmt: skip
LARGEST_INDEX = 2**32 - 1
OF_THE_WHOLE_DATASET = ("cameras.width_px", "cameras.height_px", "backdrops.image_folder")


class Variation(Section):
    """Settings that hold for some people: `identities` is a share of them, drawn by `name` and each person's index, or
    a list of indices.

    A larger share takes in everybody that a smaller one did. What is not set is drawn as without the variation.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    identities: float | tuple[int, ...]
    splits: tuple[Literal["train", "validation", "test"], ...] = Field(
        default=("train", "validation", "test"), min_length=1
    )
    set: dict[str, Any] = Field(min_length=1)

    @field_validator("identities", mode="plain")
    @classmethod
    def _share_or_indices(cls, identities: object) -> float | tuple[int, ...]:
        if type(identities) in (int, float) and 0 < identities <= 1:  # pyright: ignore[reportOperatorIssue]
            return float(identities)  # pyright: ignore[reportArgumentType]
        indices = tuple(identities) if isinstance(identities, list | tuple) else ()
        if indices and all(type(index) is int and 0 <= index <= LARGEST_INDEX for index in indices):
            return indices
        raise ValueError("give a share of the people above 0 and up to 1 (0.1), or a list of their indices ([3, 17])")

    @field_validator("set")
    @classmethod
    def _of_people_and_frames(cls, settings: dict[str, Any]) -> dict[str, Any]:
        for dotted in settings:
            section, _, field = dotted.partition(".")
            if section not in VARIED_SECTIONS or not field:
                raise ValueError(
                    f"{dotted!r} cannot be set for some people alone; name a field of one of "
                    f"{', '.join(VARIED_SECTIONS)} (hairs.redness, for example)"
                )
            if dotted in OF_THE_WHOLE_DATASET:
                raise ValueError(f"{dotted!r} is one for the whole dataset; set it outside the variation")
        return settings
