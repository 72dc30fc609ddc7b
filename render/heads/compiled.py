"""A compiled head: one HeadModel as one uncompressed .npz, published whole or not at all."""

import os
import zipfile
from pathlib import Path

import numpy as np

from render.heads.model import Bone, HeadModel

COMPILED_FORMAT = 1
_ARRAYS = (
    "mean_vertices_m",
    "face_sizes",
    "face_vertices",
    "corner_uvs",
    "face_regions",
    "identity_basis_m",
    "expression_basis_m",
    "landmark_vertices",
    "eye_landmark_vertices",
)
_BONE_ARRAYS = ("joint_m", "tail_m", "anchor_vertices", "weights")


class CompiledHeadError(Exception):
    """A compiled head on disk cannot be read; the message names the file and the remedy."""


def save_head(model: HeadModel, path: Path) -> None:
    """Write a model to `path` (.npz): first beside it, then fsync, then one rename.

    Two processes may do so at once: both write the same content, and a reader sees one whole file or none.
    """
    arrays: dict[str, np.ndarray] = {
        "format": np.array(COMPILED_FORMAT),
        "family": np.array(model.family),
        "content_sha256": np.array(model.content_sha256),
        "expression_names": np.array(model.expression_names, dtype=np.str_),
        "bone_names": np.array([bone.name for bone in model.bones], dtype=np.str_),
        "bone_parents": np.array([bone.parent or "" for bone in model.bones], dtype=np.str_),
    }
    arrays |= {name: getattr(model, name) for name in _ARRAYS}
    for bone in model.bones:
        arrays |= {f"bone.{bone.name}.{name}": getattr(bone, name) for name in _BONE_ARRAYS}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_head(path: Path) -> HeadModel:
    """Read what `save_head` wrote; the checksums inside the file are checked while reading.

    Raises: CompiledHeadError when the file is cut, changed or of another format; FileNotFoundError when it is absent.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = int(arrays["format"])
            if found != COMPILED_FORMAT:
                raise ValueError(f"it has format {found}, this Headroom reads {COMPILED_FORMAT}")
            names = [str(name) for name in arrays["bone_names"]]
            parents = [str(name) or None for name in arrays["bone_parents"]]
            bones = tuple(
                Bone(name=name, parent=parent, **{field: arrays[f"bone.{name}.{field}"] for field in _BONE_ARRAYS})
                for name, parent in zip(names, parents, strict=True)
            )
            return HeadModel(
                family=str(arrays["family"]),
                content_sha256=str(arrays["content_sha256"]),
                expression_names=tuple(str(name) for name in arrays["expression_names"]),
                bones=bones,
                **{field: arrays[field] for field in _ARRAYS},
            )
    except FileNotFoundError:
        raise
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise CompiledHeadError(
            f"the compiled head {path} cannot be read ({error}). Delete that file; it is made again on the next run"
        ) from error
