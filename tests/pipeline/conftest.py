"""Fixtures of the pipeline's tests: small recipes, stand-ins for renderer and training tool, and luigi as typed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from luigi_runs import Runs


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Runs in an empty folder."""
    return Runs(tmp_path)


@pytest.fixture
def small_recipe() -> Callable:
    """Makes the quick recipe with 8 train, 4 validation and 4 test frames, 2 an identity, 3 a shard; and changes."""
    from render.config import Recipe, load_recipe

    def make(**settings: object) -> Recipe:
        structure = {
            "structure.frames": {"train": 8, "validation": 4, "test": 4},
            "structure.frames_per_identity": 2,
            "structure.shard_size": 3,
        }
        return load_recipe("quick", overrides={**structure, **{k.replace("__", "."): v for k, v in settings.items()}})

    return make


@pytest.fixture
def asset_hashes() -> dict[str, str]:
    """Stand-ins for the hashes of the assets of the quick recipe."""
    return {"blender_studiolights": "5" * 64}
