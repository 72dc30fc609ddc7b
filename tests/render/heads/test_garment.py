"""Garments cover the bust, lie close around the neck, end below every picture, and face outward."""

import numpy as np
import pytest

from render.heads.garment import COLUMNS, END_BELOW_EYES_M, SHELL_ROWS, garment_mesh
from render.heads.model import Region, person_vertices_m
from render.heads.neckline import NECKLINES
from render.heads.polar_surface import polar_surface, radius_at
from render.heads.procedural import load_procedural
from render.heads.torso import BIACROMIAL_BREADTH_M, CHEST_M, body_distance_m, body_rays, body_reach_m, place_on_rays
from render.ranges.people import OUTFIT_STYLES

STYLES = sorted(NECKLINES)


@pytest.fixture(scope="module")
def model():
    return load_procedural()


def person(model, seed: int):
    """Vertices of the outer skin, its triangles into them, and the landmarks of a random person."""
    drawn = np.clip(np.random.default_rng(seed).normal(size=len(model.identity_basis_m)), -2.5, 2.5)
    vertices = person_vertices_m(model, drawn)
    chosen = np.isin(model.face_regions, [Region.SKIN, Region.SCALP, Region.NECK])
    used = np.unique(model.face_vertices[np.repeat(chosen, model.face_sizes)])
    starts = np.cumsum(model.face_sizes) - model.face_sizes
    fans = [
        (model.face_vertices[start], model.face_vertices[start + turn], model.face_vertices[start + turn + 1])
        for start, size in zip(starts[chosen], model.face_sizes[chosen], strict=True)
        for turn in range(1, size - 1)
    ]
    return vertices[used], np.searchsorted(used, np.array(fans)), vertices[model.landmark_vertices].astype(np.float64)


def rings(garment) -> np.ndarray:
    return garment.vertices_m.reshape(-1, COLUMNS, 3).astype(np.float64)


