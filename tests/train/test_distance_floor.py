"""The floor: how well distance can be told from landmarks, in worlds whose answer is known in closed form."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from ball_dataset import write_ball_dataset, write_shard_tables

from render.dataset_format import FrameRecord, read_records
from train.__main__ import main
from train.data.dataset import open_dataset
from train.distance_floor import (
    FLOOR_FILE,
    analytic_floor,
    log_spreads,
    measure_floor,
    read_landmarks,
    with_errors,
    write_floor,
)
from train.errors import InputError
from train.landmark_distance import LandmarkFrames, eyes_distance_m, recombined, seen_landmarks

WIDTH_PX, HEIGHT_PX = 640.0, 480.0
FRAMES_EACH = 3


def face_m() -> np.ndarray:
    """68 points about 0.1 m around an origin, asymmetric, with two eyes; the same for everybody."""
    points = np.random.default_rng(7).uniform(-0.06, 0.06, (68, 3))
    points[36:42] += [-0.03 - points[36:42].mean(0)[0], 0, 0]
    points[42:48] += [0.03 - points[42:48].mean(0)[0], 0, 0]
    return points


def world(people: int, *, seed: int, size_sd: float, focal: tuple[float, float]) -> LandmarkFrames:
    """Turned copies of one face whose size differs from person to person, 0.7 to 1 m away, behind lenses whose focal
    length in picture widths lies in `focal`; all cameras have their axis off the middle."""
    stream = np.random.default_rng(seed)
    points, pixels, cameras, names = [], [], [], []
    for person in range(people):
        size = np.exp(size_sd * stream.standard_normal())
        for _ in range(FRAMES_EACH):
            yaw = stream.uniform(-0.5, 0.5)
            turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
            place = [stream.uniform(-0.05, 0.05), stream.uniform(-0.05, 0.05), stream.uniform(0.7, 1.0)]
            focal_px = WIDTH_PX * stream.uniform(*focal)
            camera = np.array([[focal_px, 0, 310.0], [0, focal_px, 250.0], [0, 0, 1.0]])
            at = size * face_m() @ turn.T + place
            seen = at @ camera.T
            points.append(at)
            pixels.append(seen[:, :2] / seen[:, 2:])
            cameras.append(camera)
            names.append(f"{seed}-{person}")
    return LandmarkFrames(
        np.array(pixels), np.array(points), np.array(cameras), np.full(len(points), WIDTH_PX), tuple(names)
    )


def floors(*, size_sd: float, focal: tuple[float, float], landmark_error_px: float = 0.0) -> dict:
    """The measured floors of such a world: 20, 8 and 60 people."""
    sets = [world(people, seed=seed, size_sd=size_sd, focal=focal) for people, seed in ((20, 1), (8, 2), (60, 3))]
    return measure_floor(*sets, seed=0, landmark_error_px=landmark_error_px)


def test_the_analytic_floor_is_the_best_estimate_of_normal_numbers():
    """ln d and ln(f s) normal: the best estimate of ln d from their difference, over a million draws, errs as the
    formula says, within the 1 % by which exp and ln differ at such spreads."""
    stream = np.random.default_rng(0)
    distance, size, focal = (spread * stream.standard_normal(1_000_000) for spread in (0.10, 0.04, 0.14))
    picture = focal + size - distance
    best = -picture * 0.10**2 / (0.10**2 + 0.04**2 + 0.14**2)
    error = np.abs(np.expm1(best - distance)).mean()
    found = analytic_floor(log_distance_sd=0.10, log_head_size_sd=0.04, log_focal_length_sd=0.14)
    assert found == pytest.approx(error, rel=0.01)
    assert found == pytest.approx(np.sqrt(2 / np.pi) * 0.0824377, rel=1e-4)
    assert analytic_floor(log_distance_sd=0.1, log_head_size_sd=0.0, log_focal_length_sd=0.0) == 0


def test_landmarks_and_camera_tell_the_distance_of_heads_of_one_size():
    """Known intrinsics and equal heads leave nothing open; unknown ones of one camera neither."""
    found = floors(size_sd=0.0, focal=(1.4, 1.4))["settings"]
    assert found["intrinsics_known"]["abs_rel"] < 0.004
    assert found["intrinsics_unknown"]["abs_rel"] < 0.004
    assert found["intrinsics_known"]["analytic_abs_rel"] == pytest.approx(0, abs=1e-9)


def test_the_size_of_heads_sets_the_floor_even_with_a_known_camera():
    """A larger head farther away gives the same picture: with sizes of 4 % the error is that of the formula for
    0.7 to 1 m, whatever else the landmarks show; within the sampling error of 60 people."""
    found = floors(size_sd=0.04, focal=(1.0, 1.8))
    known = found["settings"]["intrinsics_known"]
    spread = np.log(np.linspace(0.7, 1.0, 1001)).std()
    expected = analytic_floor(log_distance_sd=float(spread), log_head_size_sd=0.04, log_focal_length_sd=0.0)
    assert known["abs_rel"] == pytest.approx(expected, rel=0.25)
    assert known["abs_rel_low"] < known["abs_rel"] < known["abs_rel_high"]
    assert found["settings"]["intrinsics_unknown"]["size_abs_rel"] > 1.5 * known["abs_rel"]
    assert known["abs_rel"] < 0.6 * found["constant_abs_rel"]
    assert found["settings"]["intrinsics_unknown"]["abs_rel"] <= found["constant_abs_rel"]


def test_landmarks_that_are_off_raise_the_floor():
    """Every coordinate in the picture is off by the error asked for, the points themselves are not; and where exact
    landmarks leave nothing open, the floor rises with their error."""
    frames = world(20, seed=1, size_sd=0.0, focal=(1.4, 1.4))
    moved = with_errors(frames, 3.0, np.random.default_rng(0))
    errors_px = moved.landmarks_px - frames.landmarks_px
    assert (errors_px.mean(), errors_px.std()) == (pytest.approx(0, abs=0.15), pytest.approx(3.0, rel=0.05))
    assert np.array_equal(moved.landmarks_cam_m, frames.landmarks_cam_m)
    found = [
        floors(size_sd=0.0, focal=(1.4, 1.4), landmark_error_px=error_px)["settings"]["intrinsics_known"]["abs_rel"]
        for error_px in (0.0, 10.0, 30.0)
    ]
    assert found[0] < 0.004 < found[1] < found[2]


def test_a_known_camera_does_not_care_for_its_focal_length_or_axis():
    """Normalised landmarks are x / z and y / z of the points themselves; the others are pixels over the width."""
    frames = world(2, seed=5, size_sd=0.03, focal=(1.0, 1.8))
    expected = frames.landmarks_cam_m[..., :2] / frames.landmarks_cam_m[..., 2:]
    np.testing.assert_allclose(seen_landmarks(frames, intrinsics_known=True), expected, rtol=1e-9, atol=1e-12)
    assert seen_landmarks(frames, intrinsics_known=False)[3, 9, 1] == frames.landmarks_px[3, 9, 1] / 640


def test_recombined_frames_hold_the_same_faces_where_other_heads_were():
    """The first frames are the given ones; the others have a face of one and distance and camera of another, and their
    pixels are the projection of their points."""
    frames = world(4, seed=6, size_sd=0.03, focal=(1.0, 1.8))
    more = recombined(frames, np.random.default_rng(0))
    count = len(frames.identity_ids)
    assert len(more.identity_ids) == 10 * count
    np.testing.assert_allclose(more.landmarks_px[:count], frames.landmarks_px, rtol=1e-9)
    assert set(np.round(eyes_distance_m(more), 9)) == set(np.round(eyes_distance_m(frames), 9))
    again = count + 5
    shape_m = more.landmarks_cam_m[again] - more.landmarks_cam_m[again].mean(0)
    np.testing.assert_allclose(shape_m, frames.landmarks_cam_m[5] - frames.landmarks_cam_m[5].mean(0), atol=1e-12)
    assert more.identity_ids[again] == frames.identity_ids[5]
    projected = more.landmarks_cam_m @ more.intrinsics_px.transpose(0, 2, 1)
    np.testing.assert_allclose(more.landmarks_px, projected[..., :2] / projected[..., 2:], rtol=1e-9)


def test_spreads_are_those_of_what_was_drawn():
    """Sizes of two people of 1 and e^0.1, in closed form: 0.05; focal lengths of 1 and 2 widths: ln 2 / 2."""
    frames = world(2, seed=1, size_sd=0.0, focal=(1.0, 1.0))
    half = FRAMES_EACH
    points_m = frames.landmarks_cam_m.copy()
    points_m[half:] = points_m[half:].mean(1, keepdims=True) + np.exp(0.1) * (
        points_m[half:] - points_m[half:].mean(1, keepdims=True)
    )
    cameras = frames.intrinsics_px.copy()
    cameras[half:, 0, 0] *= 2
    found = log_spreads(dataclasses.replace(frames, landmarks_cam_m=points_m, intrinsics_px=cameras))
    assert found["log_head_size_sd"] == pytest.approx(0.05)
    assert found["log_focal_length_sd"] == pytest.approx(np.log(2) / 2)


@pytest.fixture(scope="module")
def dataset_with_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published dataset whose records hold the landmarks of a world of faces."""
    store = tmp_path_factory.mktemp("faces")
    dataset = write_ball_dataset(store, frames={"train": 8, "validation": 2, "test": 4}, width_px=32, height_px=24)
    assert write_landmarks(store, world(5, seed=9, size_sd=0.03, focal=(1.0, 1.8))) == 14
    return dataset


