"""Fixtures of the pipeline's tests: small recipes, stand-ins for renderer and training tool, and luigi as typed."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
LUIGI = Path(sys.executable).with_name("luigi")


@dataclass(frozen=True)
class Runs:
    """Starts luigi in a folder of its own, with the stand-ins; both keep a diary there."""

    folder: Path

    @property
    def store(self) -> Path:
        """The default store of runs that start in the folder."""
        return self.folder / "store"

    def renderer(self, *options: str) -> list[str]:
        """The command of the stand-in for the renderer."""
        return [sys.executable, str(HERE / "fake_renderer.py"), "--diary", str(self.folder / "render.txt"), *options]

    def diary(self, name: str) -> list[str]:
        """What a stand-in (`render` or `train`) noted so far, line by line."""
        path = self.folder / f"{name}.txt"
        return path.read_text().splitlines() if path.exists() else []

    def command(self, *arguments: str, render: tuple[str, ...] = (), train: tuple[str, ...] = ()) -> list[str]:
        """`luigi --module pipeline …` with both stand-ins; `render` and `train` are options of theirs."""
        trainer = [sys.executable, str(HERE / "fake_train.py"), "--diary", str(self.folder / "train.txt"), *train]
        return [
            str(LUIGI),
            "--module",
            "pipeline",
            *arguments,
            "--LocalEngine-render-command",
            shlex.join(self.renderer(*render)),
            "--LocalEngine-train-command",
            shlex.join(trainer),
        ]

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        """Start a command in the folder; its output is captured."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("LUIGI", "HEADROOM"))}
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder to its end."""
        with self.start(command) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Runs in an empty folder."""
    return Runs(tmp_path)


@pytest.fixture
def small_recipe() -> Callable:
    """Makes the quick recipe with 8 train, 4 validation and 4 test frames, 2 an identity, 3 a shard; and changes."""
    from render.config import Recipe, load_recipe

    def make(**settings: object) -> Recipe:
        structure = {
            "structure.frames": {"train": 8, "validation": 4, "test": 4},
            "structure.frames_per_identity": 2,
            "structure.shard_size": 3,
        }
        return load_recipe("quick", overrides={**structure, **{k.replace("__", "."): v for k, v in settings.items()}})

    return make


@pytest.fixture
def asset_hashes() -> dict[str, str]:
    """Stand-ins for the hashes of the assets of the quick recipe."""
    return {"blender_studiolights": "5" * 64}