def hits_outward(points: np.ndarray, directions: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Whether each ray meets any triangle (t, 3, 3). Source: Moeller and Trumbore 1997."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    met = []
    for point, direction in zip(points, directions, strict=True):
        across = np.cross(direction, second)
        determinant = (first * across).sum(axis=1)
        offset = point - corners[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            u = (offset * across).sum(axis=1) / determinant
            turned = np.cross(offset, first)
            v = (turned @ direction) / determinant
            far = (second * turned).sum(axis=1) / determinant
        met.append(bool(((u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (far > 0)).any()))
    return np.array(met)


@pytest.mark.parametrize("style", STYLES)
def test_no_skin_below_the_neckline_is_bare(model, style):
    """Every vertex of the skin 15 mm or more below the neckline has cloth outside it, seen from the chest."""
    for seed in (1, 7):
        skin, _, landmarks = person(model, seed)
        garment = garment_mesh(skin, landmarks, style=style, seed=seed)
        rim = rings(garment)[-SHELL_ROWS]
        eyes_y = landmarks[36:48, 1].mean()
        axis_z = 0.5 * (rim[0, 2] + rim[COLUMNS // 2, 2])
        chest = np.array([0.0, eyes_y + CHEST_M[1], axis_z])
        around = np.arctan2(rim[:, 0], rim[:, 2] - axis_z)
        order = np.argsort(around)
        limit = np.interp(np.arctan2(skin[:, 0], skin[:, 2] - axis_z), around[order], rim[order, 1], period=2 * np.pi)
        covered = skin[skin[:, 1] < limit - 0.015].astype(np.float64)[::5]
        assert len(covered) > 150
        azimuth, place, _ = place_on_rays(covered, chest)
        _, directions = body_rays(azimuth, place, chest)
        corners = garment.vertices_m.astype(np.float64)[
            np.concatenate([garment.quads[:, [0, 1, 2]], garment.quads[:, [0, 2, 3]]])
        ]
        assert hits_outward(covered, directions, corners).all()


@pytest.mark.parametrize("style", STYLES)
def test_the_neckline_lies_a_few_millimetres_off_the_skin(model, style):
    """The outer edge of the neckline is 2 to 6 mm off the skin nearly everywhere, and 10 mm over a hollow at most."""
    skin, triangles, landmarks = person(model, 3)
    garment = garment_mesh(skin, landmarks, style=style, seed=3)
    rim = rings(garment)[-SHELL_ROWS]
    corners = skin[triangles].astype(np.float64)
    near = corners[(np.abs(corners.mean(axis=1)[:, 1] - rim[:, 1].mean()) < 0.08)]
    shares = np.array([(i, j, 14 - i - j) for i in range(15) for j in range(15 - i)]) / 14.0
    dense = np.einsum("sk,tkx->tsx", shares, near).reshape(-1, 3)
    distance = np.array([np.linalg.norm(dense - point, axis=1).min() for point in rim])
    assert distance.min() > 0.002 and distance.max() < 0.010
    assert np.mean(distance < 0.006) > 0.8


@pytest.mark.parametrize("style", STYLES)
def test_the_garment_ends_below_every_picture(model, style):
    """A 60 mm sensor behind a 50 mm lens at 1 m shows 0.45 m below its middle; the hem is 0.8 m below the eyes."""
    skin, _, landmarks = person(model, 2)
    last = rings(garment_mesh(skin, landmarks, style=style, seed=2))[-1]
    np.testing.assert_allclose(landmarks[36:48, 1].mean() - last[:, 1], END_BELOW_EYES_M, atol=0.03)


def test_shoulders_are_as_broad_as_peoples(model):
    """Clothed breadth lies between 0.40 m and 0.62 m (bounds ours; 0.44 to 0.59 bare in men of ANSUR II)."""
    for seed in range(4):
        skin, _, landmarks = person(model, seed)
        shell = rings(garment_mesh(skin, landmarks, style="crew", seed=seed))[-SHELL_ROWS:]
        shoulders = shell[np.abs(shell[..., 1] - (landmarks[36:48, 1].mean() - 0.27)) < 0.03]
        assert 0.40 < np.ptp(shoulders[:, 0]) < 0.62


def test_every_quad_below_the_neckline_faces_outward(model):
    """Its corners are counter-clockwise from outside, so its normal points away from the body's axis or up."""
    skin, _, landmarks = person(model, 4)
    garment = garment_mesh(skin, landmarks, style="crew", seed=4)
    quads = garment.quads.reshape(-1, COLUMNS, 4)[-(SHELL_ROWS - 1) :].reshape(-1, 4)
    a, b, c, d = (garment.vertices_m[quads[:, corner]].astype(np.float64) for corner in range(4))
    normal = np.cross(c - a, d - b)
    middle = (a + b + c + d) / 4
    azimuth, place, _ = place_on_rays(
        middle, np.array([0.0, landmarks[36:48, 1].mean() + CHEST_M[1], middle[:, 2].mean()])
    )
    _, outward = body_rays(azimuth, place, np.zeros(3))
    assert np.mean((normal * outward).sum(axis=1) > 0) > 0.995


def test_uvs_measure_cloth_in_metres(model):
    """v grows by the mean distance of two rings; u goes once around the body; the collar alone has v below 0."""
    skin, _, landmarks = person(model, 5)
    garment = garment_mesh(skin, landmarks, style="stand", seed=5)
    v = garment.corner_uvs.reshape(-1, COLUMNS, 4, 2)[..., 1]
    steps = np.linalg.norm(np.diff(rings(garment), axis=0), axis=2).mean(axis=1)
    np.testing.assert_allclose((v[:, :, 1] - v[:, :, 0]).mean(axis=1), steps, atol=1e-6)
    u = garment.corner_uvs[..., 0]
    np.testing.assert_allclose([u.min(), u.max()], [0.0, 0.4 * np.pi], atol=1e-6)
    assert (v[: -(SHELL_ROWS - 1), :, 1] < 0).all() and (v[-20:] > 0).all()


def test_a_seed_makes_one_garment(model):
    """The same seed gives the same mesh; another gives other folds, but the same neckline."""
    skin, _, landmarks = person(model, 6)
    first, again, other = (garment_mesh(skin, landmarks, style="crew", seed=seed) for seed in (11, 11, 12))
    np.testing.assert_array_equal(first.vertices_m, again.vertices_m)
    np.testing.assert_array_equal(rings(first)[: -SHELL_ROWS + 1], rings(other)[: -SHELL_ROWS + 1])
    assert np.abs(first.vertices_m - other.vertices_m).max() > 0.005


def test_what_cannot_be_dressed_is_named(model):
    """An unknown style and a head without a neck are errors that say what to do."""
    skin, _, landmarks = person(model, 0)
    with pytest.raises(ValueError, match="unknown style of garment 'toga'; known are crew"):
        garment_mesh(skin, landmarks, style="toga", seed=1)
    with pytest.raises(ValueError, match="outfit style 'none'"):
        garment_mesh(skin[skin[:, 1] > landmarks[8, 1]], landmarks, style="crew", seed=1)


def test_a_recipe_knows_exactly_the_styles_that_exist():
    """The literals of render.config are the necklines and `none`."""
    assert set(OUTFIT_STYLES) == {"none", *NECKLINES}


def test_rays_and_places_are_inverse():
    """A point put on a ray by azimuth, place and distance is found there again, above and below the chest."""
    stream = np.random.default_rng(5)
    azimuth, place = stream.uniform(-3, 3, 40), stream.uniform(-1.8, 1.3, 40)
    distance = stream.uniform(0.05, 0.4, 40)
    chest = np.array([0.0, -0.3, 0.02])
    origins, directions = body_rays(azimuth, place, chest)
    for found, wanted in zip(
        place_on_rays(origins + distance[:, None] * directions, chest), (azimuth, place, distance), strict=True
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_the_body_is_reached_where_its_distance_is_zero():
    """At the reach of a ray the distance vanishes (but for 3 mm from the table of rays); outside it is positive."""
    azimuth, place = np.meshgrid(np.linspace(-2.9, 3.0, 37), np.linspace(-1.7, 1.0, 29), indexing="ij")
    origins, directions = (rays.reshape(-1, 3) for rays in body_rays(azimuth, place, CHEST_M))
    reach = body_reach_m(azimuth, place).ravel()
    at, beyond = (body_distance_m(origins + (reach + more)[:, None] * directions) for more in (0.0, 0.03))
    assert np.quantile(np.abs(at), 0.95) < 0.003 and np.mean(beyond > 0) > 0.99
    breadth = 2 * (np.abs((origins + reach[:, None] * directions)[:, 0])).max()
    assert BIACROMIAL_BREADTH_M < breadth < BIACROMIAL_BREADTH_M + 0.14


def test_a_polar_surface_repeats_planes_and_knows_its_edge():
    """A linear radius comes back exactly; beyond the vertices there is no number; whole turns do not count."""
    grid_azimuth, grid_along = np.meshgrid(np.linspace(-np.pi, np.pi, 48, endpoint=False), np.arange(12) * 0.01)
    azimuth, along = grid_azimuth.ravel(), grid_along.ravel()
    surface = polar_surface(azimuth, along, 0.1 + 0.7 * along, metres_per_radian=0.07)
    wanted_azimuth, wanted_along = np.array([0.31, 2.9, -3.1, 3.14]), np.array([0.013, 0.05, 0.087, 0.071])
    found = radius_at(surface, wanted_azimuth, wanted_along)
    np.testing.assert_allclose(found, 0.1 + 0.7 * wanted_along, atol=1e-6)
    np.testing.assert_allclose(radius_at(surface, wanted_azimuth + 2 * np.pi, wanted_along), found, atol=1e-12)
    assert np.isnan(radius_at(surface, np.array([0.5, 0.5]), np.array([-0.03, 0.15]))).all()
