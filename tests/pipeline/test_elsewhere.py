"""`--engine none`: it starts nothing, names the commands that are left, and goes on when others have run them."""

import shlex
import subprocess

OPTIONS = ("RenderDataset", "--frames", "12", "--set", "structure.shard_size=6", "--engine", "none")


def test_the_commands_that_are_left_are_told_and_checked(runs):
    """Nothing is rendered; the file has a command for every shard; each one that was run is missing from the next file,
    the other keeps its number; when all were run, the dataset is published."""
    first = runs.finish(runs.command(*OPTIONS))
    assert first.returncode == 30 and "Traceback" not in first.stderr
    assert "2 of 2 elements are not published, and --engine none starts nothing itself" in first.stderr
    (listed,) = (runs.store / "logs").glob("*/commands.txt")
    commands = listed.read_text().splitlines()
    assert len(commands) == 2 and not [line for line in runs.diary("render") if line.startswith("render")]
    assert all(f"  {command}\n" in first.stderr for command in commands)
    run_one = [*shlex.split(commands[0]), "--progress", str(runs.folder / "progress")]
    assert subprocess.run(run_one, check=False).returncode == 0
    second = runs.finish(runs.command(*OPTIONS))
    assert "1 of 2 elements are not published" in second.stderr
    assert listed.read_text().splitlines() == commands[1:]
    assert subprocess.run([*shlex.split(commands[1]), "--progress", "/dev/null"], check=False).returncode == 0
    last = runs.finish(runs.command(*OPTIONS))
    assert last.returncode == 0, last.stderr
    assert list((runs.store / "datasets").iterdir()) and not listed.exists()


def test_an_unknown_engine_is_refused_in_plain_words(runs):
    """The error names the engines that there are."""
    done = runs.finish(runs.command("RenderDataset", "--engine", "sun"))
    assert done.returncode == 40
    assert "ERROR: --engine must be one of local, slurm, luigid, none, but 'sun' came" in done.stderr
