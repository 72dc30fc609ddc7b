"""What the tests of the repository itself look at: its modules, and its files under version control."""

import subprocess
from pathlib import Path

import pytest

PACKAGES = ("render", "train", "pipeline", "benchmarks")
NOT_OURS = {".git", ".venv", "__pycache__", "store", "build", "dist"}


@pytest.fixture(scope="session")
def modules(repository: Path) -> list[Path]:
    """Every Python file of the four packages."""
    return sorted(path for package in PACKAGES for path in (repository / package).rglob("*.py"))


@pytest.fixture(scope="session")
def tracked_files(repository: Path) -> list[Path]:
    """Every file that git tracks or would track; in an unpacked archive, every file but caches and stores."""
    if (repository / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True).stdout
        names = [name for name in listed.split("\0") if name]
        return sorted(path for name in names if (path := repository / name).is_file())
    return sorted(
        path
        for path in repository.rglob("*")
        if path.is_file()
        and not any(
            part in NOT_OURS or part.endswith(("_cache", ".egg-info")) for part in path.relative_to(repository).parts
        )
    )
