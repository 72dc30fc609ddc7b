"""Augmentation: picture and geometry move together, and what an image gets depends on seed, epoch and row alone."""

import dataclasses

import numpy as np
import pytest
import torch

from train.data.augmentation import Change, augment, draw_change, mirrored_landmarks
from train.data.batches import Batch
from train.training_spec import AugmentationSpec

HEIGHT_PX, WIDTH_PX = 24, 40
NOTHING = Change(
    flip=False,
    crop_share=1.0,
    crop_left=0.0,
    crop_top=0.0,
    brightness=1.0,
    contrast=1.0,
    saturation=1.0,
    blur_px=0.0,
    noise=0.0,
    noise_key=bytes(16),
)
FLIP = dataclasses.replace(NOTHING, flip=True)
CROP = dataclasses.replace(NOTHING, crop_share=0.75, crop_left=0.1, crop_top=0.2)
BOTH = dataclasses.replace(CROP, flip=True)
EVERYTHING = AugmentationSpec(flip=0.5, crop=0.5, colour=0.5, blur=0.5, noise=0.5)
# A slanted plane, n · p = 1, that the camera sees everywhere, off the axis of symmetry in every way.
PLANE = np.array([0.3, -0.2, 1.25])


def _plane_depth_m(intrinsics_px: np.ndarray) -> np.ndarray:
    """Depth of the plane at all pixel centres: z = 1 / (n · ray)."""
    columns, rows = np.meshgrid(np.arange(WIDTH_PX) + 0.5, np.arange(HEIGHT_PX) + 0.5)
    rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(intrinsics_px).T
    return 1.0 / (rays @ PLANE)


def _batch(images: int = 2) -> Batch:
    """Pictures of random colours, the plane, its normals, and landmarks on it; the principal point is off centre."""
    random = np.random.default_rng(3)
    intrinsics_px = np.array([[50.0, 0.0, 18.5], [0.0, 47.0, 13.25], [0.0, 0.0, 1.0]])
    depth_m = _plane_depth_m(intrinsics_px)
    # Half floats, as packs hold them: not quite of length 1.
    normal = (-PLANE / np.linalg.norm(PLANE)).astype(np.float16)
    landmarks_px = random.uniform((4, 3), (36, 21), size=(images, 68, 2))
    return Batch(
        rgb=torch.from_numpy(random.random((images, 3, HEIGHT_PX, WIDTH_PX), dtype=np.float32)),
        depth_m=torch.from_numpy(depth_m.astype(np.float32)).repeat(images, 1, 1, 1),
        normals_cam=torch.from_numpy(normal.astype(np.float32))[None, :, None, None].repeat(
            images, 1, HEIGHT_PX, WIDTH_PX
        ),
        # A slope of its own at each pixel: those of the plane are all but equal.
        gradient_magnitude=torch.from_numpy(random.random((images, 1, HEIGHT_PX, WIDTH_PX), dtype=np.float32)),
        intrinsics_px=torch.from_numpy(intrinsics_px.astype(np.float32)).repeat(images, 1, 1),
        landmarks_2d_px=torch.from_numpy(landmarks_px.astype(np.float32)),
    )


def _slope(batch: Batch) -> torch.Tensor:
    assert batch.gradient_magnitude is not None
    return batch.gradient_magnitude


def _normals(batch: Batch) -> torch.Tensor:
    assert batch.normals_cam is not None
    return batch.normals_cam


def test_a_batch_that_nothing_happens_to_is_unchanged():
    """No change leaves every bit, also for one image beside another that is changed."""
    batch = _batch()
    busy = dataclasses.replace(BOTH, brightness=1.1, blur_px=1.0, noise=0.1)
    for changes, number in (([NOTHING, NOTHING], 1), ([busy, NOTHING], 1)):
        changed = augment(batch, changes)
        assert torch.equal(changed.depth_m[number], batch.depth_m[number])
        assert torch.equal(_normals(changed)[number], _normals(batch)[number])
        assert torch.equal(changed.intrinsics_px[number], batch.intrinsics_px[number])
        assert torch.equal(changed.landmarks_2d_px[number], batch.landmarks_2d_px[number])
        assert torch.equal(changed.rgb[number], batch.rgb[number])


