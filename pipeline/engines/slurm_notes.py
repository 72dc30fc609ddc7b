"""What the slurm engine keeps in a work's folder: its notes, the script of an array, and what each task reports.

With these files a controller that was killed takes up the arrays that its predecessor submitted.
"""

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.engines.work import Work
from pipeline.errors import PipelineError
from pipeline.store import write_atomically

NOTES = "slurm.json"
# How a task says that it was asked to stop, finished its frame and left (EX_TEMPFAIL of sysexits.h).
STOPPED_ON_REQUEST = 75

# The command is a child, so that the script lives to tell how it ended. A SIGTERM (preemption, time limit) reaches the
# script alone or both, and is passed on. It ends `wait` early, hence the loop. Of a child that it waited for to its end
# bash may know no more (127, or less than 0), hence the test.
SCRIPT = """#!/bin/bash
# One task of an array: works on the elements of its line of {table}.
set -u
progress={stem}-$SLURM_ARRAY_TASK_ID.progress
host=${{SLURMD_NODENAME:-$(hostname)}}
elements=()
for element in $(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" {table}); do elements+=(--element "$element"); done
[ -s "$progress" ] && echo >> "$progress"
echo "{{\\"started\\": \\"$host\\"}}" >> "$progress"
echo "on $host: $(date --iso-8601=seconds)"
{command} --progress "$progress" "${{elements[@]}}" &
child=$!
asked=0
trap 'asked=1; kill -TERM $child 2>/dev/null' TERM
wait $child
code=$?
while [ $asked = 1 ]; do
    asked=0
    wait $child 2>/dev/null
    again=$?
    [ $again -ge 0 ] && [ $again != 127 ] && code=$again
done
echo "{{\\"ended\\": \\"exit code $code on $host\\", \\"code\\": $code}}" >> "$progress"
exit $code
"""


class Array(BaseModel):
    """One job array: its name, which no other has, and how far it is known to be."""

    model_config = ConfigDict(extra="forbid")
    name: str
    tasks: int
    job_id: str = ""
    over: bool = False


class Notes(BaseModel):
    """`rounds` begun so far, the arrays of the last one, how often each element failed, and hosts on which one did."""

    model_config = ConfigDict(extra="forbid")
    rounds: int = 0
    arrays_ever: int = 0
    arrays: list[Array] = []
    settled: bool = True
    failures: dict[int, int] = {}
    bad_hosts: list[str] = []


@dataclass(frozen=True)
class TaskReport:
    """What a task's progress file says: where it was last started, how it ended (None: it did not say), and the units
    done by element."""

    host: str = ""
    code: int | None = None
    ended_s: float = 0.0
    done: dict[int, int] = field(default_factory=dict)


def read_notes(folder: Path) -> Notes:
    """The notes of an earlier controller, or empty ones. Raises: PipelineError when they cannot be read."""
    path = folder / NOTES
    try:
        return Notes.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Notes()
    except (OSError, ValidationError) as error:
        raise PipelineError(f"{path} cannot be used ({error}); cancel the arrays that run, and delete it") from error


def write_notes(folder: Path, notes: Notes) -> None:
    """Keep the notes."""
    write_atomically(folder / NOTES, notes.model_dump_json(indent=1) + "\n")


def prepare_array(work: Work, name: str, tasks: list[list[int]]) -> Array:
    """Write the table (a line a task: its elements) and the script of an array."""
    table, script = table_path(work.folder, name), script_path(work.folder, name)
    write_atomically(table, "".join(" ".join(map(str, elements)) + "\n" for elements in tasks))
    text = SCRIPT.format(
        table=shlex.quote(str(table)), stem=shlex.quote(str(work.folder / name)), command=shlex.join(work.command)
    )
    write_atomically(script, text)
    return Array(name=name, tasks=len(tasks))


def table_path(folder: Path, name: str) -> Path:
    """The file that says which elements each task of an array works on."""
    return folder / f"{name}.tasks"


def script_path(folder: Path, name: str) -> Path:
    """The script that every task of an array runs."""
    return folder / f"{name}.sh"


def log_path(folder: Path, name: str, task: int) -> Path:
    """Where Slurm writes what a task prints."""
    return folder / f"{name}-{task}.log"


def read_tasks(folder: Path, name: str) -> list[list[int]]:
    """The elements of every task of an array."""
    return [[int(word) for word in line.split()] for line in table_path(folder, name).read_text().splitlines()]


def read_report(folder: Path, name: str, task: int) -> TaskReport | None:
    """What a task reported so far; None when it never started. Lines that a crash tore are passed over."""
    path = folder / f"{name}-{task}.progress"
    try:
        text, changed_s = path.read_text(encoding="utf-8", errors="replace"), path.stat().st_mtime
    except FileNotFoundError:
        return None
    host, code, done = "", None, {}
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            if "started" in entry:
                host, code = str(entry["started"]), None
            elif "ended" in entry:
                code = int(entry["code"])
            else:
                done[int(entry["element"])] = int(entry["done"])
        except (ValueError, KeyError, TypeError):
            continue
    return TaskReport(host, code, changed_s, done)
