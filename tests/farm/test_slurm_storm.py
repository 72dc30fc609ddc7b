"""A storm on Slurm: nodes, workers and controllers are killed, and the dataset is the quiet run's, byte for byte."""

import random
import time
from functools import partial
from pathlib import Path

from farm_storm import DATASET, END_S, RENDERER, dataset_bytes, kill_a_renderer, kill_run, progress_made, wait_for
from luigi_runs import Runs
from slurm_cluster import NODES, Cluster

SEED = 4


def is_down(slurm: Cluster, node: str) -> bool:
    """Whether Slurm has noticed that a node is dead."""
    return "down" in slurm.ask("sinfo", "--noheader", "--nodes", node, "--format", "%t")


def test_a_dataset_outlives_the_death_of_nodes_workers_and_controllers(
    slurm: Cluster, quiet_bytes: dict[str, bytes], tmp_path: Path
):
    """SIGKILL at random moments to renderers, a node with all it runs, Slurm's controller, and the run itself: ground
    truth, pictures, index and manifest are equal to those of a quiet local run, and nothing is left half done."""
    dice = random.Random(SEED)
    folder = tmp_path / "storm"
    folder.mkdir()
    runs = Runs(folder, {name: slurm.environment[name] for name in ("SLURM_CONF", "PATH")}, RENDERER)
    command = runs.command(*DATASET, "--engine", "slurm", "--Slurm-poll-s", "0.3", render=("--pause-s", "0.5"))
    victims = ["renderer", "node", "controller", "run", "renderer"]
    dice.shuffle(victims)
    run = runs.start(command)
    for count, victim in enumerate(victims):
        wait_for(progress_made(runs, 1 + 2 * count))
        time.sleep(dice.uniform(0, 0.5))
        if victim == "renderer":
            wait_for(partial(kill_a_renderer, runs, dice))
        elif victim == "run":
            kill_run(run)
            run = runs.start(command)
        else:
            name = dice.choice(NODES) if victim == "node" else victim
            slurm.kill(name)
            if victim == "node":
                wait_for(partial(is_down, slurm, name))
            slurm.start(name)
    told = run.communicate(timeout=END_S)[1]
    assert run.returncode == 0, told
    assert "taking up arrays of an earlier run" in told
    assert dataset_bytes(runs.store) == quiet_bytes
    assert slurm.ask("squeue", "--noheader") == ""
