"""Roots, shells and guides on shapes whose geometry is known."""

import numpy as np
import pytest
from scipy.spatial import KDTree

from render.hair.curves import cut_below, draped, grow, resampled
from render.hair.guides import across_the_face
from render.hair.surface import HairSurface, Shell, lifted_out, scatter_roots, spread_out, vertex_normals

RADIUS_M = 0.09


@pytest.fixture(scope="module")
def ball() -> HairSurface:
    """A ball of 2562 vertices with landmarks where a head would have its jaw and eyes; hair grows on its upper half."""
    import trimesh

    mesh = trimesh.creation.icosphere(subdivisions=4, radius=RADIUS_M)
    vertices, triangles = np.asarray(mesh.vertices), np.asarray(mesh.faces, dtype=np.int64)
    landmarks = np.zeros((68, 3))
    landmarks[36:42, 0], landmarks[42:48, 0] = -0.03, 0.03
    return HairSurface(
        vertices_m=vertices,
        triangles=triangles,
        normals=vertex_normals(vertices, triangles),
        growing=vertices[triangles].mean(axis=1)[:, 1] > 0,
        scalp=(vertices[:, 1] > 0).astype(float),
        brow=np.zeros((len(vertices), 3)),
        landmarks_m=landmarks,
    )


@pytest.fixture(scope="module")
def shell(ball: HairSurface) -> Shell:
    return Shell(KDTree(ball.vertices_m), ball.vertices_m, ball.normals)


def test_normals_of_a_ball_are_radial(ball):
    """Vertex normals point away from the middle, within half a degree."""
    expected = ball.vertices_m / np.linalg.norm(ball.vertices_m, axis=1, keepdims=True)
    assert (ball.normals * expected).sum(axis=1).min() > np.cos(np.radians(0.5))


def test_roots_lie_on_growing_skin_spread_by_area_and_density(ball):
    """Roots sit on growing triangles; twice the density holds twice the roots, within 3 %."""
    density = np.where(ball.vertices_m[:, 0] > 0, 1.0, 0.5)
    roots = scatter_roots(ball, density, 9000, np.random.default_rng(3))
    assert ball.growing[roots.triangles].all()
    np.testing.assert_allclose(np.linalg.norm(roots.points_m, axis=1), RADIUS_M, rtol=2e-3)
    right = (roots.points_m[:, 0] > 0).sum()
    assert right / (9000 - right) == pytest.approx(2.0, rel=0.03)


def test_no_place_to_grow_is_an_error(ball):
    """Density 0 everywhere names what to check."""
    with pytest.raises(ValueError, match=r"no place on this head may grow hair.*regions"):
        scatter_roots(ball, np.zeros(len(ball.vertices_m)), 10, np.random.default_rng(3))


def test_spread_out_roots_keep_their_distance(ball):
    """Of many roots, 60 chosen ones lie at least 0.7 of the ideal hexagonal spacing apart."""
    many = scatter_roots(ball, np.ones(len(ball.vertices_m)), 3000, np.random.default_rng(3))
    few = spread_out(many, 60)
    gap = KDTree(few.points_m).query(few.points_m, k=2)[0][:, 1].min()
    ideal = np.sqrt(2 / np.sqrt(3) * 2 * np.pi * RADIUS_M**2 / 60)
    assert gap > 0.7 * ideal


def test_hair_grows_to_its_length_outside_of_the_ball(ball, shell):
    """Guides have the length asked for within 8 %, and no point lies in the ball."""
    roots = spread_out(scatter_roots(ball, np.ones(len(ball.vertices_m)), 500, np.random.default_rng(3)), 80)
    flow = np.cross(roots.normals, [0.0, 0.0, 1.0])
    flow /= np.linalg.norm(flow, axis=1, keepdims=True)
    lengths = np.linspace(0.03, 0.12, 80)
    curves = grow(
        shell,
        roots,
        flow,
        lengths,
        lift=np.full(80, 0.4),
        weight=0.3,
        layers_m=np.full(80, 0.008),
        rise_m=0.02,
        steps=40,
        free=False,
        forwards=np.ones(80),
    )
    np.testing.assert_allclose(curves[:, 0], roots.points_m)
    grown = np.linalg.norm(np.diff(curves, axis=1), axis=2).sum(axis=1)
    np.testing.assert_allclose(grown, lengths, rtol=0.08)
    assert np.linalg.norm(curves[:, 1:], axis=2).min() > RADIUS_M - 0.0005


