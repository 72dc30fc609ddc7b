"""The slurm engine on a real Slurm: only missing elements, bad hosts, the breaker, preemption, silence, adoption."""

import shlex
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from slurm_cluster import Cluster

from pipeline.engines.slurm import SlurmSettings, slurm_engine
from pipeline.engines.slurm_notes import read_notes
from pipeline.engines.work import Element, Work
from pipeline.errors import PipelineError

pytestmark = pytest.mark.usefixtures("slurm")
SETTINGS = SlurmSettings(poll_s=0.3)
# A worker that publishes element K as a file, after a snippet of its own that sees $element and $SLURMD_NODENAME.
WORKER = """
elements=()
while [ $# -gt 0 ]; do case $1 in --element) elements+=($2);; --progress) progress=$2;; esac; shift 2; done
for element in "${elements[@]}"; do
    echo "$element $SLURMD_NODENAME" >> %(folder)s/begun
    %(snippet)s
    echo "{\\"element\\": $element, \\"done\\": 1}" >> "$progress"
    touch %(folder)s/$element
done
"""


def make_work(folder: Path, snippet: str, *, elements: int, together: int = 1) -> Work:
    """Work whose elements are files in a folder."""
    script = folder / "worker.sh"
    script.write_text(WORKER % {"folder": shlex.quote(str(folder)), "snippet": snippet})
    return Work(
        label="paint",
        unit="files",
        command=("bash", str(script)),
        elements=tuple(
            Element(number, 1, f"file {number}", partial(Path.exists, folder / str(number)))
            for number in range(elements)
        ),
        device="cpu",
        together=together,
        folder=folder / f"work-{folder.name}",
    )


def begun(folder: Path) -> list[tuple[int, str]]:
    """Element and node of every attempt, in order."""
    return [(int(line.split()[0]), line.split()[1]) for line in (folder / "begun").read_text().splitlines()]


def test_only_missing_elements_in_arrays_as_long_as_slurm_allows(tmp_path: Path):
    """Ten elements of which two are there: eight tasks, in arrays of seven and one; a second call submits none."""
    work = make_work(tmp_path, ":", elements=10)
    for number in (3, 8):
        (tmp_path / str(number)).touch()
    slurm_engine(SETTINGS)(work)
    assert sorted(number for number, _ in begun(tmp_path)) == [0, 1, 2, 4, 5, 6, 7, 9]
    assert [array.tasks for array in read_notes(work.folder).arrays] == [7, 1]
    slurm_engine(SETTINGS)(work)
    assert len(begun(tmp_path)) == 8


def test_several_elements_share_a_task_when_told_to(tmp_path: Path):
    """Eight elements, three a task: three tasks."""
    work = make_work(tmp_path, ":", elements=8, together=9)
    slurm_engine(replace(SETTINGS, elements_per_task=3))(work)
    assert [array.tasks for array in read_notes(work.folder).arrays] == [3]
    assert all((tmp_path / str(number)).exists() for number in range(8))


def test_hosts_on_which_an_element_failed_are_left_out_of_the_next_round(tmp_path: Path):
    """A node that breaks whatever comes late: what it failed is done by the other one."""
    snippet = 'if [ $SLURMD_NODENAME = two ] && [ $element -ge 2 ]; then echo "two is broken"; exit 1; fi; sleep 0.5'
    slurm_engine(SETTINGS)(make_work(tmp_path, snippet, elements=9))
    failed = [number for number, node in begun(tmp_path) if node == "two" and number >= 2]
    assert failed and len(failed) == len(set(failed))
    assert all((tmp_path / str(number)).exists() for number in range(9))


def test_an_element_that_fails_in_every_round_ends_the_run(tmp_path: Path):
    """Three rounds, then an error with the element, its log and its last words; the next run begins anew."""
    work = make_work(tmp_path, "[ $element = 1 ] && { echo no paint for $element; exit 3; }", elements=3)
    with pytest.raises(PipelineError, match=r"element 1 \(file 1\) was not published in 3 rounds") as caught:
        slurm_engine(SETTINGS)(work)
    assert "no paint for 1" in str(caught.value).split("which ends with")[1]
    assert [number for number, _ in begun(tmp_path)].count(1) == 3 and (tmp_path / "2").exists()
    (tmp_path / "1").touch()
    slurm_engine(SETTINGS)(work)
    assert read_notes(work.folder).rounds == 0


