"""How the drawn values of a dataset are spread: from the columns of its index to numbers and counts."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# What a reader asks about first, in this order; every other drawn value follows under "further".
PRINCIPAL_FACTORS = (
    "drawn.camera.distance_mm",
    "drawn.camera.sensor_width_mm",
    "drawn.head_pose.yaw_deg",
    "drawn.head_pose.pitch_deg",
    "drawn.head_pose.roll_deg",
    "drawn.expression.name",
    "drawn.skin.melanin",
    "drawn.identity.coefficients",
    "drawn.lighting.environment",
    "drawn.lighting.lamps.0.azimuth_deg",
    "drawn.lighting.lamps.0.elevation_deg",
    "drawn.backdrop.kind",
)
# Drawn once a person, so they are counted once a person.
PERSON_FACTORS = (
    "identity", "skin", "eyes", "hair", "hair_colour", "glasses", "lenses", "outfit", "fabric",
)  # fmt: skip
UNITS = {"mm": "mm", "m": "m", "deg": "degrees", "px": "px", "w": "W", "k": "K"}
# Factors whose field names are clear without the name of the factor.
PLAIN_FACTORS = ("head_pose",)


@dataclass(frozen=True)
class Distribution:
    """How one drawn value is spread: numbers, or counts by name. `over` says what was counted."""

    name: str
    title: str
    unit: str
    over: str
    values: tuple[float, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()

    @property
    def constant(self) -> bool:
        """Whether every frame has the same value."""
        return len(self.counts) == 1 or (bool(self.values) and min(self.values) == max(self.values))


def distributions(index: Sequence[dict[str, Any]]) -> list[Distribution]:
    """Every drawn value that is a number, a name or a list of numbers: the principal ones first, seeds left out."""
    columns = [name for name in index[0] if name.startswith("drawn.") and not name.endswith("seed")]
    ordered = [name for name in PRINCIPAL_FACTORS if name in columns]
    ordered += sorted(set(columns) - set(ordered))
    found = (_distribution(index, name) for name in ordered)
    return [one for one in found if one is not None]


def summary(distribution: Distribution) -> dict[str, Any]:
    """The numbers that results.json and the page state about one drawn value."""
    facts: dict[str, Any] = {"over": distribution.over}
    if distribution.counts:
        return {**facts, "counts": dict(distribution.counts)}
    values = np.array(distribution.values)
    return {
        **facts,
        "unit": distribution.unit,
        "count": len(values),
        "minimum": float(values.min()),
        "median": float(np.median(values)),
        "maximum": float(values.max()),
    }


def _distribution(index: Sequence[dict[str, Any]], name: str) -> Distribution | None:
    factor, field = name.removeprefix("drawn.").split(".", 1)
    of_persons = factor in PERSON_FACTORS
    rows = list({row["identity_id"]: row for row in index}.values()) if of_persons else index
    values = [row[name] for row in rows if row[name] is not None]
    over = "persons" if of_persons else "frames"
    title, unit = _title_and_unit(factor, field)
    if not values:
        return None
    if all(isinstance(value, str) for value in values):
        return Distribution(name, title, unit, over, counts=tuple(sorted(Counter(values).items())))
    if all(isinstance(value, list | tuple) and all(isinstance(one, float) for one in value) for value in values):
        over = f"{over} \N{MULTIPLICATION SIGN} {len(values[0])} values each"
        values = [one for value in values for one in value]
    if values and all(isinstance(value, int | float) for value in values):
        return Distribution(name, title, unit, over, values=tuple(float(value) for value in values))
    return None


def _title_and_unit(factor: str, field: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.+?)_(mm|m|deg|px|w|k)", field)
    words, unit = (match[1], UNITS[match[2]]) if match else (field, "")
    if field == "coefficients":
        unit = "standard deviations"
    words = re.sub(r"[._]", " ", words)
    return (words if factor in PLAIN_FACTORS else f"{factor.replace('_', ' ')} {words}"), unit
