"""Kept keys: what was drawn once is kept in the store, so that a run that changes nothing draws nothing.

Drawing a frame takes a third of a millisecond, which is minutes for a million frames. Frame i is the same whatever the
number of frames, so a dataset that grew draws the new frames only. Nothing depends on these files: they may be deleted,
and what they say is hashed into the dataset's id as if it had been drawn.
"""

import hashlib
import os
import platform
import re
import secrets
import zipfile
from functools import cache
from pathlib import Path

import numpy as np

import render
from pipeline.drawn_keys import DrawnKeys, Stretch, draw_stretches, joined
from pipeline.hex_column import HexColumn
from render.config import Recipe
from render.dataset_format import canonical_sha256
from render.frame_keys import EPOCHS, software_versions
from render.image_folder import image_names, image_sha256
from render.shard_plan import wanted_products

FRAMES_A_FILE = 20_000
KEPT_KEYS = "drawn-"
_FILE_NAME = re.compile(r"^(?P<split>[a-z]+)-(?P<start>\d+)-(?P<stop>\d+)\.npz$")
# Of the package `render`, what does not decide what is drawn.
_NO_DRAWING = ("blender", "commands")


def drawing_key(recipe: Recipe, assets: dict[str, str]) -> str:
    """What drawn keys depend on: recipe (but for its name and how many frames it wants), assets, pictures of the user's
    own, epochs, versions, and the text of the modules that draw. 24 hexadecimal digits."""
    wanted = recipe.model_dump(mode="json", exclude={"name": True, "structure": {"frames", "shard_size"}})
    folder = recipe.backdrops.image_folder if recipe.backdrops.shares.get("image", 0) > 0 else None
    pictures = {} if folder is None else {name: image_sha256(folder, name) for name in image_names(folder)}
    versions = {**software_versions(), "python": platform.python_version(), "numpy": np.__version__}
    return canonical_sha256([wanted, assets, pictures, EPOCHS, versions, _source_sha256()])[:24]


@cache
def _source_sha256() -> str:
    """The hash of all modules of `render` that may decide what is drawn."""
    root = Path(str(render.__file__)).parent
    content = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in _NO_DRAWING:
            content.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return content.hexdigest()


def kept_folder(store: Path, recipe: Recipe, assets: dict[str, str]) -> Path:
    """Where a store keeps the keys drawn for a recipe."""
    return store / "plans" / f"{KEPT_KEYS}{drawing_key(recipe, assets)}"


def draw_or_load(
    recipe: Recipe, assets: dict[str, str], wanted: list[Stretch], *, kept: Path | None
) -> list[DrawnKeys]:
    """The keys of all stretches: loaded where they are kept, drawn where they are not.

    Raises: ImageFolderError, ProcessLostError.
    """
    loaded: dict[Stretch, list[DrawnKeys]] = {}
    for stretch in wanted:
        for part in _file_stretches(stretch):
            loaded[part] = _load(kept, part, recipe) if kept else []
    lacking = {
        part: Stretch(part.split, parts[-1].stretch.stop if parts else part.start, part.stop)
        for part, parts in loaded.items()
        if sum(len(one.stretch) for one in parts) < len(part)
    }
    drawn = draw_stretches(recipe, assets, list(lacking.values()))
    for part, keys in zip(lacking, drawn, strict=True):
        loaded[part].append(keys)
    return [joined([one for part in _file_stretches(stretch) for one in loaded[part]], stretch) for stretch in wanted]


def keep(kept: Path, stretches: list[DrawnKeys]) -> None:
    """Write the keys of whole splits (each from frame 0 on) to a folder, but for what is there already.

    A file appears whole, and a longer one takes the place of a shorter one.
    Raises: OSError when the folder cannot be written to.
    """
    kept.mkdir(parents=True, exist_ok=True)
    for whole in stretches:
        for part in _file_stretches(whole.stretch):
            found = _kept_stop(kept, part)
            if found >= part.stop:
                continue
            rows = slice(part.start, part.stop)
            columns = {product: column.words[rows] for product, column in whole.keys.items()}
            temporary = kept / f".{_name(part)}.{secrets.token_hex(4)}"
            with temporary.open("wb") as file:
                np.savez(file, seal=_seal(kept, part), identities=whole.identities.words[rows], **columns)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(kept / _name(part))
            if found > part.start:
                (kept / _name(Stretch(part.split, part.start, found))).unlink(missing_ok=True)


def _file_stretches(stretch: Stretch) -> list[Stretch]:
    """The stretch cut at multiples of FRAMES_A_FILE."""
    return [
        Stretch(stretch.split, start, min(start + FRAMES_A_FILE, stretch.stop))
        for start in range(stretch.start, stretch.stop, FRAMES_A_FILE)
    ]


def _name(part: Stretch) -> str:
    return f"{part.split}-{part.start}-{part.stop}.npz"


def _seal(kept: Path, part: Stretch) -> np.ndarray:
    """What a file says about itself: which keys of which drawing."""
    return np.array(f"{kept.name}/{_name(part)}")


def _kept_stop(kept: Path, part: Stretch) -> int:
    """Where the longest file ends that begins where this part does; where the part begins, when there is none."""
    names = (_FILE_NAME.match(path.name) for path in kept.glob(f"{part.split}-{part.start}-*.npz"))
    return max((int(name["stop"]) for name in names if name), default=part.start)


def _load(kept: Path, part: Stretch, recipe: Recipe) -> list[DrawnKeys]:
    """The kept beginning of a part, or all of it; nothing when no file, or a damaged one, is there."""
    stop = _kept_stop(kept, part)
    if stop == part.start:
        return []
    have = Stretch(part.split, part.start, min(stop, part.stop))
    try:
        written = Stretch(part.split, part.start, stop)
        with np.load(kept / _name(written)) as file:
            if file["seal"] != _seal(kept, written):  # it was renamed
                return []
            columns = {name: file[name][: len(have)] for name in (*wanted_products(recipe), "identities")}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):  # cut, changed, or deleted just now
        return []
    if any(len(column) != len(have) for column in columns.values()):
        return []
    identities = HexColumn(columns.pop("identities"))
    return [DrawnKeys(have, {product: HexColumn(columns[product]) for product in wanted_products(recipe)}, identities)]
