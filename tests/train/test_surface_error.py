"""Surface error: closed forms of equation 9, invariances, both readings of "90 %", and the crop at the rim."""

import dataclasses

import numpy as np
import pytest
from bumpy_surface import bumpy_mesh, grid_triangles
from scipy.spatial.transform import Rotation

from train.errors import InputError
from train.metrics.surface_error import (
    SurfaceDistances,
    distance_summary,
    pooled_surface_scores,
    surface_distances,
    surface_scores,
    within_border,
)
from train.metrics.true_surface import TrueSurface, true_surface


@pytest.fixture(scope="module")
def bumpy() -> TrueSurface:
    return true_surface(*bumpy_mesh(21, 30))


def plane() -> TrueSurface:
    """5 x 4 vertices, 10 mm apart, at z = 3 mm, facing +z, with one vertex at z = 23 mm that no triangle uses."""
    x_mm, y_mm = np.meshgrid(np.arange(5) * 10.0, np.arange(4) * 10.0)
    vertices_mm = np.stack([x_mm.ravel(), y_mm.ravel(), np.full(20, 3.0)], axis=1)
    return true_surface(np.concatenate([vertices_mm, [[11.0, 11.0, 23.0]]]), grid_triangles(5, 4))


def test_a_true_surface_knows_its_rim_and_drops_vertices_without_surface():
    """A grid of 5 x 4 has six inner vertices; the loose vertex is never the nearest one."""
    surface = plane()
    assert len(surface.vertices_mm) == 20
    np.testing.assert_array_equal(
        np.flatnonzero(~surface.on_border), [row * 5 + column for row in (1, 2) for column in (1, 2, 3)]
    )
    np.testing.assert_allclose(surface.normals, np.broadcast_to([0.0, 0.0, 1.0], (20, 3)))
    assert surface_distances(np.array([[11.0, 11.0, 23.0]]), surface).normal_mm == pytest.approx([20.0])


def test_only_the_part_along_the_normal_is_signed_error():
    """A point 3 mm aside of a vertex and 4 mm above it: 4 along the normal, 5 to the vertex; below, -4."""
    found = surface_distances(np.array([[13.0, 10.0, 7.0], [20.0, 7.0, -1.0]]), plane())
    np.testing.assert_allclose(found.normal_mm, [4.0, -4.0])
    np.testing.assert_allclose(found.distance_mm, [5.0, 5.0])


def test_points_lifted_along_their_normals_have_exactly_that_error(bumpy: TrueSurface):
    """Every vertex lifted by 0.2 mm and every second by 0.4: ē = 0.3, V = 0.01 n/(n - 1), and distances alike."""
    lifts_mm = np.where(np.arange(len(bumpy.vertices_mm)) % 2 == 0, 0.2, 0.4)
    found = surface_distances(bumpy.vertices_mm + lifts_mm[:, None] * bumpy.normals, bumpy)
    np.testing.assert_allclose(found.normal_mm, lifts_mm, atol=1e-12)
    scores = surface_scores(found, depth_range_mm=50.0)
    count = len(lifts_mm)
    assert scores.normal_mean_mm == pytest.approx(0.3, abs=1e-12)
    assert scores.normal_variance_mm2 == pytest.approx(0.01 * count / (count - 1), abs=1e-12)
    assert scores.distance_mm.mean == pytest.approx(0.3, abs=1e-12)
    assert scores.distance_mm.std == pytest.approx(0.1, abs=1e-12)


def test_turning_and_shifting_everything_and_shuffling_points_change_nothing():
    """Errors belong to the two surfaces, not to the axes they are given in, nor to the order of points."""
    random = np.random.default_rng(4)
    vertices_mm, triangles = bumpy_mesh(21, 30)
    points_mm = vertices_mm[::2] + random.normal(0, 2, vertices_mm[::2].shape)
    rotation, shift_mm = Rotation.from_rotvec([0.4, 1.1, -0.3]).as_matrix(), np.array([90.0, -20.0, 7.0])
    order = random.permutation(len(points_mm))
    plain = surface_distances(points_mm, true_surface(vertices_mm, triangles))
    moved = surface_distances(
        points_mm[order] @ rotation.T + shift_mm, true_surface(vertices_mm @ rotation.T + shift_mm, triangles)
    )
    np.testing.assert_allclose(moved.normal_mm, plain.normal_mm[order], atol=1e-10)
    np.testing.assert_allclose(moved.distance_mm, plain.distance_mm[order], atol=1e-10)
    np.testing.assert_array_equal(moved.beyond_border, plain.beyond_border[order])


def test_matches_can_come_from_other_positions():
    """shu2020 measures where points were before registration, to the vertices found after it."""
    found = surface_distances(np.array([[10.0, 10.0, 9.0]]), plane(), matched_at_mm=np.array([[19.0, 11.0, 3.0]]))
    np.testing.assert_allclose(found.normal_mm, [6.0])
    np.testing.assert_allclose(found.distance_mm, [np.hypot(10.0, 6.0)])


