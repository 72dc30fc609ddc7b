"""Resizing: planes stay exact, edges stay edges, light is averaged as light."""

import numpy as np
import pytest
from ball_dataset import ball_layer, pixel_rays
from hypothesis import given
from hypothesis import strategies as st

from train.data.resize import SurfaceSampler, resize_rgb_area, srgb8_of_linear


def _intrinsics(width_px: int, height_px: int) -> np.ndarray:
    focal_px = 1.3 * width_px
    return np.array([[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1.0]])


def _plane_depth_m(width_px: int, height_px: int) -> np.ndarray:
    """Planar depth of the plane n . x = 0.8 m, tilted both ways, at every pixel centre."""
    rays = pixel_rays(_intrinsics(width_px, height_px), width_px=width_px, height_px=height_px)
    return (0.8 / (rays @ np.array([0.4, -0.3, 1.0]))).astype(np.float32)


@pytest.mark.parametrize("size", [(40, 24), (60, 36), (45, 27), (20, 12), (120, 72)])
def test_a_plane_resized_is_the_plane_rendered_at_that_size(size: tuple[int, int]):
    """Odd, even and broken ratios: depth equals the closed form with scaled intrinsics to 1 micrometre.

    A shift by half a source pixel would be 0.1 mm and more here.
    """
    width_px, height_px = size
    source_m = _plane_depth_m(120, 72)
    sampler = SurfaceSampler(source_m, width_px=width_px, height_px=height_px)
    assert sampler.valid.all()
    np.testing.assert_allclose(sampler.depth_m, _plane_depth_m(width_px, height_px), atol=1e-6)


def test_the_same_size_copies_every_array_unchanged():
    """At ratio 1 nothing is computed: depths, slopes and holes come back bit for bit."""
    depth_m = _plane_depth_m(30, 18)
    depth_m[3:7, 5:9] = 0
    sampler = SurfaceSampler(depth_m, width_px=30, height_px=18)
    assert (sampler.depth_m == depth_m).all()
    slope = np.random.default_rng(0).random((18, 30)).astype(np.float32)
    assert (sampler.scalars(slope) == np.where(depth_m > 0, slope, 0)).all()


@given(
    columns=st.integers(2, 40),
    rows=st.integers(2, 30),
    factor=st.sampled_from([1.5, 2, 2.5, 3, 4]),
    seed=st.integers(0, 9),
)
def test_a_face_never_mixes_with_what_is_behind_it(columns: int, rows: int, factor: float, seed: int):
    """Of two surfaces at 0.8 m and 2 m and holes, scattered at random, only those two depths (and 0) come out."""
    width, height = int(2 * columns * factor), int(2 * rows * factor)
    stream = np.random.default_rng(seed)
    depth_m = stream.choice(np.array([0.0, 0.8, 2.0], dtype=np.float32), size=(height, width))
    sampler = SurfaceSampler(depth_m, width_px=2 * columns, height_px=2 * rows)
    found = np.unique(sampler.depth_m)
    for value in found:
        assert min(abs(value - known) for known in (0.0, 0.8, 2.0)) < 1e-6
    assert ((sampler.depth_m > 0) == sampler.valid).all()


def test_a_vertical_edge_stays_where_it_is():
    """A face that fills the left 13 of 24 columns fills 6.5 of 12 after halving: 6 whole ones, and the tie is face."""
    depth_m = np.zeros((8, 24), dtype=np.float32)
    depth_m[:, :13] = 0.9
    sampler = SurfaceSampler(depth_m, width_px=12, height_px=4)
    assert sampler.valid.tolist() == [[True] * 7 + [False] * 5] * 4
    np.testing.assert_allclose(sampler.depth_m[:, :7], 0.9, atol=1e-7)


def test_the_nearer_surface_wins_a_tie():
    """Where two surfaces share a new pixel evenly, it shows the one in front."""
    depth_m = np.full((2, 6), 2.0, dtype=np.float32)
    depth_m[:, 3:] = 0.8
    assert SurfaceSampler(depth_m, width_px=3, height_px=1).depth_m[0].tolist() == [
        2.0,
        pytest.approx(0.8),
        pytest.approx(0.8),
    ]


def test_normals_of_a_ball_stay_unit_and_true():
    """Halved normals are unit, and within 0.2 degrees of those of the ball at half the size, inside its outline."""
    centre = np.array([0.02, -0.01, 0.8])

    def layer(width_px: int, height_px: int):
        intrinsics = _intrinsics(width_px, height_px)
        rays = pixel_rays(intrinsics, width_px=width_px, height_px=height_px)
        return ball_layer(rays, centre, 0.2, intrinsics[0, 0])

    source, expected = layer(160, 96), layer(80, 48)
    sampler = SurfaceSampler(source.depth_m, width_px=80, height_px=48)
    normals = sampler.normals(source.normals_cam)
    np.testing.assert_allclose(np.linalg.norm(normals[sampler.valid], axis=-1), 1, atol=1e-6)
    assert not normals[~sampler.valid].any()
    inside = sampler.valid & (expected.normals_cam[..., 2] < -0.7)
    cosine = (normals * expected.normals_cam).sum(-1)[inside]
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 0.2
    assert np.abs(sampler.depth_m - expected.depth_m)[inside].max() < 2e-4


def test_masks_follow_the_surface_that_is_shown():
    """A mask is read from the pixels that the depth came from, not from the face beside it."""
    depth_m = np.full((2, 6), 2.0, dtype=np.float32)
    depth_m[:, 3:] = 0.8
    sampler = SurfaceSampler(depth_m, width_px=3, height_px=1)
    assert sampler.mask(depth_m < 1).tolist() == [[False, True, True]]


def test_light_is_averaged_as_light():
    """Half black and half white pixels give half the light: sRGB 188, not 128. Source: IEC 61966-2-1."""
    board = np.zeros((4, 6, 3), dtype=np.uint8)
    board[:, ::2] = 255
    assert (resize_rgb_area(board, width_px=3, height_px=2) == 188).all()


def test_a_plain_picture_stays_plain_at_any_ratio():
    """Every value 0..255 survives the way to linear light and back, also at ratios that are no whole number."""
    for value in range(0, 256, 5):
        picture = np.full((9, 15, 3), value, dtype=np.uint8)
        assert (resize_rgb_area(picture, width_px=10, height_px=6) == value).all()


def test_broken_ratios_weigh_pixels_by_their_area():
    """From 3 columns to 2, the first new one is two thirds of the first old one and a third of the second."""
    linear = np.array([0.9, 0.3, 0.0], dtype=np.float32)
    picture = np.repeat(srgb8_of_linear(linear)[None, :, None], 3, axis=2).repeat(2, axis=0)
    expected = srgb8_of_linear(np.array([(2 * 0.9 + 0.3) / 3, (0.3 + 2 * 0.0) / 3], dtype=np.float32))
    found = resize_rgb_area(picture, width_px=2, height_px=2)
    assert np.abs(found[0, :, 1].astype(int) - expected.astype(int)).max() <= 1
