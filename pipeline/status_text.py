"""The status of a store in words, for a terminal."""

import time
from collections import Counter

from pipeline.console import duration
from pipeline.store_status import StoreStatus
from pipeline.training_status import TrainingStatus
from pipeline.work_status import WorkStatus

BAR_CELLS = 50
WORKERS_SHOWN, QUARANTINED_SHOWN, PICTURES_SHOWN, STAGES_SHOWN = 16, 20, 6, 12
_MARKS = {"published": "█", "working": "▒", "waiting": "·"}


def status_text(status: StoreStatus) -> str:
    """A few lines: frames, rate and time left, workers, stages, quarantine with commands, newest pictures."""
    lines = [f"store       {status.store}, {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(status.read_s))}"]
    if status.empty:
        lines.append(empty_text(status))
    if status.works:
        newest, *older = status.works
        lines += _work_lines(newest)
        lines += [f"unfinished  {headline(work)}" for work in older if not work.finished]
    lines += [f"training    {training_line(training)}" for training in status.trainings]
    for dataset in status.datasets:
        counts = ", ".join(f"{count} {split}" for split, count in dataset.frames.items())
        left_out = sum(dataset.quarantined.values())
        lines.append(
            f"dataset     {dataset.dataset_id} {dataset.name}: {counts} frames"
            + (f", {left_out} left out as quarantined" if left_out else "")
        )
    if status.stages:
        shown = [
            f"{stage.stage} {duration(stage.seconds)}" + ("" if stage.finished else " (not finished)")
            for stage in status.stages[:STAGES_SHOWN]
        ]
        lines.append(f"took        {', '.join(shown)}")
    if status.quarantined:
        count = len(status.quarantined)
        what = "1 frame; run the command" if count == 1 else f"{count} frames; run their commands"
        lines.append(f"quarantine  {what} in {status.store}")
        for frame in status.quarantined[:QUARANTINED_SHOWN]:
            lines += [f"            {frame.split}/{frame.index} ({frame.failed}): {frame.reason}"]
            lines += [f"              {frame.command}"]
        lines += _and_more(count, QUARANTINED_SHOWN)
    lines += [f"picture     {path}" for path in status.pictures[:PICTURES_SHOWN]]
    lines += [f"PROBLEM     {problem}" for problem in status.problems]
    return "\n".join(lines)


def empty_text(status: StoreStatus) -> str:
    """What to say of a store in which nothing was begun."""
    there = "holds nothing yet" if status.store.is_dir() else "does not exist yet"
    return f"it {there}; `luigi --module pipeline FullRun --store {status.store}` fills it"


def headline(work: WorkStatus) -> str:
    """Frames done, of how many, and whether somebody is at it."""
    share = 100 * work.published / max(1, work.frames)
    text = f"{work.recipe} on the {work.device}: {work.published} of {work.frames} frames published ({share:.0f} %)"
    if work.unfinished:
        text += f", {work.unfinished} more in shards under way"
    if work.finished:
        return f"{text}, finished"
    if not work.at_work:
        text += f"; no sign of life for {duration(work.silent_s)}, run the same command again to go on"
    return text


def pace(work: WorkStatus) -> str:
    """Rate, time left and time spent."""
    parts = []
    if work.frames_a_second:
        rate = work.frames_a_second
        parts.append(f"{rate:.3g} frames a second" if rate >= 1 else f"{1 / rate:.3g} s a frame")
    if work.left_s is not None:
        parts.append(f"about {duration(work.left_s)} left")
    parts.append(f"{'at it for' if work.at_work else 'worked for'} {duration(work.seconds)}")
    if work.at_work:
        parts.append(f"last sign of life {work.silent_s:.0f} s ago")
    return ", ".join(parts)


def training_line(training: TrainingStatus) -> str:
    """How far a training is that is not published."""
    parts = [f"{training.experiment}: {training.epoch} of {training.epochs} epochs"]
    if training.loss is not None:
        parts.append(f"loss {training.loss:.4g}")
    if training.left_s is not None:
        parts.append(f"about {duration(training.left_s)} left while it runs")
    return f"{', '.join(parts)}; last written {duration(training.silent_s)} ago"


def _work_lines(work: WorkStatus) -> list[str]:
    lines = [f"render      {headline(work)}", f"            {pace(work)}", f"            {_bar(work)}"]
    for worker in work.workers[:WORKERS_SHOWN]:
        lines.append(
            f"{'STRAGGLER ' if worker.straggles else 'worker    '}  {worker.name}: {worker.what}, "
            f"{worker.done} of {worker.total} {worker.stage}, {worker.seconds_a_frame:.1f} s a frame"
            + (f"; {worker.straggles}" if worker.straggles else "")
        )
    lines += _and_more(len(work.workers), WORKERS_SHOWN)
    lines += [f"ended       {count} with {how}" for how, count in work.ends.items()]
    if work.stage_seconds:
        stages = ", ".join(f"{stage} {seconds:.2g}" for stage, seconds in work.stage_seconds.items())
        lines.append(f"stages      seconds a frame: {stages}; on {', '.join(work.hosts)}")
    return lines


def _bar(work: WorkStatus) -> str:
    """Elements in order, several in a cell where there are many; the rarest state of a cell is shown."""
    cells = min(BAR_CELLS, len(work.elements))
    marks = []
    for cell in range(cells):
        start, end = (len(work.elements) * edge // cells for edge in (cell, cell + 1))
        states = Counter(work.elements[start:end])
        marks.append(_MARKS["working" if states["working"] else "waiting" if states["waiting"] else "published"])
    return "".join(marks)


def _and_more(count: int, shown: int) -> list[str]:
    return [f"            and {count - shown} more"] if count > shown else []
