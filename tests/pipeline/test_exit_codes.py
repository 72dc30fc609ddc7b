"""`luigi --module pipeline …` needs no server and no flags, and its exit code tells the truth."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import luigi
import pytest
from luigi.cmdline_parser import CmdlineParser
from luigi.configuration import LuigiConfigParser
from luigi.interface import core
from luigi.retcodes import retcode

from pipeline.errors import PipelineError
from pipeline.luigi_defaults import EXIT_CODES, lock_folder, plain_words, set_luigi_defaults

HERE = Path(__file__).resolve().parent
LUIGI = Path(sys.executable).with_name("luigi")


@pytest.mark.parametrize(
    ("task", "code", "told", "traceback"),
    [
        ("Fine", 0, "", False),
        ("FailsPlainly", EXIT_CODES["task_failed"], "FailsPlainly failed: the paper tray is empty; fill it", False),
        ("FailsOddly", EXIT_CODES["task_failed"], "ZeroDivisionError: nobody foresaw this", True),
        ("NeedsAbsent", EXIT_CODES["missing_data"], "Data for Absent() does not exist", False),
        ("CannotSay", EXIT_CODES["scheduling_error"], "ZeroDivisionError: cannot tell", True),
        ("NoSuchTask", None, "No task NoSuchTask", True),
    ],
)
def test_the_exit_code_says_how_it_ended(tmp_path: Path, task: str, code: int | None, told: str, traceback: bool):
    """0 for success alone; a foreseen error is told in one line, an unforeseen one with its traceback."""
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        [LUIGI, "--module", "exit_code_tasks", task],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code if code is not None else done.returncode > 0
    assert told in done.stderr
    assert ("Traceback" in done.stderr) == traceback
    assert "DEBUG" not in done.stderr and "INFO" not in done.stderr


@pytest.fixture
def fresh_luigi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Luigi's configuration as in a new process, in an empty folder."""
    monkeypatch.setattr(LuigiConfigParser, "_instance", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings_of(*words: str) -> core:
    """Luigi's core settings for a command line, once the pipeline was imported."""
    line = ["FullRun", *words]
    set_luigi_defaults(line)
    with CmdlineParser.global_instance(line, allow_override=True):
        return core()


def test_without_a_word_there_is_no_server_and_little_noise(fresh_luigi: Path):
    """The scheduler lives in the process, warnings and errors alone are logged, and codes are those of this module."""
    settings = settings_of()
    assert settings.local_scheduler is True
    assert settings.log_level == "WARNING"
    assert settings.lock_pid_dir == str(lock_folder(fresh_luigi))
    assert {name: getattr(retcode(), name) for name in EXIT_CODES} == EXIT_CODES
    assert min(EXIT_CODES.values()) > 0 and len(set(EXIT_CODES.values())) == len(EXIT_CODES)


@pytest.mark.parametrize(
    "words", [("--scheduler-host", "farm"), ("--scheduler-host=farm",), ("--scheduler-url", "http://farm:8082")]
)
@pytest.mark.usefixtures("fresh_luigi")
def test_a_scheduler_named_on_the_command_line_wins(words: tuple[str, ...]):
    """Whoever names a server gets it."""
    settings = settings_of(*words)
    assert settings.local_scheduler is False
    assert "farm" in (settings.scheduler_host, settings.scheduler_url.removeprefix("http://").removesuffix(":8082"))


# luigi reads `default-scheduler-host` under its old name, and warns that nothing did.
@pytest.mark.filterwarnings("ignore::luigi.parameter.UnconsumedParameterWarning")
@pytest.mark.parametrize("option", ["default_scheduler_host", "default-scheduler-host", "scheduler_host"])
def test_a_luigi_cfg_wins(fresh_luigi: Path, option: str):
    """Server, log level and exit codes of the user's own configuration hold."""
    (fresh_luigi / "luigi.cfg").write_text(f"[core]\n{option} = farm\nlog_level = ERROR\n[retcode]\ntask_failed = 99\n")
    settings = settings_of()
    assert (settings.local_scheduler, settings.scheduler_host, settings.log_level) == (False, "farm", "ERROR")
    assert (retcode().task_failed, retcode().missing_data) == (99, EXIT_CODES["missing_data"])


def test_the_same_words_in_another_folder_are_another_run(tmp_path: Path):
    """Luigi's lock knows a command by its words; the folder is made part of the lock's place."""
    assert lock_folder(tmp_path / "one") != lock_folder(tmp_path / "two")
    assert str(os.getuid()) in lock_folder(tmp_path).name


def test_plain_words_replace_the_traceback_of_our_errors_only():
    """A record of one of our errors becomes its message; any other record passes as it is."""

    def record(error: Exception) -> logging.LogRecord:
        words = ("worker", luigi.Task())
        made = logging.LogRecord("n", logging.ERROR, "f", 1, "%s failed %s", words, (type(error), error, None))
        assert plain_words(made)
        return made

    ours, other = record(PipelineError("no paper, 100 %")), record(KeyError("x"))
    assert (ours.getMessage(), ours.exc_info) == ("Task failed: no paper, 100 %", None)
    assert other.exc_info is not None and other.getMessage().startswith("worker failed")
