"""Fixtures of the farm's tests: a real Slurm of two nodes, runs that use it, and what a quiet run makes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from farm_storm import DATASET, END_S, RENDERER, dataset_bytes
from luigi_runs import Runs
from slurm_cluster import Cluster, missing_programs, slurm_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Slurm of two nodes whose arrays have at most seven tasks. Skips the test where Slurm is not installed."""
    if missing_programs():
        pytest.skip(f"needs {', '.join(missing_programs())}; on Debian: apt-get install slurm-wlm munge")
    with slurm_cluster(max_array_size=7) as running:
        yield running


@pytest.fixture
def slurm(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The cluster with both nodes idle; this process's commands reach it, and no job of the test outlives it."""
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster.environment[name])
    yield cluster
    for name, daemon in list(cluster.daemons.items()):
        if daemon.poll() is not None:
            cluster.start(name)
    cluster.ask("scancel", "--user", str(os.getuid()))
    cluster.wait_until_idle()


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Runs in an empty folder."""
    return Runs(tmp_path)


@pytest.fixture(scope="session")
def quiet_bytes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file of the storms' dataset as an undisturbed run on this machine makes it."""
    quiet = Runs(tmp_path_factory.mktemp("quiet"), renderer_file=RENDERER, most_s=END_S)
    done = quiet.finish(quiet.command(*DATASET))
    assert done.returncode == 0, done.stderr
    return dataset_bytes(quiet.store)