def test_points_in_the_skin_are_lifted_out_and_others_left(shell):
    """Points up to 8 mm under the skin come out to the least height, within 0.3 mm; those outside stay in place."""
    stream = np.random.default_rng(5)
    directions = stream.standard_normal((200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    heights = stream.uniform(-0.008, 0.02, 200)
    points = (RADIUS_M + heights)[:, None] * directions
    lifted = np.linalg.norm(lifted_out(shell, points, 0.0005), axis=1) - RADIUS_M
    assert lifted.min() > 0.0002
    outside = heights > 0.002
    np.testing.assert_allclose(lifted[outside], heights[outside], atol=1e-12)


def test_resampling_keeps_ends_and_spaces_evenly():
    """Ends stay, and points lie at equal distances along a bent curve of uneven points."""
    place = np.linspace(0, 1, 200) ** 2
    curve = np.stack([np.cos(place), np.sin(place), 0 * place], axis=1)[None]
    even = resampled(curve, 9)
    np.testing.assert_allclose(even[0, [0, -1]], curve[0, [0, -1]])
    gaps = np.linalg.norm(np.diff(even[0], axis=0), axis=1)
    np.testing.assert_allclose(gaps, 2 * np.sin(1 / 16), rtol=1e-3)


def test_cut_hair_ends_at_its_height():
    """Hair that hangs straight down ends where it is cut; hair that does not reach so far keeps its tip."""
    hanging = np.stack([np.zeros(11), np.linspace(0.1, -0.1, 11), np.zeros(11)], axis=1)
    short = hanging * [1, 0.1, 1]
    cut = cut_below(np.stack([hanging, short]), np.array([-0.033, -0.033]))
    assert cut[0, :, 1].min() == pytest.approx(-0.033)
    np.testing.assert_array_equal(cut[1], short)


def test_draped_hair_bridges_steps_outside_of_the_ball(shell):
    """A zigzag beside the ball loses nine tenths of its height, roots and tips stay, and nothing enters the ball."""
    heights = np.linspace(0.1, -0.1, 41)
    zigzag = np.stack([RADIUS_M + 0.004 + 0.003 * (-1.0) ** np.arange(41), heights, np.zeros(41)], axis=1)
    inner = np.stack([np.full(41, 0.7 * RADIUS_M), heights, np.zeros(41)], axis=1)
    inner[[0, -1], 0] = 2 * RADIUS_M
    hung = draped(shell, np.stack([zigzag, inner]), times=16)
    np.testing.assert_array_equal(hung[:, [0, 1, -1]], np.stack([zigzag, inner])[:, [0, 1, -1]])
    assert np.abs(np.diff(hung[0, 8:-8, 0])).max() < 0.1 * 0.006
    assert np.linalg.norm(hung[:, 2:-1], axis=2).min() > RADIUS_M


def test_strands_over_face_or_throat_are_told_from_those_beside_and_behind(ball):
    """With eyes 60 mm apart, hair within 36 mm of the middle and below the brows crosses the face if it hangs in front;
    hair beside it, behind the head, or above the brows does not."""
    hanging = np.stack([np.zeros(9), np.linspace(0.08, -0.2, 9), np.full(9, 0.1)], axis=1)
    strands = np.stack(
        [
            hanging + np.array([0.034, 0.0, 0.0]),
            hanging + np.array([-0.034, 0.0, 0.0]),
            hanging + np.array([0.038, 0.0, 0.0]),
            hanging - np.array([0.0, 0.0, 0.2]),
            hanging * np.array([1.0, 0.1, 1.0]) + np.array([0.0, 0.03, 0.0]),
        ]
    )
    assert across_the_face(ball, strands).tolist() == [True, True, False, False, False]