def test_the_crop_drops_points_whose_nearest_vertex_is_on_the_rim():
    """A point beside the plane, and one over its rim, go; the one over the middle stays, with its error."""
    points_mm = np.array([[-40.0, 10.0, 3.0], [40.0, 10.0, 5.0], [20.0, 10.0, 5.0]])
    found = within_border(surface_distances(points_mm, plane()))
    np.testing.assert_allclose(found.normal_mm, [2.0])
    np.testing.assert_allclose(found.distance_mm, [2.0])
    np.testing.assert_array_equal(found.beyond_border, [False])


def test_both_readings_of_90_percent_on_ten_numbers():
    """0 to 9: the percentile interpolates to 8.1; without the smallest tenth, which is 0, the mean is 5."""
    summary = distance_summary(np.random.default_rng(0).permutation(10).astype(np.float64))
    assert dataclasses.asdict(summary) == pytest.approx(
        {
            "mean": 4.5,
            "std": np.sqrt(8.25),
            "median": 4.5,
            "percentile_90": 8.1,
            "mean_of_largest_90_percent": 5.0,
        }
    )


def test_the_mean_of_the_largest_90_percent_explains_a_number_that_the_percentile_cannot():
    """Exponential errors of mean 2.95: 90th percentile 2.95 ln 10 = 6.79, mean of the largest 90 % = 2.95 (1 + ln
    (10/9)) = 3.26, which is what shu2020 Table I prints beside mean 2.95, std 2.83 and median 2.22."""
    probabilities = (np.arange(200_000) + 0.5) / 200_000
    summary = distance_summary(-2.95 * np.log1p(-probabilities))
    assert summary.percentile_90 == pytest.approx(2.95 * np.log(10), abs=2e-3)
    assert summary.mean_of_largest_90_percent == pytest.approx(3.26, abs=2e-3)


def test_percent_is_of_the_true_depth_range(bumpy: TrueSurface):
    """Every number of the summary in percent is 100 / range times that in millimetres; the range is that of z."""
    random = np.random.default_rng(2)
    distances = surface_distances(bumpy.vertices_mm + random.normal(0, 1, bumpy.vertices_mm.shape), bumpy)
    assert bumpy.depth_range_mm == np.ptp(bumpy.vertices_mm[:, 2])
    scores = surface_scores(distances, depth_range_mm=bumpy.depth_range_mm)
    for name, value in dataclasses.asdict(scores.distance_mm).items():
        assert getattr(scores.distance_percent, name) == pytest.approx(100 * value / bumpy.depth_range_mm, rel=1e-12)


def test_images_are_pooled_as_equation_9_says():
    """V of 1 and 7 mm² give σ = 2 mm; ē and distances are means over images, whatever their numbers of points."""
    flags = np.zeros(3, dtype=bool)
    small = SurfaceDistances(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0]), flags)
    spread = np.sqrt(7.0)
    large = SurfaceDistances(np.array([4 - spread, 4.0, 4 + spread]), np.array([3.0, 3.0, 3.0]), flags)
    pooled = pooled_surface_scores(
        [surface_scores(small, depth_range_mm=100.0), surface_scores(large, depth_range_mm=50.0)]
    )
    assert pooled["images"] == 2
    assert pooled["normal_sigma_mm"] == pytest.approx(2.0, abs=1e-12)
    assert pooled["normal_mean_mm"] == pytest.approx(2.5, abs=1e-12)
    assert pooled["distance_mean_mm"] == pytest.approx(2.0)
    assert pooled["distance_mean_percent"] == pytest.approx((1.0 + 6.0) / 2)
    assert pooled["distance_median_mm"] == pytest.approx(2.0)
    assert pooled["distance_percentile_90_mm"] == pytest.approx((1.8 + 3.0) / 2)


def test_what_cannot_be_scored_is_refused(bumpy: TrueSurface):
    """No point, points that are not finite, a crop to one point, a flat range, no image, meshes without surface."""
    with pytest.raises(InputError, match="one finite point or more to measure, but 0 came"):
        surface_distances(np.zeros((0, 3)), bumpy)
    with pytest.raises(InputError, match="but 2 came, 1 of them not finite"):
        surface_distances(np.array([[0.0, 0.0, 0.0], [0.0, np.nan, 0.0]]), bumpy)
    one = surface_distances(np.zeros((1, 3)), bumpy)
    with pytest.raises(InputError, match="2 points or more, but 1 came"):
        surface_scores(one, depth_range_mm=1.0)
    two = surface_distances(np.zeros((2, 3)), bumpy)
    with pytest.raises(InputError, match=r"above 0 mm, but 0.0 came"):
        surface_scores(two, depth_range_mm=0.0)
    with pytest.raises(InputError, match="not all such"):
        distance_summary(np.array([1.0, -1.0]))
    with pytest.raises(InputError, match="did every registration fail"):
        pooled_surface_scores([])
    with pytest.raises(InputError, match="none has an area"):
        true_surface(np.zeros((4, 3)), np.array([[0, 1, 2]]))
    with pytest.raises(InputError, match="name vertices 0 to 4, but the true mesh has vertices 0 to 3"):
        true_surface(np.zeros((4, 3)), np.array([[0, 1, 4]]))
    with pytest.raises(InputError, match="1 of 3 vertices of the true mesh are not finite"):
        true_surface(np.array([[0, 0, 0], [1, 0, 0], [0, np.inf, 0]]), np.array([[0, 1, 2]]))
