"""Who may import whom, and that importing does nothing heavy."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("bpy", "torch", "torchvision", "luigi")


def module_name(path: Path, repository: Path) -> str:
    """Dotted name of a module file."""
    parts = path.relative_to(repository).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_by(names: list[str], repository: Path) -> tuple[set[str], str]:
    """The heavy packages that a fresh interpreter holds after importing modules, and all that it printed."""
    program = "\n".join(
        [f"import {name}" for name in names]
        + ["import sys", f"print('LOADED', *(name for name in {HEAVY!r} if name in sys.modules))"]
    )
    done = run([sys.executable, "-c", program], repository)
    assert done.returncode == 0, f"importing {names} fails:\n{done.stderr}"
    *printed, last = done.stdout.splitlines()
    return set(last.split()[1:]), "\n".join(printed) + done.stderr


def names_below(package: str, modules: list[Path], repository: Path) -> list[str]:
    """Names of the modules of one package; `__main__` is left out, for it runs when imported."""
    names = [module_name(path, repository) for path in modules]
    return [name for name in names if name.split(".")[0] == package and not name.endswith("__main__")]


@pytest.mark.parametrize("package", ["render", "train", "pipeline"])
def test_importing_a_package_prints_nothing_and_loads_only_its_own_heavy_part(
    package: str, modules: list[Path], repository: Path
):
    """bpy is loaded by render.blender alone, torch by train, luigi by pipeline; plain modules load none of them."""
    allowed = {"render": set(), "train": {"torch", "torchvision"}, "pipeline": {"luigi"}}[package]
    names = [name for name in names_below(package, modules, repository) if not name.startswith("render.blender.")]
    loaded, printed = loaded_by(names, repository)
    assert loaded <= allowed
    assert printed == ""


def test_the_table_of_experiments_is_read_without_torch(modules: list[Path], repository: Path):
    """Experiments are data: listing them costs no framework, and pipeline may read them."""
    data = [name for name in names_below("train", modules, repository) if name.startswith("train.papers")]
    assert loaded_by([*data, "train.catalogue"], repository)[0] == set()


def test_the_import_contracts_hold(repository: Path):
    """The contracts in pyproject.toml are kept: layers, the dataset format, and the place of each framework."""
    done = lint_imports(repository)
    assert done.returncode == 0, done.stdout


def test_each_import_contract_can_fail(repository: Path, modules: list[Path], tmp_path: Path):
    """A module that breaks a contract is found; a contract that cannot fail would protect nothing."""
    shutil.copy(repository / "pyproject.toml", tmp_path)
    for path in modules:
        (tmp_path / path.relative_to(repository)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / path.relative_to(repository))
    offences = {
        "render/offence_layers.py": "import train.spec",
        "train/offence_format.py": "import render.draws",
        "render/offence_blender.py": "import bpy",
        "pipeline/offence_torch.py": "import torch",
        "train/offence_luigi.py": "import luigi",
    }
    for name, text in offences.items():
        (tmp_path / name).write_text(text + "\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    for name in offences:
        assert name.removesuffix(".py").replace("/", ".") in done.stdout
    assert "Contracts: 0 kept, 5 broken." in done.stdout


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the packages of a folder."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return run(command, folder)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder and keep what it prints; the caller looks at the exit status."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
