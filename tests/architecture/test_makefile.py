"""The set-up says what it needs, before it does anything."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.system_libraries import DEBIAN_PACKAGES


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder and keep what it prints; the caller looks at the exit status."""
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def bare_copy(repository: Path, tmp_path: Path) -> Path:
    """The files that the set-up reads, without a virtual environment."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-bootstrap.lock"):
        shutil.copy(repository / name, tmp_path)
    return tmp_path


def test_help_explains_every_target(bare_copy: Path):
    """`make` alone prints one line for each target that a person may call."""
    done = make(bare_copy)
    assert done.returncode == 0
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    phony = (bare_copy / "Makefile").read_text().split(".PHONY:")[1].splitlines()[0].split()
    assert listed == set(phony)


def test_a_missing_python_is_named_with_the_remedy(bare_copy: Path):
    """Without the interpreter nothing is made, and the message says how to name another."""
    done = make(bare_copy, "install", "PYTHON=python3.11-that-is-not-there")
    assert done.returncode != 0
    assert "error: 'python3.11-that-is-not-there' was not found. Headroom needs Python 3.11" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert not (bare_copy / ".venv").exists()


def test_another_python_is_refused_by_its_version(bare_copy: Path):
    """An interpreter of another version is refused before anything is installed."""
    other = bare_copy / "python3.12"
    other.write_text('#!/bin/sh\ntest "$1" = --version && echo "Python 3.12.1" && exit 0\nexit 1\n')
    other.chmod(0o755)
    done = make(bare_copy, "install", f"PYTHON={other}")
    assert done.returncode != 0
    assert "Headroom needs Python 3.11" in done.stderr
    assert "python3.12' is Python 3.12.1" in done.stderr
    assert not (bare_copy / ".venv").exists()


def test_a_finished_set_up_is_left_alone(bare_copy: Path):
    """With a stamp newer than the locks there is nothing to do; with a newer lock there is."""
    (bare_copy / ".venv").mkdir()
    (bare_copy / ".venv" / ".installed").touch()
    assert make(bare_copy, "--question", "install").returncode == 0
    lock = bare_copy / "requirements.lock"
    lock.write_text(lock.read_text() + "\n")
    assert make(bare_copy, "--question", "install").returncode == 1


def test_the_doctor_knows_every_system_library_that_continuous_integration_installs(repository: Path):
    """Each library package in .ci/run is one that `python -m pipeline doctor` names when it is missing."""
    listed = re.search(r"^packages=\((.*?)\)", (repository / ".ci" / "run").read_text(), re.DOTALL | re.MULTILINE)
    assert listed is not None
    libraries = {name for name in listed[1].split() if name.startswith("lib")}
    assert len(libraries) > 5
    assert libraries <= set(DEBIAN_PACKAGES.values())
