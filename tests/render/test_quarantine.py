"""Quarantine: a frame that fails its checks twice is left out of its shard, said so, and can be made to fail again."""

import json
import shlex
from pathlib import Path

import pytest
import yaml
from tiny_shards import TINY, make_plan, render

from render.__main__ import FAILED, main
from render.bad_frame import BadFrameError
from render.dataset_format import QuarantinedFrame, read_records, read_shard_manifest
from render.ground_truth.checks import GroundTruthError, check_ground_truth
from render.picture import PictureError
from render.quarantine import Quarantine, QuarantineError, draw_checked, quarantined_frames
from render.shard_plan import PlannedFrame


def planned(index: int) -> PlannedFrame:
    return PlannedFrame(split="train", index=index, keys={"gt": f"g{index}", "rgb": f"r{index}"})


def bad_once():
    """A renderer that fails the first time."""
    answers = iter([GroundTruthError("the lamp flickered"), "fine"])

    def render() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return render


def always_bad() -> str:
    raise PictureError("the picture is black")


def test_a_bad_frame_is_tried_once_more():
    """What the second attempt gives is the frame; the account says which frame was tried again, and why."""
    checked = Quarantine(total=4, allow=True)
    result, failures = draw_checked(bad_once())
    checked.note(planned(3), failures)
    assert result == "fine"
    assert checked.retried == [{"frame": "train/3", "reason": "the lamp flickered"}]
    assert checked.quarantined("gt", "shards/gt/ab") == ()


def test_a_frame_that_is_bad_twice_is_listed_with_reason_and_command():
    """Every product's shard lists it under its own key, with the product whose check failed, and its own recipe."""
    checked = Quarantine(total=4, allow=True)
    result, failures = draw_checked(always_bad)
    checked.note(planned(3), failures)
    assert result is None
    assert checked.quarantined("gt", "shards/gt/ab") == (
        QuarantinedFrame(
            key="g3",
            split="train",
            index=3,
            failed="rgb",
            reason="the picture is black",
            command="python -m render frame --recipe shards/gt/ab/recipe.yaml --split train --index 3 "
            "--out quarantine/g3",
        ),
    )
    (in_rgb,) = checked.quarantined("rgb", "shards/rgb/cd")
    assert (in_rgb.key, in_rgb.failed) == ("r3", "rgb") and "shards/rgb/cd/recipe.yaml" in in_rgb.command


@pytest.mark.parametrize(("total", "allowed"), [(1, 1), (2, 1), (39, 1), (40, 2), (100, 5)])
def test_a_shard_with_too_many_bad_frames_fails(total: int, allowed: int):
    """One bad frame is an accident, more than 5 % are none: the error counts them and gives the first one's reason."""
    checked = Quarantine(total=total, allow=True)
    _, failures = draw_checked(always_bad)
    for index in range(allowed):
        checked.note(planned(index), failures)
    with pytest.raises(QuarantineError, match=rf"{allowed + 1} of {total} frames .* train/0: PictureError: .* black"):
        checked.note(planned(allowed), failures)


def test_where_none_is_allowed_a_bad_frame_is_the_error_itself():
    """Someone who asks for one frame wants its reason."""
    with pytest.raises(BadFrameError, match="the picture is black"):
        Quarantine(total=1, allow=False).note(planned(0), draw_checked(always_bad)[1])


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[float, int]:
    """By yaw of the head: how often the check of that frame still fails; -1 for ever."""
    left: dict[float, int] = {}

    def check(truth, geometry, **limits: float) -> None:
        check_ground_truth(truth, geometry, **limits)
        times = left.get(round(geometry.yaw_deg, 6), 0)
        if times:
            left[round(geometry.yaw_deg, 6)] = times - 1
            raise GroundTruthError("injected: the depth is a lie")

    monkeypatch.setattr("render.blender.draw.check_ground_truth", check)
    return left


def test_a_shard_is_published_without_its_bad_frame(
    failing: dict[float, int], tmp_path: Path, asset_cache: Path, capsys: pytest.CaptureFixture[str]
):
    """Frame 0 fails once and is published, frame 1 fails for ever and is not; manifest and run.json say so; the listed
    command, run in the store, fails with the listed reason, and succeeds once the cause is gone."""
    store = tmp_path / "store"
    plan = make_plan(store, asset_cache, groups=[[0, 1, 2]])
    recipe, frames = plan.recipe, plan.elements[0].frames
    from render.sampling.frame import draw_frame

    yaws = [round(draw_frame(recipe, "train", index).head_pose.yaw_deg, 6) for index in (0, 1, 2)]
    failing.update({yaws[0]: 1, yaws[1]: -1})
    shards = render(plan, 0, asset_cache)
    for product, shard in zip(("gt", "rgb"), shards, strict=True):
        manifest = read_shard_manifest(shard)
        assert manifest.frame_keys == tuple(frames[index].keys[product] for index in (0, 2))
        assert tuple(record.key for record in read_records(shard)) == manifest.frame_keys
        (listed,) = manifest.quarantined
        assert (listed.key, listed.split, listed.index) == (frames[1].keys[product], "train", 1)
        assert (listed.failed, listed.reason) == ("gt", "injected: the depth is a lie")
        assert yaml.safe_load((shard / "recipe.yaml").read_text()) == recipe.model_dump(mode="json")
        run = json.loads((shard / "run.json").read_text())
        assert run["frames"] == 2
        assert run["retried"] == [{"frame": f"train/{index}", "reason": listed.reason} for index in (0, 1)]
        assert sorted(path.name for path in shard.glob("0*")) == [f"00000{n}.{listed_suffix(product)}" for n in (0, 2)]
    assert [one.key for one in quarantined_frames(store)] == [frames[1].keys["gt"]]
    assert main(["quarantine", "--store", str(store)]) == 0
    told = capsys.readouterr().out
    assert "train/1 (gt): injected: the depth is a lie\n" in told and "1 frames in quarantine" in told

    words = shlex.split(quarantined_frames(store)[0].command)
    assert words[:3] == ["python", "-m", "render"]
    again = [word if not word.startswith("shards/") else str(store / word) for word in words[3:]]
    again[again.index("--out") + 1] = str(tmp_path / "again")
    assert main([*again, "--cache", str(asset_cache)]) == FAILED
    assert "GroundTruthError: injected: the depth is a lie" in capsys.readouterr().err
    failing.clear()
    again[again.index("--out") + 1] = str(tmp_path / "healed")
    assert main([*again, "--cache", str(asset_cache)]) == 0
    (healed,) = (tmp_path / "healed" / "shards" / "gt").iterdir()
    assert read_records(healed)[0].key == frames[1].keys["gt"]


def listed_suffix(product: str) -> str:
    return "exr" if product == "gt" else "png"


def test_a_camera_inside_the_head_is_a_clear_error(
    tmp_path: Path, asset_cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """A camera moved into the skull: the frame is refused with the settings that place it, and nothing is published."""
    from render.blender import draw

    placed = draw.camera_around

    def within(target, **settings):
        return placed(target, **settings | {"distance_m": -0.06})

    monkeypatch.setattr(draw, "camera_around", within)
    words = [part for key, value in TINY.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    out = tmp_path / "out"
    assert main(["frame", "--recipe", "quick", *words, "--out", str(out), "--cache", str(asset_cache)]) == FAILED
    assert "the camera is inside the head" in capsys.readouterr().err
    assert not [path for path in out.rglob("*") if path.is_file()]
