"""A folder that a command makes for a person: new, outside the store, and complete as soon as it has its name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.console import say
from pipeline.errors import PipelineError
from render.dataset_format import publish
from train.unpublished import unpublished_folder


@contextmanager
def new_folder(out: Path, *, apart_from: Path) -> Iterator[Path]:
    """A temporary folder that gets the name `out`, by one rename, when the body has filled it; else it is deleted.

    Raises: PipelineError when `out` is there already, or lies in the store `apart_from`.
    """
    out = out.absolute()
    if out.resolve().is_relative_to(apart_from.resolve()):
        raise PipelineError(f"{out} lies in the store {apart_from}, which only runs write to; name a folder elsewhere")
    _refuse_existing(out)
    for left in sorted(out.parent.glob(f".tmp-{out.name.replace('-', '_')}-*")):
        say("note", f"{left} is unfinished: another command is at work on it, or died; delete it in the second case")
    try:
        with unpublished_folder(out) as folder:
            yield folder
            if not publish(folder, out):
                _refuse_existing(out)
    except PermissionError as error:
        raise PipelineError(f"{out} cannot be written ({error}); name another folder with --out") from error


def _refuse_existing(out: Path) -> None:
    if out.exists():
        raise PipelineError(f"{out} is there already, and nothing is overwritten; name a new folder with --out")
