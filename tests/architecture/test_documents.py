"""What documents point at exists."""

import re
from pathlib import Path

import pytest

LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
PATH_IN_CODE = re.compile(r"`((?:render|train|pipeline|benchmarks|tests|docs|\.ci)/[\w./-]+)`")
MAKE_IN_CODE = re.compile(r"\bmake ([a-z]+(?:-[a-z]+)*)\b")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


@pytest.fixture(scope="module")
def documents(tracked_files: list[Path]) -> list[Path]:
    """Every Markdown file, but for templates: what those point at lies where their pages are written."""
    found = [path for path in tracked_files if path.suffix == ".md" and path.parent.name != "templates"]
    assert found, "no document was found: the test looks in the wrong place"
    return found


def test_links_lead_somewhere(documents: list[Path], repository: Path):
    """Each relative link of a document leads to a file."""
    broken = [
        f"{path.relative_to(repository)} -> {target}"
        for path in documents
        for target in LINK.findall(path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_named_paths_exist(documents: list[Path], repository: Path):
    """Each path of ours that a document names in code type exists."""
    missing = [
        f"{path.relative_to(repository)} names {target}"
        for path in documents
        for target in PATH_IN_CODE.findall(path.read_text())
        if not (repository / target).exists()
    ]
    assert missing == []


def test_named_make_targets_exist(documents: list[Path], repository: Path):
    """Each `make …` that a document shows is a target of the Makefile, and has a line in `make help`."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (repository / "Makefile").read_text(), re.MULTILINE))
    shown = {
        (path.name, target)
        for path in documents
        for code in CODE.findall(path.read_text())
        for target in MAKE_IN_CODE.findall(code)
    }
    assert {(name, target) for name, target in shown if target not in targets} == set()
    assert {"full-run", "test", "check", "lock", "clean", "help"} <= targets


def test_every_package_and_document_is_introduced(repository: Path):
    """The README leads to every document in docs/."""
    text = (repository / "README.md").read_text()
    for path in sorted((repository / "docs").glob("*.md")):
        assert f"docs/{path.name}" in text, f"README.md does not mention docs/{path.name}"
