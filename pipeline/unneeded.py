"""What of a store nothing needs any more: no dataset, no report, no training, and no run that was only interrupted."""

import re
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import PipelineError
from pipeline.frame_set import dataset_manifest, published_frame_set, published_recipe
from pipeline.kept_keys import KEPT_KEYS, kept_folder
from pipeline.store import KINDS, STAMP, Kind, Stamp, is_published, stale_temporaries
from pipeline.training_plan import PLAN_PREFIX, all_trained, read_training_plan
from render.asset_library import assets_source
from render.dataset_format import (
    PRODUCTS,
    SHARD_MANIFEST,
    DatasetError,
    DatasetManifest,
    read_shard_manifest,
)
from render.frame_keys import asset_hashes, plan_frame
from render.heads.model_checks import HeadModelError
from render.image_folder import ImageFolderError
from render.shard_plan import PlanError, read_plan, shard_folder

TRASH = ".trash-"
SECONDS_A_DAY = 86_400.0
_DATASET_GONE = "its dataset is gone"
_KIND_OF_LOG: dict[str, Kind] = {
    "certificate": "certificates", "pack": "packs", "floor": "floors", "training": "trainings",
    "evaluation": "evaluations", "report": "reports",
}  # fmt: skip
_LOG = re.compile(rf"({'|'.join(_KIND_OF_LOG)})-([0-9a-f]+)\.log")
_TIMING = re.compile(rf"({'|'.join(KINDS)})-([0-9a-f]+)\.json")


@dataclass(frozen=True)
class Unneeded:
    """A file or folder of the store that may go, what it is, and why."""

    path: Path
    kind: str
    why: str


def find_unneeded(store: Path, *, days: float) -> list[Unneeded]:
    """Everything that may be deleted, in an order in which it can be: what refers to something comes before it.

    Datasets, reports and certificates stay, and all that they, or what stays because of them, refer to. So does what
    an unfinished run left, until nothing of it has changed for so many days.

    Raises: PipelineError when the manifest of a dataset cannot be read: what it needs is then not known.
    """
    before_s = time.time() - days * SECONDS_A_DAY
    manifests = {folder.name: dataset_manifest(folder) for folder in sorted((store / "datasets").glob("[!.]*"))}
    listed = {shard for manifest in manifests.values() for shards in manifest.shards.values() for shard in shards}
    finished, open_shards = _plans(store, listed, before_s)
    results = list(_results(store, manifests.keys()))
    gone = {one.path for one in results}
    keys = list(_unused_keys(store, manifests.values(), before_s))
    return [
        *(Unneeded(path, "rubbish", "a deletion that was interrupted") for path in sorted(store.glob(f"{TRASH}*"))),
        *results,
        *_notes(store, finished, gone, before_s),
        *finished,
        *keys,
        *_shards(store, manifests, listed | open_shards),
        *_leftovers(store, before_s, going={one.path for one in keys}),
    ]


