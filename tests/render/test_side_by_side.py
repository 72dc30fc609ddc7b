"""A crew: jobs at once in processes of their own, all results, the job's own error, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from crew_jobs import count, die, fail_at_once, meet, slow_count

from render.side_by_side import Crew, ProcessLostError, default_processes


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    """Two processes."""
    with Crew(2) as started:
        yield started


def test_every_result_of_every_job_comes(crew: Crew):
    """Many more results than a pipe holds, of more jobs than there are processes; the crew takes further jobs."""
    for _ in range(2):
        results = list(crew.run(count, [3000, 0, 2000, 10]))
        assert sorted(results) == sorted(n for job in (3000, 0, 2000, 10) for n in range(job))


def test_jobs_run_at_once_in_processes_of_their_own(crew: Crew, tmp_path: Path):
    """Each of two jobs waits for the other one's file, which would never end one after the other."""
    pids = set(crew.run(meet, [(tmp_path / "a", tmp_path / "b"), (tmp_path / "b", tmp_path / "a")]))
    assert len(pids) == 2 and os.getpid() not in pids


def test_the_error_of_a_job_is_raised_and_the_others_stop(crew: Crew):
    """It is the job's own error; the other job, which has 100 s of results left, stops soon, and the crew works on."""
    started = time.monotonic()
    with pytest.raises(ArithmeticError, match="the job's own words"):
        list(crew.run(fail_at_once, [True, False]))
    assert time.monotonic() - started < 20
    assert sorted(crew.run(count, [2, 1])) == [0, 0, 1]


def test_whoever_stops_reading_stops_the_jobs(crew: Crew):
    """An error of the reader (too many bad frames) ends the crew's work as well."""
    started = time.monotonic()
    results = crew.run(slow_count, [1000, 1000])
    next(results)
    results.close()
    assert time.monotonic() - started < 20
    assert list(crew.run(count, [1])) == [0]


def test_a_process_that_dies_is_no_silence():
    """The error says that a process was lost and what to try."""
    with Crew(2) as doomed, pytest.raises(ProcessLostError, match=r"memory runs out.*--processes 1"):
        list(doomed.run(die, [0, 1]))


def test_the_crew_ends_with_a_killed_parent(tmp_path: Path):
    """Nothing of a renderer that is killed goes on rendering."""
    pids = tmp_path / "pids"
    script = (
        "from pathlib import Path; from render.side_by_side import Crew; from crew_jobs import write_pid\n"
        "if __name__ == '__main__':\n"
        f"    with Crew(2) as crew: list(crew.run(write_pid, [Path({str(pids)!r})] * 2))\n"
    )
    program = tmp_path / "program.py"
    program.write_text(script)
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(root), str(root / "tests" / "checking")])
    parent = subprocess.Popen([sys.executable, str(program)], env={**os.environ, "PYTHONPATH": paths})
    deadline = time.monotonic() + 60
    while not (pids.exists() and len(pids.read_text().split()) == 2) and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert len(workers) == 2 and alive == []


def test_how_many_processes_fit_the_cores(monkeypatch: pytest.MonkeyPatch):
    """Two where there are two cores, one for every two of more, and one for a GPU."""
    for cores, processes in ((1, 1), (2, 2), (3, 2), (4, 2), (16, 8)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert default_processes("cpu") == processes and default_processes("gpu") == 1


def test_a_crew_of_nobody_is_refused():
    """The error says what a crew is."""
    with pytest.raises(ValueError, match="at least one process, but 0"):
        Crew(0)
