"""Pixels change only with an epoch: tiny frames with fixed seeds are compared with those in the repository."""

import json

import numpy as np
import pytest
from canaries import CANARIES, FOLDER, MEASURED, SENSORS, measure_canary, render_canary

from render.dataset_format import LAYERS, read_ground_truth, read_rgb
from render.frame_keys import EPOCHS
from render.ranges.sensor import SETTINGS_OF_KIND
from render.sensors.millimetre_png import read_millimetres

ADVICE = (
    "If the change is meant, bump the epoch of the code that made it in render/frame_keys.py, then run `make canaries` "
    "and commit what it writes; otherwise find what changed the pixels."
)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.ict] if family == "ict" else []) for name, (family, _) in CANARIES.items()],
)
def test_a_canary_frame_has_the_pixels_it_had(name, tmp_path, asset_cache, request):
    """Depth within 0.02 mm, normals within 0.1 degrees and labels equal on 99.8 % of pixels; the picture within one
    level on average (its noise has a fixed seed, but processors round differently)."""
    assert json.loads((FOLDER / "epochs.json").read_text()) == EPOCHS, f"epochs were bumped. {ADVICE}"
    source = request.getfixturevalue("assets_source") if CANARIES[name][0] == "ict" else None
    gt, rgb = render_canary(name, tmp_path, source=source, cache=asset_cache)
    now, kept = read_ground_truth(gt), read_ground_truth(FOLDER / f"{name}.exr")
    for layer in LAYERS:
        ours, theirs = getattr(now, layer), getattr(kept, layer)
        assert (np.abs(ours.depth_m - theirs.depth_m) < 2e-5).mean() > 0.998, f"depth of {layer} changed. {ADVICE}"
        turned = np.linalg.norm(ours.normals_cam - theirs.normals_cam, axis=-1)
        assert (np.degrees(turned) < 0.1).mean() > 0.998, f"normals of {layer} changed. {ADVICE}"
    assert (now.labels == kept.labels).mean() > 0.998, f"labels changed. {ADVICE}"
    difference = np.abs(read_rgb(rgb).astype(float) - read_rgb(FOLDER / f"{name}.png"))
    assert difference.mean() < 1.0, f"the picture changed by {difference.mean():.2f} levels on average. {ADVICE}"


def test_every_kind_of_depth_camera_has_a_canary():
    """A new kind cannot be forgotten here."""
    assert SENSORS.keys() == SETTINGS_OF_KIND.keys() - {"none"}


@pytest.mark.parametrize("kind", SENSORS)
def test_a_depth_camera_measures_what_it_measured(kind):
    """On kept ground truth, noise and all: holes and millimetres equal on 99.8 % of pixels (processors round
    differently). Edges that are lost or fly and noise on surfaces are in it, so that a change of them shows."""
    now, kept = measure_canary(kind), read_millimetres(FOLDER / f"{kind}.png")
    truth_mm = 1000 * read_ground_truth(FOLDER / f"{MEASURED}.exr").visible.depth_m
    off_mm = np.abs(kept - truth_mm)[(kept > 0) & (truth_mm > 0)]
    assert ((truth_mm > 0) != (kept > 0)).sum() + (off_mm > 10).sum() > 20, "no edge is lost or flies in this canary"
    assert np.median(off_mm) > 0.3, "there is no noise in this canary"
    assert now.shape == kept.shape and (now == kept).mean() > 0.998, f"what {kind} measures changed. {ADVICE}"
