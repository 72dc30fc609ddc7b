"""Early stop: which epoch was the best by a validation score, and whether a training has waited long enough for more.

Both follow from the history alone, so a training that goes on after a stop decides as one that never stopped.
"""

from collections.abc import Sequence
from typing import Any

from train.errors import InputError
from train.training_spec import Schedule

# How the names of scores begin that grow when predictions become better; all others are errors.
BETTER_WHEN_LARGER = ("delta_1", "delta_2", "delta_3", "mask_", "below_")


def needs_validation(schedule: Schedule) -> bool:
    """Whether the schedule decides anything by a validation score."""
    return schedule.patience_epochs > 0 or schedule.keep_weights == "best"


def best_epoch(history: Sequence[dict[str, Any]], watched_score: str) -> int:
    """Number of the epoch (1 is the first) with the best watched score; of equal ones the earliest.

    Raises: InputError when an epoch has no such score, listing those that it has.
    """
    values = [_value(line, watched_score) for line in history]
    larger_is_better = watched_score.partition(".")[2].startswith(BETTER_WHEN_LARGER)
    best = max(values) if larger_is_better else min(values)
    return values.index(best) + 1


def patience_is_over(history: Sequence[dict[str, Any]], schedule: Schedule) -> bool:
    """Whether the last `patience_epochs` epochs brought nothing better. Raises: as `best_epoch`."""
    if schedule.patience_epochs == 0 or not history:
        return False
    return len(history) - best_epoch(history, schedule.watched_score) >= schedule.patience_epochs


def _value(line: dict[str, Any], watched_score: str) -> float:
    mask, _, name = watched_score.partition(".")
    scores = line["validation"].get(mask, {})
    if name not in scores:
        known = [f"{one}.{score}" for one, values in line["validation"].items() for score in values]
        raise InputError(
            f"schedule.watched_score is {watched_score!r}, but epoch {line['epoch']} has no such validation score. "
            f"It has {', '.join(known) or 'none: the pack holds no validation frame'}"
        )
    return scores[name]
