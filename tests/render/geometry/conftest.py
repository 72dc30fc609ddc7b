"""The face that paint is tried on."""

import numpy as np
import pytest
from schematic_face import schematic_landmarks_m


@pytest.fixture
def landmarks_m() -> np.ndarray:
    """68 landmarks of a schematic face, metres."""
    return schematic_landmarks_m()
