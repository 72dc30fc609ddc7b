"""Rays and hair: exact hits of cone-spheres, and no pixel of a strand overlooked."""

import numpy as np
import pytest

from render.certification.strands import cone_sphere_hits, spans_of, strand_hits
from render.dataset_format import Label
from render.geometry.pinhole import pixel_rays

INTRINSICS = np.array([[150.0, 0, 33.1], [0, 150.0, 24.7], [0, 0, 1]])
HEIGHT, WIDTH = 50, 66
RAYS = pixel_rays(INTRINSICS, width_px=WIDTH, height_px=HEIGHT)


def some_cone_spheres(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cone-spheres of every proportion, balls within balls too, and rays that pass near them."""
    stream = np.random.default_rng(8)
    middle = stream.uniform([-0.1, -0.1, 0.6], [0.1, 0.1, 0.9], (count, 3))
    ends = middle[:, None] + stream.normal(size=(count, 2, 3)) * stream.choice([0.002, 0.02], (count, 1, 1))
    radii = stream.uniform(0.0005, 0.02, (count, 2))
    aims = middle + stream.normal(size=(count, 3)) * 0.015
    return ends, radii, aims / aims[:, 2:]


def distance_to_hull(points: np.ndarray, ends: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Distance from the union of all spheres between both ends, by 1001 of them (below 0: inside)."""
    share = np.linspace(0.0, 1.0, 1001)[None, :, None]
    centres = (1 - share) * ends[:, :1] + share * ends[:, 1:]
    reach = (1 - share[..., 0]) * radii[:, :1] + share[..., 0] * radii[:, 1:]
    return (np.linalg.norm(points[:, None] - centres, axis=-1) - reach).min(axis=1)


def test_a_hit_lies_on_the_hull_of_two_spheres_and_nothing_before_it():
    """The hit is on the union of all spheres between the ends (by brute force, to a micrometre); points of the ray
    before it are outside; a ray that misses stays outside all along; the normal is the hull's."""
    ends, radii, rays = some_cone_spheres(120)
    t, normals = cone_sphere_hits(ends, radii, rays, cuts=np.zeros((120, 2, 4)))
    met = np.isfinite(t)
    assert 30 < met.sum() < 110
    hits = rays[met] * t[met, None]
    assert np.abs(distance_to_hull(hits, ends[met], radii[met])).max() < 1e-6
    for share in np.linspace(0.7, 0.9999, 12):
        assert (distance_to_hull(share * hits, ends[met], radii[met]) > 0).all()
    for depth_m in np.linspace(0.5, 1.0, 101):
        assert (distance_to_hull(depth_m * rays[~met], ends[~met], radii[~met]) > -1e-7).all()
    step = 1e-5
    outwards = distance_to_hull(hits + step * normals[met], ends[met], radii[met])
    np.testing.assert_allclose(outwards, step, rtol=0.02)
    np.testing.assert_allclose(np.linalg.norm(normals[met], axis=1), 1.0, atol=1e-12)


def test_spans_are_splines_through_their_points():
    """A strand of n points has n - 1 spans; straight strands with even points stay straight, and strands do not mix."""
    points = np.array([[0, 0, 1.0], [0, 0, 1.1], [0, 0, 1.2], [5, 5, 5], [6, 5, 5]])
    spans = spans_of(points, np.array([1.0, 2, 3, 4, 5]), np.array([3, 2]))
    assert spans.shape == (3, 4, 4)
    np.testing.assert_allclose(spans[0, :, 2], [1.0, 1.0, 1.1, 1.2])
    np.testing.assert_allclose(spans[1, :, 2], [1.0, 1.1, 1.2, 1.2])
    np.testing.assert_allclose(spans[2, :, 0], [5, 5, 6, 6])
    np.testing.assert_allclose(spans[2, :, 3], [4, 4, 5, 5])


def planes_at_ends(span: np.ndarray) -> np.ndarray:
    """The planes through root and tip, square to the strand, as far as they are in this span."""
    planes = np.zeros((2, 4))
    for number, (twice, end, inside) in enumerate(((0, 1, 2), (3, 2, 1))):
        if (span[twice] == span[end]).all():
            course = span[inside, :3] - span[end, :3]
            planes[number] = [*course, course @ span[end, :3]]
    return planes


def test_strands_are_open_at_their_ends():
    """Of a straight tube, exactly the pixels between root and tip show hair: there is no ball at either end."""
    points = np.array([[-0.06, 0.002, 0.7], [0.01, 0.002, 0.7], [0.05, 0.002, 0.7]])
    spans = spans_of(points, np.full(3, 0.02), np.array([3]))
    hits = strand_hits(spans, INTRINSICS, RAYS, np.ones((HEIGHT, WIDTH), dtype=bool))
    shown = (hits.depth_m > 0).reshape(HEIGHT, WIDTH)
    # The silhouette of a tube with radius r about the line y = 0.002, z = 0.7 is y / z of the tangents from the camera.
    axis, distance = np.arctan2(0.002, 0.7), np.hypot(0.002, 0.7)
    half = np.arcsin(0.02 / distance)
    in_reach = (RAYS[..., 1] > np.tan(axis - half)) & (RAYS[..., 1] < np.tan(axis + half))
    across = np.where(shown, RAYS[..., 0] * hits.depth_m.reshape(HEIGHT, WIDTH), 0.0)
    assert across.min() >= -0.06 and across.max() <= 0.05
    before_root = in_reach & (RAYS[..., 0] * 0.72 < -0.06)
    between = in_reach & (RAYS[..., 0] * 0.68 > -0.06) & (RAYS[..., 0] * 0.72 < 0.05)
    np.testing.assert_array_equal(shown & (between | before_root), between)


@pytest.mark.parametrize("everything", [True, False])
def test_no_pixel_of_a_strand_is_overlooked(everything: bool):
    """What the rectangles of thin pieces give is what trying every piece with every wanted pixel gives."""
    stream = np.random.default_rng(5)
    steps = stream.normal(size=(3, 4, 3)) * [0.014, 0.014, 0.006]
    points = (stream.uniform([-0.1, -0.08, 0.7], [0.1, 0.08, 0.8], (3, 1, 3)) + steps.cumsum(axis=1)).reshape(-1, 3)
    radii = stream.uniform(0.0005, 0.004, len(points))
    spans = spans_of(points, radii, np.full(3, 4))
    wanted = np.ones((HEIGHT, WIDTH), dtype=bool) if everything else stream.random((HEIGHT, WIDTH)) < 0.5
    hits = strand_hits(spans, INTRINSICS, RAYS, wanted)
    t = np.linspace(0, 1, 33)[:, None]
    weights = 0.5 * np.concatenate(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], axis=1
    )
    curve = weights @ spans
    nearest = np.full(HEIGHT * WIDTH, np.inf)
    flat = RAYS.reshape(-1, 3)
    for span, points_of_span in zip(spans, curve, strict=True):
        cuts = planes_at_ends(span)
        for piece in np.stack([points_of_span[:-1], points_of_span[1:]], axis=1):
            given = (np.broadcast_to(part, (len(flat), *part.shape)) for part in (piece[:, :3], piece[:, 3], cuts))
            ends, radii, planes = given
            nearest = np.minimum(nearest, cone_sphere_hits(ends, radii, flat, cuts=planes)[0])
    expected = np.where(np.isfinite(nearest) & wanted.ravel(), nearest, 0.0)
    assert (expected > 0).sum() > 8
    # 32 pieces a span are no spline: an outline, or the rim of an open end, may move by a micrometre.
    assert (np.abs(hits.depth_m - expected) > 2e-5).sum() <= 1
    assert set(np.unique(hits.labels)) == {0, Label.HAIR}
