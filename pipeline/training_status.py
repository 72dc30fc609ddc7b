"""How far trainings are that are not published yet: read from the files that each leaves after every epoch."""

import json
from dataclasses import dataclass
from pathlib import Path

# As train/checkpoint.py calls them; importing that loads torch, which takes seconds.
EXPERIMENT_FILE, HISTORY_FILE = "experiment.json", "history.jsonl"


@dataclass(frozen=True)
class TrainingStatus:
    """`epoch` of `epochs` are done, after `seconds` of training. `loss` is the last epoch's, None before the first;
    `silent_s` is the time since anything was written."""

    experiment: str
    epoch: int
    epochs: int
    loss: float | None
    seconds: float
    silent_s: float

    @property
    def left_s(self) -> float | None:
        """Seconds until the last epoch is done, by those so far; None before the first."""
        return (self.epochs - self.epoch) * self.seconds / self.epoch if self.epoch else None


def read_trainings(store: Path, *, now_s: float) -> list[TrainingStatus]:
    """Every training that was begun and is not published, in the order in which they last wrote, newest first."""
    found = []
    for folder in (store / "trainings").glob(".work-*"):
        try:
            found.append(_read(folder, now_s=now_s))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # just begun, or just published
    return sorted(found, key=lambda training: training.silent_s)


def _read(folder: Path, *, now_s: float) -> TrainingStatus:
    experiment = json.loads((folder / EXPERIMENT_FILE).read_bytes())["experiment"]
    epochs, history = experiment["schedule"]["epochs"], folder / HISTORY_FILE
    lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
    last = json.loads(lines[-1]) if lines else {}
    written_s = max(path.stat().st_mtime for path in (folder / EXPERIMENT_FILE, *([history] if lines else [])))
    return TrainingStatus(
        experiment=str(experiment["key"]),
        epoch=int(last.get("epoch", 0)),
        epochs=int(epochs),
        loss=float(last["losses"]["total"]) if last else None,
        seconds=float(last.get("seconds", 0.0)),
        silent_s=max(0.0, now_s - written_s),
    )
