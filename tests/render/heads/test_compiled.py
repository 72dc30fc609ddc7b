"""Compiled heads: what is saved is what is loaded, whole or not at all."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from render.heads.compiled import CompiledHeadError, load_head, save_head
from render.heads.model import Bone, HeadModel


@pytest.fixture
def model() -> HeadModel:
    """A head of five vertices with random content: no two arrays look alike."""
    draws = np.random.default_rng(4)

    def bone(name: str, parent: str | None, anchors: int) -> Bone:
        return Bone(
            name=name,
            parent=parent,
            joint_m=draws.normal(size=3),
            tail_m=draws.normal(size=3),
            anchor_vertices=draws.integers(0, 5, anchors).astype(np.int32),
            weights=draws.random(5).astype(np.float32),
        )

    return HeadModel(
        family="test",
        content_sha256="ab" * 32,
        mean_vertices_m=draws.normal(size=(5, 3)).astype(np.float32),
        face_sizes=np.array([4, 3], dtype=np.int32),
        face_vertices=np.array([0, 1, 2, 3, 3, 2, 4], dtype=np.int32),
        corner_uvs=draws.random((7, 2)).astype(np.float32),
        face_regions=np.array([0, 11], dtype=np.uint8),
        identity_basis_m=draws.normal(size=(2, 5, 3)).astype(np.float32),
        expression_names=("jawOpen", "äöü"),
        expression_basis_m=draws.normal(size=(2, 5, 3)).astype(np.float32),
        bones=(bone("neck", None, 2), bone("head", "neck", 3)),
        landmark_vertices=draws.integers(0, 5, 68).astype(np.int32),
        eye_landmark_vertices=np.array([1, 2], dtype=np.int32),
    )


def _assert_equal(one: object, other: object) -> None:
    for field in dataclasses.fields(one):  # pyright: ignore[reportArgumentType]
        first, second = getattr(one, field.name), getattr(other, field.name)
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype, field.name
            np.testing.assert_array_equal(first, second, err_msg=field.name)
        elif field.name == "bones":
            assert len(first) == len(second)
            for pair in zip(first, second, strict=True):
                _assert_equal(*pair)
        else:
            assert first == second, field.name


def test_a_model_survives_saving_bit_by_bit(tmp_path: Path, model: HeadModel):
    """Every field, its type included, and no temporary file beside it."""
    path = tmp_path / "deep" / "head.npz"
    save_head(model, path)
    _assert_equal(model, load_head(path))
    assert [entry.name for entry in path.parent.iterdir()] == ["head.npz"]


def test_a_cut_or_foreign_file_names_itself_and_the_remedy(tmp_path: Path, model: HeadModel):
    """Cut short, one byte changed, no archive at all."""
    path = tmp_path / "head.npz"
    save_head(model, path)
    whole = path.read_bytes()
    position = whole.index(model.identity_basis_m.tobytes())
    flipped = whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
    for broken in (whole[: len(whole) // 2], flipped, b"hello"):
        path.write_bytes(broken)
        with pytest.raises(CompiledHeadError, match=r"head\.npz cannot be read .*Delete that file"):
            load_head(path)


def test_another_format_is_refused(tmp_path: Path, model: HeadModel, monkeypatch):
    """A file of an older Headroom is not guessed at."""
    monkeypatch.setattr("render.heads.compiled.COMPILED_FORMAT", 0)
    save_head(model, tmp_path / "head.npz")
    monkeypatch.undo()
    with pytest.raises(CompiledHeadError, match="format 0, this Headroom reads 1"):
        load_head(tmp_path / "head.npz")


def test_a_failed_save_leaves_what_was_there(tmp_path: Path, model: HeadModel, monkeypatch):
    """Killed while writing: the old file stays, the unfinished one goes."""
    path = tmp_path / "head.npz"
    save_head(model, path)
    before = path.read_bytes()

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        save_head(model, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
