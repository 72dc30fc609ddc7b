"""Certificate: what was measured of the ground truth, against which bounds, and with what; stored as JSON."""

from typing import Literal

from render.dataset_format import Record

# Raise it when a certificate of this version proves something else than one of the version before.
CERTIFICATE_VERSION = 2
CERTIFICATE_FILE = "certificate.json"

Unit = Literal["um", "deg", "slope", "px", "pixels", "landmarks"]


class Check(Record):
    """One promise on one picture: the errors of every pixel (or landmark) compared, and the bound of the worst.

    Lengths are in micrometres, angles in degrees, slopes dimensionless. `worst_at` is the row and column of the worst
    pixel, or the number of the worst landmark; `picture` shows it.
    """

    scene: str
    layer: Literal["visible", "head"]
    quantity: str
    rule: str
    unit: Unit
    width_px: int
    height_px: int
    compared: int
    median: float
    percentile_99: float
    worst: float
    worst_at: tuple[int, ...] | None
    bound: float
    passed: bool
    picture: str | None = None


class Agreement(Record):
    """How well stored normals agree with the normals of the stored depth, and what that costs, at one subdivision
    level of one head family."""

    family: str
    subdivision_level: int
    width_px: int
    height_px: int
    pixels: int
    median_deg: float
    percentile_90_deg: float
    triangles: int
    frame_cpu_seconds: float
    person_cpu_seconds: float


class Certificate(Record):
    """Everything that `python -m render certify` found. It passes when every check does."""

    version: int
    mode: Literal["quick", "full"]
    device: Literal["cpu", "gpu"]
    families: tuple[str, ...]
    assets: dict[str, str]
    epochs: dict[str, int]
    software: dict[str, str]
    engine: dict[str, str | int | float | bool]
    passed: bool
    checks: tuple[Check, ...]
    agreement: tuple[Agreement, ...] = ()

    @property
    def failed(self) -> list[Check]:
        """The checks whose bound is broken."""
        return [check for check in self.checks if not check.passed]

    @property
    def summary(self) -> str:
        """One line: how many checks passed, over how many pixels, and the worst depth and normal of those."""
        worst = {
            unit: max((check.worst for check in self.checks if check.unit == unit), default=0.0)
            for unit in ("um", "deg")
        }
        pixels = sum(check.compared for check in self.checks)
        verdict = f"{len(self.failed)} of {len(self.checks)} checks FAILED" if self.failed else "passed"
        return (
            f"certificate {verdict}: {len(self.checks)} checks of {pixels / 1e6:.1f} million values, "
            f"depth within {worst['um']:.2f} um, normals within {worst['deg']:.4f} degrees"
        )


def check_line(check: Check) -> str:
    """One check in one line of text."""
    verdict = "ok    " if check.passed else "FAILED"
    size = f"{check.width_px}x{check.height_px}"
    return (
        f"{verdict} {check.scene:24s} {size:>9s} {check.layer:7s} {check.quantity:20s} "
        f"worst {check.worst:9.4f} of {check.bound:g} {check.unit}, median {check.median:.4f}, "
        f"{check.compared} compared"
    )
