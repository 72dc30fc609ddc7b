"""How the picture is made."""

from typing import Literal

from pydantic import Field

from render.ranges.section import Section


class RgbSettings(Section):
    """How the picture is made. The device is a matter of the machine, not of the recipe."""

    samples: int = Field(default=12, ge=1, le=16384)
    denoise: bool = True
    file_format: Literal["jpg", "png"] = "jpg"
    jpeg_quality: int = Field(default=95, ge=50, le=100)
    exposure_ev: float = Field(default=0.0, ge=-5, le=5)
