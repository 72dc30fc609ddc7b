"""Where things live and how they are named."""

import ast
import re
import tomllib
from pathlib import Path

FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}


def test_every_module_opens_with_a_docstring(modules: list[Path], repository: Path):
    """The first statement of a module that has any is a docstring, whose first line is a sentence."""
    without = []
    for path in modules:
        tree = ast.parse(path.read_text())
        if tree.body and not re.match(r"\S.*[.:;?!]$", (ast.get_docstring(tree) or "").split("\n")[0]):
            without.append(str(path.relative_to(repository)))
    assert not without, f"no docstring that says the one idea in its first line: {without}"


def test_init_files_are_empty(modules: list[Path], repository: Path):
    """`__init__.py` files hold nothing, except pipeline's, where Luigi looks for the names of tasks."""
    full = [
        str(path.relative_to(repository))
        for path in modules
        if path.name == "__init__.py"
        and path.read_text().strip()
        and path.parent.relative_to(repository) != Path("pipeline")
    ]
    assert not full, f"move the content into a module with a name: {full}"


def test_every_folder_with_modules_is_a_package(modules: list[Path], repository: Path):
    """A folder that holds modules holds an `__init__.py`, or the build would leave it out."""
    bare = {str(path.parent.relative_to(repository)) for path in modules if not (path.parent / "__init__.py").exists()}
    assert not bare, f"add an empty __init__.py to {sorted(bare)}"


def test_no_module_has_a_name_that_says_nothing(modules: list[Path], repository: Path):
    """Names such as utils, common, helpers, base and manager are refused, alone or as part of a name."""
    vague = [
        str(path.relative_to(repository))
        for path in modules
        for part in path.relative_to(repository).with_suffix("").parts
        if FORBIDDEN_NAMES & set(part.lower().split("_"))
    ]
    assert not vague, f"name these for what they do: {vague}"


def test_test_files_have_unique_names(repository: Path):
    """No two test files share a name, so that a failing line says which file it means."""
    names = [path.name for path in (repository / "tests").rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)


def test_files_that_code_reads_are_installed_with_it(repository: Path):
    """Every file that is no module, inside a package, is covered by package-data in pyproject.toml."""
    settings = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    forgotten = []
    for package in ("render", "train", "pipeline", "benchmarks"):
        root = repository / package
        listed = {path for pattern in settings.get(package, []) for path in root.glob(pattern)}
        files = {path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
        forgotten += sorted(str(path) for path in files - listed if path.suffix not in {".py", ".pyc"})
    assert not forgotten, f"add a pattern for these to package-data: {forgotten}"
