"""A run on a head model of the user's own: known by content, fetched from nowhere, listed in the report."""

from pathlib import Path

import pytest
from small_head import small_head, write_lyhm

from pipeline.run_settings import RunOptions, dataset_plan, resolve, run_keys
from pipeline.tasks.build_report import assets_used
from pipeline.tasks.fetch_assets import FetchAssets
from render.frame_keys import asset_ids
from render.heads.model_checks import HeadModelError
from render.heads.own_model import own_model_sha256


def options_for(description: Path) -> RunOptions:
    settings = (
        "heads.family=lyhm", f"heads.model_file={description}", "heads.identity_modes=3", "expressions.names=[neutral]",
        "head_poses.gaze_yaw_deg=[0,0]", "head_poses.gaze_pitch_deg=[0,0]",
    )  # fmt: skip
    return RunOptions(settings=settings, store=str(description.parent / "store"))


def test_keys_and_report_name_the_file_by_its_content(tmp_path: Path):
    """The plan holds the hash, and so do the certificate and the report."""
    description = write_lyhm(tmp_path, small_head())
    options = options_for(description)
    content = own_model_sha256("lyhm", str(description), source=None)
    plan = dataset_plan(options)
    assert plan.assets["own_lyhm"] == content
    assert run_keys(options).certificate["assets"]["own_lyhm"] == content
    entries = {entry["id"]: entry for entry in assets_used(resolve(options))}
    assert entries["own_lyhm"] == {
        "id": "own_lyhm", "licence": "its owner's", "source": "model.yaml", "sha256": content,
    }  # fmt: skip
    assert set(entries) == {"own_lyhm", *asset_ids(plan.recipe)}


def test_fetching_compiles_the_model_once_and_refuses_one_that_does_not_fit(tmp_path: Path, monkeypatch):
    """FetchAssets is complete when the model is compiled; a recipe that asks for more fails there, before rendering."""
    monkeypatch.setenv("HEADROOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HEADROOM_ASSETS", raising=False)
    options = options_for(write_lyhm(tmp_path, small_head()))

    fetch = FetchAssets(set=options.settings, store=options.store)
    assert not fetch.complete()
    fetch.work()
    assert fetch.complete()
    assert len(list((tmp_path / "cache" / "compiled").glob("lyhm-*.npz"))) == 1
    happy = (*options.settings[:3], "expressions.names=[happy]", *options.settings[4:])
    with pytest.raises(HeadModelError, match=r"'happy', which needs the shapes"):
        FetchAssets(set=happy, store=options.store).work()