def test_a_flip_mirrors_columns_and_the_x_axis():
    """Columns run backwards, x of normals changes its sign, the second image stays; twice is nothing at all."""
    batch = _batch()
    once = augment(batch, [FLIP, NOTHING])
    assert torch.equal(once.rgb[0, :, :, 3], batch.rgb[0, :, :, WIDTH_PX - 1 - 3])
    assert torch.equal(once.rgb[1], batch.rgb[1])
    assert torch.equal(once.depth_m[0, 0, :, 0], batch.depth_m[0, 0, :, WIDTH_PX - 1])
    assert torch.equal(_normals(once)[0, 0].flip(-1), -_normals(batch)[0, 0])
    assert torch.equal(_normals(once)[0, 1:].flip(-1), _normals(batch)[0, 1:])
    assert torch.equal(_slope(once)[0].flip(-1), _slope(batch)[0])
    assert torch.equal(_slope(once)[1], _slope(batch)[1])
    assert once.intrinsics_px[0, 0, 2] == WIDTH_PX - 18.5
    assert once.intrinsics_px[0, 0, 0] == 50
    twice = augment(once, [FLIP, NOTHING])
    for name in ("rgb", "depth_m", "normals_cam", "gradient_magnitude", "intrinsics_px", "landmarks_2d_px"):
        np.testing.assert_allclose(getattr(twice, name), getattr(batch, name), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("change", "x_sign"), [(FLIP, -1.0), (CROP, 1.0), (BOTH, -1.0)])
def test_a_point_is_seen_where_the_new_camera_sees_it(change: Change, x_sign: float):
    """A point of the scene (mirrored by a flip) projects onto the moved landmark, and the depth there is its own."""
    batch = _batch()
    changed = augment(batch, [NOTHING, change])
    before, after = batch.intrinsics_px[1].double(), changed.intrinsics_px[1].double()
    places = mirrored_landmarks() if change.flip else list(range(68))
    for landmark in range(68):
        seen_px = torch.cat([batch.landmarks_2d_px[1, places[landmark]].double(), torch.ones(1)])
        ray = torch.linalg.solve(before, seen_px)
        point_m = ray / (ray @ torch.from_numpy(PLANE)) * torch.tensor([x_sign, 1.0, 1.0])
        again_px = (after @ point_m)[:2] / point_m[2]
        np.testing.assert_allclose(again_px, changed.landmarks_2d_px[1, landmark], atol=1e-4)


@pytest.mark.parametrize(("change", "x_sign"), [(CROP, 1.0), (BOTH, -1.0)])
def test_depth_after_a_crop_is_that_of_the_plane_through_the_new_camera(change: Change, x_sign: float):
    """At every pixel away from the border depth equals the closed form with the new intrinsics; half a pixel shows."""
    changed = augment(_batch(1), [change])
    mirrored = PLANE * (x_sign, 1.0, 1.0)
    columns, rows = np.meshgrid(np.arange(WIDTH_PX) + 0.5, np.arange(HEIGHT_PX) + 0.5)
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    rays = pixels @ np.linalg.inv(changed.intrinsics_px[0].double().numpy()).T
    np.testing.assert_allclose(changed.depth_m[0, 0].numpy(), 1.0 / (rays @ mirrored), rtol=2e-6)
    normal = -mirrored / np.linalg.norm(mirrored)
    np.testing.assert_allclose(_normals(changed)[0, :, 7, 9].numpy(), normal, atol=5e-4)


def test_a_crop_never_mixes_a_face_with_what_is_behind_it():
    """At an edge from 0.8 m to 2 m every enlarged depth is one of the two, and beyond valid pixels it is invalid."""
    batch = _batch(1)
    depth_m = torch.full((1, 1, HEIGHT_PX, WIDTH_PX), 2.0)
    depth_m[..., 8:, :17] = 0.8
    depth_m[..., :5] = 0.0
    depths = augment(dataclasses.replace(batch, depth_m=depth_m, normals_cam=None), [CROP]).depth_m
    assert set(depths.unique().tolist()) == set(torch.tensor([0.0, 0.8, 2.0]).tolist())


