"""Trainings on Slurm: one task of an array for each network."""

from luigi_runs import Runs
from slurm_cluster import Cluster


def test_the_networks_of_a_run_are_trained_on_both_nodes_at_once(slurm: Cluster, runs: Runs):
    """Each of two trainings waits for the other, which needs both nodes, as a task has all cores of one."""
    run = Runs(runs.folder, {name: slurm.environment[name] for name in ("SLURM_CONF", "PATH")})
    options = ("--engine", "slurm", "--Slurm-poll-s", "0.3")
    done = run.finish(run.command("FullRun", "--frames", "12", *options, train=("--meet", "2")))
    assert done.returncode == 0, done.stderr
    assert len(list((run.folder / "train.meet").iterdir())) == 2
    assert "scores   khan2021_unet_simple_l1" in done.stdout
    (scripts,) = [list(folder.glob("*.sh")) for folder in (run.store / "logs").glob("trainings-*")]
    assert len(scripts) == 1 and "-m pipeline train --plan" in scripts[0].read_text()
