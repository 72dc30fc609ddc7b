"""Exit codes where hosts share a run: what another host finished counts as done.

Luigi asks only what this process did. A host whose part another one took over would end with `not_run`, though all of
the run is published.
"""

from collections.abc import Callable

from luigi import Task, execution_summary

_DONE_ELSEWHERE = ("not_run", "run_by_other_worker", "upstream_run_by_other_worker", "still_pending_not_ext")


def count_what_others_did() -> None:
    """Let luigi's summary, from which it takes its exit code, see what is complete, whoever did it."""
    summary = execution_summary._summary_dict
    if not hasattr(summary, "counts_what_others_did"):
        corrected = _corrected(summary)
        corrected.counts_what_others_did = True
        execution_summary._summary_dict = corrected


def _corrected(summary: Callable) -> Callable:
    def corrected(worker) -> dict:
        tasks = summary(worker)
        if not any(tasks[status] for status in _DONE_ELSEWHERE):
            return tasks
        root = execution_summary._root_task(worker)
        # The last step of a run is each process's own; all that it needs is in the store.
        needed: list[Task] = [root] if root.complete() else root.deps()
        if needed and all(task.complete() for task in needed):
            for status in _DONE_ELSEWHERE:
                tasks["completed"] |= set(tasks[status])
                tasks[status] = set()
        return tasks

    return corrected
