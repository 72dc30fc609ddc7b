"""Which device a run uses: the one that was asked for, or what `auto` finds, said aloud either way."""

import os
import shutil
import subprocess
from functools import cache
from typing import Literal

from pipeline.profiles import Device

TRAIN_DEVICES = {"cpu": "cpu", "gpu": "cuda"}


def chosen_device(asked: Device) -> Literal["cpu", "gpu"]:
    """`cpu` or `gpu`; `auto` means `gpu` where an NVIDIA driver shows one, else `cpu`.

    A GPU of another make must be asked for by `--device gpu`. Cycles and torch check that they can use it.
    """
    return asked if asked != "auto" else ("gpu" if nvidia_gpus() else "cpu")


@cache
def nvidia_gpus() -> tuple[str, ...]:
    """Names of the NVIDIA GPUs that this process may use; none without a driver."""
    program = shutil.which("nvidia-smi")
    if program is None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return ()
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(line.strip() for line in answer.stdout.splitlines() if line.strip()) if answer.returncode == 0 else ()
