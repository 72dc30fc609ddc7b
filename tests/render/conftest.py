"""What most tests of the renderer start from: the head that needs no download, and an empty stage."""

import pytest


@pytest.fixture(scope="session")
def model():
    """The procedural head."""
    from render.heads.procedural import load_procedural

    return load_procedural()


@pytest.fixture(scope="session")
def anatomy():
    """Which vertices of the procedural head are what."""
    from render.heads.procedural_anatomy import build_anatomy

    return build_anatomy()


@pytest.fixture(scope="module")
def stage():
    """A Blender session of its own for the module, ready for ground truth."""
    from render.blender.draw import open_stage

    return open_stage(device="cpu", products=("gt",))
