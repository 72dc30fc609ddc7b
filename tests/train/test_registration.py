"""Rigid registration: exact recovery, noise and outliers, no mirrors, and plain errors where it cannot settle."""

import numpy as np
import pytest
from bumpy_surface import bumpy_mesh, grid_triangles, height_mm
from scipy.spatial.transform import Rotation

from train.errors import InputError
from train.metrics.registration import (
    Alignment,
    RegistrationError,
    aligned,
    centroid_alignment,
    corresponding_alignment,
    register,
)
from train.metrics.true_surface import TrueSurface, true_surface

ROTATION = Rotation.from_rotvec([0.12, -0.25, 0.2]).as_matrix()
SHIFT_MM = np.array([6.0, -11.0, 4.0])
AS_IT_IS = Alignment(1.0, np.eye(3), np.zeros(3))


@pytest.fixture(scope="module")
def surface() -> TrueSurface:
    return true_surface(*bumpy_mesh())


def displaced(points_mm: np.ndarray, *, scale: float = 1.0) -> np.ndarray:
    """Points that `Alignment(scale, ROTATION, SHIFT_MM)` brings to the given ones."""
    return (points_mm - SHIFT_MM) @ ROTATION / scale


def assert_recovered(found: Alignment, *, scale: float, tolerance: float):
    assert found.scale == pytest.approx(scale, abs=tolerance)
    np.testing.assert_allclose(found.rotation, ROTATION, atol=tolerance)
    np.testing.assert_allclose(found.translation_mm, SHIFT_MM, atol=100 * tolerance)
    assert np.linalg.det(found.rotation) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("scale", "with_scale"), [(1.0, False), (1.0, True), (1.3, True)])
def test_corresponding_points_give_the_motion_exactly(scale: float, with_scale: bool):
    """Nine landmarks: scale, rotation and translation to rounding error."""
    target_mm = np.random.default_rng(0).normal(0, 40, (9, 3))
    found = corresponding_alignment(displaced(target_mm, scale=scale), target_mm, with_scale=with_scale)
    assert_recovered(found, scale=scale, tolerance=1e-12)


def test_scale_is_fitted_only_when_asked_for():
    """Points at 1.3 times their size keep it without `with_scale`, and the rotation is still right."""
    target_mm = np.random.default_rng(1).normal(0, 40, (9, 3))
    found = corresponding_alignment(displaced(target_mm, scale=1.3), target_mm, with_scale=False)
    assert found.scale == 1.0
    np.testing.assert_allclose(found.rotation, ROTATION, atol=1e-12)


def test_the_fit_of_noisy_points_cannot_be_bettered_nearby():
    """Least squares: every small change of scale, rotation or translation makes the squared distance larger."""
    random = np.random.default_rng(2)
    source_mm = random.normal(0, 40, (12, 3))
    target_mm = 1.1 * source_mm @ ROTATION.T + SHIFT_MM + random.normal(0, 5, (12, 3))
    found = corresponding_alignment(source_mm, target_mm, with_scale=True)

    def cost(turn: np.ndarray, shift_mm: np.ndarray, factor: float) -> float:
        rotation = Rotation.from_rotvec(turn).as_matrix() @ found.rotation
        other = Alignment(found.scale * factor, rotation, found.translation_mm + shift_mm)
        return float(((aligned(other, source_mm) - target_mm) ** 2).sum())

    least = cost(np.zeros(3), np.zeros(3), 1.0)
    for sign in (1, -1):
        assert cost(np.zeros(3), np.zeros(3), 1 + sign * 1e-4) > least
        for axis in np.eye(3):
            assert cost(sign * 1e-4 * axis, np.zeros(3), 1.0) > least
            assert cost(np.zeros(3), sign * 1e-3 * axis, 1.0) > least


@pytest.mark.parametrize("with_scale", [False, True])
def test_a_mirror_image_is_never_mirrored_back(with_scale: bool):
    """Landmarks seen in a mirror fit badly, by a proper rotation: the determinant is 1, and they stay apart."""
    source_mm = np.random.default_rng(3).normal(0, 40, (9, 3))
    target_mm = source_mm * [-1, 1, 1]
    found = corresponding_alignment(source_mm, target_mm, with_scale=with_scale)
    assert np.linalg.det(found.rotation) == pytest.approx(1.0, abs=1e-12)
    assert np.linalg.norm(aligned(found, source_mm) - target_mm, axis=1).max() > 20
    if with_scale:
        # Least squares: no other scale about the same middle comes closer.
        turned_mm = (source_mm - source_mm.mean(axis=0)) @ found.rotation.T
        best = float((turned_mm * (target_mm - target_mm.mean(axis=0))).sum() / (turned_mm**2).sum())
        assert found.scale == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize(("scale", "with_scale"), [(1.0, False), (1.0, True), (1.08, True)])
