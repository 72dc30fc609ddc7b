"""A head model of the user's own: its file found, hashed by content, compiled once into the cache, read from there."""

from pathlib import Path

from render.dataset_format import canonical_sha256
from render.heads.compiled import load_head, save_head
from render.heads.model import HeadModel
from render.heads.model_checks import HeadModelError
from render.heads.model_description import described_files, description_sha256, read_description

# Bump by hand when a reader makes another model of the same file.
READER_EPOCH = 1


def find_description(model_file: str, *, source: str | None) -> Path:
    """The description that a recipe names: an absolute path, or one from the folder of assets, or from the current one.

    Raises: HeadModelError that lists where it was looked for.
    """
    named = Path(model_file).expanduser()
    folders = [Path(source).expanduser()] if source is not None and "://" not in source else []
    places = [named] if named.is_absolute() else [folder / named for folder in (*folders, Path())]
    for place in places:
        if place.is_file():
            return place.absolute()
    raise HeadModelError(
        f"heads.model_file names {model_file!r}, but there is no such file; looked at "
        f"{', '.join(str(place.absolute()) for place in places)}. Write the description that docs/head_models.md "
        "shows, and name it by an absolute path or one from the folder of assets (HEADROOM_ASSETS, --assets)"
    )


def own_model_sha256(family: str, model_file: str, *, source: str | None) -> str:
    """What the model depends on, as one hash of contents; names and places of the files do not count.

    Raises: HeadModelError when the description or a file that it names is missing or wrong.
    """
    path = find_description(model_file, source=source)
    return description_sha256(family, read_description(family, path), path.parent)


def load_own_model(
    family: str,
    model_file: str,
    *,
    identity_modes: int,
    source: str | None,
    cache: Path,
    expected_sha256: str | None = None,
) -> HeadModel:
    """The model with its first `identity_modes` modes, compiled on the first use into `cache`/compiled.

    Raises: HeadModelError when a file is missing or wrong, has fewer modes, is no human head, or is another one than
    `expected_sha256` says; CompiledHeadError when the compiled file is damaged.
    """
    path = find_description(model_file, source=source)
    description = read_description(family, path)
    content = description_sha256(family, description, path.parent)
    if expected_sha256 not in (None, content):
        raise HeadModelError(
            f"{path} describes another {family} model than the one that was planned with: its content is {content}, "
            f"planned was {expected_sha256}. Put the planned files back on this machine, or plan again"
        )
    compiled = _compiled_path(family, content, identity_modes, cache)
    if not compiled.exists():
        files = described_files(description, path.parent)
        options = {
            "content_sha256": _compiled_content(family, content, identity_modes),
            "identity_modes": identity_modes,
        }
        save_head(_read(family, description, files, **options), compiled)
    return load_head(compiled)


def own_model_is_compiled(
    family: str, model_file: str, *, identity_modes: int, source: str | None, cache: Path
) -> bool:
    """Whether `load_own_model` only has to read a compiled file. Raises: HeadModelError when a file is missing."""
    content = own_model_sha256(family, model_file, source=source)
    return _compiled_path(family, content, identity_modes, cache).exists()


def _compiled_content(family: str, content: str, identity_modes: int) -> str:
    return canonical_sha256({"family": family, "own": content, "modes": identity_modes, "epoch": READER_EPOCH})


def _compiled_path(family: str, content: str, identity_modes: int, cache: Path) -> Path:
    return cache / "compiled" / f"{family}-{_compiled_content(family, content, identity_modes)}.npz"


def _read(
    family: str, description: object, files: dict[str, Path], *, content_sha256: str, identity_modes: int
) -> HeadModel:
    # Imported where they are used: nobody needs HDF5, MATLAB and Blender readers at once.
    if family == "lyhm":
        from render.heads.lyhm import read_lyhm as read
    elif family == "bfm2017":
        from render.heads.bfm2017 import read_bfm2017 as read
    elif family == "flame":
        from render.heads.flame import read_flame as read
    else:
        from render.heads.character import read_character as read
    return read(description, files, content_sha256=content_sha256, identity_modes=identity_modes)  # pyright: ignore[reportArgumentType]
