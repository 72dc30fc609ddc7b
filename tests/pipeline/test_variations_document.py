"""docs/variations.md: its recipes are valid, and its commands run in the order that they stand in."""

import re
import shlex
from pathlib import Path

import pytest

from pipeline.__main__ import main

YAML_FILE = re.compile(r"`(\w+\.yaml)`:\n\n```yaml\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^(?:luigi --module|python -m) pipeline .*$", re.MULTILINE)
# What starts the real renderer is typed by tests/pipeline/test_reproduction.py.
OF_THE_REAL_RENDERER = ("--measure", "repro")


def test_every_command_of_the_document_does_what_it_says(
    runs, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With stand-ins for the renderer, typed one after the other in an empty folder, all exit with 0; what the page
    says of the two variations is what they say."""
    text = (repository / "docs" / "variations.md").read_text()
    files = dict(YAML_FILE.findall(text))
    assert set(files) == {"night.yaml", "red.yaml"}
    for name, content in files.items():
        (runs.folder / name).write_text(content)
    monkeypatch.chdir(runs.folder)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    commands = [command for language, block in blocks if not language for command in COMMAND.findall(block)]
    assert len(commands) >= 10
    told: dict[str, str] = {}
    for command in commands:
        words = shlex.split(command)
        if any(word in OF_THE_REAL_RENDERER for word in words):
            continue
        if words[0] == "luigi":
            done = runs.finish(runs.command(*words[3:]))
            assert done.returncode == 0, done.stderr
        else:
            assert main(words[3:]) == 0, command
            told[command] = capsys.readouterr().out
    assert "gt: 72 of 144 to render, 72 reused" in told["python -m pipeline plan --frames 144"]
    night, red = (told[f"python -m pipeline plan --recipe {name}.yaml"] for name in ("night", "red"))
    assert "gt: 0 of 72 to render, 72 reused" in night and "rgb: 72 changed: 72 by lighting" in night
    assert "rgb: 8 of 72 to render, 64 reused" in red and "8 changed: 8 by hair_colour" in red
    for line in told["python -m pipeline diff quick red.yaml"].splitlines():
        assert line[:60] in text
    why = told["python -m pipeline why rgb/train/4 --recipe red.yaml --against quick"].splitlines()
    assert len(why) == 7
    for line in why:
        assert line.partition("shards/rgb/")[0] in text, line
    assert len([line for line in runs.diary("render") if line.startswith("render ")]) == 2 * 72 + 72 + 8
