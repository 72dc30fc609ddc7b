"""Styles of neckline: how far below the eyes the cloth begins around the neck, and the profile of its collar."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Neckline:
    """Drops in metres below the eyes in front, at the sides and behind, and what stands up from there.

    `point`: 1 for a round front, larger for one that comes to a point. A `band` lies flat, a `stand` goes up the neck
    by `collar_m`, a `fold` goes up and comes down again outside.
    """

    front_m: float
    side_m: float
    back_m: float
    collar: Literal["band", "stand", "fold"] = "band"
    collar_m: float = 0.0
    point: float = 1.0
    smooth_columns: float = 1.5

    def drop_m(self, azimuth: Float[np.ndarray, " c"]) -> Float[np.ndarray, " c"]:
        """How far below the eyes the neckline lies at each azimuth (0 = front)."""
        ahead = np.cos(azimuth)
        if self.point > 1.0:
            # Seen from the front a V falls in straight lines, so it must fall with the distance from the middle.
            front = np.clip(1.0 - np.abs(np.sin(azimuth)), 0.0, 1.0) ** (1.0 / self.point) * (ahead > 0)
        else:
            front = np.clip(ahead, 0.0, 1.0) ** 1.3
        back = np.clip(-ahead, 0.0, 1.0) ** 1.3
        return self.side_m + (self.front_m - self.side_m) * front + (self.back_m - self.side_m) * back

    def rise(self, azimuth: Float[np.ndarray, " c"]) -> Float[np.ndarray, " c"]:
        """The share of the collar's height that it has at each azimuth: lower under the chin than at the nape."""
        return 0.85 - 0.15 * np.cos(azimuth)

    def collar_profile(self, clearance_m: float) -> list[tuple[float, float, float]]:
        """Rings from inside to outside: metres above the neckline, metres down along the skin, metres off the skin."""
        off = clearance_m
        if self.collar == "band":
            return [(0.0, 0.012, 0.0006), (0.0, 0.003, 0.0008), (0.0, 0.0004, 0.0012), (0.0, 0.0, 0.0024),
                    (0.0, 0.0006, 0.0037), (0.0, 0.003, off)]  # fmt: skip
        top = self.collar_m
        rim = [(top, 0.012, 0.0006), (top, 0.003, 0.0008), (top, 0.0006, 0.0012), (top, 0.0, 0.0026)]
        if self.collar == "stand":
            outer = [(top * share, 0.0, off) for share in np.linspace(0.96, 0.0, 9)]
            return [*rim, (top, 0.0006, 0.0038), *outer]
        thick = off + 0.0035
        rim += [(top, -0.0004, 0.0045), (top, 0.0006, 0.0062)]
        fold = [(top * share, 0.0, thick) for share in np.linspace(0.95, 0.16, 10)]
        tuck = [(top * 0.12, 0.0, thick - 0.0008), (top * 0.115, 0.0, off + 0.0008), (top * 0.125, 0.0, off)]
        return [*rim, *fold, *tuck, (top * 0.06, 0.0, off), (0.0, 0.0, off)]


# Ours, from how far such garments leave the collar bones bare; the neck's pit lies about 0.20 below the eyes.
NECKLINES: dict[str, Neckline] = {
    "crew": Neckline(front_m=0.200, side_m=0.146, back_m=0.152),
    "scoop": Neckline(front_m=0.212, side_m=0.151, back_m=0.156),
    "v_neck": Neckline(front_m=0.235, side_m=0.146, back_m=0.152, point=1.15, smooth_columns=0.6),
    "stand": Neckline(front_m=0.192, side_m=0.148, back_m=0.152, collar="stand", collar_m=0.026),
    "turtleneck": Neckline(front_m=0.192, side_m=0.148, back_m=0.152, collar="fold", collar_m=0.046),
}
