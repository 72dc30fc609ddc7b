"""Which faces of a head are hair as they stand, and which stand for hair to be grown."""

import numpy as np

from render.heads.model import HeadModel, Region, modelled_hair

SIZES = np.array([3, 4, 3, 4, 3, 3])
REGIONS = np.array(
    [Region.LASHES, Region.SKIN, Region.BROWS, Region.LASHES, Region.LASHES, Region.SCALP], dtype=np.uint8
)
# The u of each face's first corner; those of its other corners say nothing.
FIRST_U = np.array([-1.0, -1.0, 0.5, 0.0, -0.25, -1.0])


def test_whole_lashes_and_brows_are_hair_and_cards_are_not():
    """Lashes count where the u of their first corner is below 0, brows always, skin and scalp never."""
    corner_uvs = np.full((SIZES.sum(), 2), 0.7, dtype=np.float32)
    corner_uvs[np.concatenate([[0], np.cumsum(SIZES)[:-1]]), 0] = FIRST_U
    model = HeadModel(
        family="faces",
        content_sha256="0" * 64,
        mean_vertices_m=np.zeros((4, 3), np.float32),
        face_sizes=SIZES,
        face_vertices=np.zeros(SIZES.sum(), np.int64),
        corner_uvs=corner_uvs,
        face_regions=REGIONS,
        identity_basis_m=np.zeros((0, 4, 3), np.float32),
        expression_names=(),
        expression_basis_m=np.zeros((0, 4, 3), np.float32),
        bones=(),
        landmark_vertices=np.zeros(68, np.int64),
        eye_landmark_vertices=np.zeros(2, np.int64),
    )
    assert modelled_hair(model).tolist() == [True, False, True, False, True, False]