def test_a_crop_of_a_picture_is_bilinear():
    """A picture that is a linear ramp of the pixel stays one, at the old places of the new centres."""
    ramp = (torch.arange(WIDTH_PX) + 0.5).repeat(1, 3, HEIGHT_PX, 1) / WIDTH_PX
    changed = augment(dataclasses.replace(_batch(1), rgb=ramp), [CROP]).rgb
    expected = 0.1 + 0.75 * (torch.arange(WIDTH_PX) + 0.5) / WIDTH_PX
    np.testing.assert_allclose(changed[0, 1, 5], expected, atol=1e-6)


def test_slopes_after_a_crop_are_those_of_the_same_surface_and_no_steeper():
    """A slope that is a linear ramp of the pixel stays one at the old places: it counts per unit of width, not per
    pixel; beside a jump in depth it is that of one side, and without a surface it is 0."""
    ramp = (torch.arange(WIDTH_PX) + 0.5).repeat(1, 1, HEIGHT_PX, 1) / WIDTH_PX
    changed = augment(dataclasses.replace(_batch(1), gradient_magnitude=ramp), [CROP])
    expected = 0.1 + 0.75 * (torch.arange(WIDTH_PX) + 0.5) / WIDTH_PX
    np.testing.assert_allclose(_slope(changed)[0, 0, 5], expected, atol=1e-6)
    depth_m = torch.full((1, 1, HEIGHT_PX, WIDTH_PX), 2.0)
    depth_m[..., :17], depth_m[..., :9] = 0.8, 0.0
    sides = torch.where(depth_m == 2.0, 7.0, torch.where(depth_m > 0, 3.0, 0.0))
    cut = augment(dataclasses.replace(_batch(1), depth_m=depth_m, gradient_magnitude=sides), [CROP])
    for depth, slope in ((0.0, 0.0), (0.8, 3.0), (2.0, 7.0)):
        there = torch.isclose(cut.depth_m, torch.tensor(depth))
        assert there.any() and torch.allclose(_slope(cut)[there], torch.tensor(slope))


def test_mirrored_landmarks_are_a_mirror():
    """Twice is the identity; jaw, brows, eyes and lips change sides, the bridge of the nose stays. Source: iBUG 68."""
    order = mirrored_landmarks()
    assert [order[place] for place in order] == list(range(68))
    assert (order[0], order[8], order[17], order[30], order[36], order[41], order[39]) == (16, 8, 26, 30, 45, 46, 42)
    assert (order[31], order[48], order[51], order[59], order[60], order[65]) == (35, 54, 51, 55, 64, 67)


def test_colours_follow_their_definitions():
    """Brightness multiplies; contrast 0.5 halves the distance to the mean grey; saturation 0 would leave the grey."""
    batch = _batch(1)
    brighter = augment(batch, [dataclasses.replace(NOTHING, brightness=0.8)]).rgb
    np.testing.assert_allclose(brighter, batch.rgb * 0.8, rtol=1e-5, atol=1e-6)
    weights = torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]
    grey = (batch.rgb * weights).sum(dim=1, keepdim=True)
    flatter = augment(batch, [dataclasses.replace(NOTHING, contrast=0.5)]).rgb
    np.testing.assert_allclose(flatter, grey.mean() + 0.5 * (batch.rgb - grey.mean()), rtol=1e-5, atol=1e-6)
    paler = augment(batch, [dataclasses.replace(NOTHING, saturation=0.25)]).rgb
    np.testing.assert_allclose(paler, grey + 0.25 * (batch.rgb - grey), rtol=1e-5, atol=1e-6)


