"""The store: where everything that is published lies, and how a finished folder gets there in one step."""

import json
import os
import re
import secrets
import shutil
import socket
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from pipeline.errors import PipelineError
from render.dataset_format import (
    DATASET_MANIFEST,
    PRODUCTS,
    SHARD_MANIFEST,
    DatasetManifest,
    Record,
    canonical_json,
    publish,
)

Kind = Literal["certificates", "datasets", "packs", "floors", "trainings", "evaluations", "reports"]
KINDS: tuple[Kind, ...] = ("certificates", "datasets", "packs", "floors", "trainings", "evaluations", "reports")
STAMP = "stage.json"
_TEMPORARY = re.compile(r"^\.tmp-(?P<key>[^-]+)-(?P<host>.+)-(?P<pid>\d+)$")


class Stamp(Record):
    """What a published result that is no dataset says about itself: its key, and what the key hashes."""

    kind: Kind
    key: str
    inputs: dict


def published_folder(store: Path, kind: Kind, key: str) -> Path:
    """Where a result of this kind and key is published."""
    return store / kind / key


def is_published(store: Path, kind: Kind, key: str) -> bool:
    """Whether the folder is there and its manifest can be read and names this key; a mere folder does not count.

    A dataset also needs every shard that it lists: one that was deleted, to be rendered again, makes it incomplete.
    """
    folder = published_folder(store, kind, key)
    try:
        if kind == "datasets":
            manifest = DatasetManifest.model_validate_json((folder / DATASET_MANIFEST).read_bytes())
            shards = [shard for listed in manifest.shards.values() for shard in listed]
            # Of a million frames there are tens of thousands of shards, and a Path for each takes longer than the look.
            manifests = (f"{store}/{shard}/{SHARD_MANIFEST}" for shard in shards)
            return manifest.dataset_id == key and all(os.path.isfile(path) for path in manifests)  # noqa: PTH113
        stamp = Stamp.model_validate_json((folder / STAMP).read_bytes())
    except (OSError, ValidationError):
        return False
    return (stamp.kind, stamp.key) == (kind, key)


def stamp_folder(folder: Path, *, kind: Kind, key: str, inputs: dict) -> None:
    """Write the stamp that makes a finished folder publishable."""
    stamp = Stamp(kind=kind, key=key, inputs=inputs)
    (folder / STAMP).write_text(json.dumps(stamp.model_dump(mode="json"), indent=1, sort_keys=True) + "\n")


def publish_result(finished: Path, *, store: Path, kind: Kind, key: str) -> Path:
    """Move a finished, stamped folder to its published name; when another run was first, delete this copy.

    Raises: PipelineError when something that is no published result lies under that name.
    """
    final = published_folder(store, kind, key)
    if not publish(finished, final):
        shutil.rmtree(finished)
        if not is_published(store, kind, key):
            raise PipelineError(
                f"{final} exists, but is no published result of key {key} (an incomplete copy?); move it away and rerun"
            )
    return final


def work_folder(store: Path, kind: Kind, key: str) -> Path:
    """A folder that outlives a killed run, so that the next one resumes from what lies there (checkpoints)."""
    folder = store / kind / f".work-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def stale_temporaries(store: Path) -> list[Path]:
    """The temporary folders of processes of this machine that no longer live.

    They are named by the renderer (render/shard_draft.py) and by train/unpublished.py, in one way.
    """
    found = []
    for parent in [*(store / kind for kind in KINDS), *(store / "shards" / product for product in PRODUCTS)]:
        for folder in sorted(parent.glob(".tmp-*")):
            parts = _TEMPORARY.match(folder.name)
            if parts and parts["host"] == socket.gethostname() and not _lives(int(parts["pid"])):
                found.append(folder)
    return found


def remove_stale_temporaries(store: Path) -> list[Path]:
    """Delete the temporary folders of processes of this machine that no longer live; returns what was deleted."""
    removed = stale_temporaries(store)
    for folder in removed:
        shutil.rmtree(folder, ignore_errors=True)
    return removed


def write_atomically(path: Path, text: str) -> None:
    """Write a small file so that readers see the old content or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A token, because hosts that share the store may have processes of the same number.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def point_latest_at(report: Path) -> Path:
    """Let `reports/latest` be a link to this report; returns the link. The old link is replaced in one step.

    Raises: PipelineError when `latest` is there and is no link.
    """
    latest = report.parent / "latest"
    if latest.exists() and not latest.is_symlink():
        raise PipelineError(f"{latest} must be a link that Headroom may replace, but it is not one; move it away")
    if latest.is_symlink() and str(latest.readlink()) == report.name:
        return latest
    temporary = report.parent / f".latest.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(report.name)
    temporary.replace(latest)
    return latest


def record_seconds(store: Path, kind: str, key: str, *, stage: str, seconds: float, facts: dict | None = None) -> None:
    """Keep how long a stage took, beside the results: it varies from run to run, so no key may know it."""
    content = {"stage": stage, "seconds": round(seconds, 3), **(facts or {})}
    write_atomically(store / "timings" / f"{kind}-{key}.json", canonical_json(content) + "\n")


def recorded_seconds(store: Path, kind: str, key: str) -> dict:
    """What `record_seconds` kept (`stage`, `seconds` and its facts); empty when the stage ran elsewhere."""
    try:
        return json.loads((store / "timings" / f"{kind}-{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def prepare_store(store: Path) -> None:
    """Make the store's root. Raises: PipelineError when that is impossible, or it is no folder one may write to."""
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PipelineError(f"the store {store} cannot be made ({error.strerror}); name another: --store") from error
    if not os.access(store, os.W_OK | os.X_OK):
        raise PipelineError(f"the store {store} cannot be written to; change its rights, or name another with --store")


def _lives(pid: int) -> bool:
    """Whether a process runs. One that ended but was never asked about (a container without an init) does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")
