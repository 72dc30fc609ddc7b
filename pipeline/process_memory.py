"""How much memory process groups hold, read from /proc."""

import os
from collections import Counter
from pathlib import Path

PROC = Path("/proc")
# Fields of /proc/PID/stat behind the command's name, which may hold spaces and brackets.
_GROUP, _RESIDENT_PAGES = 2, 21


def resident_bytes_by_group(*, proc: Path = PROC) -> Counter[int]:
    """Resident memory of every process group; pages that its processes share are counted for each of them."""
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    held: Counter[int] = Counter()
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()
        except (OSError, IndexError):  # it ended while we looked
            continue
        held[int(fields[_GROUP])] += int(fields[_RESIDENT_PAGES]) * page_bytes
    return held