def test_registration_recovers_a_known_motion(surface: TrueSurface, scale: float, with_scale: bool):
    """A third of the true vertices, turned by 20 degrees, shifted, and shrunk: all numbers to 1e-6, few steps.

    The start knows of the centroids alone. With a scale of 1.08, the scale must be fitted.
    """
    target_mm = surface.vertices_mm[::3]
    points_mm = displaced(target_mm, scale=scale)
    start = centroid_alignment(points_mm, surface)
    found = register(points_mm, surface, start=start, with_scale=with_scale, tolerance_mm=1e-9)
    assert_recovered(found.alignment, scale=scale, tolerance=1e-8)
    np.testing.assert_allclose(aligned(found.alignment, points_mm), target_mm, atol=1e-6)
    assert found.rms_mm < 1e-9
    assert found.iterations <= 10


def test_a_rigid_registration_keeps_the_scale_of_its_start(surface: TrueSurface):
    """Without `with_scale` the scale of the start stays to the last bit, and the rest is found."""
    points_mm = displaced(surface.vertices_mm[::3], scale=1.3)
    start = Alignment(1.3, np.eye(3), np.array([2.0, 2.0, 2.0]))
    found = register(points_mm, surface, start=start, with_scale=False, tolerance_mm=1e-9)
    assert found.alignment.scale == 1.3
    assert_recovered(found.alignment, scale=1.3, tolerance=1e-8)