def stored_bytes(path: Path) -> int:
    """The size of a file, or of all files below a folder."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(each.lstat().st_size for each in path.rglob("*") if each.is_symlink() or not each.is_dir())


def _plans(store: Path, listed: Collection[str], before_s: float) -> tuple[list[Unneeded], set[str]]:
    """Plans whose datasets are published or that were given up, and the shards of all others, by path in the store.

    A farm may be at work on a plan, or have finished it, while no controller runs: its run will go on from there.
    """
    unneeded: list[Unneeded] = []
    wanted: set[str] = set()
    for path in sorted((store / "plans").glob("[!.]*.json*")):
        given_up = _newest_change_s([path, store / "logs" / path.stem]) < before_s
        if path.name.startswith(PLAN_PREFIX):
            with suppress(PipelineError):  # of another version: it stays until nobody went on with it
                if all_trained(read_training_plan(path)):
                    unneeded.append(Unneeded(path, "plan", "its trainings are published"))
                    continue
            if given_up:
                unneeded.append(Unneeded(path, "plan", "of trainings, and nobody went on with it"))
            continue
        try:
            shards = [
                shard_folder(store, shard, product).relative_to(store).as_posix()
                for shard in read_plan(path).elements
                for product in shard.products
            ]
        except PlanError:
            if given_up:
                unneeded.append(Unneeded(path, "plan", "another version of Headroom wrote it"))
            continue
        if all(shard in listed for shard in shards):
            unneeded.append(Unneeded(path, "plan", "its dataset is published"))
        elif given_up:
            unneeded.append(Unneeded(path, "plan", "of no dataset, and nobody went on with it"))
        else:
            wanted.update(shards)
    # A farm's notes of the plan that it is at work on hold the name of the plan's file.
    going = {one.path.name: one for one in unneeded}
    notes = {path: path.read_text(encoding="utf-8").strip() for path in (store / "plans").glob("[!.]*.open")}
    links = [Unneeded(path, "plan", going[name].why) for path, name in sorted(notes.items()) if name in going]
    return [*links, *unneeded], wanted


def _drawn_keys(store: Path) -> list[Path]:
    return sorted((store / "plans").glob(f"{KEPT_KEYS}*/"))


def _unused_keys(store: Path, manifests: Collection[DatasetManifest], before_s: float) -> Iterator[Unneeded]:
    """Drawn keys that planning none of the datasets again would use, once nobody has added to them for a while."""
    if not (folders := _drawn_keys(store)):
        return
    used = set()
    for manifest in manifests:
        with suppress(PipelineError, HeadModelError, ImageFolderError):  # what cannot be planned needs no keys
            recipe = published_recipe(manifest)
            used.add(kept_folder(store, recipe, asset_hashes(recipe, source=assets_source(None))))
    for folder in folders:
        if folder not in used and _newest_change_s([folder]) < before_s:
            yield Unneeded(folder, "keys", "of no dataset that this version of Headroom would plan")


def _results(store: Path, datasets: Collection[str]) -> Iterator[Unneeded]:
    """Floors, evaluations, trainings and packs of datasets that are gone, but for what a report, or anything that
    stays, uses.

    Where a pack was deleted by hand, its trainings stay: of what dataset they are is then not known.
    """
    stamps = {kind: _stamps(store, kind) for kind in ("packs", "floors", "trainings", "evaluations", "reports")}
    of_reports = {stamp.inputs.get("floor") for stamp in stamps["reports"].values()}
    for key, stamp in stamps["floors"].items():
        if stamp.inputs.get("dataset") not in datasets and key not in of_reports:
            yield Unneeded(store / "floors" / key, "floor", _DATASET_GONE)
    orphans = {key for key, stamp in stamps["packs"].items() if stamp.inputs.get("dataset") not in datasets}
    used: dict[str, set[str]] = {
        "evaluations": {key for stamp in stamps["reports"].values() for key in stamp.inputs.get("evaluations", ())},
        "trainings": set(),
        "packs": set(),
    }
    for kind in ("evaluations", "trainings", "packs"):
        for key, stamp in stamps[kind].items():
            pack = key if kind == "packs" else stamp.inputs.get("pack")
            if pack in orphans and key not in used[kind]:
                yield Unneeded(store / kind / key, kind.removesuffix("s"), _DATASET_GONE)
                continue
            used["packs"].add(str(pack))
            if kind == "evaluations":
                used["trainings"].add(str(stamp.inputs.get("training")))


def _stamps(store: Path, kind: str) -> dict[str, Stamp]:
    """By key the stamps of all results of a kind that can be read; what cannot be read is nobody's to delete."""
    found = {}
    for path in sorted((store / kind).glob(f"[!.]*/{STAMP}")):
        if path.parent.is_symlink():
            continue
        try:
            found[path.parent.name] = Stamp.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
    return found


