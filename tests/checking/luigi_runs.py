"""Runs: luigi as one types it, in a folder of its own, with stand-ins for renderer and training tool."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

STAND_INS = Path(__file__).resolve().parents[1] / "pipeline"
LUIGI = Path(sys.executable).with_name("luigi")


@dataclass(frozen=True)
class Runs:
    """Starts luigi in a folder of its own, with the stand-ins; both keep a diary there."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    """Beside this process's own."""
    renderer_file: Path = STAND_INS / "fake_renderer.py"
    most_s: float = 300.0
    """So long a command may take."""

    @property
    def store(self) -> Path:
        """The default store of runs that start in the folder."""
        return self.folder / "store"

    def renderer(self, *options: str) -> list[str]:
        """The command of the renderer: of the stand-in, unless another file was named."""
        return [
            sys.executable,
            str(self.renderer_file),
            "--diary",
            str(self.folder / "render.txt"),
            *options,
        ]

    def diary(self, name: str) -> list[str]:
        """What a stand-in (`render` or `train`) noted so far, line by line."""
        path = self.folder / f"{name}.txt"
        return path.read_text().splitlines() if path.exists() else []

    def command(self, *arguments: str, render: tuple[str, ...] = (), train: tuple[str, ...] = ()) -> list[str]:
        """`luigi --module pipeline …` with both stand-ins; `render` and `train` are options of theirs."""
        trainer = [sys.executable, str(STAND_INS / "fake_train.py"), "--diary", str(self.folder / "train.txt"), *train]
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
        environment |= self.environment
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder to its end."""
        with self.start(command) as process:
            out, err = process.communicate(timeout=self.most_s)
        return subprocess.CompletedProcess(command, process.returncode, out, err)
