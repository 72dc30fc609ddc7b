"""What lights the head."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from render.ranges.section import Section, between, check_shares

ENVIRONMENTS = ("city", "courtyard", "forest", "interior", "night", "studio", "sunrise", "sunset")
NO_ENVIRONMENT = "none"
RIGS = ("environment", "key", "three_point", "points", "flash")
LARGEST_FLASH_NUMBER = 18
MOST_LAMPS = 5

Share = Annotated[float, Field(ge=0)]
FlashNumber = Annotated[int, Field(ge=0, le=LARGEST_FLASH_NUMBER)]


class Lightings(Section):
    """Shares of rigs (weights), the environment map beneath them, and the lamps of each rig.

    `environment` is the map alone; `key` adds one lamp; `three_point` key, fill and rim over a dimmed map; `points` one
    to five small lamps about the head; `flash` one of the 18 flashes of Multi-PIE (render/sampling/flash_rig.py), or
    none for number 0. Environment `none` leaves the lamps alone. Strength 1 gives every map the same mean light.
    """

    rigs: dict[Literal[RIGS], Share] = Field(default={"key": 1.0})  # pyright: ignore[reportInvalidTypeForm]
    environments: tuple[Literal[(*ENVIRONMENTS, NO_ENVIRONMENT)], ...] = Field(default=ENVIRONMENTS, min_length=1)  # pyright: ignore[reportInvalidTypeForm]
    environment_rotation_deg: between(-180, 180) = (-180, 180)  # pyright: ignore[reportInvalidTypeForm]
    environment_strength: between(0, 10) = (0.5, 1.2)  # pyright: ignore[reportInvalidTypeForm]
    exposure_ev: between(-5, 5) = (0, 0)  # pyright: ignore[reportInvalidTypeForm]
    key_azimuth_deg: between(-180, 180) = (-60, 60)  # pyright: ignore[reportInvalidTypeForm]
    key_elevation_deg: between(-90, 90) = (0, 50)  # pyright: ignore[reportInvalidTypeForm]
    key_distance_m: between(0.3, 20) = (1.0, 1.8)  # pyright: ignore[reportInvalidTypeForm]
    key_size_m: between(0.01, 5) = (0.15, 0.8)  # pyright: ignore[reportInvalidTypeForm]
    key_power_w: between(0, 2000) = (5, 40)  # pyright: ignore[reportInvalidTypeForm]
    key_temperature_k: between(1500, 15000) = (3200, 7500)  # pyright: ignore[reportInvalidTypeForm]
    fill_ratio: between(0, 1) = (0.15, 0.6)  # pyright: ignore[reportInvalidTypeForm]
    """Light of the fill at the eyes as a share of the key's, both measured facing the lamp."""
    rim_ratio: between(0, 5) = (0.5, 2.0)  # pyright: ignore[reportInvalidTypeForm]
    """The same of the rim light behind the head."""
    studio_ambient: between(0, 1) = (0.05, 0.3)  # pyright: ignore[reportInvalidTypeForm]
    """Share of the environment's strength that is left in the studio of a three-point rig."""
    point_count: tuple[Annotated[int, Field(ge=1, le=MOST_LAMPS)], Annotated[int, Field(ge=1, le=MOST_LAMPS)]] = (1, 5)
    point_azimuth_deg: between(-180, 180) = (-110, 110)  # pyright: ignore[reportInvalidTypeForm]
    point_elevation_deg: between(-90, 90) = (-15, 65)  # pyright: ignore[reportInvalidTypeForm]
    point_distance_m: between(0.3, 20) = (0.7, 2.5)  # pyright: ignore[reportInvalidTypeForm]
    point_size_m: between(0.01, 5) = (0.02, 0.12)  # pyright: ignore[reportInvalidTypeForm]
    point_power_w: between(0, 2000) = (2, 15)  # pyright: ignore[reportInvalidTypeForm]
    point_temperature_k: between(1500, 15000) = (2600, 9000)  # pyright: ignore[reportInvalidTypeForm]
    point_coloured_share: float = Field(default=0.15, ge=0, le=1)
    """Share of points that are lamps of any hue instead of white ones: screens, signs, coloured bulbs."""
    flash_numbers: tuple[FlashNumber, ...] = Field(default=tuple(range(LARGEST_FLASH_NUMBER + 1)), min_length=1)
    flash_power_w: between(0, 2000) = (40, 40)  # pyright: ignore[reportInvalidTypeForm]
    flash_room_share: float = Field(default=0.5, ge=0, le=1)
    """Share of flash pictures with the room's light (the environment) on; number 0 always has it."""

    @model_validator(mode="after")
    def _possible(self) -> "Lightings":
        check_shares(self.rigs, "rig")
        if self.point_count[0] > self.point_count[1]:
            raise ValueError(f"point_count: the lower bound {self.point_count[0]} is above the upper; swap them")
        if self.rigs.get("environment", 0) > 0 and NO_ENVIRONMENT in self.environments:
            raise ValueError("environments holds 'none', but the rig 'environment' has no other light; drop either")
        return self