def test_the_breaker_stops_a_round_when_most_of_the_first_tasks_fail(slurm: Cluster, tmp_path: Path):
    """Of sixty doomed elements some are tried; the rest is cancelled, and the last words are told."""
    work = make_work(tmp_path, "echo the easel fell over; exit 1", elements=60)
    with pytest.raises(PipelineError, match=r"of the first .* tasks failed, so the rest was cancelled") as caught:
        slurm_engine(SETTINGS)(work)
    assert "the easel fell over" in str(caught.value)
    time.sleep(2)
    assert 4 <= len(begun(tmp_path)) < 60
    assert slurm.ask("squeue", "--noheader") == ""


def test_a_task_that_was_asked_to_stop_has_not_failed(tmp_path: Path):
    """Exit code 75 on the first attempt of every element, where one failure would be too many: all are published."""
    snippet = "[ -e stopped-$element ] || { touch stopped-$element; exit 75; }".replace(
        "stopped", f"{tmp_path}/stopped"
    )
    slurm_engine(replace(SETTINGS, rounds=1))(make_work(tmp_path, snippet, elements=6))
    assert len(begun(tmp_path)) == 12


def test_sigterm_reaches_the_worker_whose_exit_code_is_kept(slurm: Cluster, tmp_path: Path):
    """`scancel --signal=TERM --batch`, as a time limit sends it: the worker ends what it does, and 75 comes through."""
    snippet = f"trap 'echo asked; exit 75' TERM; [ -e {tmp_path}/again ] || for i in $(seq 100); do sleep 0.1; done"
    work = make_work(tmp_path, snippet, elements=1)

    def ask_to_stop() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        (tmp_path / "again").touch()
        name = read_notes(work.folder).arrays[0].name
        slurm.ask("scancel", "--signal=TERM", "--batch", "--name", name)

    thread = threading.Thread(target=ask_to_stop)
    thread.start()
    slurm_engine(replace(SETTINGS, rounds=1))(work)
    thread.join()
    assert len(begun(tmp_path)) == 2
    assert '"code": 75' in (work.folder / f"headroom-{work.folder.name}-1-0.progress").read_text()


def test_a_controller_that_does_not_answer_is_waited_for(slurm: Cluster, tmp_path: Path, capsys):
    """slurmctld dies while tasks run and comes back: silence is no answer, and nothing is lost."""
    work = make_work(tmp_path, "sleep 1", elements=5)

    def break_down() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        time.sleep(1.5)  # Slurm writes its state down some moments after it took a job
        slurm.kill("controller")
        time.sleep(7)  # twice as long as Slurm's commands wait for it
        slurm.start("controller")

    thread = threading.Thread(target=break_down)
    thread.start()
    slurm_engine(SETTINGS)(work)
    thread.join()
    assert all(element.published() for element in work.elements)
    told = capsys.readouterr().err
    assert "slurm: no answer (" in told and "slurm: answers again after" in told


def test_patience_ends(slurm: Cluster, tmp_path: Path):
    """Where Slurm stays silent for longer than told, the run says so and fails; nothing passes for done."""
    slurm.kill("controller")
    with pytest.raises(PipelineError, match="Slurm has not answered for"):
        slurm_engine(replace(SETTINGS, patience_s=1.0))(make_work(tmp_path, ":", elements=1))
    assert not (tmp_path / "0").exists()


def test_what_slurm_refuses_is_told_at_once(tmp_path: Path):
    """A partition that does not exist is no silence: the error has Slurm's words."""
    with pytest.raises(PipelineError, match=r"Slurm refused the job: .*invalid partition"):
        slurm_engine(replace(SETTINGS, partition="nowhere"))(make_work(tmp_path, ":", elements=1))


def test_a_run_that_was_killed_is_taken_up_by_the_next(tmp_path: Path):
    """The engine's process is killed while its array runs: the next one submits nothing, nothing is done twice."""
    work = make_work(tmp_path, "sleep 0.7", elements=6)
    program = f"import sys; sys.path[:0] = {sys.path!r}\nfrom pathlib import Path\nimport test_slurm_engine as t\n"
    program += f"t.slurm_engine(t.SETTINGS)(t.make_work(Path({str(tmp_path)!r}), 'sleep 0.7', elements=6))\n"
    with subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parent) as first:
        while not (tmp_path / "begun").exists():
            assert first.poll() is None
            time.sleep(0.05)
        first.kill()
    slurm_engine(SETTINGS)(work)
    assert sorted(number for number, _ in begun(tmp_path)) == list(range(6))
    assert read_notes(work.folder).arrays_ever == 1
