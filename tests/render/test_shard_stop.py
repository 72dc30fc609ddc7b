"""A farm wants its machine back: SIGTERM lets a frame be finished, tears nothing, and leaves with code 75."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_shards import make_plan

from render.dataset_format import SHARD_MANIFEST
from render.shard_plan import shard_folder, write_plan


@pytest.mark.parametrize(("processes", "to_all"), [(1, False), (2, True)])
def test_a_renderer_that_is_asked_to_stop_leaves_between_frames(tmp_path, asset_cache, processes: int, to_all: bool):
    """SIGTERM in the second element, to the renderer alone or to every process of it: the first element is published,
    nothing is left of the second, and the code is 75; the same command does the rest."""
    plan = make_plan(tmp_path / "store", asset_cache, groups=[[0], list(range(1, 9))])
    plan_file, progress = tmp_path / "plan.json", tmp_path / "progress.jsonl"
    write_plan(plan_file, plan)
    command = [sys.executable, "-m", "render", "shard", "--plan", str(plan_file), "--progress", str(progress)]
    command += ["--element", "0", "--element", "1", "--processes", str(processes), "--cache", str(asset_cache)]

    def begun() -> bool:
        lines = progress.read_text().splitlines() if progress.exists() else []
        return any(json.loads(line)["element"] == 1 for line in lines)

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        deadline_s = time.monotonic() + 200
        while not begun() and process.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.01)
        if to_all:
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.terminate()
        told = process.communicate(timeout=200)[1]
    assert process.returncode == 75, told
    assert "asked to stop: element 1 is not published, run it again" in told
    store = tmp_path / "store"
    done, undone = ([shard_folder(store, shard, product) for product in ("gt", "rgb")] for shard in plan.elements)
    assert all((folder / SHARD_MANIFEST).exists() for folder in done)
    assert not any(folder.exists() for folder in undone)
    assert not list(Path(store).rglob(".tmp-*"))
    if not to_all:
        return
    again = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert again.returncode == 0, again.stderr
    assert all((folder / SHARD_MANIFEST).exists() for folder in undone)
