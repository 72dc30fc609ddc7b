"""How many frames there are, and how they belong together: people, views of one instant, steps of a sequence."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from render.ranges.section import Section

# Azimuths in degrees of the cameras of a rig, all at the height of the head, in order.
# multi_pie_nine: the cameras 090 080 130 140 051 050 041 190 200 of Multi-PIE, 15 degrees apart (Gross et al. 2010);
# which side is positive differs between authors, here it is the person's left.
VIEW_RIGS: dict[str, tuple[float, ...]] = {"multi_pie_nine": (-60.0, -45.0, -30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 60.0)}

Motion = Literal["yaw", "pitch", "roll", "free"]


class Sequences(Section):
    """One sequence for each motion, with `steps` instants each, `seconds_per_step` apart.

    `yaw`, `pitch` and `roll` sweep that angle alone through its whole range; `free` moves all of them at once, and only
    there things are held before the face.
    """

    motions: tuple[Motion, ...] = Field(min_length=1, max_length=100)
    steps: int = Field(ge=2, le=10_000)
    seconds_per_step: float = Field(default=0.2, gt=0, le=10)


class Structure(Section):
    """How many frames each split holds (whole identities each), how many one person gets, and how they are ordered.

    A person's frames are instants, an instant is seen from `views` cameras (a number, or a rig of VIEW_RIGS), and each
    view is taken under `lights` lights. With `sequences`, the instants are the steps of one sequence after the other.
    """

    frames: dict[Literal["train", "validation", "test"], Annotated[int, Field(ge=0, le=100_000_000)]]
    frames_per_identity: int = Field(default=5, ge=1, le=10_000)
    shard_size: int = Field(default=32, ge=1, le=10_000)
    views: Annotated[int, Field(ge=1, le=1000)] | Literal[tuple(VIEW_RIGS)] = 1  # pyright: ignore[reportInvalidTypeForm]
    lights: int = Field(default=1, ge=1, le=100)
    sequences: Sequences | None = None

    @property
    def view_count(self) -> int:
        """Views of one instant."""
        return self.views if isinstance(self.views, int) else len(VIEW_RIGS[self.views])

    @model_validator(mode="after")
    def _something_to_render(self) -> "Structure":
        if sum(self.frames.values()) == 0:
            raise ValueError("frames asks for no frame at all; give at least one split a number above 0")
        return self

    @model_validator(mode="after")
    def _whole_instants(self) -> "Structure":
        of_one_instant = self.view_count * self.lights
        shown = f"{self.view_count} views x {self.lights} lights"
        if self.frames_per_identity % of_one_instant:
            raise ValueError(
                f"frames_per_identity must be a multiple of {of_one_instant} ({shown} for each instant), "
                f"but is {self.frames_per_identity}"
            )
        if self.sequences is not None:
            wanted = len(self.sequences.motions) * self.sequences.steps * of_one_instant
            if self.frames_per_identity != wanted:
                raise ValueError(
                    f"frames_per_identity must be {wanted} ({len(self.sequences.motions)} sequences x "
                    f"{self.sequences.steps} steps x {shown}), but is {self.frames_per_identity}"
                )
        return self