def _shards(store: Path, manifests: dict[str, DatasetManifest], wanted: Collection[str]) -> Iterator[Unneeded]:
    settled: set[str] | None = None
    for product in PRODUCTS:
        for folder in sorted((store / "shards" / product).glob("[!.]*")):
            if folder.relative_to(store).as_posix() in wanted:
                continue
            try:
                manifest = read_shard_manifest(folder)
            except DatasetError:
                yield Unneeded(folder, "shard", f"it is no shard: {SHARD_MANIFEST} cannot be read")
                continue
            if manifest.quarantined:
                settled = _settled_keys(store, manifests) if settled is None else settled
                if any(f"{one.split}/{one.index}/{one.key}" in settled for one in manifest.quarantined):
                    continue
            why = "no dataset uses it" if manifest.frame_keys else "it holds quarantined frames of no dataset"
            yield Unneeded(folder, "shard", why)


def _settled_keys(store: Path, manifests: dict[str, DatasetManifest]) -> set[str]:
    """The frames that datasets leave out as quarantined, as split/index/key of each product: were their shards deleted,
    the next run that wants them would render them again to no avail."""
    keys: set[str] = set()
    for dataset_id, manifest in manifests.items():
        if not sum(manifest.quarantined.values()):
            continue
        frames = published_frame_set(store / "datasets" / dataset_id)
        assets = asset_hashes(frames.recipe, source=assets_source(None))
        there = next(iter(frames.keys.values()))
        for split, count in frames.recipe.structure.frames.items():
            held = there.get(split, ())
            for index in range(count):
                if index >= len(held) or held[index] is None:
                    planned = plan_frame(frames.recipe, split, index, assets)
                    keys.update(f"{split}/{index}/{key}" for key in planned.keys.values())
    return keys


def _notes(store: Path, plans: Collection[Unneeded], gone: Collection[Path], before_s: float) -> Iterator[Unneeded]:
    """Logs and timings of plans and results that are gone, or go now."""
    going = {one.path.stem for one in plans}
    for folder in sorted((store / "logs").glob("[!.]*/")):
        if folder.name in going or not any((store / "plans").glob(f"{folder.name}.json*")):
            yield Unneeded(folder, "log", "of a plan that is done with")
    for path in sorted([*(store / "logs").glob("[!.]*.log"), *(store / "timings").glob("[!.]*.json")]):
        parts = _LOG.fullmatch(path.name) or _TIMING.fullmatch(path.name)
        if parts is None:
            continue
        kind: Kind = _KIND_OF_LOG.get(parts[1], parts[1])  # pyright: ignore[reportAssignmentType]
        result = store / kind / parts[2]
        # One that is not published yet failed, or was interrupted: for a while its log is worth reading.
        unfinished = not is_published(store, kind, parts[2]) and path.stat().st_mtime < before_s
        if result in gone or unfinished:
            yield Unneeded(path, "log", "of a result that is not there")


def _leftovers(store: Path, before_s: float, *, going: Collection[Path]) -> Iterator[Unneeded]:
    """What was being written when its process died: of this machine at once, of others after the days of grace."""
    dead = set(stale_temporaries(store))
    folders = [store / kind for kind in KINDS] + [store / "shards" / product for product in PRODUCTS]
    for parent in folders:
        for path in sorted(parent.glob(".*")):
            if path in dead:
                yield Unneeded(path, "leftover", "its process is gone")
            elif not path.is_symlink() and _newest_change_s([path]) < before_s:
                yield Unneeded(path, "leftover", "unfinished, and nobody went on with it")
    staying = [folder for folder in _drawn_keys(store) if folder not in going]
    for parent in [*(store / name for name in ("plans", "timings", "logs")), *staying]:
        for path in sorted(parent.glob(".*")):
            if _newest_change_s([path]) < before_s:
                yield Unneeded(path, "leftover", "unfinished, and nobody went on with it")


def _newest_change_s(paths: Collection[Path]) -> float:
    """When any of these, or anything below them, was last changed; 0 when nothing is there."""
    newest_s = 0.0
    for top in paths:
        for path in [top, *(top.rglob("*") if top.is_dir() else ())]:
            try:
                newest_s = max(newest_s, path.lstat().st_mtime)
            except FileNotFoundError:
                continue
    return newest_s