def test_blur_is_a_gaussian_of_its_sigma():
    """A point of light spreads with the variance sigma², along rows and columns, and keeps its light."""
    dot = torch.zeros(2, 3, HEIGHT_PX, WIDTH_PX)
    dot[:, :, 10, 15] = 1.0
    changes = [dataclasses.replace(NOTHING, blur_px=1.5), dataclasses.replace(NOTHING, blur_px=0.6)]
    blurred = augment(dataclasses.replace(_batch(), rgb=dot), changes).rgb
    for image, sigma in ((0, 1.5), (1, 0.6)):
        light = blurred[image, 2]
        assert light.sum().item() == pytest.approx(1.0, abs=1e-5)
        across = ((torch.arange(WIDTH_PX) - 15) ** 2 * light.sum(dim=0)).sum().item()
        down = ((torch.arange(HEIGHT_PX) - 10) ** 2 * light.sum(dim=1)).sum().item()
        assert across == pytest.approx(sigma**2, rel=0.05)
        assert down == pytest.approx(sigma**2, rel=0.05)


def test_noise_has_its_strength_and_its_key():
    """On mid grey the standard deviation is what was asked for; the same key is the same noise."""
    grey = dataclasses.replace(_batch(), rgb=torch.full((2, 3, HEIGHT_PX, WIDTH_PX), 0.5))
    changes = [dataclasses.replace(NOTHING, noise=0.05, noise_key=key * 16) for key in (b"a", b"b")]
    noisy = augment(grey, changes).rgb
    assert noisy[0].std().item() == pytest.approx(0.05, rel=0.05)
    assert torch.equal(augment(grey, changes).rgb, noisy)
    assert not torch.equal(noisy[0], noisy[1])


def test_a_draw_depends_on_seed_epoch_and_row_alone():
    """The same three give the same change; each of them alone gives another."""
    here = draw_change(EVERYTHING, seed=1, epoch=2, row=3)
    assert here == draw_change(EVERYTHING, seed=1, epoch=2, row=3)
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4), (1, 3, 2)):
        assert draw_change(EVERYTHING, seed=other[0], epoch=other[1], row=other[2]) != here


def test_what_is_drawn_can_be_applied_and_does_not_depend_on_the_batch():
    """Eight drawn images at once equal the same eight one by one; values stay float32 and pictures within 0..1."""
    batch = _batch(8)
    changes = [draw_change(EVERYTHING, seed=1, epoch=0, row=row) for row in range(8)]
    together = augment(batch, changes)
    assert not torch.equal(together.rgb, batch.rgb)
    assert together.rgb.min() >= 0 and together.rgb.max() <= 1
    for number, change in enumerate(changes):
        one = Batch(**{name: value[number : number + 1] for name, value in vars(batch).items()})
        for name, value in vars(augment(one, [change])).items():
            assert value.dtype == torch.float32, name
            np.testing.assert_allclose(getattr(together, name)[number], value[0], rtol=1e-5, atol=1e-6)


def test_probabilities_and_strengths_hold():
    """Over 2000 images each kind comes in its share, within its limits; switched off, nothing changes at all."""
    spec = AugmentationSpec(flip=0.3, crop=0.4, crop_smallest=0.6, colour=0.5, colour_strength=0.3, blur=0.2, noise=0.6)
    drawn = [draw_change(spec, seed=5, epoch=0, row=row) for row in range(2000)]
    shares = {
        "flip": np.mean([change.flip for change in drawn]),
        "crop": np.mean([change.crop_share < 1 for change in drawn]),
        "colour": np.mean([change.brightness != 1 for change in drawn]),
        "blur": np.mean([change.blur_px > 0 for change in drawn]),
        "noise": np.mean([change.noise > 0 for change in drawn]),
    }
    for name, share in shares.items():
        # Four standard deviations of a share of 2000 draws are below 0.045.
        assert share == pytest.approx(getattr(spec, name), abs=0.045), name
    assert all(0.6 <= change.crop_share <= 1 for change in drawn)
    assert all(0 <= change.crop_left <= 1 - change.crop_share + 1e-12 for change in drawn)
    assert all(0.7 <= value <= 1.3 for change in drawn for value in (change.contrast, change.saturation))
    off = draw_change(AugmentationSpec(), seed=5, epoch=0, row=1)
    assert dataclasses.replace(off, noise_key=bytes(16)) == NOTHING
