"""The slurm engine: job arrays for the elements that are missing, in rounds, until all are published."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipeline.child_process import last_lines
from pipeline.console import say
from pipeline.engines.slurm_commands import (
    QueuedTask,
    cancel,
    cancel_task,
    most_tasks_of_an_array,
    patiently,
    queued,
    responding_hosts,
    submit,
)
from pipeline.engines.slurm_notes import (
    STOPPED_ON_REQUEST,
    Array,
    Notes,
    log_path,
    prepare_array,
    read_notes,
    read_report,
    read_tasks,
    script_path,
    write_notes,
)
from pipeline.engines.work import Element, Engine, Work
from pipeline.errors import PipelineError
from train.progress import Progress

# Of the first tasks that end, at most this many decide whether the rest has a chance; fewer than the least decide
# nothing (ours).
BREAKER_TASKS, BREAKER_LEAST = 20, 4
# Rounds in which no element failed (tasks were preempted, cancelled, or lost with a controller) are not counted, but
# they cannot go on for ever.
MOST_ROUNDS = 30
# Arrays that wait in Slurm's queue at a time.
ARRAYS_AT_ONCE = 4
# Slurm holds a job that it could not launch until somebody releases it: no host will ever work on it.
HELD = ("launch failed requeued held", "job_hold_max_requeue", "jobholdmaxrequeue", "jobheldadmin")


@dataclass(frozen=True)
class SlurmSettings:
    """How arrays are submitted. Empty text and 0 leave a matter to Slurm.

    A task of an array works on `elements_per_task` elements; `max_running` tasks run at once. An element that fails in
    `rounds` rounds fails for good. Slurm may be silent for `patience_s` before a run gives up.
    """

    partition: str = ""
    options: tuple[str, ...] = ()
    time_limit: str = ""
    cpus: int = 0
    memory: str = ""
    gpu_option: str = "--gres=gpu:1"
    max_running: int = 0
    elements_per_task: int = 1
    rounds: int = 3
    warning_s: int = 120
    poll_s: float = 10.0
    patience_s: float = 24 * 3600.0


def slurm_engine(settings: SlurmSettings) -> Engine:
    """An engine that does work in Slurm's job arrays.

    Every round submits what is missing, one task for an element or a few, in arrays no longer than Slurm allows. What
    is done is read from the store; what Slurm says only tells when to look, and no answer means nothing. Hosts on
    which an element failed are left out of the next rounds. A run that is started again takes up the arrays that are
    there already.
    """
    return partial(_do_work, settings)


def _do_work(settings: SlurmSettings, work: Work) -> None:
    """Raises: PipelineError with the element, how often it failed, its log and its last words."""
    missing = {element.number: element for element in work.elements if not element.published()}
    total = sum(element.size for element in work.elements)
    if not missing:
        return
    work.folder.mkdir(parents=True, exist_ok=True)
    notes = read_notes(work.folder)
    if not notes.settled:
        say("slurm", f"taking up arrays of an earlier run: {', '.join(array.name for array in notes.arrays)}")
    already = total - sum(element.size for element in missing.values())
    try:
        with Progress(total=total, label=work.label, unit=work.unit, already_done=already) as bar:
            run = _Run(settings, work, notes, missing, lambda done: bar.advance(max(0, done - bar.done)))
            while missing:
                if notes.settled:
                    _begin_round(run)
                _watch(run)
                _settle(run)
    except KeyboardInterrupt:
        ids = [array.job_id for array in notes.arrays if array.job_id and not array.over]
        say("slurm", f"interrupted; Slurm goes on with {len(ids)} arrays. To stop them: scancel {' '.join(ids)}")
        raise


@dataclass
class _Run:
    """One call of the engine. `missing` loses elements as they are published."""

    settings: SlurmSettings
    work: Work
    notes: Notes
    missing: dict[int, Element]
    show: Callable[[int], None]
    """Told how many units are done in all."""

    def ask(self, question: Callable):
        """What Slurm answers, sooner or later."""
        return patiently(question, patience_s=self.settings.patience_s)

    def keep(self) -> None:
        """Write the notes."""
        write_notes(self.work.folder, self.notes)


def _begin_round(run: _Run) -> None:
    """Cut what is missing into tasks and arrays, and note them before any is submitted."""
    notes, settings, folder = run.notes, run.settings, run.work.folder
    notes.rounds += 1
    if notes.rounds > MOST_ROUNDS:
        _forget(run)
        raise PipelineError(
            f"{run.work.label}: {len(run.missing)} elements are not published after {MOST_ROUNDS} rounds in which none "
            f"failed: their tasks were preempted or cancelled each time. Ask who runs Slurm; logs are in {folder}"
        )
    numbers = sorted(run.missing)
    size = max(1, min(settings.elements_per_task, run.work.together))
    tasks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    longest = run.ask(most_tasks_of_an_array)
    notes.arrays = []
    for start in range(0, len(tasks), longest):
        notes.arrays_ever += 1
        name = f"headroom-{folder.name}-{notes.arrays_ever}"
        notes.arrays.append(prepare_array(run.work, name, tasks[start : start + longest]))
    notes.settled = False
    run.keep()
    say("slurm", f"round {notes.rounds}: {len(numbers)} elements in {len(tasks)} tasks, {len(notes.arrays)} arrays")


def _watch(run: _Run) -> None:
    """Submit the arrays of the round, a few at a time, and return when Slurm has none of them any more.

    An array counts as over when it is missing from two answers in a row.
    """
    seen_gone: set[str] = set()
    while not all(array.over for array in run.notes.arrays):
        arrays = [array for array in run.notes.arrays if not array.over]
        at_once = 1 if run.settings.max_running else ARRAYS_AT_ONCE
        for array in arrays[:at_once]:
            if not array.job_id:
                array.job_id = run.ask(partial(_submit, run, array))
                run.keep()
        submitted = [array for array in arrays if array.job_id]
        rows = run.ask(partial(queued, [array.name for array in submitted]))
        _cancel_held(run, rows)
        gone = {array.name for array in submitted} - {row.name for row in rows}
        for array in submitted:
            array.over = array.name in gone & seen_gone
        seen_gone = gone
        if any(array.over for array in submitted):
            run.keep()
        _look(run, rows)
        if not run.missing and rows:
            # What runs finds everything published and ends by itself; what waits need not start.
            run.ask(partial(cancel, sorted({row.name for row in rows})))
        time.sleep(min(run.settings.poll_s, 1.0) if gone else run.settings.poll_s)


def _submit(run: _Run, array: Array) -> str:
    """The array's job id. An answer that was lost may have been a yes: an array of that name is never submitted twice.

    Raises: NoAnswerError, PipelineError.
    """
    there = queued([array.name])
    if there:
        return there[0].job_id
    settings, folder = run.settings, run.work.folder
    options = [f"--comment=headroom {folder.name}", "--requeue", "--open-mode=append", "--nodes=1", "--ntasks=1"]
    # Some time before a limit ends a task, it is asked to finish its frame.
    options.append(f"--signal=B:TERM@{settings.warning_s}")
    if settings.partition:
        options.append(f"--partition={settings.partition}")
    if settings.time_limit:
        options.append(f"--time={settings.time_limit}")
    if settings.cpus:
        options.append(f"--cpus-per-task={settings.cpus}")
    if settings.memory:
        options.append(f"--mem={settings.memory}")
    if run.work.device == "gpu" and settings.gpu_option:
        options.append(settings.gpu_option)
    bad = set(run.notes.bad_hosts)
    if bad and responding_hosts(settings.partition) - bad:
        options.append(f"--exclude={','.join(sorted(bad))}")
    throttle = f"%{settings.max_running}" if settings.max_running else ""
    options += settings.options
    options += [f"--job-name={array.name}", f"--array=0-{array.tasks - 1}{throttle}"]
    options.append(f"--output={folder / array.name}-%a.log")
    return submit(script_path(folder, array.name), options)


def _cancel_held(run: _Run, rows: list[QueuedTask]) -> None:
    for row in rows:
        if row.pending and row.task is not None and row.reason.lower() in HELD:
            run.ask(partial(cancel_task, row.job_id, row.task))


def _look(run: _Run, rows: list[QueuedTask]) -> None:
    """Take in what was published and reported since the last look, and stop a round that has no chance."""
    for number in [number for number, element in run.missing.items() if element.published()]:
        del run.missing[number]
    pending = {(row.name, row.task) for row in rows if row.pending}
    ended: list[tuple[float, bool, str, int]] = []
    working = 0
    for array in run.notes.arrays:
        if not array.job_id:
            continue
        for task, elements in enumerate(read_tasks(run.work.folder, array.name)):
            if (array.name, task) in pending:
                continue
            left = [run.missing[number] for number in elements if number in run.missing]
            report = read_report(run.work.folder, array.name, task) if left or run.notes.rounds == 1 else None
            if report is None:
                continue
            working += sum(min(report.done.get(element.number, 0), element.size) for element in left)
            if report.code is not None:
                failed = bool(left) and report.code != STOPPED_ON_REQUEST
                ended.append((report.ended_s, failed, array.name, task))
    published = sum(element.size for element in run.work.elements) - sum(e.size for e in run.missing.values())
    run.show(published + working)
    first = sorted(ended)[:BREAKER_TASKS]
    failed = [task for task in first if task[1]]
    if run.notes.rounds == 1 and len(first) >= BREAKER_LEAST and 2 * len(failed) > len(first):
        run.ask(partial(cancel, [array.name for array in run.notes.arrays if array.job_id and not array.over]))
        _forget(run)
        log = log_path(run.work.folder, *failed[-1][2:])
        raise PipelineError(
            f"{run.work.label}: {len(failed)} of the first {len(first)} tasks failed, so the rest was cancelled. What "
            f"is published is kept; run again when the cause is gone.\nlog: {log}, which ends with\n{last_lines(log)}"
        )


def _settle(run: _Run) -> None:
    """Take stock of a round that is over: which elements failed, and where.

    A task that was asked to stop, or that never started, has not failed. Raises: PipelineError.
    """
    notes, folder = run.notes, run.work.folder
    _look(run, [])
    worst: tuple[int, Element, str, int] | None = None
    for array in notes.arrays:
        for task, elements in enumerate(read_tasks(folder, array.name)):
            left = [number for number in elements if number in run.missing]
            report = read_report(folder, array.name, task) if left else None
            if report is None or report.code == STOPPED_ON_REQUEST:
                continue
            # Elements behind the one that failed were not begun.
            notes.failures[left[0]] = notes.failures.get(left[0], 0) + 1
            if report.host not in notes.bad_hosts:
                notes.bad_hosts.append(report.host)
            count = notes.failures[left[0]]
            if worst is None or count > worst[0]:
                worst = (count, run.missing[left[0]], array.name, task)
    notes.settled = True
    run.keep()
    if worst is None:
        return
    count, element, name, task = worst
    log = log_path(folder, name, task)
    if count >= run.settings.rounds:
        _forget(run)
        raise PipelineError(
            f"{run.work.label}: element {element.number} ({element.what}) was not published in {count} rounds. What is "
            f"published is kept; run again to go on.\nlog: {log}, which ends with\n{last_lines(log)}"
        )
    say("slurm", f"{len(run.missing)} elements are left, the log of one is {log}; hosts to avoid: {notes.bad_hosts}")


def _forget(run: _Run) -> None:
    """Let the next run begin anew: it was started by somebody who knows of the failure."""
    notes = run.notes
    notes.rounds, notes.arrays, notes.settled, notes.failures, notes.bad_hosts = 0, [], True, {}, []
    run.keep()
