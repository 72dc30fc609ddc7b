"""Every command of docs/farm.md works, in the order of the page."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from luigi_runs import Runs
from slurm_cluster import free_ports, missing_programs, slurm_cluster

BLOCK = re.compile(r"^```sh ?(?P<how>[^\n]*)\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(bool(missing_programs()), reason="needs Slurm; on Debian: apt-get install slurm-wlm munge")
def test_every_command_of_the_page_works(runs: Runs, repository: Path):
    """Each ends with 0, or with the exit code that its block states; a block for Slurm runs with a real one; what is to
    stay in the background is still there at the end. The last dataset has the frames that were asked for."""
    for name in ("docs", "tests"):
        (runs.folder / name).symlink_to(repository / name)
    config = "[LocalEngine]\nrender_command = " + " ".join(runs.renderer()) + "\n"
    (runs.folder / "luigi.cfg").write_text(config)
    (port,) = free_ports(1)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LUIGI", "HEADROOM"))}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(repository)}
    blocks = list(BLOCK.finditer((repository / "docs" / "farm.md").read_text()))
    assert len(blocks) >= 9
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for block in blocks:
            how, commands = block["how"], block["commands"].replace("8082", str(port))
            shell = ["bash", "-e", "-c", commands]
            if how == "background":
                daemons.append(subprocess.Popen(shell, cwd=runs.folder, env=environment, start_new_session=True))
                continue
            if how == "slurm":
                with slurm_cluster() as cluster:
                    found = {name: cluster.environment[name] for name in ("SLURM_CONF",)}
                    done = finish(shell, runs.folder, {**environment, **found})
            else:
                done = finish(shell, runs.folder, environment)
            expected = int(how.removeprefix("exits ")) if how.startswith("exits") else 0
            assert done.returncode == expected, f"{commands}\n{done.stdout}\n{done.stderr}"
        assert all(daemon.poll() is None for daemon in daemons)
    finally:
        for daemon in daemons:
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()
    assert len(list((runs.store / "datasets").glob("[!.]*"))) == 6
    assert (runs.folder / "headroom-shards.js").exists()
    if openjd := shutil.which("openjd", path=environment["PATH"]):
        assert finish([openjd, "check", "headroom-openjd.yaml"], runs.folder, environment).returncode == 0


def finish(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