def test_a_start_is_the_same_as_points_that_were_moved_there(surface: TrueSurface):
    """One step from a start with rotation, shift and scale ends where it ends from the points after that start."""
    start = Alignment(1.2, ROTATION, SHIFT_MM)
    points_mm = (surface.vertices_mm[::5] + np.array([1.0, -2.0, 0.5]) - SHIFT_MM) @ ROTATION / 1.25
    moved_mm = aligned(start, points_mm)
    # A tolerance this large ends after one step.
    from_start = register(points_mm, surface, start=start, with_scale=True, tolerance_mm=1e3)
    from_moved = register(moved_mm, surface, start=AS_IT_IS, with_scale=True, tolerance_mm=1e3)
    assert from_start.iterations == from_moved.iterations == 1
    np.testing.assert_allclose(
        aligned(from_start.alignment, points_mm), aligned(from_moved.alignment, moved_mm), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("with_scale", [False, True])
def test_another_shape_settles_too(surface: TrueSurface, with_scale: bool):
    """A surface that is 8 % wider, bent and 3 mm off in waves settles, and no worse than where it started.

    That is what registration of a wrong reconstruction is: nearest vertices go on changing near the end.
    """
    other_mm = surface.vertices_mm[::2] * [1.08, 1.0, 0.95]
    other_mm[:, 2] += 3 * np.sin(other_mm[:, 0] / 9) * np.cos(other_mm[:, 1] / 13)
    start = corresponding_alignment(displaced(other_mm), surface.vertices_mm[::2], with_scale=with_scale)
    found = register(displaced(other_mm), surface, start=start, with_scale=with_scale)
    _, nearest = surface.tree.query(aligned(start, displaced(other_mm)))
    offsets_mm = aligned(start, displaced(other_mm)) - surface.vertices_mm[nearest]
    assert found.rms_mm < np.sqrt(((offsets_mm * surface.normals[nearest]).sum(axis=1) ** 2).mean())


def test_the_result_does_not_depend_on_order_or_on_the_axes(surface: TrueSurface):
    """Shuffled points end at the same place; when all is turned, the result turns along."""
    random = np.random.default_rng(5)
    points_mm = surface.vertices_mm[::7] + random.normal(0, 0.3, surface.vertices_mm[::7].shape) + [2, 1, -3]
    plain = register(points_mm, surface, start=AS_IT_IS, with_scale=False)
    shuffled = register(points_mm[random.permutation(len(points_mm))], surface, start=AS_IT_IS, with_scale=False)
    np.testing.assert_allclose(aligned(shuffled.alignment, points_mm), aligned(plain.alignment, points_mm), atol=1e-9)
    vertices_mm, triangles = bumpy_mesh()
    turned_surface = true_surface(vertices_mm @ ROTATION.T + SHIFT_MM, triangles)
    turned = register(points_mm @ ROTATION.T + SHIFT_MM, turned_surface, start=AS_IT_IS, with_scale=False)
    np.testing.assert_allclose(
        aligned(turned.alignment, points_mm @ ROTATION.T + SHIFT_MM),
        aligned(plain.alignment, points_mm) @ ROTATION.T + SHIFT_MM,
        atol=1e-6,
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_and_outliers_move_the_result_little(surface: TrueSurface, seed: int):
    """2000 points between the vertices with 0.5 mm of noise, 100 of them 20 to 60 mm off: 0.1 mm at the good points.

    0.5 mm over 1900 points with 6 unknowns leaves some 0.03 mm; facets of 2.7 mm add 0.02 mm. The rms is that of the
    noise along the normal, with its tails trimmed.
    """
    random = np.random.default_rng(seed)
    x_mm, y_mm = random.uniform(-45, 45, 2000), random.uniform(-60, 60, 2000)
    truth_mm = np.stack([x_mm, y_mm, height_mm(x_mm, y_mm)], axis=1)
    noisy_mm = truth_mm + random.normal(0, 0.5, truth_mm.shape)
    noisy_mm[:100] += random.uniform(20, 60, (100, 3))
    to_truth = Alignment(1.0, ROTATION, SHIFT_MM)
    start = centroid_alignment(displaced(noisy_mm), surface)
    found = register(displaced(noisy_mm), surface, start=start, with_scale=False)
    off_mm = aligned(found.alignment, displaced(truth_mm)) - aligned(to_truth, displaced(truth_mm))
    assert np.linalg.norm(off_mm, axis=1).max() < 0.15
    assert found.points_kept == pytest.approx(1800, abs=3)
    assert 0.4 < found.rms_mm < 0.5


def test_points_without_true_surface_beside_them_do_not_pull(surface: TrueSurface):
    """A head that goes on 40 mm beyond the scan on one side: the rim is left out, and the motion is exact.

    Were points beyond the rim matched to it, they would pull the head over the scan.
    """
    y_mm, beyond_mm = (part.ravel() for part in np.meshgrid(np.linspace(-70, 70, 40), np.linspace(63, 100, 12)))
    extra_mm = np.stack([beyond_mm, y_mm, height_mm(beyond_mm, y_mm)], axis=1)
    target_mm = np.concatenate([surface.vertices_mm[::3], extra_mm])
    start = corresponding_alignment(displaced(target_mm[:9]), target_mm[:9] + 1.5, with_scale=False)
    found = register(displaced(target_mm), surface, start=start, with_scale=False, tolerance_mm=1e-9)
    assert_recovered(found.alignment, scale=1.0, tolerance=1e-8)


@pytest.mark.parametrize(
    "shape",
    [
        lambda x_mm, y_mm: 0.2 * x_mm + 0.1 * y_mm,
        lambda x_mm, y_mm: np.sqrt(100.0**2 - x_mm**2) + 0 * y_mm,
        lambda x_mm, y_mm: np.sqrt(150.0**2 - x_mm**2 - y_mm**2),
    ],
    ids=["plane", "cylinder", "ball"],
)
def test_a_surface_that_looks_the_same_when_moved_is_refused(shape):
    """On a plane, a cylinder or a ball points can slide: no motion is right, so none comes back."""
    x_mm, y_mm = np.meshgrid(np.linspace(-60, 60, 45), np.linspace(-80, 80, 60))
    vertices_mm = np.stack([x_mm.ravel(), y_mm.ravel(), shape(x_mm, y_mm).ravel()], axis=1)
    sliding = true_surface(vertices_mm, grid_triangles(45, 60))
    with pytest.raises(RegistrationError, match="leaves a motion open"):
        register(vertices_mm[::3] + np.array([0.0, 0.0, 0.5]), sliding, start=AS_IT_IS, with_scale=False)


def test_what_does_not_settle_is_an_error(surface: TrueSurface):
    """Too few steps; points far beside the surface; a scale that runs away: each names what happened."""
    points_mm = displaced(surface.vertices_mm[::3])
    with pytest.raises(RegistrationError, match=r"did not settle: step 2 would still move a point by .* mm"):
        register(points_mm, surface, start=AS_IT_IS, with_scale=False, most_iterations=2)
    with pytest.raises(RegistrationError, match="0 of 900 points lie over the surface"):
        register(points_mm + np.array([500.0, 0.0, 0.0]), surface, start=AS_IT_IS, with_scale=False)
    speck_mm = surface.vertices_mm[1340] + 0.05 * (surface.vertices_mm[::3] - surface.vertices_mm[1340])
    with pytest.raises(RegistrationError, match=r"the scale went from 1 to 0\.36"):
        register(speck_mm, surface, start=AS_IT_IS, with_scale=True)


def test_arguments_out_of_range_are_refused(surface: TrueSurface):
    """No point, points that are not finite, shares and tolerances without sense, landmarks in one line."""
    points_mm = surface.vertices_mm[:9]
    for broken_mm in (np.zeros((0, 3)), np.full((3, 3), np.nan)):
        with pytest.raises(InputError, match="expected finite points"):
            register(broken_mm, surface, start=AS_IT_IS, with_scale=False)
    for options in ({"share_kept": 0.0}, {"share_kept": 1.1}, {"tolerance_mm": 0.0}, {"most_iterations": 0}):
        with pytest.raises(InputError, match="expected 0 < share_kept <= 1"):
            register(points_mm, surface, start=AS_IT_IS, with_scale=False, **options)
    with pytest.raises(InputError, match="3 finite corresponding points or more; 2 came"):
        corresponding_alignment(points_mm[:2], points_mm[:2], with_scale=False)
    line_mm = np.arange(5.0)[:, None] * [1.0, 2.0, -3.0]
    with pytest.raises(InputError, match="all 5 source points lie in one line"):
        corresponding_alignment(line_mm, surface.vertices_mm[50:55], with_scale=False)
