"""What this machine has: cores and memory that a process may really use, and free disk."""

import os
import shutil
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")


def usable_cores(*, cgroup: Path = CGROUP) -> float:
    """Cores that this process may use: its affinity, or less where a control group (a container) limits the time."""
    allowed = float(len(os.sched_getaffinity(0)))
    limit = _cgroup_cores(cgroup)
    return min(allowed, limit) if limit is not None else allowed


def usable_memory_bytes(*, cgroup: Path = CGROUP, meminfo: Path = MEMINFO) -> int:
    """Memory that this process may use: that of the machine, or less where a control group limits it."""
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
    total = int(lines["MemTotal"].split()[0]) * 1024
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(cgroup / name)
        if text is not None and text.isdigit():
            return min(total, int(text))
    return total


def free_disk_bytes(folder: Path) -> int:
    """Free bytes where a folder lies or would be made."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free


def _cgroup_cores(cgroup: Path) -> float | None:
    text = _read(cgroup / "cpu.max")
    if text is not None:
        quota, _, period = text.partition(" ")
        return None if quota == "max" else int(quota) / int(period or 100_000)
    quota_us, period_us = (_read(cgroup / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    if quota_us is None or period_us is None or int(quota_us) <= 0:
        return None
    return int(quota_us) / int(period_us)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