def write_landmarks(store: Path, frames: LandmarkFrames) -> int:
    """Put landmarks and cameras into the records of a store, in the order of its shards; returns how many it had."""
    number = 0
    for shard in sorted((store / "shards" / "gt").iterdir()):
        changed: list[FrameRecord] = []
        for record in read_records(shard):
            assert record.geometry is not None
            fields = {
                "width_px": 640,
                "intrinsics_px": frames.intrinsics_px[number].tolist(),
                "landmarks_cam_m": frames.landmarks_cam_m[number].tolist(),
                "landmarks_2d_px": frames.landmarks_px[number].tolist(),
            }
            geometry = type(record.geometry).model_validate(record.geometry.model_dump() | fields)
            changed.append(record.model_copy(update={"geometry": geometry}))
            number += 1
        write_shard_tables(shard, "gt", changed)
    return number


def test_the_command_reads_records_and_leaves_a_floor(dataset_with_faces: Path, tmp_path: Path):
    """`python -m train floor` publishes what measure_floor says of the landmarks in the records; again, it is kept."""
    arguments = ["floor", "--dataset", str(dataset_with_faces), "--out", str(tmp_path / "floor"), "--seed", "3"]
    assert main(arguments) == 0
    path = tmp_path / "floor" / FLOOR_FILE
    found = json.loads(path.read_text())
    source = open_dataset(dataset_with_faces)
    sets = [read_landmarks(source, split) for split in ("train", "validation", "test")]
    assert {name: found[name] for name in ("settings", "spreads", "constant_abs_rel")} == measure_floor(*sets, seed=3)
    assert (found["index_sha256"], found["split"]) == (source.manifest.index_sha256, "test")
    assert found["frames"] == {"train": 8, "validation": 2, "test": 4}
    assert found["identities"] == {"train": 4, "validation": 1, "test": 2}
    before = path.stat().st_mtime_ns
    assert main(arguments) == 0
    assert path.stat().st_mtime_ns == before
    assert main([*arguments[:-1], "4"]) == 2
    assert main([*arguments, "--landmark-error-px", "1"]) == 2
    moved = [*arguments[:4], str(tmp_path / "moved"), "--seed", "3", "--landmark-error-px", "2.5"]
    assert main(moved) == 0
    found = json.loads((tmp_path / "moved" / FLOOR_FILE).read_text())
    assert (found["landmark_error_px"], found["settings"]) == (
        2.5,
        measure_floor(*sets, seed=3, landmark_error_px=2.5)["settings"],
    )
    assert main([*moved[:4], str(tmp_path / "never"), "--landmark-error-px", "-1"]) == 2


def test_what_has_no_floor_is_refused(ball_dataset_folder: Path, tmp_path: Path):
    """Landmarks that are one point, a split without frames, and a folder that holds something else: a reason each."""
    points = write_ball_dataset(
        tmp_path / "points", frames={"train": 2, "validation": 1, "test": 2}, width_px=32, height_px=20
    )
    faces = world(2, seed=3, size_sd=0.0, focal=(1.0, 1.0))
    one_place_px = np.repeat(faces.landmarks_px[:, :1], 68, axis=1)
    write_landmarks(tmp_path / "points", dataclasses.replace(faces, landmarks_px=one_place_px))
    with pytest.raises(InputError, match="are one point"):
        write_floor(points, tmp_path / "floor")
    assert not (tmp_path / "floor").exists()
    dataset = write_ball_dataset(tmp_path / "store", frames={"train": 2, "test": 2}, width_px=32, height_px=20)
    with pytest.raises(InputError, match="no frame of split 'validation'"):
        write_floor(dataset, tmp_path / "floor")
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="is no floor"):
        write_floor(ball_dataset_folder, tmp_path / "mine")
