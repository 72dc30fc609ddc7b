"""What a run says while it works: one line for each thing that a person wants to know, on standard error."""

import sys


def say(stage: str, text: str) -> None:
    """Write one line about a stage."""
    print(f"{stage}: {text}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Seconds as people read them: 7.3 s, 2:05 min, 1:02:05 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def size(stored_bytes: float) -> str:
    """Bytes as people read them: 850 bytes, 1.2 MB, 35 GB; thousands, as disks are sold."""
    for unit, bytes_each in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if stored_bytes >= bytes_each:
            value = stored_bytes / bytes_each
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{stored_bytes:.0f} bytes"


def counted(number: int, noun: str) -> str:
    """A number and its noun: 1 shard, 2 shards."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
