"""Certificates: real renders pass, and every kind of wrong ground truth fails its check."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

from render.blender.certification.analytic import analytic_scenes, compare_analytic
from render.blender.certification.heads import compare_picture, head_casters
from render.blender.certification.run import Worn, dressed
from render.blender.draw import open_stage
from render.blender.measured_head import HeadPicture, MeasuredHead, measure_head
from render.certification.certificate import CERTIFICATE_FILE, Certificate
from render.certification.compare import Comparison, checked
from render.certification.page import certificate_page
from render.certification.pictures import worst_pixel_picture
from render.certification.ray_caster import Caster
from render.config import load_recipe
from render.dataset_format import Label
from render.heads.model import HeadModel
from render.heads.procedural import load_procedural
from render.parameters import FrameParameters

SIZE_PX = (88, 66)


@dataclasses.dataclass(frozen=True)
class Head:
    """A measured head, its picture, and what rays are cast at."""

    parameters: FrameParameters
    measured: MeasuredHead
    casters: tuple[Caster, Caster]

    @property
    def picture(self) -> HeadPicture:
        return self.measured.pictures[0]

    def failed(self, picture: HeadPicture) -> set[tuple[str, str]]:
        """Layer and quantity of the checks that a picture of this head does not pass."""
        comparisons, landmarks = compare_picture(picture, self.measured, *self.casters, scene="head")
        checks = [*(checked(one, "head") for one in comparisons), *landmarks]
        return {(check.layer, check.quantity) for check in checks if not check.passed}


def measured(family: str, model: HeadModel) -> Head:
    recipe = load_recipe("khan2021", overrides={"heads.family": family})
    parameters = dressed(recipe, Worn(index=0, hair="bald", beard="none", glasses="rectangular"))
    stage = open_stage(device="cpu", products=("gt",))
    head = measure_head(stage, model, parameters, recipe, (SIZE_PX,))
    return Head(parameters, head, head_casters(head))


@pytest.fixture(scope="module")
def head() -> Head:
    return measured("procedural", load_procedural())


def test_shapes_have_their_closed_forms():
    """Sphere, slanted plane, cone and step, in both layers: every check within its bound."""
    stage = open_stage(device="cpu", products=("gt",))
    for scene in analytic_scenes():
        (comparisons,) = compare_analytic(stage, scene, ((94, 58),))
        checks = [checked(one, scene.name) for one in comparisons]
        assert [check for check in checks if not check.passed] == []
        kinds = {(check.layer, check.quantity) for check in checks}
        assert {("head", "depth"), ("visible", "normals"), ("visible", "labels")} <= kinds
        assert all(check.compared > 500 for check in checks)


def test_a_head_is_what_rays_meet(head: Head):
    """Outline, depth, normals, slope, labels, brows, glasses and clothing, and the landmarks: every check passes, on a
    picture that shows all of it."""
    assert head.failed(head.picture) == set()
    shown = set(np.unique(head.picture.truth.labels))
    assert {Label.BACKGROUND, Label.SKIN, Label.HAIR, Label.GLASSES, Label.CLOTHING} <= shown


@pytest.mark.ict
def test_an_ict_head_is_what_rays_meet(ict_model: HeadModel):
    """The same of the other head family."""
    ict = measured("ict", ict_model)
    assert ict.failed(ict.picture) == set()


def wrong(picture: HeadPicture, how: str) -> HeadPicture:
    """The picture with one thing wrong in its ground truth."""
    truth, geometry = picture.truth, picture.geometry
    head = truth.head
    inside = flattest_pixel(head.depth_m)
    if how == "half a pixel":
        intrinsics = np.array(geometry.intrinsics_px)
        intrinsics[0, 2] += 0.5
        rows = tuple(tuple(float(value) for value in row) for row in intrinsics)
        return dataclasses.replace(picture, geometry=geometry.model_copy(update={"intrinsics_px": rows}))
    if how == "a flipped normal":
        normals = head.normals_cam.copy()
        normals[inside] *= -1
        return replaced(picture, head=dataclasses.replace(head, normals_cam=normals))
    if how == "a depth 5 um off":
        depth = head.depth_m.copy()
        depth[inside] += 5e-6
        return replaced(picture, head=dataclasses.replace(head, depth_m=depth))
    if how == "swapped labels":
        labels = truth.labels
        swapped = np.where(labels == Label.SKIN, Label.EYES, np.where(labels == Label.EYES, Label.SKIN, labels))
        return replaced(picture, labels=swapped.astype(np.uint8))
    if how == "glasses in the head layer":
        return replaced(picture, head=truth.visible)
    if how == "a slope":
        return replaced(picture, head=dataclasses.replace(head, gradient_magnitude=1.01 * head.gradient_magnitude))
    if how == "a landmark in the picture":
        moved = ((geometry.landmarks_2d_px[0][0] + 0.05, geometry.landmarks_2d_px[0][1]), *geometry.landmarks_2d_px[1:])
        return dataclasses.replace(picture, geometry=geometry.model_copy(update={"landmarks_2d_px": moved}))
    if how == "a landmark in space":
        x, y, z = geometry.landmarks_cam_m[0]
        moved = ((x, y, z + 5e-6), *geometry.landmarks_cam_m[1:])
        return dataclasses.replace(picture, geometry=geometry.model_copy(update={"landmarks_cam_m": moved}))
    states = list(geometry.landmarks_visibility)
    assert states[30] == "visible"  # the tip of the nose
    states[30] = "occluded_by_skin"
    return dataclasses.replace(picture, geometry=geometry.model_copy(update={"landmarks_visibility": tuple(states)}))


def flattest_pixel(depth_m: np.ndarray) -> tuple[int, int]:
    """A pixel of the head far from any edge, near which rays may meet one surface or another."""
    spread = maximum_filter(depth_m, size=5) - minimum_filter(depth_m, size=5)
    row, column = np.unravel_index(int(np.where(depth_m > 0, spread, np.inf).argmin()), depth_m.shape)
    return int(row), int(column)


def replaced(picture: HeadPicture, **changes) -> HeadPicture:
    return dataclasses.replace(picture, truth=dataclasses.replace(picture.truth, **changes))


@pytest.mark.parametrize(
    ("how", "layer", "quantity"),
    [
        ("half a pixel", "head", "depth"),
        ("half a pixel", "visible", "normals"),
        ("a flipped normal", "head", "normals"),
        ("a depth 5 um off", "head", "depth"),
        ("swapped labels", "visible", "labels"),
        ("glasses in the head layer", "head", "depth"),
        ("a slope", "head", "gradient magnitude"),
        ("a landmark in the picture", "visible", "landmark pixels"),
        ("a landmark in space", "visible", "landmark places"),
        ("a hidden landmark", "visible", "landmark visibility"),
    ],
)
def test_a_wrong_picture_fails(head: Head, how: str, layer: str, quantity: str):
    """The check of what was changed fails; nothing fails of a layer that was left alone."""
    failed = head.failed(wrong(head.picture, how))
    assert (layer, quantity) in failed
    if how in ("a flipped normal", "a depth 5 um off", "a slope", "glasses in the head layer"):
        assert {name for name, _ in failed} == {"head"}


def test_recorded_angles_are_the_ones_drawn(head: Head):
    """Yaw, pitch and roll read back from head_from_world are those that the rig was asked for, to 1e-6 degrees."""
    geometry, asked = head.picture.geometry, head.parameters.head_pose
    recorded = (geometry.yaw_deg, geometry.pitch_deg, geometry.roll_deg)
    np.testing.assert_allclose(recorded, (asked.yaw_deg, asked.pitch_deg, asked.roll_deg), atol=1e-6)
    assert abs(asked.yaw_deg) > 1


def comparison(error: np.ndarray, *, bound: float) -> Comparison:
    shown = np.linspace(0.5, 1.0, error.size).reshape(error.shape)
    return Comparison("head", "depth", "rule", "um", bound, error, np.ones(error.shape, bool), shown, shown)


def test_the_worst_pixel_decides_and_is_pictured():
    """Worst, where, and verdict; one that compares nothing, or is not finite, fails; the picture frames the pixel."""
    error = np.zeros((40, 60))
    error[31, 47] = 2.5
    check = checked(comparison(error, bound=2.5), "scene")
    assert (check.worst, check.worst_at, check.passed, check.compared) == (2.5, (31, 47), True, 2400)
    assert not checked(comparison(error, bound=2.4), "scene").passed
    nothing = dataclasses.replace(comparison(error, bound=9.0), counts=np.zeros(error.shape, bool))
    assert not checked(nothing, "scene").passed
    error[0, 0] = np.nan
    assert not checked(comparison(error, bound=9.0), "scene").passed
    error[0, 0] = 0.0
    picture = worst_pixel_picture(comparison(error, bound=2.5), check)
    red = (picture == (255, 40, 40)).all(axis=-1)
    assert picture.ndim == 3 and 3 * 4 * 6 <= red.sum() <= 3 * 4 * 8


def test_a_certificate_is_written_read_and_told(tmp_path: Path):
    """JSON gives the same certificate back; one failed check makes it fail, and the page names that check."""
    good = checked(comparison(np.zeros((4, 5)), bound=1.0), "sphere")
    bad = checked(comparison(np.full((4, 5), 3.0), bound=1.0), "cone")
    facts = {"version": 1, "mode": "quick", "device": "cpu", "families": ("procedural",), "assets": {}}
    facts |= {"epochs": {"geometry": 1}, "software": {"bpy": "4.5"}, "engine": {"samples": 1}}
    certificate = Certificate(**facts, passed=False, checks=(good, bad))
    (tmp_path / CERTIFICATE_FILE).write_text(certificate.model_dump_json())
    assert Certificate.model_validate(json.loads((tmp_path / CERTIFICATE_FILE).read_text())) == certificate
    assert certificate.failed == [bad] and "1 of 2 checks FAILED" in certificate.summary
    page = certificate_page(certificate)
    assert "**FAILED**" in page and "| cone | 5x4 | head | depth |" in page
