"""What stands behind the head."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from render.ranges.section import Section, between, check_shares

BACKDROP_KINDS = ("plain", "gradient", "texture", "environment", "image", "room")

Share = Annotated[float, Field(ge=0)]


class Backdrops(Section):
    """Share of each kind of backdrop; shares are weights and need not add up to 1.

    `image` shows pictures of a folder on this machine, with any folders inside (COCO as it unpacks, for example). Keys
    hold the pictures' names and contents, not the folder.
    """

    shares: dict[Literal[BACKDROP_KINDS], Share]  # pyright: ignore[reportInvalidTypeForm]
    image_folder: str | None = None
    image_blur: between(0, 0.1) = (0.0, 0.006)  # pyright: ignore[reportInvalidTypeForm]
    """Standard deviation of the pictures' blur as a share of their height: a lens focused on the face blurs them."""

    @model_validator(mode="after")
    def _possible(self) -> "Backdrops":
        check_shares(dict(self.shares), "kind of backdrop")
        if self.shares.get("image", 0) > 0 and not self.image_folder:
            raise ValueError(
                "shares asks for `image`, but no folder is named; set backdrops.image_folder to one that holds "
                ".jpg or .png pictures (COCO's train2017, for example), or drop `image` from the shares"
            )
        return self
