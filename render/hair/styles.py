"""Hair styles as data: lengths, flow, volume and finish of each; numbers are ours, by eye from photographs."""

from dataclasses import dataclass
from typing import Literal

Flow = Literal["whorl", "forward", "back", "part", "out", "tie"]


@dataclass(frozen=True)
class Finish:
    """What Blender's hair nodes do to the strands between the guides; lengths in mm, `turns` of a curl along a strand.

    `clump` 0..1 draws strands to the locks' middle lines, which lie `lock_mm` apart; the larger `clump_shape` 0..1, the
    nearer to the tips.
    """

    strands: int
    radius_mm: float
    clump: float = 0.0
    clump_shape: float = 0.4
    lock_mm: float = 8.0
    curl_mm: float = 0.0
    turns: float = 0.0
    noise_mm: float = 0.0
    frizz_mm: float = 0.0
    uneven: float = 0.15


@dataclass(frozen=True)
class Style:
    """How hair grows on the scalp.

    Lengths are those of crown and forehead (`top_mm`), of sides and of nape. `cut` ends hair at a height below the root
    of the nose, in eye distances (chin 1.9, shoulders 3.4). `lift` 0..1 is how upright hair leaves the skin, `weight`
    how fast gravity bends it, `volume_mm` how far its outer layer stands off the head.
    """

    flow: Flow
    top_mm: float
    side_mm: float
    nape_mm: float
    finish: Finish
    lift: float = 0.4
    weight: float = 0.0
    volume_mm: float = 6.0
    cut: float | None = None
    tail: Literal["none", "ponytail", "braid", "bun"] = "none"
    area: Literal["full", "horseshoe", "receding"] = "full"
    points: int = 12


STYLES: dict[str, Style] = {
    "buzz": Style("whorl", 8, 6, 4, Finish(32000, 0.12), lift=0.45, points=3),
    "crew": Style("forward", 24, 9, 5, Finish(26000, 0.10, clump=0.25, lock_mm=6, noise_mm=1.5), lift=0.6, points=6),
    "side_part": Style(
        "part", 95, 38, 16, Finish(18000, 0.11, clump=0.55, lock_mm=10, noise_mm=3), lift=0.5, weight=0.25,
        volume_mm=18,
    ),
    "swept_back": Style(
        "back", 110, 60, 35, Finish(18000, 0.11, clump=0.6, lock_mm=9, noise_mm=3), lift=0.7, weight=0.08,
        volume_mm=30,
    ),
    "undercut": Style(
        "back", 100, 5, 4, Finish(18000, 0.11, clump=0.6, lock_mm=9, noise_mm=3), lift=0.75, weight=0.05, volume_mm=34,
    ),
    "fringe": Style(
        "forward", 75, 45, 25, Finish(18000, 0.11, clump=0.6, lock_mm=9, noise_mm=3), lift=0.5, weight=0.35,
        volume_mm=14,
    ),
    "bob": Style(
        "part", 330, 300, 200, Finish(16000, 0.13, clump=0.5, lock_mm=12, noise_mm=3), lift=0.5, weight=0.5,
        volume_mm=20, cut=1.75, points=16,
    ),
    "curls": Style(
        "whorl", 95, 80, 55,
        Finish(7000, 0.16, clump=0.9, lock_mm=11, curl_mm=7, turns=4, noise_mm=2, frizz_mm=0.4, uneven=0.1),
        lift=0.85, weight=0.25, volume_mm=34, points=32,
    ),
    "afro": Style(
        "out", 50, 46, 38,
        Finish(12000, 0.14, clump=0.45, lock_mm=5, curl_mm=3, turns=5, noise_mm=3, frizz_mm=0.8, uneven=0.03),
        lift=0.97, weight=0.02, volume_mm=70, points=30,
    ),
    "long_straight": Style(
        "part", 520, 480, 400, Finish(8500, 0.17, clump=0.5, lock_mm=14, noise_mm=4), lift=0.45, weight=0.5,
        volume_mm=16, cut=4.0, points=16,
    ),
    "long_wavy": Style(
        "part", 500, 460, 380,
        Finish(5500, 0.20, clump=0.75, clump_shape=0.7, lock_mm=13, curl_mm=7, turns=4, noise_mm=3),
        lift=0.55, weight=0.4, volume_mm=24, cut=3.7, points=24,
    ),
    "ponytail": Style(
        "tie", 300, 300, 300, Finish(15000, 0.14, clump=0.3, lock_mm=10, noise_mm=3), volume_mm=13, tail="ponytail",
        points=20,
    ),
    "braid": Style(
        "tie", 360, 360, 360, Finish(5000, 0.22, noise_mm=1, uneven=0.0), volume_mm=12, tail="braid", points=48,
    ),
    "bun": Style(
        "tie", 300, 300, 300, Finish(15000, 0.14, clump=0.3, lock_mm=10, noise_mm=2), volume_mm=13, tail="bun",
        points=26,
    ),
    "receding": Style(
        "back", 45, 28, 14, Finish(15000, 0.10, clump=0.4, lock_mm=7, noise_mm=2), lift=0.4, weight=0.1, volume_mm=7,
        area="receding", points=7,
    ),
    "horseshoe": Style(
        "whorl", 12, 18, 12, Finish(13000, 0.10, clump=0.3, lock_mm=6, noise_mm=2), lift=0.35, weight=0.1,
        volume_mm=5, area="horseshoe", points=6,
    ),
}  # fmt: skip
